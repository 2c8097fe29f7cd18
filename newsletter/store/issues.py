"""Issues: one for a period, with the papers as they stood when it was drafted, and its way from draft to sent.

Each step is one UPDATE that says which state it starts from, so of two who try it at once one is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from newsletter.errors import IssueStateError, StoreError
from newsletter.model import Issue, IssueState, Paper
from newsletter.store.codec import fit, paper_payload, payload_paper
from newsletter.store.engine import insert_into
from newsletter.store.schema import issue_papers, issues, paper_ids
from newsletter.store.schema import papers as papers_table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from newsletter.store.engine import Database

_PAGE = 500
_EDITABLE = (IssueState.DRAFT, IssueState.APPROVED)


class IssueStore:
    """The issues."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, issue: Issue, *, now: datetime) -> Issue:
        """Store a new draft with its papers, which must be stored ones.

        Raises:
            IssueStateError: there is an issue for this period already.
            StoreError: a paper is not stored, or the database refused.
        """
        values = {"period": issue.period, "state": IssueState.DRAFT.value, "approved_hash": "", "created_at": now}
        with self._database.writing() as connection:
            values |= {**_content(issue), "corpus_mark": _newest_paper(connection)}
            statement = insert_into(connection, issues).values(**values, updated_at=now)
            row = connection.execute(statement.on_conflict_do_nothing().returning(issues)).first()
            if row is None:
                raise IssueStateError(f"there is an issue {issue.period} already; preview it or send it")
            _save_papers(connection, row.id, issue)
            return issue_of(row, papers_of(connection, row.id))

    def get(self, period: str) -> Issue | None:
        """Return the issue of a period with its papers."""
        return self._one(issues.c.period == period)

    def by_id(self, issue_id: int) -> Issue | None:
        """Return the issue with this id with its papers."""
        return self._one(issues.c.id == issue_id)

    def standing(self, issue_id: int) -> tuple[IssueState, bool] | None:
        """Return the state of the issue with this id, and whether it is paused."""
        statement = select(issues.c.state, issues.c.paused_at).where(issues.c.id == issue_id)
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else (IssueState(row.state), row.paused_at is not None)

    def all(self) -> list[Issue]:
        """Return every issue with its papers, newest period first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(issues).order_by(issues.c.period.desc())).all()
            return [issue_of(row, papers_of(connection, row.id)) for row in rows]

    def summaries(self) -> list[tuple[Issue, int]]:
        """Return every issue without its papers, and how many it has, newest period first."""
        count = select(func.count()).where(issue_papers.c.issue_id == issues.c.id).scalar_subquery()
        statement = select(issues, count.label("papers")).order_by(issues.c.period.desc())
        with self._database.reading() as connection:
            return [(issue_of(row, ()), row.papers) for row in connection.execute(statement)]

    def replace_content(self, issue: Issue, *, now: datetime) -> Issue:
        """Store the subject, note, pins, hides and papers of a draft or approved issue; an approval is void then.

        The ranking may learn from every paper stored up to now.

        Raises:
            IssueStateError: there is no such issue, or it is being sent, sent or cancelled.
            StoreError: a paper is not stored, or the database refused.
        """
        with self._database.writing() as connection:
            values = {**_content(issue), **_entering(IssueState.DRAFT, now), "corpus_mark": _newest_paper(connection)}
            row = _step(connection, issue.period, _EDITABLE, values, now)
            connection.execute(delete(issue_papers).where(issue_papers.c.issue_id == row.id))
            _save_papers(connection, row.id, issue)
            return issue_of(row, papers_of(connection, row.id))

    def change(self, period: str, decide: Callable[[Issue], Issue], *, now: datetime) -> Issue | None:
        """Store what `decide` makes of a draft's or approved issue's subject, note, pins and hides.

        One transaction reads and writes, so that no other change is lost between the two. The papers and what the
        ranking learns from stay; an approval is void, unless nothing was changed. None where there is no such issue;
        what `decide` raises goes through, and nothing is changed.

        Raises:
            IssueStateError: it is being sent, sent or cancelled.
        """
        with self._database.writing() as connection:
            row = connection.execute(select(issues).where(issues.c.period == period).with_for_update()).first()
            if row is None:
                return None
            before = issue_of(row, papers_of(connection, row.id))
            after = decide(before)
            if after == before:
                return before
            values = {**_content(after), **_entering(IssueState.DRAFT, now)}
            return issue_of(_step(connection, period, _EDITABLE, values, now), before.papers)

    def approve(self, period: str, content_hash: str, *, now: datetime) -> Issue:
        """Approve a draft; the approval holds for the content with this hash only.

        Raises:
            IssueStateError: there is no such issue, or it is no draft.
        """
        values = {**_entering(IssueState.APPROVED, now), "approved_hash": content_hash}
        return self._move(period, (IssueState.DRAFT,), values, now)

    def move(self, period: str, *, frm: Collection[IssueState], to: IssueState, now: datetime) -> Issue:
        """Move an issue from one of the states `frm` to another; use `approve` to approve.

        Raises:
            IssueStateError: there is no such issue, or it is in another state.
        """
        return self._move(period, frm, _entering(to, now), now)

    def _move(self, period: str, frm: Collection[IssueState], values: dict[str, Any], now: datetime) -> Issue:
        with self._database.writing() as connection:
            row = _step(connection, period, frm, values, now)
            return issue_of(row, papers_of(connection, row.id))

    def _one(self, condition: ColumnElement[bool]) -> Issue | None:
        with self._database.reading() as connection:
            row = connection.execute(select(issues).where(condition)).first()
            return None if row is None else issue_of(row, papers_of(connection, row.id))


def _step(
    connection: Connection, period: str, frm: Collection[IssueState], values: dict[str, Any], now: datetime
) -> Row[*tuple[Any, ...]]:
    """Change an issue that is in one of the states `frm`, in one statement."""
    states = [state.value for state in frm]
    condition = (issues.c.period == period, issues.c.state.in_(states))
    statement = update(issues).where(*condition).values(**values, updated_at=now).returning(issues)
    row = connection.execute(statement).first()
    if row is None:
        state = connection.execute(select(issues.c.state).where(issues.c.period == period)).scalar()
        raise IssueStateError(_refusal(period, state, states))
    return row


def _refusal(period: str, state: str | None, states: Sequence[str]) -> str:
    if state is None:
        return f"there is no issue {period}; make it with: draft {period}"
    return f"issue {period} is {_READS[IssueState(state)]}; this needs one that is {' or '.join(states)}"


_READS = {
    IssueState.DRAFT: "a draft",
    IssueState.APPROVED: "approved",
    IssueState.SENDING: "being sent",
    IssueState.SENT: "sent",
    IssueState.CANCELLED: "cancelled",
}


def _entering(state: IssueState, now: datetime) -> dict[str, Any]:
    """Return what entering a state sets besides: a draft has no approval, a sent issue its time."""
    match state:
        case IssueState.DRAFT:
            return {"state": state.value, "approved_hash": "", "approved_at": None}
        case IssueState.APPROVED:
            return {"state": state.value, "approved_at": now}
        case IssueState.SENT:
            return {"state": state.value, "sent_at": now}
        case _:
            return {"state": state.value}


def _content(issue: Issue) -> dict[str, Any]:
    return {"subject": issue.subject, "note": issue.note, "pins": list(issue.pins), "hides": list(issue.hides)}


def _newest_paper(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(papers_table.c.number), 0))).scalar_one())


def _save_papers(connection: Connection, issue_id: int, issue: Issue) -> None:
    papers = [fit(paper) for paper in issue.papers]
    numbers = _paper_numbers(connection, [paper.id for paper in papers])
    missing = [paper.id for paper in papers if paper.id not in numbers]
    if missing:
        raise StoreError(f"issue {issue.period} names a paper that is not stored: {missing[0]}; collect it first")
    rows = [
        {"issue_id": issue_id, "position": position, "paper": numbers[paper.id], "payload": paper_payload(paper)}
        for position, paper in enumerate(papers)
    ]
    if rows:
        connection.execute(insert(issue_papers), rows)


def _paper_numbers(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for start in range(0, len(ids), _PAGE):
        statement = select(paper_ids).where(paper_ids.c.id.in_(ids[start : start + _PAGE]))
        numbers.update((row.id, row.paper) for row in connection.execute(statement))
    return numbers


def papers_of(connection: Connection, issue_id: int) -> tuple[Paper, ...]:
    """Return an issue's papers as they stood when it was drafted."""
    statement = select(issue_papers.c.payload).where(issue_papers.c.issue_id == issue_id)
    rows = connection.execute(statement.order_by(issue_papers.c.position))
    return tuple(payload_paper(row.payload) for row in rows)


def issue_of(row: Row[*tuple[Any, ...]], papers: tuple[Paper, ...]) -> Issue:
    """Return the issue of a row of table `issues`."""
    return Issue(
        id=row.id,
        period=row.period,
        subject=row.subject,
        papers=papers,
        state=IssueState(row.state),
        note=row.note,
        pins=tuple(row.pins),
        hides=tuple(row.hides),
        approved_hash=row.approved_hash,
        corpus_mark=row.corpus_mark,
        created_at=row.created_at,
        approved_at=row.approved_at,
        paused_at=row.paused_at,
        sent_at=row.sent_at,
    )
