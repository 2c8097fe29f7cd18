"""Deliveries: frozen with their issue, counted by state, looked up, opened again, halted.

They are claimed by the `chunks` and marked one by one in the `ledger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from newsletter.errors import StoreError
from newsletter.model import Delivery, DeliveryState, Issue, IssueState, RankedPaper
from newsletter.moves import ENDS, MOVES, Event, sources, target
from newsletter.store.chunks import CANCELLED, RESENDS, is_sending
from newsletter.store.engine import Lock, hold
from newsletter.store.freezing import Freezer, Frozen, Selection, start_sending
from newsletter.store.schema import chunks, deliveries, digest_papers, digests, issues, subscribers
from newsletter.store.schema import paper_ids as known_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from newsletter.store.engine import Database

__all__ = ["DeliveryStore", "Frozen"]

_PAGE = 1000
# What a reader has, may have or still gets: a mail that waits or is uncertain counts as sent, for a paper twice is
# worse than a paper missed.
_SENT = tuple(state for state in DeliveryState if state not in {DeliveryState.FAILED, DeliveryState.SKIPPED})


class DeliveryStore:
    """The deliveries. Times are aware; `now` is the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def freeze(
        self,
        issue_id: int,
        selections: Iterable[Selection],
        skipped: Iterable[tuple[int, str]] = (),
        *,
        content_hash: str,
        now: datetime,
        after: int | None = None,
    ) -> Frozen:
        """Store what each subscriber gets and move the issue from approved to sending, all or nothing.

        `selections` are (subscriber id, ranked papers, left out), `skipped` (subscriber id, reason). A second freeze
        changes nothing, reads neither, and returns zeros: what was decided stays. Both are read inside the
        transaction: they may come from this store, but on SQLite nobody can write until they have ended. With
        `after`, what `newest_digest` said before the choice, nothing is stored where it has changed.

        Raises:
            IssueStateError: the issue is neither approved nor being sent, or `content_hash` is not the approved one.
            StoreError: a paper is not in the issue, or the database refused.
        """
        with self._database.writing() as connection:
            # One issue at a time, so that nobody is promised the same paper by another one meanwhile.
            hold(connection, Lock.FREEZING)
            if after is not None and _newest_digest(connection) != after:
                return Frozen(stale=True)
            if not start_sending(connection, issue_id, content_hash, now):
                return Frozen()
            return Freezer(connection, issue_id, now).freeze(selections, skipped)

    def newest_digest(self) -> int:
        """Return the number of the digest that was frozen last, of any issue; 0 where there is none.

        While it stays the same, nobody was promised a paper.
        """
        with self._database.reading() as connection:
            return _newest_digest(connection)

    def requeue(self, issue_id: int, state: DeliveryState, *, now: datetime) -> int:
        """Let the deliveries in `state` (failed or uncertain) of an issue that is being sent wait again.

        Those that were attempted three times stay as they are: a mail that gets no answer each time would be doubled
        with each.

        Returns:
            How many there were; 0 where the issue is in another state.
        """
        with self._database.writing() as connection:
            if not _hold_issue(connection, issue_id, IssueState.SENDING):
                return 0
            return _wait_again(connection, issue_id, state, now, deliveries.c.attempts < RESENDS)

    def reopen(self, issue_id: int, state: DeliveryState, *, now: datetime) -> int:
        """Let the deliveries in `state` wait again with all their attempts, and the issue, if sent, be sent again.

        Returns:
            How many there were; with none nothing changes, nor where the issue is neither being sent nor sent.
        """
        again = update(issues).where(issues.c.id == issue_id, issues.c.state == IssueState.SENT.value)
        with self._database.writing() as connection:
            if not _hold_issue(connection, issue_id, IssueState.SENDING, IssueState.SENT):
                return 0
            number = _wait_again(connection, issue_id, state, now, attempts=0)
            if number:
                connection.execute(again.values(state=IssueState.SENDING.value, sent_at=None, updated_at=now))
            return number

    def close(self, issue_id: int, *, now: datetime) -> bool:
        """Call an issue that is being sent sent, if none of its deliveries can still come to another end.

        Raises:
            StoreError: there are not as many deliveries as were frozen.
        """
        still_open = select(deliveries.c.id).where(
            deliveries.c.issue_id == issue_id, deliveries.c.state.notin_([state.value for state in ENDS])
        )
        closing = update(issues).where(issues.c.id == issue_id)
        with self._database.writing() as connection:
            if not _hold_issue(connection, issue_id, IssueState.SENDING):
                return False
            if connection.execute(still_open.limit(1)).first():
                return False
            self._check_balance(connection, issue_id)
            values = {"state": IssueState.SENT.value, "sent_at": now, "paused_at": None, "updated_at": now}
            connection.execute(closing.values(values))
            return True

    def pause(self, issue_id: int, *, now: datetime) -> bool:
        """Let no further mail of an issue leave; False where it is not being sent, or paused already."""
        pausing = update(issues).where(issues.c.id == issue_id, is_sending())
        with self._database.writing() as connection:
            return connection.execute(pausing.values(paused_at=now, updated_at=now)).rowcount == 1

    def resume(self, issue_id: int, *, now: datetime) -> bool:
        """Let the mails of a paused issue leave again; False where it is not paused."""
        resuming = update(issues).where(issues.c.id == issue_id, issues.c.paused_at.is_not(None))
        with self._database.writing() as connection:
            return connection.execute(resuming.values(paused_at=None, updated_at=now)).rowcount == 1

    def cancel(self, issue_id: int, *, now: datetime) -> int | None:
        """Cancel an issue that is not sent yet, and skip every mail of it that waits.

        Returns:
            How many mails were skipped; None where the issue was sent or cancelled before, and nothing changed.
        """
        open_states = [IssueState.DRAFT.value, IssueState.APPROVED.value, IssueState.SENDING.value]
        cancelling = update(issues).where(issues.c.id == issue_id, issues.c.state.in_(open_states))
        waiting = update(deliveries).where(
            deliveries.c.issue_id == issue_id, deliveries.c.state.in_(sources(Event.SKIP))
        )
        values = {"state": IssueState.CANCELLED.value, "paused_at": None, "updated_at": now}
        with self._database.writing() as connection:
            if not connection.execute(cancelling.values(values)).rowcount:
                return None
            _hold_chunks(connection, issue_id)
            skipped = {"state": target(Event.SKIP), "reply": CANCELLED, "retry_at": None, "updated_at": now}
            return connection.execute(waiting.values(skipped)).rowcount

    def _check_balance(self, connection: Connection, issue_id: int) -> None:
        frozen = select(func.coalesce(func.sum(chunks.c.size), 0)).where(chunks.c.issue_id == issue_id)
        there = select(func.count()).where(deliveries.c.issue_id == issue_id, deliveries.c.chunk_id.is_not(None))
        expected, found = connection.execute(frozen).scalar_one(), connection.execute(there).scalar_one()
        if expected != found:
            raise StoreError(
                f"database {self._database.name}: an issue has {found:,} deliveries, and {expected:,} were frozen; it "
                "is not called sent: restore the database from a backup, or ask who changed it"
            )

    def totals(self, issue_id: int) -> dict[DeliveryState, int]:
        """Return how many deliveries of an issue are in each state; states without any are absent."""
        statement = (
            select(deliveries.c.state, func.count().label("number"))
            .where(deliveries.c.issue_id == issue_id)
            .group_by(deliveries.c.state)
        )
        with self._database.reading() as connection:
            found = {DeliveryState(row.state): row.number for row in connection.execute(statement)}
        return {state: found[state] for state in DeliveryState if state in found}

    def of(self, issue_id: int, subscriber_id: int) -> Delivery | None:
        """Return the delivery of an issue to a subscriber."""
        statement = select(deliveries).where(
            deliveries.c.issue_id == issue_id, deliveries.c.subscriber_id == subscriber_id
        )
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else _delivery(row)

    def all(self, issue_id: int, state: DeliveryState | None = None) -> Iterator[Delivery]:
        """Yield the deliveries of an issue, of one state or any, ordered by subscriber, as they are fetched."""
        statement = select(deliveries).where(deliveries.c.issue_id == issue_id).order_by(deliveries.c.subscriber_id)
        if state is not None:
            statement = statement.where(deliveries.c.state == state.value)
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=_PAGE).execute(statement):
                yield _delivery(row)

    def addressed(self, issue_id: int, state: DeliveryState | None = None) -> Iterator[tuple[str, Delivery]]:
        """Yield the deliveries of an issue as `all` does, each with its reader's present address."""
        statement = (
            select(deliveries, subscribers.c.address)
            .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
            .where(deliveries.c.issue_id == issue_id)
            .order_by(deliveries.c.subscriber_id)
        )
        if state is not None:
            statement = statement.where(deliveries.c.state == state.value)
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=_PAGE).execute(statement):
                yield row.address, _delivery(row)

    def history(self, subscriber_id: int) -> list[tuple[str, str, datetime, str]]:
        """Return what became of each issue for a subscriber, oldest first: period, state, when (aware, UTC), reply."""
        # by issue, as the index goes
        theirs = (deliveries.c.issue_id.in_(select(issues.c.id)), deliveries.c.subscriber_id == subscriber_id)
        columns = (issues.c.period, deliveries.c.state, deliveries.c.updated_at, deliveries.c.reply)
        statement = select(*columns).join(issues, issues.c.id == deliveries.c.issue_id).where(*theirs)
        with self._database.reading() as connection:
            return [tuple(row) for row in connection.execute(statement.order_by(deliveries.c.issue_id))]

    def selection(self, digest_id: int, issue: Issue) -> tuple[tuple[RankedPaper, ...], int]:
        """Return a digest's papers in order, as `issue` (its own, whole) holds them, and how many were left out.

        Raises:
            StoreError: there is no such digest in this issue.
        """
        of_digest = (digests.c.id == digest_id, digests.c.issue_id == issue.id)
        statement = select(digest_papers).where(digest_papers.c.digest_id == digest_id)
        with self._database.reading() as connection:
            left_out = connection.execute(select(digests.c.left_out).where(*of_digest)).scalar()
            rows = connection.execute(statement.order_by(digest_papers.c.position)).all()
        if left_out is None or any(row.issue_position >= len(issue.papers) for row in rows):
            raise StoreError(f"database {self._database.name}: issue {issue.period} has no digest {digest_id}")
        return tuple(_ranked(row, issue) for row in rows), left_out

    def already_sent(self, issue_id: int, paper_ids: Collection[str]) -> dict[int, frozenset[str]]:
        """Return, by subscriber, which of these papers other issues have brought them, or may have.

        The ids come back as they were given, also where a paper had another id when it was sent.
        """
        with self._database.reading() as connection:
            by_digest = _holding(connection, issue_id, sorted(set(paper_ids)))
            sent: dict[int, frozenset[str]] = {}
            for digest_id, subscriber_id in _recipients(connection, sorted(by_digest)):
                held = by_digest[digest_id]
                sent[subscriber_id] = sent[subscriber_id] | held if subscriber_id in sent else held
        return sent


