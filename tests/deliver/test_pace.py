"""How fast mails may leave: sliding windows, slower domains and their recovery. No clock runs here."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.deliver.pace import Pace, Window

EXAMPLE, OTHER = "example.org", "example.net"
HAIR = 1e-6  # seconds: what a float may be off


def leave(pace: Pace, domain: str, now: float) -> float:
    """Let one mail leave as soon as it may, and return when."""
    while pause := pace.wait(domain, now):
        now += pause
    pace.take(domain, now)
    return now


def send(pace: Pace, domain: str, number: int, now: float = 0.0) -> list[float]:
    """Return when each of `number` mails leaves that all want to leave at once."""
    return [now := leave(pace, domain, now) for _ in range(number)]


def most_within(moments: list[float], seconds: float) -> int:
    """Return how many of `moments`, in their order, lie in one window of so many seconds, its end left out."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_without_limits_nothing_waits() -> None:
    assert send(Pace(), EXAMPLE, 1000) == [0.0] * 1000


@pytest.mark.parametrize("rate", [1, 3, 50])
def test_as_many_as_the_limit_leave_at_once_and_then_as_many_each_second(rate: int) -> None:
    moments = send(Pace(per_second=rate), EXAMPLE, 5 * rate)

    assert moments == pytest.approx([second for second in range(5) for _ in range(rate)])


@given(
    rate=st.integers(min_value=1, max_value=40),
    pauses=st.lists(st.floats(min_value=0, max_value=0.7), min_size=1, max_size=200),
)
@settings(deadline=None)
def test_in_no_second_do_more_than_the_limit_leave(rate: int, pauses: list[float]) -> None:
    pace, now = Pace(per_second=rate), 0.0
    moments = [now := leave(pace, EXAMPLE, now + pause) for pause in pauses]

    assert most_within(moments, 1 - HAIR) <= rate


@given(
    rate=st.floats(min_value=0.02, max_value=40),
    pauses=st.lists(st.floats(min_value=0, max_value=0.1), min_size=1, max_size=200),
)
@example(rate=2.5, pauses=[0.0] * 20)
@settings(deadline=None)
def test_a_limit_that_is_no_whole_number_holds_on_average_and_never_a_whole_mail_is_above_it(
    rate: float, pauses: list[float]
) -> None:
    pace, now = Pace(per_second=rate), 0.0
    moments = [now := leave(pace, EXAMPLE, now + pause) for pause in pauses]

    window = ceil(rate) / rate
    assert window >= 1
    assert most_within(moments, window * (1 - HAIR)) <= ceil(rate)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.5, 2.5, 7.3])
def test_a_limit_is_used_up(rate: float) -> None:
    moments = send(Pace(per_second=rate), EXAMPLE, 200)

    assert 200 / moments[-1] == pytest.approx(rate, rel=ceil(rate) / 150)


def test_a_mail_later_in_the_second_need_not_wait_for_the_next_one() -> None:
    pace = Pace(per_second=2)
    pace.take(EXAMPLE, 0.0)
    pace.take(EXAMPLE, 0.9)

    assert pace.wait(EXAMPLE, 0.95) == pytest.approx(0.05)
    assert pace.wait(EXAMPLE, 1.0) == 0
    pace.take(EXAMPLE, 1.0)
    assert pace.wait(EXAMPLE, 1.0) == pytest.approx(0.9)


def test_one_domains_limit_holds_up_no_other_domain() -> None:
    pace = Pace(per_domain=1)
    send(pace, EXAMPLE, 1)

    assert pace.wait(EXAMPLE, 0.0) == 1
    assert pace.wait(OTHER, 0.0) == 0


def test_both_limits_hold() -> None:
    pace = Pace(per_second=3, per_domain=2)
    assert send(pace, EXAMPLE, 2) == [0, 0]
    assert pace.wait(EXAMPLE, 0.0) == 1
    assert send(pace, OTHER, 2) == pytest.approx([0, 1])


