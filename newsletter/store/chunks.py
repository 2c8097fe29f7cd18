"""Chunks: some hundred deliveries of an issue that one sender takes at a time, under a lease.

A claim counts the chunk's `fence` up, and whatever is marked later must carry that number: a sender that lost its lease
can mark nothing more (https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html). What an earlier
claimant left in flight is settled here, by policy. Single mails are marked in `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, literal, or_, select, update

from newsletter.model import DeliveryState, IssueState, Subscriber, SubscriberStatus
from newsletter.moves import WAITING, Event, sources, target
from newsletter.pauses import pause_reason
from newsletter.store.columns import UtcTime
from newsletter.store.schema import chunks, deliveries, issues, subscribers
from newsletter.store.subscribers import subscriber_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection, Row

    from newsletter.store.engine import Database

CANCELLED = "the issue was cancelled"  # why a mail was skipped
FORGOTTEN = "forgotten"  # the same; such a reader has no row
RESENDS = 3  # attempts, after which a mail that stays uncertain each time is held whatever the policy
_WAITS = [state.value for state in WAITING]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is to be attempted: to whom, with which digest, after how many attempts."""

    id: int
    subscriber: Subscriber
    digest_id: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A claimed chunk: what is due in it, by whom and under which fence it is held, and since when mails were due."""

    id: int
    issue_id: int
    owner: str
    fence: int
    opened_at: datetime
    due: tuple[Due, ...] = ()


class ChunkStore:
    """The chunks. Times are aware; `now` is the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, issue_id: int, *, owner: str, now: datetime, lease: timedelta, resend: bool = False
    ) -> Chunk | None:
        """Take the next chunk in which a mail is due, and commit that before returning it.

        What its last claimant left in flight becomes uncertain, or with `resend` waits again. Readers who are not
        confirmed any more, or pause, are skipped, with that as the reason. None when nothing is due that nobody holds,
        or the issue is paused or not being sent; what a dead claimant left in flight is settled even then.
        """
        while True:
            with self._database.writing() as connection:
                row = _next(connection, issue_id, now)
                if row is None:
                    return None
                taken = _take(connection, row.id, owner, now, now + lease)
                _lapse(connection, row.id, now, resend=resend)
                _skip_who_left(connection, row.id, now)
                due = _due(connection, row.id, now)
                if due:
                    return _chunk(taken, due)
                _release(connection, row.id, taken.fence, now)

    def renew(self, chunk: Chunk, *, now: datetime, lease: timedelta) -> bool:
        """Keep a chunk until `now + lease`; False where it is somebody else's by now."""
        statement = update(chunks).where(*_held(chunk)).values(lease_until=now + lease)
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount == 1

    def release(self, chunk: Chunk, *, now: datetime) -> None:
        """Let go of a chunk, done or not; what waits in it is due when its first mail is."""
        holding = select(chunks.c.id).where(*_held(chunk)).with_for_update()
        with self._database.writing() as connection:
            # Held before it is looked into: else what is queued meanwhile, by a statement that waits for this chunk
            # or that this one waits for, would be due never.
            if connection.execute(holding).first():
                _release(connection, chunk.id, chunk.fence, now)

    def unfinished(self, issue_id: int) -> int:
        """Return in how many chunks of an issue a mail waits or is under way."""
        statement = select(func.count()).where(chunks.c.issue_id == issue_id, chunks.c.due_at.is_not(None))
        with self._database.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def next_due(self, issue_id: int) -> datetime | None:
        """Return when the next mail of an issue is due, past or future; None where none waits."""
        statement = select(func.min(chunks.c.due_at)).where(chunks.c.issue_id == issue_id)
        with self._database.reading() as connection:
            due: datetime | None = connection.execute(statement).scalar_one()
        return due

    def owners(self, issue_id: int, *, now: datetime) -> frozenset[str]:
        """Return who holds chunks of an issue under a lease that has not ended."""
        statement = select(chunks.c.owner).where(chunks.c.issue_id == issue_id, chunks.c.lease_until > now).distinct()
        with self._database.reading() as connection:
            return frozenset(connection.execute(statement).scalars())

    def forsake(self, issue_id: int, owners: Collection[str], *, now: datetime) -> int:
        """End the leases of owners who are known to be dead, and return how many chunks that were."""
        held = (chunks.c.issue_id == issue_id, chunks.c.owner.in_(sorted(owners)), chunks.c.lease_until > now)
        with self._database.writing() as connection:
            return connection.execute(update(chunks).where(*held).values(lease_until=now)).rowcount


def is_sending() -> ColumnElement[bool]:
    """Return the condition that an issue's mails may leave."""
    return and_(issues.c.state == IssueState.SENDING.value, issues.c.paused_at.is_(None))


def _held(chunk: Chunk) -> tuple[ColumnElement[bool], ...]:
    return chunks.c.id == chunk.id, chunks.c.fence == chunk.fence, chunks.c.owner == chunk.owner


