"""A reading list replayed in time: what was known at a cut, and the days after it with what was added to the list.

Everything before the cut may be learned from, nothing after it. It ranks and measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from newsletter.model import Paper

_LEARNED_SHARE = 0.6  # of a list's entries, in the order they were added


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingList:
    """The papers that one reader kept: their ids with the UTC day on which each was added."""

    name: str
    added: Mapping[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDay:
    """The papers listed on a day, in the order of their ids, and the ids of those that the reader added from then on.

    At least one was added and one was not: a day without such a choice says nothing about an order.
    """

    day: date
    papers: tuple[Paper, ...]
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What was known at the cut (papers listed before it, and which of them the list had), and the days from it on."""

    name: str
    cut: date
    corpus: tuple[Paper, ...]
    liked: tuple[str, ...]
    days: tuple[ReplayDay, ...]


def cut_of(reading: ReadingList) -> date:
    """Return the day on which the first entry was added that is not learned from: 60 % of the list stand before it.

    Raises:
        UsageError: the list is empty.
    """
    if not reading.added:
        raise UsageError(f"the list {reading.name} has no entries; there is nothing to replay")
    days = sorted(reading.added.values())
    return days[int(len(days) * _LEARNED_SHARE)]


def replay(papers: Iterable[Paper], reading: ReadingList) -> Replay:
    """Split papers (those with a listing day; of two with one id the first) and a list at the list's cut.

    Papers that the list had before they were listed are no candidates any more.

    Raises:
        UsageError: nothing is left to learn from, or no later day to rank.
    """
    cut = cut_of(reading)
    listed = sorted({paper.id: paper for paper in reversed(list(papers))}.values(), key=lambda paper: paper.id)
    corpus = tuple(paper for paper in listed if paper.listed_on and paper.listed_on < cut)
    days = _days((paper for paper in listed if paper.listed_on and paper.listed_on >= cut), reading)
    if not corpus or not days:
        missing = "listed before" if not corpus else "of the list on a day after"
        raise UsageError(
            f"the papers have none {missing} {cut}, where the list {reading.name} is cut; give more papers"
        )
    liked = tuple(paper.id for paper in corpus if paper.id in reading.added and reading.added[paper.id] < cut)
    return Replay(name=reading.name, cut=cut, corpus=corpus, liked=liked, days=days)


def development(reading: ReadingList) -> ReadingList:
    """Return the part of a list before its cut, for choosing weights: replaying it sees no day of the whole replay."""
    cut = cut_of(reading)
    return ReadingList(name=reading.name, added={key: day for key, day in reading.added.items() if day < cut})


def _days(papers: Iterable[Paper], reading: ReadingList) -> tuple[ReplayDay, ...]:
    by_day: dict[date, list[Paper]] = {}
    for paper in papers:
        added = reading.added.get(paper.id)
        if paper.listed_on and (added is None or added >= paper.listed_on):
            by_day.setdefault(paper.listed_on, []).append(paper)
    days = (
        ReplayDay(
            day=day,
            papers=tuple(by_day[day]),
            wanted=frozenset(paper.id for paper in by_day[day] if paper.id in reading.added),
        )
        for day in sorted(by_day)
    )
    return tuple(day for day in days if 0 < len(day.wanted) < len(day.papers))
