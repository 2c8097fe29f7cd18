"""Which relay is next: by weight, in turn, resting when it is gone. No clock runs here."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.relays import Roster


def chosen(roster: Roster, times: int, now: float = 0.0) -> Counter[int | None]:
    return Counter(roster.choose(now) for _ in range(times))


@pytest.mark.parametrize(
    ("weights", "shares"),
    [([1], [1000]), ([1, 1], [500, 500]), ([3, 1], [750, 250]), ([5, 3, 2], [500, 300, 200]), ([0.5, 1.5], [250, 750])],
)
def test_choices_are_shared_out_by_weight(weights: list[float], shares: list[int]) -> None:
    assert chosen(Roster(weights), 1000) == dict(enumerate(shares))


def test_shares_are_mixed_and_not_in_blocks() -> None:
    roster = Roster([2, 1])

    assert [roster.choose(0.0) for _ in range(9)] == [0, 1, 0] * 3


@given(st.lists(st.integers(min_value=1, max_value=50), min_size=1, max_size=6))
def test_no_relay_is_ever_a_whole_turn_ahead_or_behind(weights: list[int]) -> None:
    roster, counts = Roster(weights), Counter[int]()
    for turn in range(1, 200):
        number = roster.choose(0.0)
        assert number is not None
        counts[number] += 1
        assert all(
            abs(counts[relay] - turn * weight / sum(weights)) <= len(weights) / 2 + 1e-9
            for relay, weight in enumerate(weights)
        )


def test_a_relay_that_is_gone_is_left_out_and_the_others_keep_their_shares() -> None:
    roster = Roster([2, 1, 1])
    roster.failed(1, "gone", 0.0)

    assert chosen(roster, 300, 1.0) == {0: 200, 2: 100}
    assert chosen(roster, 400, 5.0) == {0: 200, 1: 100, 2: 100}, "and nothing is made up for"


def test_a_relay_rests_twice_as_long_each_time_up_to_five_minutes() -> None:
    roster, now, rests = Roster([1]), 0.0, []
    for _ in range(9):
        roster.failed(0, "gone", now)
        rest = next(seconds for seconds in range(1, 1000) if roster.choose(now + seconds) is not None)
        rests.append(rest)
        now += rest

    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_relay_that_works_again_has_nothing_held_against_it() -> None:
    roster = Roster([1])
    for _ in range(5):
        roster.failed(0, "gone", 0.0)
    roster.works(0)
    assert roster.choose(0.0) == 0

    roster.failed(0, "gone again", 0.0)
    assert roster.choose(4.9) is None
    assert roster.choose(5.0) == 0


def test_when_all_rest_there_is_none_and_the_reason_is_the_last_ones() -> None:
    roster = Roster([1, 1])
    roster.failed(0, "one is gone", 0.0)
    roster.failed(1, "two is gone", 2.0)

    assert roster.choose(4.0) is None
    assert roster.choose(5.0) == 0
    assert roster.reason == "two is gone"


def test_many_threads_get_the_same_shares_as_one() -> None:
    threads, each = 8, 2500
    roster, ready = Roster([5, 3, 2]), Barrier(threads)

    def choose(_: int) -> Counter[int | None]:
        ready.wait(30)
        return chosen(roster, each)

    with ThreadPoolExecutor(threads) as pool:
        counts = sum(pool.map(choose, range(threads)), Counter[int | None]())

    assert counts == {0: 10_000, 1: 6_000, 2: 4_000}
