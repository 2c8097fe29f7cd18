"""The ledger of one sender: what is committed mail by mail, just before one leaves and right after its answer.

One commit may settle the last mail and allow the next one (the two never lie further apart than one mail), so that a
crash leaves at most one mail of a sender uncertain. Every mark is fenced by the chunk's claim and checked against the
table of `moves`. It decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, Text, bindparam, case, cast, exists, func, literal, or_, select, update

from newsletter.model import DeliveryState, SubscriberStatus
from newsletter.moves import Event, settling, sources, target
from newsletter.pauses import local_day
from newsletter.store.chunks import FORGOTTEN, is_sending
from newsletter.store.columns import UtcTime
from newsletter.store.schema import chunks, deliveries, issues, subscribers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Update

    from newsletter.store.chunks import Chunk, Due
    from newsletter.store.direct import Direct


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a delivery; `retry_at` belongs to a deferred one."""

    delivery_id: int
    state: DeliveryState
    reply: str
    retry_at: datetime | None = None


class Ledger:
    """Marks the deliveries of the chunks that a sender holds; one sender's own, in one thread."""

    def __init__(self, connection: Direct) -> None:
        self._connection = connection

    def attempt(self, chunk: Chunk, due: Due, *, settled: Sequence[Outcome] = (), now: datetime) -> bool:
        """Commit that the next byte to leave is this mail's; in the same commit settle mails that have their answer.

        Returns:
            Whether it may leave. It may not where the chunk is somebody else's by now, the issue is paused or
            cancelled, or the reader has left, pauses or has another address; then `settled` is committed all the same.
        """
        mark = {
            "delivery": due.id,
            "chunk": chunk.id,
            "claim": chunk.fence,
            "claimant": chunk.owner,
            "whose": due.subscriber.id,
            "at_address": due.subscriber.address,
            "today": local_day(due.subscriber.timezone, now),
            "at": now,
        }
        steps = tuple(_settling(chunk, settled, now))
        if self._connection.nests and len(steps) == 1 and settled[0].delivery_id != due.id:
            return self._connection.run((_SETTLE_AND_ATTEMPT, {**steps[0][1], **mark})) == 1
        return self._connection.run(*steps, (_ATTEMPT, mark)) == 1

    def settle(self, chunk: Chunk, outcomes: Sequence[Outcome], *, now: datetime) -> None:
        """Commit what became of mails that were attempted under this claim."""
        if outcomes:
            self._connection.run(*_settling(chunk, outcomes, now))

    def skip(self, chunk: Chunk, due: Due, *, now: datetime) -> bool:
        """Skip a delivery whose reader is not confirmed any more, or pauses, with that as the reason, else nothing."""
        mark = {
            "delivery": due.id,
            "chunk": chunk.id,
            "claim": chunk.fence,
            "claimant": chunk.owner,
            "today": local_day(due.subscriber.timezone, now),
            "at": now,
        }
        return self._connection.run((_SKIP, mark)) == 1


def _settling(
    chunk: Chunk, outcomes: Sequence[Outcome], now: datetime
) -> Iterator[tuple[Update, Mapping[str, object]]]:
    for one in outcomes:
        mark = {
            "settled": one.delivery_id,
            "chunk": chunk.id,
            "claim": chunk.fence,
            "outcome": target(settling(one.state)),
            "answer": one.reply,
            "later": one.retry_at,
            "at": now,
        }
        yield _SETTLE, mark


_at = bindparam("at", type_=UtcTime())
_today = bindparam("today", type_=Date())  # in the reader's time zone
_HOLDS_CHUNK = exists(
    select(chunks.c.id).where(
        chunks.c.id == bindparam("chunk"),
        chunks.c.fence == bindparam("claim"),
        chunks.c.owner == bindparam("claimant"),
    )
)


def _may(event: Event) -> ColumnElement[bool]:
    """Return the condition that an event may move a delivery; no list, which no ready statement can hold."""
    return or_(*(deliveries.c.state == state for state in sources(event)))


def _attempt() -> Update:
    leaves = exists(select(issues.c.id).where(issues.c.id == deliveries.c.issue_id, is_sending()))
    wanted = exists(
        select(subscribers.c.id).where(
            subscribers.c.id == bindparam("whose"),
            subscribers.c.status == SubscriberStatus.CONFIRMED.value,
            subscribers.c.address == bindparam("at_address"),
            or_(subscribers.c.paused_until.is_(None), subscribers.c.paused_until <= _today),
        )
    )
    return (
        update(deliveries)
        .where(
            deliveries.c.id == bindparam("delivery"),
            deliveries.c.chunk_id == bindparam("chunk"),
            _may(Event.ATTEMPT),
            _HOLDS_CHUNK,
            leaves,
            wanted,
        )
        .values(
            state=target(Event.ATTEMPT),
            attempts=deliveries.c.attempts + 1,
            fence=bindparam("claim"),
            retry_at=None,
            updated_at=_at,
        )
    )


def _settled() -> Update:
    in_flight = _may(Event.ACCEPT)  # which every settling event comes from
    return (
        update(deliveries)
        .where(
            deliveries.c.id == bindparam("settled"),
            deliveries.c.chunk_id == bindparam("chunk"),
            deliveries.c.fence == bindparam("claim"),
            in_flight,
        )
        .values(state=bindparam("outcome"), reply=bindparam("answer"), retry_at=bindparam("later"), updated_at=_at)
    )


def _skipped() -> Update:
    def theirs(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return select(column).where(subscribers.c.id == deliveries.c.subscriber_id).scalar_subquery()

    status = func.coalesce(theirs(subscribers.c.status), FORGOTTEN)
    has_left = status != SubscriberStatus.CONFIRMED.value
    paused_until = theirs(subscribers.c.paused_until)
    pauses = literal("paused until ") + cast(paused_until, Text)  # as `pause_reason` says it
    return (
        update(deliveries)
        .where(
            deliveries.c.id == bindparam("delivery"),
            deliveries.c.chunk_id == bindparam("chunk"),
            _may(Event.SKIP),
            _HOLDS_CHUNK,
            or_(has_left, paused_until > _today),
        )
        .values(state=target(Event.SKIP), reply=case((has_left, status), else_=pauses), retry_at=None, updated_at=_at)
    )


def _settled_and_attempt() -> Update:
    """Return both as one statement: one round trip to the server and one commit, a third of the usual cost.

    The settling goes first, for the attempt asks after it: so rows are locked in the order in which others lock them.
    """
    settled = _settled().returning(deliveries.c.id).cte("last")
    return _attempt().where(select(func.count()).select_from(settled).scalar_subquery() >= 0)


_ATTEMPT = _attempt()
_SETTLE = _settled()
_SETTLE_AND_ATTEMPT = _settled_and_attempt()
_SKIP = _skipped()
