"""Deliveries under several processes at once: each is sent by one, and by another if that is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text, update

from newsletter.model import DeliveryState, Subscriber, SubscriberStatus
from newsletter.store.deliveries import _wait_again
from newsletter.store.schema import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.model import Delivery
from tests.store.sending import NOW, Sending, ranked

# --- Several at once ----------------------------------------------------------------------------------------------

SEND_ALL = """
import sys
from datetime import UTC, datetime, timedelta
from newsletter.model import DeliveryState
from newsletter.store import open_store
from newsletter.store.ledger import Outcome

now = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
lease = timedelta(minutes=15)
with open_store(sys.argv[1]) as store, store.ledger() as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    while chunk := store.chunks.claim(int(sys.argv[2]), owner=sys.argv[3], now=now, lease=lease):
        print("chunk", chunk.id, chunk.fence, flush=True)
        settled = []
        for due in chunk.due:
            assert ledger.attempt(chunk, due, settled=settled, now=now)
            print("mail", due.id, flush=True)
            settled = [Outcome(delivery_id=due.id, state=DeliveryState.ACCEPTED, reply="250")]
            sys.stdin.readline()  # the word to go on; at its end there is one for every mail
        ledger.settle(chunk, settled, now=now)
        store.chunks.release(chunk, now=now)
