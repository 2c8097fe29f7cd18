"""Periods: a day, an ISO week or a month, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import UsageError
from newsletter.period import PeriodKind, days_between, parse_day, parse_period


@pytest.mark.parametrize(
    ("text", "kind", "first", "last"),
    [
        ("2026-07-14", PeriodKind.DAY, date(2026, 7, 14), date(2026, 7, 14)),
        ("2026-W29", PeriodKind.WEEK, date(2026, 7, 13), date(2026, 7, 19)),
        ("2026-W01", PeriodKind.WEEK, date(2025, 12, 29), date(2026, 1, 4)),
        ("2026-W53", PeriodKind.WEEK, date(2026, 12, 28), date(2027, 1, 3)),
        ("2026-07", PeriodKind.MONTH, date(2026, 7, 1), date(2026, 7, 31)),
        ("2024-02", PeriodKind.MONTH, date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", PeriodKind.MONTH, date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_a_period_spans_whole_days(text: str, kind: PeriodKind, first: date, last: date) -> None:
    period = parse_period(text)
    assert (period.text, period.kind, period.first, period.last) == (text, kind, first, last)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-13", "2026-00", "2026-7-14", "2026-02-30", "2025-W53", "2026-W00", "2026-W54", "2026-w29"),
        *("9999-W52", "9999-12-31", "9999-12", "0000-W01"),
        *("14.07.2026", "2026-07-14 ", " 2026-07", "2026-07-14\n", "٢٠٢٦-٠٧", "today", "2026-07-14; DROP TABLE issues"),
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match="is no period"):
        parse_period(text)


@given(st.text())
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        period = parse_period(text)
    except UsageError:
        return
    assert period.first <= period.last


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1)))
def test_every_day_is_in_its_own_week_and_month(day: date) -> None:
    year, week, _ = day.isocalendar()
    for text in (f"{day:%Y-%m}", f"{year:04}-W{week:02}", day.isoformat()):
        period = parse_period(text)
        assert day in days_between(period.first, period.last)


def test_a_period_ends_when_its_last_utc_day_ends() -> None:
    assert parse_period("2026-07").ends_at == datetime(2026, 8, 1, tzinfo=UTC)


def test_only_single_weekend_days_are_weekend_days() -> None:
    assert parse_period("2026-07-12").is_weekend_day
    assert not parse_period("2026-07-13").is_weekend_day
    assert not parse_period("2026-W28").is_weekend_day


@pytest.mark.parametrize("text", ["2026-02-29", "2026-W29", "26-07-14", "2026-07", "20260714", ""])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no date"):
        parse_day(text)


def test_days_between_are_inclusive_and_empty_when_turned_round() -> None:
    assert len(days_between(date(2026, 6, 8), date(2026, 7, 17))) == 40
    assert days_between(date(2026, 7, 2), date(2026, 7, 1)) == ()
