"""Chunks on both databases: claimed under a lease, their mails attempted and settled one by one, due again in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.model import DeliveryState, IssueState, Subscriber, SubscriberStatus
from tests.store.sending import LEASE, NOW, Sending, outcome, ranked

SOON = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(minutes=20)
SECOND = timedelta(seconds=1)


def test_a_claim_brings_what_is_due_and_each_attempt_is_counted(sending: Sending) -> None:
    chunk = sending.must_claim()
    assert sending.claim() is None
    assert [due.subscriber for due in chunk.due] == list(sending.readers[:3])
    assert (chunk.issue_id, chunk.owner, chunk.opened_at) == (sending.issue.id, "me", NOW)
    for due in chunk.due:
        sending.must_attempt(chunk, due)
    assert {(sending.of(n).state, sending.of(n).attempts) for n in range(3)} == {(DeliveryState.IN_FLIGHT, 1)}
    assert sending.store.deliveries.totals(sending.issue.id) == {DeliveryState.IN_FLIGHT: 3, DeliveryState.SKIPPED: 1}


def test_a_claim_alone_puts_nothing_in_flight(sending: Sending) -> None:
    before = list(sending.store.deliveries.all(sending.issue.id))
    sending.must_claim()
    assert list(sending.store.deliveries.all(sending.issue.id)) == before


def test_a_settled_delivery_is_done(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.must_attempt(chunk, chunk.due[0])
    attempted = sending.of(0)
    sending.settle(chunk, chunk.due[0], DeliveryState.ACCEPTED)
    done = sending.of(0)
    assert done == replace(attempted, state=DeliveryState.ACCEPTED, reply="250 ok")
    sending.settle(chunk, chunk.due[0], DeliveryState.FAILED)
    assert not sending.attempt(chunk, chunk.due[0])
    assert sending.of(0) == done


def test_an_attempt_settles_those_before_it(sending: Sending) -> None:
    chunk = sending.must_claim()
    first, second, third = chunk.due
    sending.must_attempt(chunk, first)
    assert sending.attempt(chunk, second, outcome(first, DeliveryState.FAILED, reply="550 no"), now=SOON)
    assert (sending.of(0).state, sending.of(0).reply, sending.of(0).updated_at) == (
        DeliveryState.FAILED,
        "550 no",
        SOON,
    )
    assert sending.of(1).state is DeliveryState.IN_FLIGHT
    several = [outcome(second, DeliveryState.ACCEPTED), outcome(first, DeliveryState.ACCEPTED)]
    assert sending.attempt(chunk, third, *several)
    assert sending.states()[:3] == [DeliveryState.FAILED, DeliveryState.ACCEPTED, DeliveryState.IN_FLIGHT]


def test_a_mail_may_be_settled_and_attempted_again_at_once(sending: Sending) -> None:
    chunk = sending.must_claim()
    first = chunk.due[0]
    sending.must_attempt(chunk, first)
    assert sending.attempt(chunk, first, outcome(first, DeliveryState.QUEUED, reply=""))
    assert (sending.of(0).state, sending.of(0).attempts) == (DeliveryState.IN_FLIGHT, 2)


def test_a_deferred_delivery_is_due_again_when_its_time_has_come(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.DEFERRED, retry_at=SOON)
    sending.end(chunk, chunk.due[1], DeliveryState.ACCEPTED)
    sending.end(chunk, chunk.due[2], DeliveryState.ACCEPTED)
    sending.release(chunk)
    assert sending.claim(now=SOON - SECOND) is None
    again = sending.must_claim(now=SOON)
    assert [(due.id, due.attempts) for due in again.due] == [(chunk.due[0].id, 1)]
    sending.must_attempt(again, again.due[0], now=SOON)
    assert (sending.of(0).attempts, sending.of(0).retry_at) == (2, None)


def test_a_chunk_is_due_when_the_first_of_its_deferred_mails_is(sending: Sending) -> None:
    chunk = sending.must_claim()
    for due, when in zip(chunk.due, (LATER, SOON, LATER), strict=True):
        sending.end(chunk, due, DeliveryState.DEFERRED, retry_at=when)
    sending.release(chunk)
    assert sending.due_at() == SOON
    again = sending.must_claim(now=SOON)
    assert [due.id for due in again.due] == [chunk.due[1].id]
    sending.release(again, now=SOON)
    assert sending.due_at() == SOON, "what was not attempted is due as before"


def test_a_chunk_with_queued_mails_is_due_at_once_and_one_without_waiting_ones_never(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.DEFERRED, retry_at=LATER)
    sending.release(chunk, now=SOON)
    assert sending.due_at() == SOON
    again = sending.must_claim(now=SOON)
    sending.end(again, again.due[0], DeliveryState.FAILED)
    sending.end(again, again.due[1], DeliveryState.UNCERTAIN)
    sending.release(again, now=SOON)
    assert sending.due_at() == LATER
    last = sending.must_claim(now=LATER)
    sending.end(last, last.due[0], DeliveryState.ACCEPTED)
    sending.release(last, now=LATER)
    assert sending.due_at() is None
    assert sending.claim(now=LATER + LEASE) is None


def test_a_deferred_delivery_without_a_time_is_due_at_once(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.DEFERRED)
    sending.release(chunk)
    assert chunk.due[0].id in {due.id for due in sending.must_claim().due}


@pytest.mark.parametrize("status", [status for status in SubscriberStatus if status is not SubscriberStatus.CONFIRMED])
def test_who_is_not_confirmed_any_more_is_skipped_with_the_reason(sending: Sending, status: SubscriberStatus) -> None:
    gone, *others = sending.readers[:3]
    sending.store.subscribers.set_status(gone.address, status, now=NOW)
    assert [due.subscriber for due in sending.must_claim().due] == others
    delivery = sending.of(0)
    assert (delivery.state, delivery.reply, delivery.attempts) == (DeliveryState.SKIPPED, status.value, 0)


def test_an_unsubscribe_during_the_wait_for_a_retry_is_honoured(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.DEFERRED, retry_at=NOW)
    sending.release(chunk)
    sending.store.subscribers.set_status(sending.readers[0].address, SubscriberStatus.UNSUBSCRIBED, now=NOW)
    assert [due.id for due in sending.must_claim().due] == [due.id for due in chunk.due[1:]]
    assert (sending.of(0).state, sending.of(0).retry_at) == (DeliveryState.SKIPPED, None)


def test_a_chunk_of_which_everybody_left_is_over_without_a_claim(sending: Sending) -> None:
    for reader in sending.readers[:3]:
        sending.store.subscribers.set_status(reader.address, SubscriberStatus.UNSUBSCRIBED, now=NOW)
    assert sending.claim() is None
    assert sending.due_at() is None
    assert sending.store.deliveries.close(sending.issue.id, now=NOW)


def test_nothing_is_claimed_of_an_issue_that_is_not_being_sent(sending: Sending) -> None:
    sending.store.issues.move("2026-07-14", frm=[IssueState.SENDING], to=IssueState.CANCELLED, now=NOW)
    assert sending.claim() is None
    assert sending.store.chunks.claim(0, owner="me", now=NOW, lease=LEASE) is None


def test_the_totals_balance(sending: Sending) -> None:
    chunk = sending.must_claim()
    ends = (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.UNCERTAIN)
    for due, state in zip(chunk.due, ends, strict=True):
        sending.end(chunk, due, state)
    totals = sending.store.deliveries.totals(sending.issue.id)
    assert totals == {**dict.fromkeys(ends, 1), DeliveryState.SKIPPED: 1}
    assert sum(totals.values()) == 4


def test_no_chunk_that_is_due_again_and_again_keeps_others_waiting(
    approved: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.store.freezing.CHUNK", 1)
    approved.freeze()
    seen = []
    for minute in range(1, 7):
        now = NOW + timedelta(minutes=minute)
        chunk = approved.must_claim(now=now)
        seen.append(chunk.id)
        approved.release(chunk, now=now)
    first = seen[0]
    assert seen == [first, first + 1, first + 2] * 2


def test_every_mail_of_many_chunks_is_due_once(approved: Sending) -> None:
    people = [Subscriber(address=f"m{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(1203)]
    many = approved.store.subscribers.add(people, now=NOW).added
    selections = [(reader.id, ranked(0), 0) for reader in many]
    approved.store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW)
    chunks = [approved.must_claim() for _ in range(3)]
    assert approved.claim() is None
    assert [len(chunk.due) for chunk in chunks] == [500, 500, 203]
    assert [due.subscriber.id for chunk in chunks for due in chunk.due] == [reader.id for reader in many]
