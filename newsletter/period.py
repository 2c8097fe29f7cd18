"""The period of an issue: a day `2026-07-14`, an ISO week `2026-W29` or a month `2026-07`.

Pure arithmetic on UTC days. It knows nothing of issues, readers or the clock.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from newsletter.errors import UsageError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_SATURDAY = 5


class PeriodKind(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """A span of whole UTC days, `first` to `last` inclusive; `text` is its one spelling."""

    text: str
    kind: PeriodKind
    first: date
    last: date

    @property
    def ends_at(self) -> datetime:
        """The first instant after the period (aware, UTC): from then on its lists are complete."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def is_weekend_day(self) -> bool:
        """Whether this is a single Saturday or Sunday, on which communities list nothing."""
        return self.kind is PeriodKind.DAY and self.first.weekday() >= _SATURDAY


def parse_day(text: str) -> date:
    """Return the day that `text` (YYYY-MM-DD) names.

    Raises:
        UsageError: it names none.
    """
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # a day that no calendar has; refused below like any other text
    raise UsageError(f"{text!r} is no date; write it as YYYY-MM-DD, for example 2026-07-14")


def parse_period(text: str) -> Period:
    """Return the period that `text` names: YYYY-MM-DD, YYYY-Www (ISO 8601) or YYYY-MM.

    Raises:
        UsageError: it names none.
    """
    try:
        period = _parse(text)
        _ = period.ends_at  # the last days of the year 9999 end when no calendar goes on
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no period; write a day 2026-07-14, a week 2026-W29 or a month 2026-07") from None
    return period


def days_between(first: date, last: date) -> tuple[date, ...]:
    """Return every day from `first` to `last` inclusive, oldest first; none when `last` is before `first`."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def _parse(text: str) -> Period:
    if _DAY.fullmatch(text):
        day = date.fromisoformat(text)
        return Period(text, PeriodKind.DAY, day, day)
    if week := _WEEK.fullmatch(text):
        monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return Period(text, PeriodKind.WEEK, monday, monday + timedelta(days=6))
    if month := _MONTH.fullmatch(text):
        year, number = int(month[1]), int(month[2])
        first = date(year, number, 1)
        return Period(text, PeriodKind.MONTH, first, first.replace(day=calendar.monthrange(year, number)[1]))
    raise ValueError(text)
