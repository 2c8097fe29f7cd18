"""A database of before there were chunks, in the middle of a sending: brought up to date, and the sending goes on."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, Table, insert, select

from newsletter.model import DeliveryState
from newsletter.store import open_store
from newsletter.store.engine import Database, read_url
from newsletter.store.schema import chunks, deliveries
from tests.store.test_migrations import FOLDER

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
LEASE = timedelta(minutes=15)
READERS = 1203
STATES = list(DeliveryState)


def state_of(reader: int) -> DeliveryState:
    return STATES[reader % len(STATES)]


def digest_of(reader: int) -> int | None:
    """Return the digest of a delivery; every other one that is skipped was so before it got any."""
    return None if state_of(reader) is DeliveryState.SKIPPED and reader % 2 else 1 + reader % 2


@pytest.fixture
def old_url(url: str) -> str:
    """Return a database of version 0001 with one issue in the middle of its sending and one that was sent."""
    database = Database(read_url(url), unchecked=True)
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        _fill(connection)
    database.close()
    return url


def _fill(connection: Connection) -> None:
    at = NOW.replace(tzinfo=None) if connection.dialect.name == "sqlite" else NOW
    tables = MetaData()
    issue = {"subject": "S", "note": "", "pins": "[]", "hides": "[]", "approved_hash": "h", "corpus_mark": 0}
    periods = [("2026-07-14", "sending"), ("2026-07-13", "sent")]
    reader = {"status": "confirmed", "profile": "{}", "cadence": "daily", "hour": 7, "timezone": "UTC", "size": 10}
    rows: dict[str, list[dict[str, Any]]] = {
        "issues": [
            {"id": n, "period": period, "state": state, **issue, "created_at": at, "updated_at": at}
            for n, (period, state) in enumerate(periods, start=1)
        ],
        "subscribers": [
            {
                "id": n,
                "address": f"r{n}@x.example",
                "address_key": f"r{n}@x.example",
                **reader,
                "created_at": at,
                "updated_at": at,
            }
            for n in range(1, READERS + 1)
        ],
        "digests": [{"id": n, "issue_id": max(1, n - 1), "key": f"k{n}", "left_out": 0} for n in (1, 2, 3)],
        "deliveries": [
            *(_old_row(n, at) for n in range(1, READERS + 1)),
            *(
                {**_old_row(0, at), "id": READERS + n, "issue_id": 2, "subscriber_id": n, "digest_id": 3}
                | {"state": "accepted", "lease_owner": "", "lease_until": None}
                for n in range(1, 4)
            ),
        ],
    }
    for name, content in rows.items():
        connection.execute(insert(Table(name, tables, autoload_with=connection)), content)


def _old_row(reader: int, at: datetime) -> dict[str, Any]:
    state = state_of(reader)
    leased = state is DeliveryState.IN_FLIGHT
    return {
        "id": reader,
        "issue_id": 1,
        "subscriber_id": reader,
        "digest_id": digest_of(reader),
        "state": state.value,
        "attempts": reader % 3,
        "reply": f"reply {reader}",
        "retry_at": at + timedelta(minutes=reader % 60) if state is DeliveryState.DEFERRED else None,
        "lease_owner": "the old sender" if leased else "",
        "lease_until": at + LEASE if leased else None,
        "updated_at": at,
    }


def rows_of(url: str) -> tuple[list[Row[tuple[Any, ...]]], list[Row[tuple[Any, ...]]]]:
    with open_store(url) as store, store._database.reading() as connection:
        mails = connection.execute(select(deliveries).where(deliveries.c.issue_id == 1).order_by(deliveries.c.id)).all()
        return list(mails), list(connection.execute(select(chunks).order_by(chunks.c.id)))


def test_every_delivery_that_has_a_digest_is_in_a_chunk_of_its_issue(old_url: str) -> None:
    mails, all_chunks = rows_of(old_url)
    placed = Counter(mail.chunk_id for mail in mails if mail.digest_id is not None)
    assert {mail.chunk_id for mail in mails if mail.digest_id is None} == {None}
    of_issue = [chunk for chunk in all_chunks if chunk.issue_id == 1]
    assert {chunk.id: chunk.size for chunk in of_issue} == placed
    assert max(placed.values()) <= 500
    assert sum(placed.values()) == sum(digest_of(n) is not None for n in range(1, READERS + 1))
    assert {(chunk.owner, chunk.lease_until, chunk.fence, chunk.due_at) for chunk in of_issue} == {("", None, 0, NOW)}
    (sent,) = (chunk for chunk in all_chunks if chunk.issue_id == 2)
    assert (sent.size, sent.due_at) == (3, None)


def test_what_was_in_flight_is_uncertain_and_the_rest_as_it_was(old_url: str) -> None:
    mails, _ = rows_of(old_url)
    assert len(mails) == READERS
    for mail in mails:
        n, state = mail.id, state_of(mail.id)
        expected = DeliveryState.UNCERTAIN if state is DeliveryState.IN_FLIGHT else state
        retry_at = NOW + timedelta(minutes=n % 60) if state is DeliveryState.DEFERRED else None
        assert (mail.state, mail.retry_at, mail.digest_id) == (expected, retry_at, digest_of(n))
        assert (mail.subscriber_id, mail.attempts, mail.reply, mail.updated_at) == (n, n % 3, f"reply {n}", NOW)
        assert mail.fence == 0


def test_the_sending_goes_on_and_can_be_closed(old_url: str) -> None:
    waiting = {n for n in range(1, READERS + 1) if state_of(n) in {DeliveryState.QUEUED, DeliveryState.DEFERRED}}
    later = NOW + timedelta(hours=1)
    with open_store(old_url) as store, store.ledger() as ledger:
        at_once = set()
        while chunk := store.chunks.claim(1, owner="me", now=NOW, lease=LEASE):
            at_once |= {due.id for due in chunk.due}
        due_now = {n for n in waiting if state_of(n) is DeliveryState.QUEUED or n % 60 == 0}
        assert at_once == due_now
        store.chunks.forsake(1, ["me"], now=NOW)
        while chunk := store.chunks.claim(1, owner="me", now=later, lease=LEASE):
            for due in chunk.due:
                assert ledger.attempt(chunk, due, now=later)
                waiting.remove(due.id)
                with_it = store.deliveries.of(1, due.subscriber.id)
                assert with_it is not None
                assert with_it.digest_id == due.digest_id
            store.chunks.release(chunk, now=later)
        assert waiting == set()
        totals = store.deliveries.totals(1)
        assert DeliveryState.IN_FLIGHT not in totals
        assert sum(totals.values()) == READERS
        assert not store.deliveries.close(1, now=later)
