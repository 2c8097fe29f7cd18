"""Papers, their listings and their votes: what may be asked of them. How papers are added is in `adding`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, or_, select

from newsletter.model import Collection, DayState, Paper, Votes
from newsletter.store import days
from newsletter.store.adding import Added, add_papers
from newsletter.store.columns import storable
from newsletter.store.engine import Lock, hold
from newsletter.store.finding import find
from newsletter.store.rows import last_listing, paper_of_row, select_papers
from newsletter.store.schema import listings, paper_ids, papers, votes
from newsletter.store.snapshots import growth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection, Select, Subquery

    from newsletter.store.engine import Database

__all__ = ["Added", "PaperStore"]

_PAGE = 500  # rows that are fetched, or ids that are asked for, at a time


class PaperStore:
    """The papers. Days are UTC days; a paper comes back with its latest listing and its newest votes.

    Its growth comes with those of a period only (`on`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        papers: Sequence[Paper],
        *,
        taken_at: datetime,
        collection: Collection | None = None,
        collections: Sequence[Collection] = (),
        feed: tuple[str, str, str] | None = None,
    ) -> Added:
        """Store papers with their listings and votes as they stood at `taken_at` (aware), all or nothing.

        A paper that is known by its id or, without an arXiv id, by its title is merged (see `identity`, `merge`);
        adding the same again changes nothing. `collection` and `collections` say which source was asked for which
        day; how many papers it listed is counted here. `feed` is (source, ETag, Last-Modified) for the next time.

        Raises:
            StoreError: the database refused; nothing was stored.
        """
        asked = [*collections, *([collection] if collection else [])]
        with self._database.writing() as connection:
            hold(connection, Lock.PAPERS)
            added = add_papers(connection, papers, taken_at)
            days.note_collections(connection, asked, taken_at)
            if feed is not None:
                days.note_validators(connection, *feed)
        return added

    def on(self, first: date, last: date, *, source: str | None = None) -> list[Paper]:
        """Return the papers listed from `first` to `last`, by listing day, then most upvotes, then id.

        A paper listed on several of these days stands once, on the latest. The papers of one source and day were
        looked at together, so a snapshot of one of them is a look at them all (see `snapshots.growth`).
        """
        span: ColumnElement[bool] = listings.c.listed_on.between(first, last)
        if source is not None:
            span = and_(span, listings.c.source == source)
        listed = (
            select(listings.c.paper, func.max(listings.c.listed_on).label("day"))
            .where(span)
            .group_by(listings.c.paper)
            .subquery()
        )
        statement = select_papers(listed.c.day).join(listed, listed.c.paper == papers.c.number)
        with self._database.reading() as connection:
            found = {row["number"]: paper_of_row(row) for row in connection.execute(statement).mappings()}
            counted = _counted(connection, listed)
        return sorted(_with_growth(found, counted), key=_by_day)

    def listings(self, first: date, last: date) -> list[tuple[date, str, str]]:
        """Return every listing from `first` to `last` as (day, source, paper id), in that order."""
        statement = (
            select(listings.c.listed_on, listings.c.source, papers.c.id)
            .join(papers, papers.c.number == listings.c.paper)
            .where(listings.c.listed_on.between(first, last))
            .order_by(listings.c.listed_on, listings.c.source, papers.c.id)
        )
        with self._database.reading() as connection:
            return [(row.listed_on, row.source, row.id) for row in connection.execute(statement)]

    def get(self, ids: Iterable[str]) -> dict[str, Paper]:
        """Return the papers that are stored under these ids, each under the id asked for.

        An id that a paper had before it was merged still finds it; the paper's own `id` is then another.
        """
        asked = {name: storable(name) for name in ids}
        wanted = list(asked.values())
        found: dict[str, Paper] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), _PAGE):
                found |= _by_ids(connection, wanted[start : start + _PAGE])
        return {name: found[stored] for name, stored in asked.items() if stored in found}

    def all(self) -> Iterator[Paper]:
        """Yield every paper, ordered by id, as they are fetched."""
        return self._stream(select_papers(last_listing()).order_by(papers.c.id))

    def count(self) -> int:
        """Return how many papers are stored."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(papers)).scalar_one()

    def corpus(self, until: date, *, mark: int | None = None) -> Iterator[Paper]:
        """Yield the papers that were first listed on `until` or before, or never, ordered by id.

        With a `mark` (`Issue.corpus_mark`) only those that were stored by then.
        """
        listed = exists().where(listings.c.paper == papers.c.number)
        known = or_(listed.where(listings.c.listed_on <= until), ~listed)
        if mark is not None:
            known = and_(known, papers.c.number <= mark)
        return self._stream(select_papers(last_listing(until)).where(known).order_by(papers.c.id))

    def votes(self, paper_id: str) -> list[Votes]:
        """Return the snapshots of a paper's votes, oldest first; each differs from the one before it."""
        statement = (
            select(votes, papers.c.id)
            .join(papers, papers.c.number == votes.c.paper)
            .join(paper_ids, paper_ids.c.paper == papers.c.number)
            .where(paper_ids.c.id == paper_id)
            .order_by(votes.c.taken_at)
        )
        with self._database.reading() as connection:
            return [
                Votes(paper_id=row.id, taken_at=row.taken_at, upvotes=row.upvotes, comments=row.comments)
                for row in connection.execute(statement)
            ]

    def search(self, query: str, *, limit: int = 20) -> list[Paper]:
        """Return at most `limit` papers that hold the query's words, best first (see `finding.find`)."""
        with self._database.reading() as connection:
            numbers = find(connection, query, limit=limit).numbers
            statement = select_papers(last_listing()).where(papers.c.number.in_(numbers))
            found = {row["number"]: paper_of_row(row) for row in connection.execute(statement).mappings()}
        return [found[number] for number in numbers]

    def collections(self, first: date, last: date, *, source: str | None = None) -> list[Collection]:
        """Return what sources were asked for from `first` to `last`, by day and source; other days are absent."""
        with self._database.reading() as connection:
            return days.collected(connection, first, last, source)

    def day_state(self, day: date, sources: Iterable[str] | None = None) -> DayState:
        """Return what is known of a day over all sources, or over these: any listing makes it collected."""
        with self._database.reading() as connection:
            return days.state_of(connection, day, sources)

    def validators(self, source: str) -> tuple[str, str] | None:
        """Return the (ETag, Last-Modified) that were stored with the feed's last answer, None before the first."""
        with self._database.reading() as connection:
            return days.validators(connection, source)

    def _stream(self, statement: Select[Any]) -> Iterator[Paper]:
        with self._database.reading() as connection:
            rows = connection.execution_options(yield_per=_PAGE).execute(statement).mappings()
            for row in rows:
                yield paper_of_row(row)


