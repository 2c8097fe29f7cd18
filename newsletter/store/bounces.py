"""What came back for whom, each mail once; and what follows from it for the subscriber, in the same transaction."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from newsletter.life import Event, Happening, Leaving
from newsletter.model import Bounce, BounceKind, Letter, SubscriberStatus, SuppressionReason
from newsletter.store.engine import insert_into
from newsletter.store.history import left_by, note
from newsletter.store.letters import queue
from newsletter.store.schema import bounces, issues, subscribers
from newsletter.store.suppressions import suppress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Row

    from newsletter.store.engine import Database

    Decide = Callable[[Bounce, Sequence[Bounce]], SubscriberStatus | None]
    Seal = Callable[[str], str]

_PAGE = 1000
_MAILED = (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED)
_REASONS = {
    SubscriberStatus.BOUNCED: SuppressionReason.BOUNCED,
    SubscriberStatus.COMPLAINED: SuppressionReason.COMPLAINED,
}
_HAPPENINGS = {
    SubscriberStatus.BOUNCED: Happening.BOUNCED,
    SubscriberStatus.COMPLAINED: Happening.COMPLAINED,
}


class Recorded(StrEnum):
    """What became of a bounce: kept, kept and the mail to the subscriber ended, known before, or nobody's."""

    KEPT = "kept"
    ENDED = "ended"
    REPEATED = "repeated"
    NOBODY = "nobody"


class BounceStore:
    """The bounces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, bounce: Bounce, *, decide: Decide, seal: Seal) -> Recorded:
        """Keep a bounce and do what follows from it, all or nothing; a mail that is known changes nothing.

        `decide` is given the bounce and those before it that still count, oldest first, and returns the status that
        the subscriber takes, or None; bounced and complained also suppress the address, whose hash `seal` makes.
        An issue that is not stored is left out of what is kept.

        Raises:
            StoreError: the database refused; nothing was kept.
        """
        with self._database.writing() as connection:
            whose = subscribers.c.id == bounce.subscriber_id
            person = connection.execute(select(subscribers).where(whose).with_for_update()).first()
            if person is None:
                return Recorded.NOBODY
            before = [_bounce(row) for row in connection.execute(_counting(bounce.subscriber_id))]
            if not _insert(connection, bounce):
                return Recorded.REPEATED
            status = decide(bounce, before)
            if status is None:
                return Recorded.KEPT
            if status in _REASONS:
                suppress(connection, seal(person.address), _REASONS[status], now=bounce.at, subscriber_id=person.id)
            change = update(subscribers).where(whose, subscribers.c.status.in_([one.value for one in _MAILED]))
            ended = connection.execute(change.values(status=status.value, updated_at=bounce.at)).rowcount
            if ended:
                _tell(connection, bounce, status, person)
            return Recorded.ENDED if ended else Recorded.KEPT

    def of_issue(self, issue_id: int) -> Iterator[tuple[str, Bounce]]:
        """Yield what came back of an issue, each with the address it was sent to, in the order it was read."""
        statement = (
            select(bounces, subscribers.c.address)
            .join(subscribers, subscribers.c.id == bounces.c.subscriber_id)
            .where(bounces.c.issue_id == issue_id)
            .order_by(bounces.c.id)
        )
        with self._database.reading() as connection:
            for row in connection.execution_options(yield_per=_PAGE).execute(statement):
                yield row.address, _bounce(row)

    def of(self, subscriber_id: int) -> tuple[Bounce, ...]:
        """Return what came back for a subscriber, in the order it was read."""
        statement = select(bounces).where(bounces.c.subscriber_id == subscriber_id).order_by(bounces.c.id)
        with self._database.reading() as connection:
            return tuple(_bounce(row) for row in connection.execute(statement))

    def counts(self, issue_id: int) -> dict[BounceKind, int]:
        """Return how many readers each kind of bounce of an issue came back for; kinds without any are absent."""
        number = func.count(bounces.c.subscriber_id.distinct()).label("number")
        statement = select(bounces.c.kind, number).where(bounces.c.issue_id == issue_id).group_by(bounces.c.kind)
        with self._database.reading() as connection:
            found = {BounceKind(row.kind): row.number for row in connection.execute(statement)}
        return {kind: found[kind] for kind in BounceKind if kind in found}


def _tell(connection: Connection, bounce: Bounce, status: SubscriberStatus, person: Row[*tuple[Any, ...]]) -> None:
    """Note in the history what ended the mail to a reader, and queue the answer to who asked for it by mail."""
    left = status is SubscriberStatus.UNSUBSCRIBED
    event = left_by(Leaving.MAIL, person.status, bounce.at) if left else Event(kind=_HAPPENINGS[status], at=bounce.at)
    note(connection, [person.id], event)
    if bounce.kind is BounceKind.UNSUBSCRIBE:
        queue(connection, person.id, Letter.GOODBYE, person.address, bounce.at)


def _insert(connection: Connection, bounce: Bounce) -> bool:
    """Insert a bounce unless its mail is there; return whether it was new."""
    statement = (
        insert_into(connection, bounces)
        .values(
            mail=bounce.mail,
            subscriber_id=bounce.subscriber_id,
            issue_id=select(issues.c.id).where(issues.c.id == bounce.issue_id).scalar_subquery(),
            kind=bounce.kind.value,
            status=bounce.status,
            diagnostic=bounce.diagnostic,
            settled=False,
            at=bounce.at,
        )
        .on_conflict_do_nothing()
        .returning(bounces.c.id)
    )
    return connection.execute(statement).first() is not None


def _counting(subscriber_id: int) -> Any:  # noqa: ANN401 - a Select, whose type would name every column
    mine = (bounces.c.subscriber_id == subscriber_id, bounces.c.settled.is_(False))
    return select(bounces).where(*mine).order_by(bounces.c.id)


def _bounce(row: Row[*tuple[Any, ...]]) -> Bounce:
    return Bounce(
        subscriber_id=row.subscriber_id,
        kind=BounceKind(row.kind),
        mail=row.mail,
        at=row.at,
        issue_id=row.issue_id,
        status=row.status,
        diagnostic=row.diagnostic,
    )
