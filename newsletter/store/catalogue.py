"""The stored papers as readers browse them: by day, by topic, by words, a page at a time. It changes nothing.

A page's papers are chosen by their numbers first and fetched whole last, so that no text is read which is not shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from newsletter.store import finding
from newsletter.store.finding import EVERYTHING, Filters
from newsletter.store.rows import last_listing, newest, paper_of_row, select_papers
from newsletter.store.schema import listings, paper_ids, papers, votes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection, Select

    from newsletter.model import Paper
    from newsletter.store.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of papers, and how many there are in all; there are more than that where it is not `exact`."""

    papers: tuple[Paper, ...] = ()
    total: int = 0
    exact: bool = True


class Catalogue:
    """Lists and finds papers. Days are UTC days."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest_day(self) -> date | None:
        """Return the last day on which a paper was listed, None where there is none."""
        return self._day(select(func.max(listings.c.listed_on)))

    def beside(self, first: date, last: date) -> tuple[date | None, date | None]:
        """Return the last day with papers before `first`, and the first one after `last`; None where there is none."""
        return (
            self._day(select(func.max(listings.c.listed_on)).where(listings.c.listed_on < first)),
            self._day(select(func.min(listings.c.listed_on)).where(listings.c.listed_on > last)),
        )

    def best(self, first: date, last: date, *, filters: Filters = EVERYTHING, offset: int = 0, limit: int) -> Found:
        """Return papers listed from `first` to `last`, on the filters' phrases if they have some, most upvotes first.

        The days of the filters are passed over. Of a topic no more than the newest 2,000 papers are looked at.
        """
        with self._database.reading() as connection:
            listed = _listed(first, last)
            if filters.phrases:
                asked = replace(filters, first=first, last=last)
                numbers = finding.newest_on(connection, asked, limit=finding.MOST_WEIGHED)
                listed = listed.where(listings.c.paper.in_(numbers))
            total = connection.execute(select(func.count()).select_from(listed.subquery())).scalar_one()
            return Found(papers=_page(connection, listed, offset, limit), total=total)

    def recent(self, limit: int) -> tuple[Paper, ...]:
        """Return the papers of the newest listings, the latest day first; a few less than `limit` at most."""
        newest_first = select(listings.c.paper).order_by(listings.c.listed_on.desc(), listings.c.source)
        with self._database.reading() as connection:
            numbers = connection.execute(newest_first.limit(limit)).scalars().all()
            return _whole(connection, list(dict.fromkeys(numbers)))

    def mark(self) -> tuple[date | None, int]:
        """Return what changes when newer papers are there: the newest listing's day, and the newest paper's number."""
        number = select(func.coalesce(func.max(papers.c.number), 0))
        day = self.newest_day()
        with self._database.reading() as connection:
            return day, connection.execute(number).scalar_one()

    def search(self, query: str, *, filters: Filters = EVERYTHING, offset: int = 0, limit: int) -> Found:
        """Return the papers that hold the query's words, best first (see `finding.find`)."""
        with self._database.reading() as connection:
            hits = finding.find(connection, query, filters=filters, offset=offset, limit=limit)
            return Found(papers=_whole(connection, hits.numbers), total=hits.total, exact=hits.exact)

    def latest_on(self, filters: Filters, *, limit: int) -> tuple[Paper, ...]:
        """Return the papers on the filters' phrases that were stored last, newest first."""
        with self._database.reading() as connection:
            return _whole(connection, finding.newest_on(connection, filters, limit=limit))

    def on_topics(self, paper_id: str, topics: Mapping[str, Filters]) -> list[str]:
        """Return the names of those topics, each given with its phrases, that a paper is on."""
        with self._database.reading() as connection:
            number = connection.execute(select(paper_ids.c.paper).where(paper_ids.c.id == paper_id)).scalar()
            return [] if number is None else finding.topics_of(connection, number, topics)

    def _day(self, statement: Select[Any]) -> date | None:
        with self._database.reading() as connection:
            day: date | None = connection.execute(statement).scalar()
            return day


def _listed(first: date, last: date) -> Select[Any]:
    return (
        select(listings.c.paper, func.max(listings.c.listed_on).label("day"))
        .where(listings.c.listed_on.between(first, last))
        .group_by(listings.c.paper)
    )


def _page(connection: Connection, listed: Select[Any], offset: int, limit: int) -> tuple[Paper, ...]:
    upvotes = newest(votes.c.upvotes)
    found = listed.subquery()
    statement = (
        select(papers.c.number)
        .join(found, found.c.paper == papers.c.number)
        .order_by(func.coalesce(upvotes, -1).desc(), papers.c.id)
        .offset(offset)
        .limit(limit)
    )
    return _whole(connection, connection.execute(statement).scalars().all())


def _whole(connection: Connection, numbers: Sequence[int]) -> tuple[Paper, ...]:
    """Return the papers with these numbers, in their order."""
    if not numbers:
        return ()
    statement = select_papers(last_listing()).where(papers.c.number.in_(numbers))
    found = {row["number"]: paper_of_row(row) for row in connection.execute(statement).mappings()}
    return tuple(found[number] for number in numbers)