def _hold_issue(connection: Connection, issue_id: int, *states: IssueState) -> bool:
    """Keep others from opening or closing the issue until the transaction ends; SQLite has one writer anyway.

    Returns:
        Whether it is in one of `states`, and stays there.
    """
    holding = select(issues.c.state).where(issues.c.id == issue_id).with_for_update()
    return connection.execute(holding).scalar() in states


def _hold_chunks(connection: Connection, issue_id: int) -> None:
    """Keep others from claiming or releasing a chunk of the issue until the transaction ends.

    Whoever changes many deliveries holds their chunks first, as a claim does: so no two wait for each other.
    """
    connection.execute(select(chunks.c.id).where(chunks.c.issue_id == issue_id).order_by(chunks.c.id).with_for_update())


def _newest_digest(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(digests.c.id), 0))).scalar_one())


def _wait_again(
    connection: Connection,
    issue_id: int,
    state: DeliveryState,
    now: datetime,
    *which: ColumnElement[bool],
    **values: object,
) -> int:
    """Queue the deliveries in `state` (`which` of them), and open the chunks they are in."""
    if state not in MOVES[Event.REOPEN][0]:
        raise ValueError(f"a delivery that is {state} cannot be opened again")
    _hold_chunks(connection, issue_id)
    those = update(deliveries).where(deliveries.c.issue_id == issue_id, deliveries.c.state == state.value, *which)
    queued = {"state": target(Event.REOPEN), "retry_at": None, "updated_at": now, **values}
    number = connection.execute(those.values(queued)).rowcount
    just_queued = select(deliveries.c.chunk_id).where(
        deliveries.c.issue_id == issue_id,
        deliveries.c.state == target(Event.REOPEN),
        deliveries.c.updated_at == now,
    )
    opened = update(chunks).where(chunks.c.issue_id == issue_id, chunks.c.id.in_(just_queued))
    # all attempts again means all the time again; the policy's own resending gets no more time than there was
    connection.execute(opened.values(due_at=now, **({"opened_at": now} if "attempts" in values else {})))
    return number


