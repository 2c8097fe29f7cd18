"""Addresses that get no mail, each as a keyed hash that outlives the subscriber; the hash is made by the caller."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from newsletter.life import Leaving
from newsletter.model import SubscriberStatus, Suppression, SuppressionReason
from newsletter.store.engine import insert_into
from newsletter.store.history import left_by, note
from newsletter.store.schema import bounces, subscribers, suppressions
from newsletter.store.subscribers import address_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from newsletter.store.engine import Database

_BATCH = 1000
_MAILED = (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED)


class SuppressionStore:
    """The suppressed addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: str, address: str, *, reason: SuppressionReason, now: datetime) -> bool:
        """Suppress an address by its hash, and unsubscribe who has it; False where it was suppressed before.

        Raises:
            StoreError: the database refused; nothing was changed.
        """
        whose = subscribers.c.address_key == address_key(address)
        leaving = update(subscribers).where(whose, subscribers.c.status.in_([one.value for one in _MAILED]))
        with self._database.writing() as connection:
            person = connection.execute(select(subscribers).where(whose).with_for_update()).first()
            left = leaving.values(status=SubscriberStatus.UNSUBSCRIBED.value, updated_at=now)
            if connection.execute(left).rowcount and person:
                note(connection, [person.id], left_by(Leaving.OPERATOR, person.status, now))
            return suppress(connection, key, reason, now=now, subscriber_id=person.id if person else None)

    def remove(self, key: str, address: str) -> bool:
        """Let an address be mailed again and forget what counted against it; False where it was not suppressed.

        The subscriber stays as they are: whether they want mail is not for this list to say.

        Raises:
            StoreError: the database refused; nothing was changed.
        """
        whose = select(subscribers.c.id).where(subscribers.c.address_key == address_key(address)).scalar_subquery()
        with self._database.writing() as connection:
            connection.execute(update(bounces).where(bounces.c.subscriber_id == whose).values(settled=True))
            return connection.execute(delete(suppressions).where(suppressions.c.key == key)).rowcount == 1

    def among(self, keys: Iterable[str]) -> set[str]:
        """Return which of these hashes are suppressed."""
        found: set[str] = set()
        rest = iter(keys)
        with self._database.reading() as connection:
            while batch := list(islice(rest, _BATCH)):
                found.update(
                    connection.execute(select(suppressions.c.key).where(suppressions.c.key.in_(batch))).scalars()
                )
        return found

    def any(self) -> bool:
        """Return whether any address is suppressed."""
        with self._database.reading() as connection:
            return connection.execute(select(suppressions.c.key).limit(1)).first() is not None

    def all(self) -> Iterator[Suppression]:
        """Yield the suppressed addresses, oldest first, as they are fetched."""
        statement = (
            select(suppressions, subscribers.c.address)
            .outerjoin(subscribers, subscribers.c.id == suppressions.c.subscriber_id)
            .order_by(suppressions.c.since, suppressions.c.key)
        )
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=_BATCH).execute(statement):
                yield Suppression(reason=SuppressionReason(row.reason), since=row.since, address=row.address or "")


def suppress(
    connection: Connection, key: str, reason: SuppressionReason, *, now: datetime, subscriber_id: int | None
) -> bool:
    """Suppress the address of this hash inside the caller's transaction; False where it was suppressed before.

    The first reason stands, but for a complaint: it outranks the others.
    """
    row = {"key": key, "reason": reason.value, "subscriber_id": subscriber_id, "since": now}
    new = insert_into(connection, suppressions).values(row).on_conflict_do_nothing().returning(suppressions.c.key)
    if connection.execute(new).first():
        return True
    values: dict[str, Any] = {"subscriber_id": subscriber_id} if subscriber_id else {}
    values |= {"reason": reason.value} if reason is SuppressionReason.COMPLAINED else {}
    if values:
        connection.execute(update(suppressions).where(suppressions.c.key == key).values(values))
    return False
