"""Letters that wait: queued in the transaction of what calls for them, claimed one by one under a lease, then deleted.

A claim is committed before the letter is handed over, and settled after the answer. A letter whose claim ended without
a word may have arrived: it is claimed once more, and the second time given up, so that nobody gets it three times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, or_, select, update

from newsletter.life import Event, Happening
from newsletter.model import Letter
from newsletter.store.engine import insert_into
from newsletter.store.history import note
from newsletter.store.schema import letters

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection, Row

    from newsletter.store.engine import Database

MOST_LAPSES = 2  # claims that may end without a word: each may be a mail that arrived
_UNCERTAIN = "nobody knows whether it arrived: its sender ended twice before the answer came"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A letter in the queue; one that was queued anew has another `queued_at`. Times are aware, UTC."""

    id: int
    subscriber_id: int
    letter: Letter
    address: str
    queued_at: datetime
    due_at: datetime
    attempts: int
    lapses: int
    owner: str = ""


class LetterStore:
    """The queue. Times are aware; `now` is the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, subscriber_id: int | None = None) -> tuple[Waiting, ...]:
        """Return the letters, to one subscriber or all, that wait or are being handed over, the next one first."""
        statement = select(letters).order_by(*_ORDER)
        if subscriber_id is not None:
            statement = statement.where(letters.c.subscriber_id == subscriber_id)
        with self._database.reading() as connection:
            return tuple(_waiting(row) for row in connection.execute(statement))

    def is_due(self, now: datetime) -> bool:
        """Return whether a letter could be claimed at `now`; nothing is taken."""
        with self._database.reading() as connection:
            return connection.execute(select(letters.c.id).where(*_free(now)).limit(1)).first() is not None

    def claim(self, *, owner: str, now: datetime, lease: timedelta) -> Waiting | None:
        """Take the next letter that is due, and commit that before returning it; None where none is.

        One whose claims ended without a word as often as they may is given up, and the history says so.
        """
        while True:
            with self._database.writing() as connection:
                row = _next(connection, now)
                if row is None:
                    return None
                lapses = row.lapses + (row.owner != "")
                if lapses >= MOST_LAPSES:
                    _end(connection, _waiting(row), Happening.LETTER_FAILED, _UNCERTAIN, now)
                    continue
                values = {"owner": owner, "lease_until": now + lease, "attempts": row.attempts + 1, "lapses": lapses}
                taken = update(letters).where(letters.c.id == row.id).values(values).returning(letters)
                return _waiting(connection.execute(taken).one())

    def sent(self, one: Waiting, *, now: datetime) -> None:
        """Note that a claimed letter was accepted, and take it out of the queue."""
        with self._database.writing() as connection:
            _end(connection, one, Happening.LETTER_SENT, "", now)

    def failed(self, one: Waiting, *, reply: str, now: datetime) -> None:
        """Note that a claimed letter cannot be handed over, and take it out of the queue."""
        with self._database.writing() as connection:
            _end(connection, one, Happening.LETTER_FAILED, reply, now)

    def drop(self, one: Waiting) -> None:
        """Take a claimed letter out of the queue that nobody needs any more."""
        with self._database.writing() as connection:
            connection.execute(delete(letters).where(*_held(one)))

    def later(self, one: Waiting, *, due_at: datetime, uncertain: bool = False, tried: bool = True) -> None:
        """Let a claimed letter wait until `due_at`; with `uncertain` it may have arrived."""
        values = {
            "owner": "",
            "lease_until": None,
            "due_at": due_at,
            "lapses": one.lapses + uncertain,
            "attempts": one.attempts if tried else one.attempts - 1,
        }
        with self._database.writing() as connection:
            connection.execute(update(letters).where(*_held(one)).values(values))


def queue(connection: Connection, subscriber_id: int, letter: Letter, address: str, now: datetime) -> None:
    """Queue a letter inside the caller's transaction; it takes the place of one of its kind that waits."""
    row = {
        "letter": letter.value,
        "address": address,
        "queued_at": now,
        "due_at": now,
        "attempts": 0,
        "lapses": 0,
        "owner": "",
        "lease_until": None,
    }
    new = insert_into(connection, letters).values(subscriber_id=subscriber_id, **row)
    connection.execute(new.on_conflict_do_update(index_elements=["subscriber_id", "letter"], set_=row))


def unqueue(connection: Connection, subscriber_id: int, letter: Letter) -> None:
    """Take a letter that nobody has claimed out of the queue inside the caller's transaction."""
    theirs = (letters.c.subscriber_id == subscriber_id, letters.c.letter == letter.value, letters.c.owner == "")
    connection.execute(delete(letters).where(*theirs))


_ORDER = (letters.c.due_at, letters.c.id)


def _next(connection: Connection, now: datetime) -> Row[*tuple[Any, ...]] | None:
    statement = select(letters).where(*_free(now)).order_by(*_ORDER).limit(1)
    return connection.execute(statement.with_for_update(skip_locked=True)).first()


def _free(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return letters.c.due_at <= now, or_(letters.c.lease_until.is_(None), letters.c.lease_until <= now)


def _held(one: Waiting) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that a letter is in the hands of this very claim, which `attempts` counts."""
    claim = letters.c.owner == one.owner, letters.c.attempts == one.attempts
    return letters.c.id == one.id, letters.c.queued_at == one.queued_at, *claim


def _end(connection: Connection, one: Waiting, kind: Happening, reply: str, now: datetime) -> None:
    ended = connection.execute(delete(letters).where(*_held(one))).rowcount
    # one to an address that is not the reader's would tell them whether the address is known here
    if ended and one.letter is not Letter.ADDRESS:
        detail = {"letter": one.letter.value} | ({"reply": reply} if reply else {})
        note(connection, [one.subscriber_id], Event(kind=kind, at=now, detail=detail))


def _waiting(row: Row[*tuple[Any, ...]]) -> Waiting:
    return Waiting(
        id=row.id,
        subscriber_id=row.subscriber_id,
        letter=Letter(row.letter),
        address=row.address,
        queued_at=row.queued_at,
        due_at=row.due_at,
        attempts=row.attempts,
        lapses=row.lapses,
        owner=row.owner,
    )
