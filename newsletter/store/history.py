"""A subscriber's history: what happened, when, and in a few words how. Written inside the transaction of what did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from newsletter.life import Event, Happening, Leaving
from newsletter.store.engine import Lock, hold, share
from newsletter.store.schema import events

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from newsletter.store.engine import Database

_PAGE = 1000
_MOST_RECENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An event with its number, and whose it is. Numbers grow, but who is forgotten takes theirs along."""

    id: int
    subscriber_id: int
    event: Event


class HistoryStore:
    """The histories of all subscribers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, subscriber_id: int) -> tuple[Event, ...]:
        """Return what happened to a subscriber, oldest first."""
        statement = select(events).where(events.c.subscriber_id == subscriber_id).order_by(events.c.at, events.c.id)
        with self._database.reading() as connection:
            return tuple(_event(row) for row in connection.execute(statement))

    def latest(self, subscriber_id: int, *, limit: int) -> tuple[Event, ...]:
        """Return what happened to a subscriber last, the latest first; there may be very much that did."""
        theirs = select(events).where(events.c.subscriber_id == subscriber_id)
        statement = theirs.order_by(events.c.at.desc(), events.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return tuple(_event(row) for row in connection.execute(statement))

    def since(self, subscriber_id: int, since: datetime) -> tuple[Event, ...]:
        """Return what happened to a subscriber from `since` on, oldest first; of very much the newest 500."""
        with self._database.reading() as connection:
            return recent(connection, subscriber_id, since=since)

    def page(self, *, after: int, limit: int, subscriber_id: int | None = None) -> list[Noted]:
        """Return the events with the next numbers after one, of one subscriber (None: of all).

        It waits for the transactions that are noting some: on PostgreSQL they may end in another order than that of
        their numbers, and who reads on from the last number would never see the late ones.
        """
        statement = select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
        if subscriber_id is not None:
            statement = statement.where(events.c.subscriber_id == subscriber_id)
        with self._database.reading() as connection:
            hold(connection, Lock.EVENTS)
            rows = connection.execute(statement)
            return [Noted(id=row.id, subscriber_id=row.subscriber_id, event=_event(row)) for row in rows]


def note(connection: Connection, subscriber_ids: Iterable[int], *happened: Event) -> None:
    """Add to the history of each of these subscribers inside the caller's transaction."""
    rows = [_row(number, event) for number in subscriber_ids for event in happened]
    if rows:
        share(connection, Lock.EVENTS)
    for start in range(0, len(rows), _PAGE):
        connection.execute(insert(events), rows[start : start + _PAGE])


def left_by(how: Leaving, was: str, now: datetime) -> Event:
    """Return the event that somebody was unsubscribed; `was` is the status before."""
    return Event(kind=Happening.UNSUBSCRIBED, at=now, detail={"how": how.value, "was": str(was)})


def recent(connection: Connection, subscriber_id: int, *, since: datetime) -> tuple[Event, ...]:
    """Return what happened to a subscriber from `since` on, oldest first, inside the caller's transaction.

    Of very much, which somebody who posts a form again and again can bring about, the newest 500.
    """
    theirs = (events.c.subscriber_id == subscriber_id, events.c.at >= since)
    newest = select(events).where(*theirs).order_by(events.c.at.desc(), events.c.id.desc()).limit(_MOST_RECENT)
    return tuple(_event(row) for row in reversed(connection.execute(newest).all()))


def _row(subscriber_id: int, event: Event) -> dict[str, Any]:
    return {
        "subscriber_id": subscriber_id,
        "at": event.at,
        "kind": event.kind.value,
        "detail": dict(event.detail),
    }


def _event(row: Row[*tuple[Any, ...]]) -> Event:
    return Event(kind=Happening(row.kind), at=row.at, detail=row.detail)