def complain(pace: Pace, times: int) -> None:
    """Complain so many times, the last one at 0: each after the mails under way at the one before have ended."""
    for number in reversed(range(times)):
        pace.slow_down(EXAMPLE, -5.0 * number)


def test_what_mails_under_way_are_told_too_is_one_complaint() -> None:
    pace = Pace(per_domain=8)
    for moment in (0.0, 0.1, 4.9):
        pace.slow_down(EXAMPLE, moment)
    assert most_within(send(pace, EXAMPLE, 9, 5.0), 1 - HAIR) == 4


@pytest.mark.parametrize(("complaints", "rate"), [(1, 4), (2, 2), (3, 1), (4, 0.5), (5, 0.25)])
def test_each_complaint_halves_a_domains_rate(complaints: int, rate: float) -> None:
    pace = Pace(per_domain=8)
    complain(pace, complaints)

    moments = send(pace, EXAMPLE, 9)

    assert most_within(moments, 1 - HAIR) == ceil(rate)
    assert moments[8] == pytest.approx(8 / rate if rate < 8 else 1)
    assert send(pace, OTHER, 8, moments[-1]) == [moments[-1]] * 8, "the others go on"


def test_a_domain_never_stands_still() -> None:
    pace = Pace(per_domain=8)
    complain(pace, 100)

    assert send(pace, EXAMPLE, 2) == pytest.approx([0, 30])


def test_a_rate_doubles_every_minute_without_complaint_up_to_the_common_one() -> None:
    pace = Pace(per_domain=8)
    complain(pace, 3)

    rates = [most_within(send(pace, EXAMPLE, 20, minute * 60.0), 1 - HAIR) for minute in range(5)]

    assert rates == [1, 2, 4, 8, 8]


def test_a_new_complaint_begins_the_recovery_anew() -> None:
    pace = Pace(per_domain=8)
    complain(pace, 2)  # to 2 a second
    pace.slow_down(EXAMPLE, 61.0)  # from 4 to 2 again

    assert most_within(send(pace, EXAMPLE, 20, 100.0), 1 - HAIR) == 2
    assert most_within(send(pace, EXAMPLE, 20, 121.5), 1 - HAIR) == 4


def test_without_a_limit_a_domain_is_halved_from_what_it_got_lately_and_is_free_again_in_the_end() -> None:
    pace = Pace()
    for tenth in range(100):
        pace.take(EXAMPLE, tenth / 10)
        pace.take(EXAMPLE, tenth / 10)  # 20 a second
    pace.slow_down(EXAMPLE, 10.0)

    assert most_within(send(pace, EXAMPLE, 40, 20.0), 1 - HAIR) == 10
    assert send(pace, EXAMPLE, 5000, 1000.0) == [1000.0] * 5000
    assert send(pace, OTHER, 1000, 20.0) == [20.0] * 1000


def test_more_domains_than_are_remembered_forget_no_limit() -> None:
    pace = Pace(per_domain=1)
    pace.slow_down(OTHER, 0.0)
    for number in range(25_000):
        pace.take(f"{number}.example", number / 25_000)

    assert pace.wait("0.example", 0.99) == pytest.approx(0.01)
    assert pace.wait("24999.example", 1.0) > 0.9
    for number in range(25_000):
        pace.take(f"later{number}.example", 100.0 + number)
    assert len(pace._domains) < 25_001, "and what does not matter any more is forgotten"


@given(st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=300), st.integers(1, 9))
@settings(deadline=None)
def test_a_window_agrees_with_counting_everything(gaps: list[int], rate: int) -> None:
    """Compare with exact arithmetic over all moments, on a grid of 1/64 s that floats hold exactly."""
    window, now, moments = Window(rate), 0.0, list[Fraction]()
    for gap in gaps:
        now += gap / 64
        allowed = sum(moment > Fraction(now) - 1 for moment in moments) < rate
        assert (window.wait(now) == 0) == allowed
        if allowed:
            window.take(now)
            moments.append(Fraction(now))
