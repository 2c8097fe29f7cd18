"""How a paper is selected with what other tables know of it, and made of the row that comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from newsletter.store.codec import row_paper
from newsletter.store.schema import listings, papers, votes

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Column, ColumnElement, RowMapping, ScalarSelect, Select

    from newsletter.model import Paper


def select_papers(day: ColumnElement[Any] | ScalarSelect[Any]) -> Select[Any]:
    """Return the SELECT of papers with their newest votes; `day` is their listing day."""
    upvotes, comments = newest(votes.c.upvotes), newest(votes.c.comments)
    return select(papers, day.label("day"), upvotes.label("upvotes"), comments.label("comments")).select_from(papers)


def newest(count: Column[Any]) -> ScalarSelect[Any]:
    """Return the newest known count: one short walk through the primary key (paper, taken_at)."""
    statement = select(count).where(votes.c.paper == papers.c.number, count.is_not(None))
    return statement.order_by(votes.c.taken_at.desc()).limit(1).correlate(papers).scalar_subquery()


def last_listing(until: date | None = None) -> ScalarSelect[Any]:
    """Return a paper's latest listing day, or its latest up to a day."""
    statement = select(func.max(listings.c.listed_on)).where(listings.c.paper == papers.c.number)
    if until is not None:
        statement = statement.where(listings.c.listed_on <= until)
    return statement.correlate(papers).scalar_subquery()


def paper_of_row(row: RowMapping) -> Paper:
    """Return the paper of a row that `select_papers` selected."""
    return row_paper(row, listed_on=row["day"], upvotes=row["upvotes"], comments=row["comments"])
