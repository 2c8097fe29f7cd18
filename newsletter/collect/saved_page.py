"""Saved pages: a Daily Papers page that a person saved as text, read without any network.

A page is a header (`Daily Papers`, `byAK and the research community`, the day it shows) and then, for every paper, a
title, an abstract and, on most pages, a foot: `3 authors` or an organisation (its slug and its name), and the day it
was published with the number of comments (`Jul 28, 2025 2`; no number is no comment). The site leaves the year out for
its current year only, so a date without one takes the given year, or one more than the latest year that the page
shows. A page names no links, ids or upvotes: none are invented. `page_entries.py` finds the entries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.collect.base import Batch, Rejected
from newsletter.collect.clean import clean_name, clean_text, clean_title, storable
from newsletter.collect.merge import merge_papers
from newsletter.collect.page_entries import Entry, entries
from newsletter.collect.page_entries import rejected as broken
from newsletter.errors import BadAnswerError, UsageError
from newsletter.model import Paper, title_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.collect.page_entries import Foot

SOURCE = "saved_page"
_HEADING = "Daily Papers"
_HEADER_LINES = 100  # the heading stands in the first few; more is no page of the site
_FIRST_YEAR = 1991  # arXiv's first
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = re.compile(rf"({'|'.join(_MONTHS)})[a-z]* (\d{{1,2}})(?:, (\d{{4}}))?(?: (\d{{1,6}}))?")


@dataclass(frozen=True, slots=True)
class _Day:
    """A date as the page writes it; `year` is None where it leaves it out, `comments` stand behind it."""

    month: int
    day: int
    year: int | None
    comments: int

    def on(self, year: int | None) -> date | None:
        """Return the date, with `year` where the page has none; None if both have none.

        Raises:
            ValueError: no such day.
        """
        whole = year if self.year is None else self.year
        return None if whole is None else date(whole, self.month, self.day)


def read_page(text: str, *, where: str, now: datetime, year: int | None = None) -> Batch:
    """Return the papers of one saved page; `where` names the file in messages.

    `now` (aware, UTC) dates the answer and bounds the years that are believed; `year` is the site's current year when
    the page was saved. Without it and without any year on the page, `listed_on` is None and a note says so.

    Raises:
        BadAnswerError: it is no Daily Papers page, or one without papers.
        UsageError: a `year` in which there was no such page.
    """
    this_year = now.astimezone(UTC).year
    if year is not None and not _FIRST_YEAR <= year <= this_year + 1:
        raise UsageError(f"--year {year} cannot be a page's year; give one from {_FIRST_YEAR} to {this_year + 1}")
    lines = list(enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), start=1))
    head, header = _header(lines, where)
    found = list(entries(lines[head:], where=where))
    if not found:
        raise BadAnswerError(f"{where} has the header of a Daily Papers page but no papers; save the whole page")
    current, listed_on, notes = _dates(header, found, where, this_year, year)
    results = [_paper(entry, listed_on, current, this_year, where) for entry in found]
    papers = merge_papers(result for result in results if isinstance(result, Paper))
    rejected = tuple(result for result in results if isinstance(result, Rejected))
    return Batch(source=SOURCE, papers=papers, entries=len(found), taken_at=now, rejected=rejected, notes=notes)


def _header(lines: Sequence[tuple[int, str]], where: str) -> tuple[int, _Day]:
    """Return how many lines the header takes, and the day that it shows."""
    written = [(number, line.strip()) for number, line in lines[:_HEADER_LINES] if line.strip()]
    heading = next((at for at, (_, line) in enumerate(written) if line == _HEADING), None)
    if heading is not None:
        for number, line in written[heading + 1 : heading + 4]:
            if day := _read_day(line):
                return number, day
    raise BadAnswerError(
        f"{where} is no saved Daily Papers page: expected a line {_HEADING!r} and then a date such as 'Feb 2' at its "
        "top; save the page as text"
    )


def _read_day(written: str) -> _Day | None:
    match = _DAY.fullmatch(written)
    if match is None:
        return None
    month, day, year, comments = match.groups()
    found = _Day(_MONTHS.index(month) + 1, int(day), int(year) if year else None, int(comments or 0))
    try:
        found.on(2000)  # a leap year: knows every day that a year-less date can mean
    except ValueError:
        return None
    return found


def _dates(
    header: _Day, found: Sequence[Entry | Rejected], where: str, this_year: int, year: int | None
) -> tuple[int | None, date | None, tuple[str, ...]]:
    """Return the site's current year when the page was saved, the page's own day, and what is to be said of them."""
    feet = (entry.foot for entry in found if isinstance(entry, Entry) and entry.foot)
    days = [header, *(day for foot in feet if (day := _read_day(foot.published)))]
    years = [day.year for day in days if day.year and day.year <= this_year]
    current = year or (max(years) + 1 if years else None)
    if year is None and current is not None and current > this_year:
        current = None
    try:
        listed_on = header.on(current)
    except ValueError:
        listed_on = None
    if listed_on is not None:
        return current, listed_on, ()
    return current, None, (f"{where} does not tell the year of its date: its papers have no day; pass --year",)


def _paper(
    entry: Entry | Rejected, listed_on: date | None, year: int | None, this_year: int, where: str
) -> Paper | Rejected:
    if isinstance(entry, Rejected):
        return entry
    title = clean_title(entry.title.text)
    key = title_key(title)
    if not key:
        return broken(where, entry.title.line, "a title without letters")
    try:
        published, comments = _published(entry.foot, year, this_year)
    except ValueError:
        return broken(where, entry.title.line, f"no day that can be, below {title[:60]!r}")
    return Paper(
        id=f"{SOURCE}:{sha256(key.encode()).hexdigest()[:16]}",
        source=SOURCE,
        title=title,
        abstract=clean_text(entry.abstract.text),
        author_count=entry.foot.author_count if entry.foot else 0,
        organisation=_organisation(entry.foot.organisation) if entry.foot else "",
        published=published,
        listed_on=listed_on,
        comments=comments,
        raw_title=storable(entry.title.text),
        raw_abstract=storable(entry.abstract.text),
    )


def _published(foot: Foot | None, year: int | None, this_year: int) -> tuple[date | None, int | None]:
    """Return the day and the number of comments that an entry's foot gives.

    Raises:
        ValueError: what stands there is no day, or one of a year to come.
    """
    if foot is None or not foot.published:
        return None, None
    day = _read_day(foot.published)
    if day is None or (day.year is not None and not _FIRST_YEAR <= day.year <= this_year):
        raise ValueError(foot.published)
    return day.on(year), day.comments


def _organisation(written: str) -> str:
    """Return the name that is shown, of `nvidia NVIDIA`: slug, then name."""
    slug, _, shown = clean_name(written).partition(" ")
    return shown or slug