def _next(connection: Connection, issue_id: int, now: datetime) -> Row[*tuple[Any, ...]] | None:
    sending = select(issues.c.id).where(issues.c.id == issue_id, is_sending()).exists()
    waits = and_(chunks.c.lease_until.is_(None), chunks.c.due_at <= now, sending)
    # A chunk whose lease has ended is looked at whatever its `due_at`, and whatever became of the issue: its claimant
    # may have died in the middle of a mail.
    statement = select(chunks.c.id).where(chunks.c.issue_id == issue_id, or_(waits, chunks.c.lease_until <= now))
    # What has been due longest comes first, so that no chunk that is due again and again keeps others waiting.
    in_turn = statement.order_by(chunks.c.due_at, chunks.c.id).limit(1)
    return connection.execute(in_turn.with_for_update(of=chunks, skip_locked=True)).first()


def _take(connection: Connection, chunk_id: int, owner: str, now: datetime, until: datetime) -> Row[*tuple[Any, ...]]:
    values = {"owner": owner, "lease_until": until, "fence": chunks.c.fence + 1, "due_at": now}
    return connection.execute(update(chunks).where(chunks.c.id == chunk_id).values(values).returning(chunks)).one()


def _lapse(connection: Connection, chunk_id: int, now: datetime, *, resend: bool) -> None:
    lost = update(deliveries).where(deliveries.c.chunk_id == chunk_id, deliveries.c.state.in_(sources(Event.LOSE)))
    reply = "its sender ended before the answer came"
    connection.execute(lost.values(state=target(Event.LOSE), reply=reply, updated_at=now))
    if resend:
        again = update(deliveries).where(
            deliveries.c.chunk_id == chunk_id,
            deliveries.c.state == DeliveryState.UNCERTAIN.value,
            deliveries.c.attempts < RESENDS,
        )
        connection.execute(again.values(state=target(Event.REOPEN), updated_at=now))


def _skip_who_left(connection: Connection, chunk_id: int, now: datetime) -> None:
    whose = subscribers.c.id == deliveries.c.subscriber_id
    status = func.coalesce(select(subscribers.c.status).where(whose).scalar_subquery(), FORGOTTEN)
    waiting = (deliveries.c.chunk_id == chunk_id, deliveries.c.state.in_(sources(Event.SKIP)))
    skipped = {"state": target(Event.SKIP), "retry_at": None, "updated_at": now}
    left = update(deliveries).where(*waiting, status != SubscriberStatus.CONFIRMED.value)
    connection.execute(left.values(reply=status, **skipped))
    pausing = select(deliveries.c.id, subscribers.c.paused_until, subscribers.c.timezone).join(subscribers, whose)
    for row in connection.execute(pausing.where(*waiting, subscribers.c.paused_until.is_not(None))).all():
        if reason := pause_reason(row.paused_until, row.timezone, now):
            connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(reply=reason, **skipped))


def _due(connection: Connection, chunk_id: int, now: datetime) -> tuple[Due, ...]:
    statement = (
        select(deliveries.c.id.label("delivery_id"), deliveries.c.digest_id, deliveries.c.attempts, subscribers)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .join(issues, issues.c.id == deliveries.c.issue_id)
        .where(
            is_sending(),
            deliveries.c.chunk_id == chunk_id,
            deliveries.c.state.in_(_WAITS),
            or_(deliveries.c.retry_at.is_(None), deliveries.c.retry_at <= now),
        )
        .order_by(deliveries.c.id)
    )
    return tuple(
        Due(
            id=row.delivery_id,
            subscriber=subscriber_of(row),
            digest_id=row.digest_id,
            attempts=row.attempts,
        )
        for row in connection.execute(statement)
    )


def _release(connection: Connection, chunk_id: int, fence: int, now: datetime) -> None:
    """Free a chunk; one in which the claimant could not settle a mail is due at once, so that this is noticed.

    What still waits in it when its issue is cancelled, because it was in flight at that moment, is skipped.
    """
    issue_state = select(issues.c.state).where(issues.c.id == deliveries.c.issue_id).scalar_subquery()
    over = update(deliveries).where(
        deliveries.c.chunk_id == chunk_id,
        deliveries.c.state.in_(sources(Event.SKIP)),
        issue_state == IssueState.CANCELLED.value,
    )
    connection.execute(over.values(state=target(Event.SKIP), reply=CANCELLED, retry_at=None, updated_at=now))
    at_once = deliveries.c.state.in_([DeliveryState.QUEUED.value, DeliveryState.IN_FLIGHT.value])
    at = literal(now, UtcTime())
    when = case((at_once, at), else_=func.coalesce(deliveries.c.retry_at, at))
    waiting = deliveries.c.state.in_([*_WAITS, DeliveryState.IN_FLIGHT.value])
    due_at = select(func.min(when)).where(deliveries.c.chunk_id == chunk_id, waiting).scalar_subquery()
    statement = update(chunks).where(chunks.c.id == chunk_id, chunks.c.fence == fence)
    connection.execute(statement.values(owner="", lease_until=None, due_at=due_at))


def _chunk(row: Row[*tuple[Any, ...]], due: tuple[Due, ...]) -> Chunk:
    return Chunk(id=row.id, issue_id=row.issue_id, owner=row.owner, fence=row.fence, opened_at=row.opened_at, due=due)
