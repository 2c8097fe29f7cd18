"""Who gets the newsletter. An address is there once, whatever its letters' case."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from newsletter.model import Cadence, Subscriber, SubscriberStatus
from newsletter.store import schema
from newsletter.store.codec import payload_profile, profile_payload
from newsletter.store.engine import insert_into, refresh_statistics
from newsletter.store.history import note
from newsletter.store.schema import subscribers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from newsletter.life import Event
    from newsletter.store.engine import Database

_BATCH = 1000
# From where a list may take somebody who is there already: it confirms who waits and takes out who left, and never
# brings back.
_MAY_BECOME = {
    SubscriberStatus.CONFIRMED: (SubscriberStatus.PENDING,),
    SubscriberStatus.UNSUBSCRIBED: (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED),
    SubscriberStatus.BOUNCED: (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED),
    SubscriberStatus.COMPLAINED: (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOutcome:
    """The subscribers that were added, and the addresses that were there already (or twice).

    `known` were left alone; a list with statuses has confirmed some that were pending, and stopped mail to others.
    """

    added: tuple[Subscriber, ...] = ()
    known: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()


def address_key(address: str) -> str:
    """Return what addresses are compared by."""
    return unicodedata.normalize("NFC", address.strip()).casefold()


class SubscriberStore:
    """The subscribers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        subscribers: Iterable[Subscriber],
        *,
        now: datetime,
        settle_known: bool = False,
        event: Event | None = None,
    ) -> AddOutcome:
        """Store those whose address is not there yet, all or none; who is there is not changed.

        With `settle_known` the list's statuses count for those who are there, too, in the same transaction: one who
        is pending becomes confirmed, one who is pending or confirmed becomes unsubscribed, bounced or complained.
        Nobody who left comes back, and nothing but the status changes. `event` is noted of each who is new or changed;
        its detail, a consent, of those alone who are pending or confirmed.

        Raises:
            StoreError: the database refused; nobody was added or changed.
        """
        added: list[Subscriber] = []
        known: list[Subscriber] = []
        changed: dict[str, SubscriberStatus] = {}
        rest = iter(subscribers)
        with self._database.writing() as connection:
            while batch := list(islice(rest, _BATCH)):
                before = len(added)
                there = _add(connection, batch, now, added)
                known += there
                settled = _settle(connection, there, now) if settle_known else {}
                changed |= {key: status for key, (_, status) in settled.items()}
                if event:
                    _note(connection, event, [*((one.id, one.status) for one in added[before:]), *settled.values()])
            refresh_statistics(connection, len(added), schema.subscribers)
        return _outcome(added, known, changed)

    def find(self, address: str) -> Subscriber | None:
        """Return the subscriber with this address."""
        return self._one(subscribers.c.address_key == address_key(address))

    def get(self, subscriber_id: int) -> Subscriber | None:
        """Return the subscriber with this id."""
        return self._one(subscribers.c.id == subscriber_id)

    def all(
        self,
        *,
        statuses: Collection[SubscriberStatus] | None = None,
        cadences: Collection[Cadence] | None = None,
    ) -> Iterator[Subscriber]:
        """Yield the subscribers of these statuses and cadences (None: any), ordered by id, as they are fetched."""
        statement = _chosen(select(subscribers), statuses, cadences).order_by(subscribers.c.id)
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=_BATCH).execute(statement):
                yield subscriber_of(row)

    def page(self, *, after: int, limit: int, status: SubscriberStatus | None = None) -> list[Subscriber]:
        """Return the subscribers with the next ids after one, of one status (None: any)."""
        statement = _chosen(select(subscribers), None if status is None else (status,), None)
        statement = statement.where(subscribers.c.id > after).order_by(subscribers.c.id).limit(limit)
        with self._database.reading() as connection:
            return [subscriber_of(row) for row in connection.execute(statement)]

    def count(
        self,
        *,
        statuses: Collection[SubscriberStatus] | None = None,
        cadences: Collection[Cadence] | None = None,
    ) -> int:
        """Return how many subscribers have these statuses and cadences (None: any)."""
        statement = _chosen(select(func.count()).select_from(subscribers), statuses, cadences)
        with self._database.reading() as connection:
            number: int = connection.execute(statement).scalar_one()
        return number

    def set_status(
        self, address: str, status: SubscriberStatus, *, now: datetime, event: Event | None = None
    ) -> Subscriber | None:
        """Set where the subscriber with this address stands, and note the event; None where there is none."""
        whose = subscribers.c.address_key == address_key(address)
        statement = update(subscribers).where(whose).values(status=status.value, updated_at=now)
        with self._database.writing() as connection:
            row = connection.execute(statement.returning(subscribers)).first()
            if row is not None and event:
                note(connection, [row.id], event)
        return None if row is None else subscriber_of(row)

    def change(
        self,
        address: str,
        decide: Callable[[Subscriber], Subscriber],
        *,
        now: datetime,
        event: Event | None = None,
    ) -> Subscriber | None:
        """Store what `decide` makes of the subscriber's wishes: profile, cadence, weekday, hour, zone, size, pause.

        One transaction reads and writes, so that no other change of the same subscriber is lost between the two.
        Address and status stay as they are stored; `event` is noted. None where there is no such subscriber; what
        `decide` raises goes through, and nothing is changed.
        """
        with self._database.writing() as connection:
            whose = subscribers.c.address_key == address_key(address)
            row = connection.execute(select(subscribers).where(whose).with_for_update()).first()
            if row is None:
                return None
            wishes = wishes_row(decide(subscriber_of(row)))
            statement = update(subscribers).where(subscribers.c.id == row.id).values(**wishes, updated_at=now)
            if event:
                note(connection, [row.id], event)
            return subscriber_of(connection.execute(statement.returning(subscribers)).one())

    def _one(self, condition: ColumnElement[bool]) -> Subscriber | None:
        with self._database.reading() as connection:
            row = connection.execute(select(subscribers).where(condition)).first()
        return None if row is None else subscriber_of(row)


