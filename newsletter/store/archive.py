"""The issues that anybody may read: those that are on their way or were sent. No draft comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from newsletter.model import IssueState
from newsletter.period import PeriodKind
from newsletter.store.issues import issue_of, papers_of
from newsletter.store.schema import issue_papers, issues, paper_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from newsletter.model import Issue
    from newsletter.store.engine import Database

_PUBLIC = issues.c.state.in_([IssueState.SENDING.value, IssueState.SENT.value])
_LETTERS = {PeriodKind.DAY: 10, PeriodKind.WEEK: 8, PeriodKind.MONTH: 7}  # 2026-07-14, 2026-W29, 2026-07
_HELD_IN = 20  # issues that are named for one paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """An issue without its papers: how many it shows, and the title of the first ("" where that one is hidden)."""

    issue: Issue
    papers: int
    lead: str


class Archive:
    """Published issues, newest period first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, period: str) -> Issue | None:
        """Return the published issue of a period with its papers."""
        with self._database.reading() as connection:
            row = connection.execute(select(issues).where(_PUBLIC, issues.c.period == period)).first()
            return None if row is None else issue_of(row, papers_of(connection, row.id))

    def latest(self, limit: int) -> list[Issue]:
        """Return the issues, of every kind, that were approved last, with their papers."""
        with self._database.reading() as connection:
            rows = connection.execute(_newest(limit)).all()
            return [issue_of(row, papers_of(connection, row.id)) for row in rows]

    def heads(self, limit: int) -> list[Issue]:
        """Return the same issues as `latest` without their papers."""
        with self._database.reading() as connection:
            return [issue_of(row, ()) for row in connection.execute(_newest(limit))]

    def page(self, kind: PeriodKind, *, offset: int, limit: int) -> list[Filed]:
        """Return issues of one kind without their papers."""
        ours = issue_papers.c.issue_id == issues.c.id
        count = select(func.count()).where(ours).scalar_subquery()
        lead = select(issue_papers.c.payload).where(ours, issue_papers.c.position == 0).scalar_subquery()
        statement = select(issues, count.label("papers"), lead.label("lead")).where(_PUBLIC, _is(kind))
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(issues.c.period.desc()).offset(offset).limit(limit))
            return [_filed(row, _hidden(connection, row)) for row in rows.all()]

    def count(self, kind: PeriodKind) -> int:
        """Return how many issues of one kind there are."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).where(_PUBLIC, _is(kind))).scalar_one()

    def beside(self, period: str, kind: PeriodKind) -> tuple[str, str]:
        """Return the periods of the issues of this kind just before and just after this one, "" where there is none."""
        earlier = _one(kind).where(issues.c.period < period).order_by(issues.c.period.desc())
        later = _one(kind).where(issues.c.period > period).order_by(issues.c.period)
        with self._database.reading() as connection:
            before, after = (connection.execute(one.limit(1)).scalar() or "" for one in (earlier, later))
            return before, after

    def holding(self, paper_id: str) -> Sequence[str]:
        """Return the periods of the newest issues that show a paper, which may be named by an id of before."""
        statement = (
            select(issues.c.period, issues.c.hides, issue_papers.c.payload)
            .join(issue_papers, issue_papers.c.issue_id == issues.c.id)
            .join(paper_ids, paper_ids.c.paper == issue_papers.c.paper)
            .where(_PUBLIC, paper_ids.c.id == paper_id)
            .order_by(issues.c.period.desc())
            .limit(_HELD_IN)
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement)
            return [row.period for row in rows if row.payload.get("id") not in row.hides]


def _newest(limit: int) -> Select[Any]:
    return select(issues).where(_PUBLIC).order_by(issues.c.approved_at.desc(), issues.c.id.desc()).limit(limit)


def _hidden(connection: Connection, row: Row[*tuple[Any, ...]]) -> int:
    """Return how many of an issue's papers are hidden; what was hidden may have gone when it was drafted anew."""
    if not row.hides:
        return 0
    named = (issue_papers.c.issue_id == row.id, paper_ids.c.id.in_(row.hides))
    held = select(func.count(issue_papers.c.position.distinct()))
    return connection.execute(
        held.join(paper_ids, paper_ids.c.paper == issue_papers.c.paper).where(*named)
    ).scalar_one()


def _filed(row: Row[*tuple[Any, ...]], hidden: int) -> Filed:
    lead = row.lead or {}
    title = "" if lead.get("id") in row.hides else str(lead.get("title", ""))
    return Filed(issue=issue_of(row, ()), papers=row.papers - hidden, lead=title)


def _is(kind: PeriodKind) -> ColumnElement[bool]:
    return func.length(issues.c.period) == _LETTERS[kind]


def _one(kind: PeriodKind) -> Select[Any]:
    return select(issues.c.period).where(_PUBLIC, _is(kind))
