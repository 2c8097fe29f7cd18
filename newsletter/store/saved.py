"""The papers that readers keep for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from newsletter.store.engine import insert_into
from newsletter.store.schema import paper_ids, papers, saved_papers

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.store.engine import Database


class SavedStore:
    """The saved papers of all readers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, subscriber_id: int, paper_id: str, *, now: datetime) -> bool:
        """Save a paper, by an id that it has or had; False where no such paper is stored.

        Raises:
            StoreError: there is no such subscriber, or the database refused.
        """
        with self._database.writing() as connection:
            paper = connection.execute(select(paper_ids.c.paper).where(paper_ids.c.id == paper_id)).scalar()
            if paper is None:
                return False
            new = insert_into(connection, saved_papers).values(subscriber_id=subscriber_id, paper=paper, at=now)
            connection.execute(new.on_conflict_do_nothing())
            return True

    def remove(self, subscriber_id: int, paper_id: str) -> bool:
        """Let go of a saved paper; False where it was not saved."""
        number = select(paper_ids.c.paper).where(paper_ids.c.id == paper_id).scalar_subquery()
        theirs = (saved_papers.c.subscriber_id == subscriber_id, saved_papers.c.paper == number)
        with self._database.writing() as connection:
            return connection.execute(delete(saved_papers).where(*theirs)).rowcount == 1

    def of(self, subscriber_id: int) -> dict[str, datetime]:
        """Return the present ids of the papers that a reader saved, the latest first, each with when (aware, UTC)."""
        statement = (
            select(papers.c.id, saved_papers.c.at)
            .join(papers, papers.c.number == saved_papers.c.paper)
            .where(saved_papers.c.subscriber_id == subscriber_id)
            .order_by(saved_papers.c.at.desc(), papers.c.id)
        )
        with self._database.reading() as connection:
            return {row.id: row.at for row in connection.execute(statement)}