def _note(connection: Connection, event: Event, whom: Iterable[tuple[int, SubscriberStatus]]) -> None:
    by_status: dict[SubscriberStatus, list[int]] = {}
    for number, status in whom:
        by_status.setdefault(status, []).append(number)
    for status, numbers in by_status.items():
        agreed = status in (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED)
        note(connection, numbers, event if agreed else replace(event, detail={"status": status.value}))


def _outcome(added: list[Subscriber], known: list[Subscriber], changed: dict[str, SubscriberStatus]) -> AddOutcome:
    found: dict[str, list[str]] = {"known": [], "confirmed": [], "stopped": []}
    for one in known:
        status = changed.pop(address_key(one.address), None)
        became = "known" if status is None else "confirmed" if status is SubscriberStatus.CONFIRMED else "stopped"
        found[became].append(one.address)
    return AddOutcome(added=tuple(added), **{name: tuple(addresses) for name, addresses in found.items()})


def _settle(connection: Connection, known: list[Subscriber], now: datetime) -> dict[str, tuple[int, SubscriberStatus]]:
    """Give those who are there the list's status where it may be; return numbers and new statuses by address key."""
    changed: dict[str, tuple[int, SubscriberStatus]] = {}
    for status, before in _MAY_BECOME.items():
        keys = [address_key(one.address) for one in known if one.status is status]
        if not keys:
            continue
        statement = (
            update(subscribers)
            .where(subscribers.c.address_key.in_(keys))
            .where(subscribers.c.status.in_([one.value for one in before]))
            .values(status=status.value, updated_at=now)
            .returning(subscribers.c.address_key, subscribers.c.id)
        )
        changed |= {row.address_key: (row.id, status) for row in connection.execute(statement)}
    return changed


def _add(connection: Connection, batch: list[Subscriber], now: datetime, added: list[Subscriber]) -> list[Subscriber]:
    """Insert a batch, note in `added` who is new, and return those who were there already."""
    known = []
    first: dict[str, Subscriber] = {}
    for subscriber in batch:
        first.setdefault(address_key(subscriber.address), subscriber)
    rows = [_row(key, subscriber, now) for key, subscriber in first.items()]
    insert = insert_into(connection, subscribers).on_conflict_do_nothing()
    found = connection.execute(insert.returning(subscribers.c.address_key, subscribers.c.id), rows)
    stored = {row.address_key: row.id for row in found}
    for subscriber in batch:
        number = stored.pop(address_key(subscriber.address), None)
        if number is None:
            known.append(subscriber)
        else:
            created = subscriber.created_at or now
            added.append(replace(subscriber, id=number, address=subscriber.address.strip(), created_at=created))
    return known


def _row(key: str, subscriber: Subscriber, now: datetime) -> dict[str, Any]:
    return {
        "address": subscriber.address.strip(),
        "address_key": key,
        "status": subscriber.status.value,
        "created_at": subscriber.created_at or now,
        "updated_at": now,
        **wishes_row(subscriber),
    }


def wishes_row(subscriber: Subscriber) -> dict[str, Any]:
    """Return the columns that hold what a subscriber wants."""
    return {
        "profile": profile_payload(subscriber.profile),
        "cadence": subscriber.cadence.value,
        "hour": subscriber.hour,
        "timezone": subscriber.timezone,
        "size": subscriber.size,
        "weekday": subscriber.weekday,
        "paused_until": subscriber.paused_until,
    }


def subscriber_of(row: Row[*tuple[Any, ...]]) -> Subscriber:
    """Return the subscriber that a row with all of their columns holds."""
    return Subscriber(
        id=row.id,
        address=row.address,
        status=SubscriberStatus(row.status),
        profile=payload_profile(row.profile),
        cadence=Cadence(row.cadence),
        hour=row.hour,
        timezone=row.timezone,
        size=row.size,
        created_at=row.created_at,
        weekday=row.weekday,
        paused_until=row.paused_until,
        link_epoch=row.link_epoch,
    )


def _chosen(
    statement: Select[Any],
    statuses: Collection[SubscriberStatus] | None,
    cadences: Collection[Cadence] | None,
) -> Select[Any]:
    if statuses is not None:
        statement = statement.where(subscribers.c.status.in_([status.value for status in statuses]))
    if cadences is not None:
        statement = statement.where(subscribers.c.cadence.in_([cadence.value for cadence in cadences]))
    return statement
