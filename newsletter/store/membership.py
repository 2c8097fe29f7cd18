"""One act in the life of a subscriber: read where they stand, decide, and store what follows, in one transaction.

What is decided comes from the caller, as a pure function from `Standing` to `Step`; here it is only carried out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from newsletter.errors import StoreError
from newsletter.life import Asked, Event, Request
from newsletter.model import Letter, Subscriber, SuppressionReason
from newsletter.store.codec import payload_wishes, wishes_payload
from newsletter.store.engine import insert_into
from newsletter.store.forgetting import erase
from newsletter.store.history import note, recent
from newsletter.store.letters import queue, unqueue
from newsletter.store.schema import requests, subscribers, suppressions
from newsletter.store.subscribers import address_key, subscriber_of, wishes_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from newsletter.store.engine import Database

RECENT = timedelta(days=1)  # so far back the history of a standing goes
_TRIES = 3  # where somebody else takes the address at the same moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where somebody stands. `subscriber.id` is 0 where nobody has the address.

    `suppressed` says why their address gets no mail. `other` has the address that they want instead, and
    `other_suppressed` says why that one gets none. `recent` are the events of the last day, oldest first.
    """

    subscriber: Subscriber
    suppressed: SuppressionReason | None = None
    requests: Mapping[Asked, Request] = field(default_factory=dict)
    recent: tuple[Event, ...] = ()
    other: Subscriber | None = None
    other_suppressed: SuppressionReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What shall be stored: the subscriber as they are from now on (None: as before), and what goes with it.

    `letters` are queued, each to its address, `withdrawn` ones are not sent. `asks` is kept until it is confirmed,
    `settles` are done with. `lifts` lets the address be mailed that the subscriber has then. `replaces` is the number
    of a subscriber who is forgotten because this one takes their address; 0 for nobody.
    """

    subscriber: Subscriber | None = None
    events: tuple[Event, ...] = ()
    letters: tuple[tuple[Letter, str], ...] = ()
    withdrawn: tuple[Letter, ...] = ()
    asks: Request | None = None
    settles: tuple[Asked, ...] = ()
    lifts: bool = False
    replaces: int = 0


class MembershipStore:
    """Acts on subscribers. `seal` makes the hash that an address is suppressed under."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def act(
        self,
        whose: int | str,
        decide: Callable[[Standing], Step],
        *,
        seal: Callable[[str], str],
        now: datetime,
        other: str = "",
    ) -> Subscriber | None:
        """Carry out what `decide` makes of the standing of a subscriber (their number) or of an address.

        `other` is an address that they want instead; without it, the one that they asked for before. What `decide`
        raises goes through, and nothing is changed.

        Returns:
            The subscriber as they are then; None where there is none: a number that nobody has (nothing is decided),
            or an address that nobody got.

        Raises:
            StoreError: the database refused; nothing was changed.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._database.writing() as connection:
                    return _act(connection, whose, decide, seal, now, other)
            except StoreError as error:
                # two who take one address at once: the second one finds it taken when it looks again
                if not tries_left or not isinstance(error.__cause__, IntegrityError):
                    raise
        raise AssertionError("the last try returns or raises")

    def asked(self, subscriber_id: int) -> Mapping[Asked, Request]:
        """Return what a subscriber asked for that is not confirmed yet."""
        with self._database.reading() as connection:
            return _requests(connection, subscriber_id)

    def purge_requests(self, *, before: datetime) -> int:
        """Drop what was asked for earlier than `before` and never confirmed; return how many requests that were."""
        with self._database.writing() as connection:
            return connection.execute(delete(requests).where(requests.c.at < before)).rowcount


def _act(
    connection: Connection,
    whose: int | str,
    decide: Callable[[Standing], Step],
    seal: Callable[[str], str],
    now: datetime,
    other: str,
) -> Subscriber | None:
    known = _find(connection, _is(whose), locked=True)
    if known is None:
        if isinstance(whose, int):
            return None
        known = Subscriber(address=whose)
    return _carried_out(connection, known, decide(_standing(connection, known, seal, now, other)), seal, now)


def _is(whose: int | str) -> ColumnElement[bool]:
    return subscribers.c.id == whose if isinstance(whose, int) else subscribers.c.address_key == address_key(whose)


def _find(connection: Connection, which: ColumnElement[bool], *, locked: bool = False) -> Subscriber | None:
    statement = select(subscribers).where(which)
    row = connection.execute(statement.with_for_update() if locked else statement).first()
    return None if row is None else subscriber_of(row)


def _standing(
    connection: Connection, known: Subscriber, seal: Callable[[str], str], now: datetime, other: str
) -> Standing:
    asked = _requests(connection, known.id)
    wanted = other or (asked[Asked.ADDRESS].address if Asked.ADDRESS in asked else "")
    return Standing(
        subscriber=known,
        suppressed=_suppressed(connection, seal(known.address)),
        requests=asked,
        recent=recent(connection, known.id, since=now - RECENT),
        other=_find(connection, _is(wanted)) if wanted else None,
        other_suppressed=_suppressed(connection, seal(wanted)) if wanted else None,
    )


def _suppressed(connection: Connection, key: str) -> SuppressionReason | None:
    reason = connection.execute(select(suppressions.c.reason).where(suppressions.c.key == key)).scalar()
    return None if reason is None else SuppressionReason(reason)


def _requests(connection: Connection, subscriber_id: int) -> dict[Asked, Request]:
    rows = connection.execute(select(requests).where(requests.c.subscriber_id == subscriber_id))
    return {Asked(row.kind): _request(Asked(row.kind), row.at, row.payload) for row in rows}


def _request(kind: Asked, at: datetime, payload: Mapping[str, Any]) -> Request:
    wishes = payload_wishes(payload["wishes"], "") if "wishes" in payload else None
    return Request(kind=kind, at=at, wishes=wishes, address=payload.get("address", ""))


def _carried_out(
    connection: Connection, known: Subscriber, step: Step, seal: Callable[[str], str], now: datetime
) -> Subscriber | None:
    if step.replaces:
        erase(connection, step.replaces)
    now_is = known if step.subscriber is None else _stored(connection, step.subscriber, known.id, now)
    if not now_is.id:
        return None
    if step.lifts:
        connection.execute(delete(suppressions).where(suppressions.c.key == seal(now_is.address)))
    _settle_requests(connection, now_is.id, step)
    for letter in step.withdrawn:
        unqueue(connection, now_is.id, letter)
    for letter, address in step.letters:
        queue(connection, now_is.id, letter, address, now)
    note(connection, [now_is.id], *step.events)
    return now_is


def _stored(connection: Connection, wanted: Subscriber, number: int, now: datetime) -> Subscriber:
    row = {
        "address": wanted.address,
        "address_key": address_key(wanted.address),
        "status": wanted.status.value,
        "link_epoch": wanted.link_epoch,
        "updated_at": now,
        **wishes_row(wanted),
    }
    if number:
        statement: Any = update(subscribers).where(subscribers.c.id == number).values(row)
    else:
        statement = insert(subscribers).values(row | {"created_at": now})
    return subscriber_of(connection.execute(statement.returning(subscribers)).one())


def _settle_requests(connection: Connection, number: int, step: Step) -> None:
    theirs = requests.c.subscriber_id == number
    if step.settles:
        connection.execute(delete(requests).where(theirs, requests.c.kind.in_([one.value for one in step.settles])))
    if step.asks is None:
        return
    payload: dict[str, Any] = {"address": step.asks.address} if step.asks.address else {}
    payload |= {"wishes": wishes_payload(step.asks.wishes)} if step.asks.wishes else {}
    values = {"payload": payload, "at": step.asks.at}
    new = insert_into(connection, requests).values(subscriber_id=number, kind=step.asks.kind.value, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["subscriber_id", "kind"], set_=values))