def _by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, Paper]:
    statement = select_papers(last_listing()).add_columns(paper_ids.c.id.label("asked"))
    statement = statement.join(paper_ids, paper_ids.c.paper == papers.c.number).where(paper_ids.c.id.in_(ids))
    return {row["asked"]: paper_of_row(row) for row in connection.execute(statement).mappings()}


def _counted(connection: Connection, listed: Subquery) -> dict[int, dict[datetime, int]]:
    """Return the known upvotes of each of the papers `listed`, by when they were taken."""
    statement = select(votes.c.paper, votes.c.taken_at, votes.c.upvotes).join(listed, listed.c.paper == votes.c.paper)
    counted: defaultdict[int, dict[datetime, int]] = defaultdict(dict)
    for paper, taken_at, upvotes in connection.execute(statement.where(votes.c.upvotes.is_not(None))):
        counted[paper][taken_at] = upvotes
    return counted


def _with_growth(found: Mapping[int, Paper], counted: Mapping[int, Mapping[datetime, int]]) -> Iterator[Paper]:
    looks: defaultdict[tuple[date | None, str], set[datetime]] = defaultdict(set)
    for number, paper in found.items():
        looks[paper.listed_on, paper.source].update(counted.get(number, ()))
    for number, paper in found.items():
        yield replace(paper, growth=growth(counted.get(number, {}), looks[paper.listed_on, paper.source]))


def _by_day(paper: Paper) -> tuple[Any, ...]:
    upvotes = -1 if paper.upvotes is None else paper.upvotes
    return paper.listed_on, paper.upvotes is None, -upvotes, paper.id
