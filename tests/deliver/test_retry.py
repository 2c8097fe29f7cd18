"""When a mail that was refused for now is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.retry import Patience, next_attempt

NOW = datetime(2026, 7, 14, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PATIENCE = Patience(first=5 * MINUTE, longest=360 * MINUTE, horizon=timedelta(hours=48))


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 320), (8, 360), (9, 360), (40, 360), (10_000, 360)],
)
def test_pauses_double_up_to_the_longest(attempts: int, minutes: int) -> None:
    assert next_attempt(attempts, patience=PATIENCE, since=NOW, chance=0.5, now=NOW) == NOW + minutes * MINUTE


@pytest.mark.parametrize(("chance", "minutes"), [(0.0, 4), (0.25, 4.5), (0.5, 5), (0.75, 5.5), (1.0, 6)])
def test_chance_spreads_them_by_a_fifth(chance: float, minutes: float) -> None:
    assert next_attempt(1, patience=PATIENCE, since=NOW, chance=chance, now=NOW) == NOW + minutes * MINUTE


@pytest.mark.parametrize(
    ("tried_for", "minutes"),
    [
        (timedelta(hours=48) - 5 * MINUTE, 5),
        (timedelta(hours=48) - 5 * MINUTE + timedelta(microseconds=1), None),
        (timedelta(hours=48), None),
        (timedelta(days=365), None),
    ],
)
def test_nothing_is_tried_beyond_the_horizon(tried_for: timedelta, minutes: int | None) -> None:
    at = next_attempt(1, patience=PATIENCE, since=NOW - tried_for, chance=0.5, now=NOW)

    assert at == (NOW + minutes * MINUTE if minutes else None)


def test_no_horizon_means_one_try() -> None:
    patience = Patience(first=5 * MINUTE, longest=360 * MINUTE, horizon=timedelta(0))

    assert next_attempt(1, patience=patience, since=NOW, chance=0.0, now=NOW) is None


def test_a_first_pause_above_the_longest_is_the_longest() -> None:
    patience = Patience(first=60 * MINUTE, longest=10 * MINUTE, horizon=timedelta(hours=48))

    assert next_attempt(1, patience=patience, since=NOW, chance=0.5, now=NOW) == NOW + 10 * MINUTE


@given(
    attempts=st.integers(min_value=1, max_value=10**6),
    first=st.floats(min_value=0.01, max_value=10080),
    longest=st.floats(min_value=0.01, max_value=10080),
    horizon=st.floats(min_value=0, max_value=672),
    chance=st.floats(min_value=0, max_value=1),
    waited=st.floats(min_value=0, max_value=1000),
)
def test_whatever_the_settings_the_next_attempt_lies_ahead_and_within_bounds(
    attempts: int, first: float, longest: float, horizon: float, chance: float, waited: float
) -> None:
    patience = Patience(first=first * MINUTE, longest=longest * MINUTE, horizon=timedelta(hours=horizon))
    since = NOW - timedelta(hours=waited)

    at = next_attempt(attempts, patience=patience, since=since, chance=chance, now=NOW)

    assert at is None or NOW < at <= since + patience.horizon
    assert at is None or at <= NOW + 1.2 * patience.longest + timedelta(microseconds=1)


def test_a_mail_that_is_always_refused_comes_to_its_end() -> None:
    now, attempts = NOW, 1
    while at := next_attempt(attempts, patience=PATIENCE, since=NOW, chance=1.0, now=now):
        now, attempts = at, attempts + 1

    # 6, 12, 24, 48, 96, 192, 384 minutes, and four times 432 of the 2,118 that are left: eleven pauses
    assert attempts == 12
    assert NOW + timedelta(hours=40) < now <= NOW + timedelta(hours=48)
