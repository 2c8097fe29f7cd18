"""Deliveries: claimed one at a time under a lease, settled by whoever holds it, counted by state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, update

from newsletter.errors import StoreError
from newsletter.model import Delivery, DeliveryState, Issue, IssueState, RankedPaper, SubscriberStatus
from newsletter.store.engine import Lock, hold
from newsletter.store.freezing import Freezer, Frozen, Selection, start_sending
from newsletter.store.schema import deliveries, digest_papers, digests, issues, subscribers
from newsletter.store.schema import paper_ids as known_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime, timedelta

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
        # The subscriber each issue's last claim here was for. Only a hint where to look next: without an index on
        # the state, looking from the start each time would pass over every settled delivery again.
        self._last: dict[int, int] = {}

    def freeze(
        self,
        issue_id: int,
        selections: Iterable[Selection],
        skipped: Iterable[tuple[int, str]] = (),
        *,
        content_hash: str,
        now: datetime,
    ) -> Frozen:
        """Store what each subscriber gets and move the issue from approved to sending, all or nothing.

        `selections` are (subscriber id, ranked papers, left out), `skipped` (subscriber id, reason). A second freeze
        changes nothing, reads neither, and returns zeros: what was decided stays. Both are read inside the
        transaction: they may come from this store, but on SQLite nobody can write until they have ended.

        Raises:
            IssueStateError: the issue is neither approved nor being sent, or `content_hash` is not the approved one.
            StoreError: a paper is not in the issue, or the database refused.
        """
        with self._database.writing() as connection:
            # One issue at a time, so that what `already_sent` says while the selections are read holds to the end.
            hold(connection, Lock.FREEZING)
            if not start_sending(connection, issue_id, content_hash, now):
                return Frozen()
            return Freezer(connection, issue_id, now).freeze(selections, skipped)

    def claim(self, issue_id: int, *, owner: str, now: datetime, lease: timedelta) -> Delivery | None:
        """Take the next delivery that is queued, or deferred and due, and commit that before returning it.

        It is in flight then, leased to `owner` until `now + lease`. One whose subscriber is not confirmed any more
        is skipped, with the status as the reason. None when nothing is due, or the issue is not being sent.
        """
        while True:
            with self._database.writing() as connection:
                row = self._next(connection, issue_id, now)
                if row is None:
                    return None
                if row.status == SubscriberStatus.CONFIRMED:
                    return _delivery(_take(connection, row.id, owner, now, now + lease))
                _skip(connection, row.id, row.status, now)

    def settle(
        self,
        delivery_id: int,
        *,
        owner: str,
        state: DeliveryState,
        reply: str,
        retry_at: datetime | None,
        now: datetime,
    ) -> bool:
        """Store how a delivery ended, if it is still in flight and leased to `owner`; else change nothing.

        Returns:
            Whether it was stored. A lease that has ended but that nobody has taken notice of still counts.
        """
        statement = (
            update(deliveries)
            .where(
                deliveries.c.id == delivery_id,
                deliveries.c.state == DeliveryState.IN_FLIGHT.value,
                deliveries.c.lease_owner == owner,
            )
            .values(state=state.value, reply=reply, retry_at=retry_at, **_FREE, updated_at=now)
        )
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount == 1

    def lapse(self, issue_id: int, *, now: datetime, to: DeliveryState = DeliveryState.UNCERTAIN) -> int:
        """Move the deliveries in flight whose lease has ended to `to`, and return how many there were."""
        statement = (
            update(deliveries)
            .where(
                deliveries.c.issue_id == issue_id,
                deliveries.c.state == DeliveryState.IN_FLIGHT.value,
                deliveries.c.lease_until <= now,
            )
            .values(state=to.value, **_FREE, updated_at=now)
        )
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount

    def requeue(self, issue_id: int, state: DeliveryState, *, now: datetime) -> int:
        """Let the deliveries in `state` (failed or uncertain) wait again, and return how many there were."""
        statement = (
            update(deliveries)
            .where(deliveries.c.issue_id == issue_id, deliveries.c.state == state.value)
            .values(state=DeliveryState.QUEUED.value, **_FREE, updated_at=now)
        )
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount

    def reopen(self, issue_id: int, state: DeliveryState, *, now: datetime) -> int:
        """Let the deliveries in `state` wait again with all their attempts, and the issue, if sent, be sent again.

        Returns:
            How many there were; with none nothing changes.
        """
        waiting = (
            update(deliveries)
            .where(deliveries.c.issue_id == issue_id, deliveries.c.state == state.value)
            .values(state=DeliveryState.QUEUED.value, attempts=0, retry_at=None, **_FREE, updated_at=now)
        )
        again = update(issues).where(issues.c.id == issue_id, issues.c.state == IssueState.SENT.value)
        with self._database.writing() as connection:
            _hold_issue(connection, issue_id)
            number = connection.execute(waiting).rowcount
            if number:
                connection.execute(again.values(state=IssueState.SENDING.value, sent_at=None, updated_at=now))
            return number

    def close(self, issue_id: int, *, now: datetime) -> bool:
        """Call an issue that is being sent sent, if none of its deliveries can still come to another end."""
        still_open = select(deliveries.c.id).where(
            deliveries.c.issue_id == issue_id, deliveries.c.state.notin_([state.value for state in _ENDS])
        )
        closing = update(issues).where(issues.c.id == issue_id, issues.c.state == IssueState.SENDING.value)
        with self._database.writing() as connection:
            _hold_issue(connection, issue_id)
            if connection.execute(still_open.limit(1)).first():
                return False
            values = {"state": IssueState.SENT.value, "sent_at": now, "updated_at": now}
            return connection.execute(closing.values(values)).rowcount == 1

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

    def _next(self, connection: Connection, issue_id: int, now: datetime) -> Row[*tuple[Any, ...]] | None:
        """Find the next delivery after the last one claimed here, else from the start."""
        last = self._last.get(issue_id, 0)
        row = _due(connection, issue_id, now, deliveries.c.subscriber_id > last)
        if row is None and last:
            row = _due(connection, issue_id, now, deliveries.c.subscriber_id <= last)
        if row is not None:
            self._last[issue_id] = row.subscriber_id
        return row


_ENDS = (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.SKIPPED)
_FREE = {"lease_owner": "", "lease_until": None}


def _hold_issue(connection: Connection, issue_id: int) -> None:
    """Keep others from opening or closing the issue until the transaction ends; SQLite has one writer anyway."""
    connection.execute(select(issues.c.id).where(issues.c.id == issue_id).with_for_update())


def _due(
    connection: Connection, issue_id: int, now: datetime, place: ColumnElement[bool]
) -> Row[*tuple[Any, ...]] | None:
    """Return the first due delivery in `place`, walking the unique index (issue, subscriber)."""
    retried = and_(
        deliveries.c.state == DeliveryState.DEFERRED.value,
        or_(deliveries.c.retry_at.is_(None), deliveries.c.retry_at <= now),
    )
    # Sub-selects, not joins: so there is one table to plan, and no plan but the walk, however new its statistics.
    sending = select(issues.c.state).where(issues.c.id == issue_id).scalar_subquery() == IssueState.SENDING.value
    status = select(subscribers.c.status).where(subscribers.c.id == deliveries.c.subscriber_id).scalar_subquery()
    statement = (
        select(deliveries.c.id, deliveries.c.subscriber_id, status.label("status"))
        .where(deliveries.c.issue_id == issue_id, place, sending)
        .where(or_(deliveries.c.state == DeliveryState.QUEUED.value, retried))
        .order_by(deliveries.c.issue_id, deliveries.c.subscriber_id)
        .limit(1)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    return connection.execute(statement).first()


def _take(
    connection: Connection, delivery_id: int, owner: str, now: datetime, until: datetime
) -> Row[*tuple[Any, ...]]:
    statement = (
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(
            state=DeliveryState.IN_FLIGHT.value,
            attempts=deliveries.c.attempts + 1,
            retry_at=None,
            lease_owner=owner,
            lease_until=until,
            updated_at=now,
        )
        .returning(deliveries)
    )
    return connection.execute(statement).one()


def _skip(connection: Connection, delivery_id: int, reason: str, now: datetime) -> None:
    values = {"state": DeliveryState.SKIPPED.value, "reply": reason, "retry_at": None, "updated_at": now}
    connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(values))


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
