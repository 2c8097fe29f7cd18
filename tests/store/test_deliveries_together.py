"""Deliveries under several processes at once: each is claimed by one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from newsletter.model import DeliveryState, Subscriber, SubscriberStatus
from newsletter.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.model import Delivery
from tests.store.sending import LEASE, NOW, Sending, ranked

# --- Several at once ----------------------------------------------------------------------------------------------

CLAIM_ALL = """
import sys
from datetime import UTC, datetime, timedelta
from newsletter.model import DeliveryState
from newsletter.store import open_store

now = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    mine = {"owner": sys.argv[3], "now": now}
    while delivery := store.deliveries.claim(int(sys.argv[2]), lease=timedelta(minutes=15), **mine):
        print(delivery.id, delivery.attempts, flush=True)
        assert store.deliveries.settle(delivery.id, state=DeliveryState.ACCEPTED, reply="", retry_at=None, **mine)
"""


def test_claimers_in_several_processes_never_get_the_same_delivery(approved: Sending, store_url: str) -> None:
    people = [Subscriber(address=f"m{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(60)]
    many = approved.store.subscribers.add(people, now=NOW).added
    selections = [(reader.id, ranked(0), 0) for reader in many]
    approved.store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW)
    arguments = [sys.executable, "-W", "error", "-c", CLAIM_ALL, store_url, str(approved.issue.id)]
    claimers = [
        subprocess.Popen([*arguments, f"owner {n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    for claimer in claimers:
        assert claimer.stdout is not None
        assert claimer.stdout.readline() == "ready\n"
    lines = [line for claimer in start_all(claimers) for line in claimer.communicate(timeout=60)[0].splitlines()]
    assert [claimer.returncode for claimer in claimers] == [0, 0, 0]
    assert Counter(line.split()[0] for line in lines) == Counter(str(one.id) for one in every(approved))
    assert approved.store.deliveries.totals(approved.issue.id) == {DeliveryState.ACCEPTED: 60}


def start_all(claimers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for claimer in claimers:
        assert claimer.stdin is not None
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    return claimers


def every(sending: Sending) -> Iterator[Delivery]:
    return sending.store.deliveries.all(sending.issue.id)


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
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    told = [racer.communicate(timeout=60)[0].strip() for racer in start_all(racers)]
    assert sorted(told) == ["0", "4"]
    assert len({one.digest_id for one in every(approved)}) == 1


def test_a_claim_outlives_its_process(sending: Sending, store_url: str) -> None:
    delivery = sending.must_claim()
    with open_store(store_url) as other:
        found = other.deliveries.of(sending.issue.id, delivery.subscriber_id)
        assert found == delivery
        assert other.deliveries.lapse(sending.issue.id, now=NOW + LEASE) == 1