"""
READERS = 60


@pytest.fixture
def many(approved: Sending, monkeypatch: pytest.MonkeyPatch) -> Sending:
    """Return an issue of which sixty mails wait in twelve chunks."""
    monkeypatch.setattr("newsletter.store.freezing.CHUNK", 5)
    people = [Subscriber(address=f"m{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(READERS)]
    readers = approved.store.subscribers.add(people, now=NOW).added
    selections = [(reader.id, ranked(0), 0) for reader in readers]
    approved.store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW)
    return approved


def every(sending: Sending) -> Iterator[Delivery]:
    return sending.store.deliveries.all(sending.issue.id)


def sender(url: str, issue_id: int, owner: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", SEND_ALL, url, str(issue_id), owner]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for(word: str, process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(word)
    return line


def say(process: subprocess.Popen[str], times: int = 1) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n" * times)
    process.stdin.flush()


def test_senders_in_several_processes_never_get_the_same_chunk(many: Sending, store_url: str) -> None:
    senders = [sender(store_url, many.issue.id, f"owner {n}") for n in range(3)]
    for one in senders:
        wait_for("ready", one)
    for one in senders:
        say(one, 1 + READERS)
    lines = [line.split() for one in senders for line in one.communicate(timeout=60)[0].splitlines()]
    assert [one.returncode for one in senders] == [0, 0, 0]
    assert Counter(line[1] for line in lines if line[0] == "mail") == Counter(str(one.id) for one in every(many))
    assert sorted(line[1] for line in lines if line[0] == "chunk") == sorted(str(row.id) for row in many.chunk_rows())
    assert {row.fence for row in many.chunk_rows()} == {1}
    assert {one.attempts for one in every(many)} == {1}
    assert many.store.deliveries.totals(many.issue.id) == {DeliveryState.ACCEPTED: READERS}
    assert many.store.deliveries.close(many.issue.id, now=NOW)


@pytest.mark.parametrize("resend", [False, True])
def test_of_a_sender_that_is_killed_one_mail_is_uncertain_and_the_rest_goes_on(
    many: Sending, store_url: str, *, resend: bool
) -> None:
    killed, living = (sender(store_url, many.issue.id, owner) for owner in ("killed", "living"))
    for one in (killed, living):
        wait_for("ready", one)
    say(killed, 1 + 7)  # seven mails get their answer, the eighth is on its way
    mails = eight_mails(killed)
    killed.kill()
    killed.communicate(timeout=60)
    say(living, 1 + READERS)
    lines = [line.split() for line in living.communicate(timeout=60)[0].splitlines()]
    assert living.returncode == 0
    others = [line[1] for line in lines if line[0] == "mail"]
    assert not set(mails) & set(others)
    left = many.store.deliveries.totals(many.issue.id)
    assert left == {DeliveryState.QUEUED: 2, DeliveryState.IN_FLIGHT: 1, DeliveryState.ACCEPTED: READERS - 3}
    assert not many.store.deliveries.close(many.issue.id, now=NOW)

    assert many.claim("third") is None, "the lease has not ended, for all that is known"
    assert many.store.chunks.forsake(many.issue.id, ["killed"], now=NOW) == 1
    chunk = many.must_claim("third", resend=resend)
    expected = [int(mails[-1])] if resend else []
    assert [due.id for due in chunk.due if due.attempts] == expected
    for due in chunk.due:
        many.end(chunk, due, DeliveryState.ACCEPTED)
    many.release(chunk)
    assert many.claim("third") is None
    totals = many.store.deliveries.totals(many.issue.id)
    if resend:
        assert totals == {DeliveryState.ACCEPTED: READERS}
    else:
        assert totals == {DeliveryState.ACCEPTED: READERS - 1, DeliveryState.UNCERTAIN: 1}
        (uncertain,) = many.store.deliveries.all(many.issue.id, DeliveryState.UNCERTAIN)
        assert uncertain.id == int(mails[-1])
    assert many.store.deliveries.close(many.issue.id, now=NOW) is resend


def eight_mails(process: subprocess.Popen[str]) -> list[str]:
    """Return the first eight mails that a sender says it attempts; it waits for a word after the eighth."""
    mails: list[str] = []
    while len(mails) < 8:
        kind, number, *_ = wait_for("", process).split()
        if kind == "mail":
            mails.append(number)
    return mails


@pytest.mark.postgresql
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_mail_that_is_opened_at_the_moment_of_a_release_is_due(sending: Sending, store_url: str) -> None:
    """The release waits for the one who opens, and must see then what it has opened."""
    chunk = sending.must_claim()
    for due in chunk.due:
        sending.end(chunk, due, DeliveryState.FAILED)
    database = sending.store._database
    releasing = threading.Thread(target=sending.release, args=(chunk,))
    with database.writing() as connection:
        assert _wait_again(connection, sending.issue.id, DeliveryState.FAILED, NOW) == 3
        releasing.start()
        until_somebody_waits(store_url)
    releasing.join(timeout=60)
    assert sending.due_at() == NOW
    assert len(sending.must_claim().due) == 3


@pytest.mark.postgresql
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_mail_that_leaves_at_the_moment_of_a_cancel_is_on_its_way_or_skipped(
    sending: Sending, store_url: str
) -> None:
    """The attempt sees the issue as it was and waits for the cancel, which has skipped the mail by then."""
    chunk = sending.must_claim()
    left: list[bool] = []
    attempting = threading.Thread(target=lambda: left.append(sending.attempt(chunk, chunk.due[0])))
    with sending.store._database.writing() as connection:
        skipping = update(deliveries).where(deliveries.c.id == chunk.due[0].id)
        connection.execute(skipping.values(state=DeliveryState.SKIPPED.value))
        attempting.start()
        until_somebody_waits(store_url)
    attempting.join(timeout=60)
    assert left == [False]
    assert (sending.of(0).state, sending.of(0).attempts) == (DeliveryState.SKIPPED, 0)


def until_somebody_waits(url: str) -> None:
    """Return as soon as a connection that uses this test's tables waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_locks AS held JOIN pg_class ON pg_class.oid = held.relation"
        " JOIN pg_locks AS wanted ON wanted.pid = held.pid"
        " WHERE pg_class.relnamespace = current_schema()::regnamespace AND NOT wanted.granted"
    )
    engine = create_engine(url)
    for _ in range(3000):
        with engine.connect() as connection:
            if connection.execute(waiting).scalar_one():
                break
        time.sleep(0.01)
    else:
        pytest.fail("nobody waits")
    engine.dispose()


FREEZE = """
import sys
from datetime import UTC, datetime
from newsletter.model import RankedPaper
from newsletter.store import open_store

with open_store(sys.argv[1]) as store:
    issue = store.issues.by_id(int(sys.argv[2]))
    chosen = (RankedPaper(paper=issue.papers[0], score=float(sys.argv[3])),)
    selections = [(reader.id, chosen, 0) for reader in store.subscribers.all()]
    print("ready", flush=True)
    sys.stdin.readline()
    now = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
    print(store.deliveries.freeze(issue.id, selections, content_hash="hash", now=now).deliveries)
"""


def test_of_two_processes_that_freeze_at_once_one_does(approved: Sending, store_url: str) -> None:
    arguments = [sys.executable, "-W", "error", "-c", FREEZE, store_url, str(approved.issue.id)]
    racers = [
        subprocess.Popen([*arguments, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    for racer in racers:
        wait_for("ready", racer)
    for racer in racers:
        say(racer)
    told = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(told) == ["0", "4"]
    assert len({one.digest_id for one in every(approved)}) == 1
