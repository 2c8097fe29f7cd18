"""Which stored paper an id or a title means. It reads only, and fetches no more of a paper than its id."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from newsletter.store.codec import title_digest
from newsletter.store.columns import storable
from newsletter.store.schema import paper_ids, papers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from newsletter.store.engine import Database

_PAGE = 500  # ids or titles that are asked for at a time
_IDS = select(paper_ids.c.id.label("known"), papers.c.id).join(papers, papers.c.number == paper_ids.c.paper)


class PaperLookup:
    """Finds papers by the ids they have or had, and by their titles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ids(self, asked: Iterable[str]) -> dict[str, str]:
        """Return, for each id that is or was a stored paper's, the id which that paper has now."""
        by_stored: defaultdict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(asked):
            by_stored[storable(name)].append(name)
        found: dict[str, str] = {}
        with self._database.reading() as connection:
            for page in _pages(by_stored):
                for row in connection.execute(_IDS.where(paper_ids.c.id.in_(page))):
                    found.update(dict.fromkeys(by_stored[row.known], row.id))
        return found

    def titled(self, titles: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return, for each title that a stored paper has (compared as `model.title_key` does), the ids, in order."""
        by_key: defaultdict[str, list[str]] = defaultdict(list)
        for title in dict.fromkeys(titles):
            if key := title_digest(title):
                by_key[key].append(title)
        statement = select(papers.c.title_key, papers.c.id).order_by(papers.c.id)
        found: defaultdict[str, list[str]] = defaultdict(list)
        with self._database.reading() as connection:
            for page in _pages(by_key):
                for row in connection.execute(statement.where(papers.c.title_key.in_(page))):
                    found[row.title_key].append(row.id)
        return {title: tuple(ids) for key, ids in found.items() for title in by_key[key]}

    def former(self) -> dict[str, str]:
        """Return every id that a paper had before it was merged, with the id which that paper has now."""
        with self._database.reading() as connection:
            return {row.known: row.id for row in connection.execute(_IDS.where(paper_ids.c.id != papers.c.id))}


def _pages(names: Collection[str]) -> Iterator[list[str]]:
    held = list(names)
    for start in range(0, len(held), _PAGE):
        yield held[start : start + _PAGE]