def _holding(connection: Connection, issue_id: int, ids: list[str]) -> dict[int, frozenset[str]]:
    """Return the digests of other issues that hold any of these papers, and which."""
    held: dict[int, set[str]] = {}
    for start in range(0, len(ids), _PAGE):
        statement = (
            select(digest_papers.c.digest_id, known_ids.c.id.label("asked"))
            .join(known_ids, known_ids.c.paper == digest_papers.c.paper)
            .join(digests, digests.c.id == digest_papers.c.digest_id)
            .where(known_ids.c.id.in_(ids[start : start + _PAGE]), digests.c.issue_id != issue_id)
        )
        for row in connection.execute(statement):
            held.setdefault(row.digest_id, set()).add(row.asked)
    return {digest_id: frozenset(asked) for digest_id, asked in held.items()}


def _recipients(connection: Connection, digest_ids: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (digest, subscriber) for each of these digests that was sent, or may have been."""
    for start in range(0, len(digest_ids), _PAGE):
        statement = select(deliveries.c.digest_id, deliveries.c.subscriber_id).where(
            deliveries.c.digest_id.in_(digest_ids[start : start + _PAGE]),
            deliveries.c.subscriber_id.is_not(None),
            deliveries.c.state.in_([state.value for state in _SENT]),
        )
        for row in connection.execution_options(yield_per=_PAGE).execute(statement):
            yield row.digest_id, row.subscriber_id


def _ranked(row: Row[*tuple[Any, ...]], issue: Issue) -> RankedPaper:
    return RankedPaper(
        paper=issue.papers[row.issue_position],
        score=row.score,
        reasons=tuple(row.reasons),
        matched=row.matched,
    )


def _delivery(row: Row[*tuple[Any, ...]]) -> Delivery:
    return Delivery(
        id=row.id,
        issue_id=row.issue_id,
        subscriber_id=row.subscriber_id,
        state=DeliveryState(row.state),
        digest_id=row.digest_id,
        attempts=row.attempts,
        reply=row.reply,
        retry_at=row.retry_at,
        updated_at=row.updated_at,
    )
