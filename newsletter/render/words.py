"""How things are said in a digest: dates written out, counts, lists of names, text cut at a word.

English only, and the same on every machine: no locale is asked. Pure functions of their arguments.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.period import Period, PeriodKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (  # written out, since strftime would follow the machine's locale
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DASH = "\N{EN DASH}"
_NOT_AT_THE_END = " ,;:.-(\N{EN DASH}\N{EM DASH}"
_KEEP_AT_LEAST = 0.5  # of a text that is cut, so that one long word does not take all of it away
_FULL_ENOUGH = 0.6  # of the room that whole sentences may leave free
# A full stop after a word, not after an initial or a short form, before what may begin a sentence.
_SENTENCE_END = re.compile(
    r"(?<![\s.(]\w)(?<!\bal)(?<!\bvs)(?<!\bcf)(?<!\bFig)(?<!\bEq)(?<!\bresp)(?<!\betc)[.!?][\"')\]]*(?=\s[\"'(]?[A-Z0-9])"
)
_THOUSAND = 1000


def written_date(period: Period) -> str:
    """Return the period as a reader says it: `Tuesday, 14 July 2026`, a week `13-19 July 2026`, `July 2026`."""
    if period.kind is PeriodKind.DAY:
        return f"{_DAYS[period.first.weekday()]}, {_day(period.first)} {period.first.year}"
    if period.kind is PeriodKind.MONTH:
        return f"{_MONTHS[period.first.month - 1]} {period.first.year}"
    return _span(period.first, period.last)


def short_date(period: Period) -> str:
    """Return the period for a line that has little room: `14 Jul`, `week 29`, `July 2026`."""
    if period.kind is PeriodKind.DAY:
        return f"{period.first.day} {_MONTHS[period.first.month - 1][:3]}"
    return f"week {period.first.isocalendar().week}" if period.kind is PeriodKind.WEEK else written_date(period)


def count(number: int, noun: str) -> str:
    """Return `1 paper`, `2 papers`, `1,204 papers`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def short_count(number: int) -> str:
    """Return a count in four characters or so: `980`, `1.2k`, `34k`."""
    if number < _THOUSAND:
        return str(number)
    thousands = number / _THOUSAND
    return f"{thousands:.1f}k".replace(".0k", "k") if thousands < 10 else f"{number // _THOUSAND}k"  # noqa: PLR2004 - 9.9k, 10k


def authors(names: Sequence[str], total: int, *, shown: int = 3) -> str:
    """Return `A and B`, `A, B, C and 12 more`, or `3 authors` where a source gives only their number.

    One name more than `shown` is named, too, rather than counted.
    """
    total = max(total, len(names))
    if not names:
        return count(total, "author") if total else ""
    if len(names) == total and total <= shown + 1:
        return listed(names)
    first = names[:shown]
    return f"{', '.join(first)} and {total - len(first):,} more"


def listed(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def cut(text: str, limit: int) -> str:
    """Return `text`, or its beginning with an ellipsis, at a word's end where there is one; at most `limit` long."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = head.rfind(" ") if text[limit - 1] != " " else len(head)
    if space >= limit * _KEEP_AT_LEAST:
        head = head[:space]
    return head.rstrip(_NOT_AT_THE_END) + "…"


def beginning(text: str, limit: int) -> str:
    """Return `text`, or as many of its first sentences as fill most of `limit`, or its beginning cut at a word."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 2) if match.end() <= limit]
    return text[: ends[-1]] if ends and ends[-1] >= limit * _FULL_ENOUGH else cut(text, limit)


def _span(first: date, last: date) -> str:
    if first.year != last.year:
        return f"{_day(first)} {first.year} {_DASH} {_day(last)} {last.year}"
    if first.month != last.month:
        return f"{_day(first)} {_DASH} {_day(last)} {last.year}"
    return f"{first.day}{_DASH}{_day(last)} {last.year}"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"
