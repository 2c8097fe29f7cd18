"""Ready statements on a connection of their own: every error is one line, and what fails leaves nothing."""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import bindparam, text, update

from newsletter.errors import StoreError
from newsletter.model import DeliveryState, Subscriber, SubscriberStatus
from newsletter.store import open_store
from newsletter.store.schema import deliveries
from tests.store.sending import NOW, Sending, outcome, ranked

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

_ANSWER = update(deliveries).where(deliveries.c.id == bindparam("one")).values(reply=bindparam("answer"))
_BREAK = update(deliveries).where(deliveries.c.id == bindparam("one")).values(state=bindparam("nothing"))


def one_line(error: pytest.ExceptionInfo[StoreError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_rule_of_the_database_that_is_broken_is_told_in_one_line_without_the_row(sending: Sending) -> None:
    one = sending.of(0).id
    with sending.store._database.direct() as direct:
        with pytest.raises(StoreError, match=r"^database .*(NOT NULL constraint failed|violates not-null)") as error:
            direct.run((_BREAK, {"one": one, "nothing": None}))
        assert "r0@x.example" not in one_line(error)
        assert direct.run((_ANSWER, {"one": one, "answer": "still there"})) == 1
    assert sending.of(0).reply == "still there"


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_of_steps_that_fail_none_is_kept(sending: Sending) -> None:
    first, second = sending.of(0).id, sending.of(1).id
    with sending.store._database.direct() as direct:
        with pytest.raises(StoreError):
            direct.run((_ANSWER, {"one": first, "answer": "lost"}), (_BREAK, {"one": second, "nothing": None}))
        assert sending.of(0).reply == ""
        assert not direct._raw.in_transaction
        assert direct.run((_ANSWER, {"one": first, "answer": "kept"})) == 1
    assert (sending.of(0).reply, sending.of(1).reply) == ("kept", "")


def test_a_time_without_a_zone_marks_nothing(sending: Sending) -> None:
    chunk = sending.must_claim()
    with sending.store.ledger() as ledger:
        with pytest.raises(StoreError, match="names no zone"):
            ledger.attempt(chunk, chunk.due[0], now=NOW.replace(tzinfo=None))
        assert sending.of(0).state is DeliveryState.QUEUED
        assert ledger.attempt(chunk, chunk.due[0], now=NOW)


def test_an_attempt_that_breaks_settles_nothing(sending: Sending) -> None:
    chunk = sending.must_claim()
    first, second, _ = chunk.due
    sending.must_attempt(chunk, first)
    sending.put(1, DeliveryState.QUEUED, 0)
    with sending.store._database.writing() as connection:  # the next attempt is one too many for the column
        connection.execute(update(deliveries).where(deliveries.c.id == second.id).values(attempts=2**31 - 1))
        if connection.dialect.name == "sqlite":  # which holds any number
            connection.execute(text(_NO_MORE))
    with pytest.raises(StoreError) as error:
        sending.attempt(chunk, second, outcome(first, DeliveryState.ACCEPTED))
    assert "database" in one_line(error)
    assert sending.states()[:2] == [DeliveryState.IN_FLIGHT, DeliveryState.QUEUED]


_NO_MORE = (
    "CREATE TRIGGER no_more BEFORE UPDATE ON deliveries WHEN new.attempts > 2147483647"
    " BEGIN SELECT raise(ABORT, 'out of range'); END"
)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_locked_file_is_said_to_be_locked_and_the_ledger_works_on(
    sending: Sending, store_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chunk = sending.must_claim()
    other = sqlite3.connect(tmp_path / "newsletter.db", isolation_level=None)
    request.addfinalizer(other.close)
    with open_store(f"{store_url}?timeout=0") as store, store.ledger() as ledger:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another program; try again") as error:
            ledger.attempt(chunk, chunk.due[0], now=NOW)
        one_line(error)
        with pytest.raises(StoreError, match="is locked by another program"):
            store.chunks.renew(chunk, now=NOW, lease=NOW - NOW)
        other.execute("ROLLBACK")
        assert sending.of(0).state is DeliveryState.QUEUED
        assert ledger.attempt(chunk, chunk.due[0], now=NOW)


@pytest.mark.postgresql
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_ended_is_told_in_one_line_and_opened_anew(
    sending: Sending, server: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    chunk = sending.must_claim()
    with caplog.at_level(logging.DEBUG), sending.store.ledger() as ledger:
        assert ledger.attempt(chunk, chunk.due[0], now=NOW)
        backend = ledger._connection._raw.info.backend_pid
        with server.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        with pytest.raises(StoreError) as error:
            ledger.settle(chunk, [outcome(chunk.due[0], DeliveryState.ACCEPTED)], now=NOW)
        assert one_line(error).startswith("database postgresql://")
        assert sending.of(0).state is DeliveryState.IN_FLIGHT
        ledger.settle(chunk, [outcome(chunk.due[0], DeliveryState.ACCEPTED)], now=NOW)
    assert [record.getMessage() for record in caplog.records] == []
    assert sending.of(0).state is DeliveryState.ACCEPTED


def test_a_ledger_gives_its_connection_back(sending: Sending) -> None:
    chunk = sending.must_claim()
    ledgers = []
    for _ in range(30):
        with sending.store.ledger() as ledger:
            ledger.settle(chunk, [], now=NOW)
            ledgers.append(ledger)
    driver = sending.store._database._engine.dialect.loaded_dbapi
    for ledger in ledgers:
        with pytest.raises(driver.Error):
            ledger._connection._raw.execute("SELECT 1")


def test_what_a_reply_holds_does_not_matter(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.must_attempt(chunk, chunk.due[0])
    answer = "550 'quoted'; DROP TABLE deliveries -- %s %(x)s :y ? ünï\x00\ud800"
    with sending.store.ledger() as ledger:
        ledger.settle(chunk, [outcome(chunk.due[0], DeliveryState.FAILED, reply=answer)], now=NOW)
    assert sending.of(0).reply == "550 'quoted'; DROP TABLE deliveries -- %s %(x)s :y ? ünï�"


def test_threads_of_one_process_that_write_at_once_wait_for_each_other(
    approved: Sending, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no patience at all SQLite would refuse whoever comes second."""
    monkeypatch.setattr("newsletter.store.freezing.CHUNK", 25)
    people = [Subscriber(address=f"m{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(200)]
    many = approved.store.subscribers.add(people, now=NOW).added
    selections = [(reader.id, ranked(0), 0) for reader in many]
    approved.store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW)
    impatient = f"{store_url}?timeout=0" if store_url.startswith("sqlite") else store_url
    told: list[str] = []
    with open_store(impatient) as store:
        shared = approved._replace(store=store)

        def send(owner: str) -> None:
            try:
                while chunk := shared.claim(owner):
                    with store.ledger() as ledger:
                        for due in chunk.due:
                            assert ledger.attempt(chunk, due, now=NOW)
                            ledger.settle(chunk, [outcome(due, DeliveryState.ACCEPTED)], now=NOW)
                    shared.release(chunk)
            except (StoreError, AssertionError) as error:
                told.append(str(error))

        threads = [threading.Thread(target=send, args=(f"thread {n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert told == []
    assert approved.store.deliveries.totals(approved.issue.id) == {DeliveryState.ACCEPTED: 200}
    assert {delivery.attempts for delivery in approved.store.deliveries.all(approved.issue.id)} == {1}
