"""Who may mark what: not a sender whose chunk is another's by now, and no mail that must not leave any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from newsletter.model import DeliveryState, SubscriberStatus
from newsletter.store import open_store
from newsletter.store.schema import subscribers
from tests.store.sending import LEASE, NOW, Sending, outcome

if TYPE_CHECKING:
    from newsletter.store.chunks import Chunk

END = NOW + LEASE
SECOND = timedelta(seconds=1)


def test_only_the_claimant_can_attempt_and_settle(sending: Sending) -> None:
    chunk = sending.must_claim()
    first, second, _ = chunk.due
    for stranger in (replace(chunk, owner="someone else"), replace(chunk, fence=chunk.fence + 1), replace(chunk, id=0)):
        assert not sending.attempt(stranger, first)
        assert not sending.store.chunks.renew(stranger, now=NOW, lease=LEASE)
    sending.must_attempt(chunk, second)
    for stranger in (replace(chunk, fence=chunk.fence + 1), replace(chunk, id=0)):
        sending.settle(stranger, second, DeliveryState.ACCEPTED)
    assert sending.states()[:2] == [DeliveryState.QUEUED, DeliveryState.IN_FLIGHT]


def test_nobody_takes_a_chunk_before_its_lease_has_ended(sending: Sending) -> None:
    chunk = sending.must_claim()
    assert sending.claim("other", END - SECOND) is None
    assert sending.store.chunks.renew(chunk, now=END - SECOND, lease=LEASE)
    assert sending.claim("other", END) is None
    assert sending.must_claim("other", END - SECOND + LEASE).id == chunk.id


def test_a_late_sender_can_neither_attempt_nor_settle_nor_renew(sending: Sending) -> None:
    late = sending.must_claim("late")
    first, second, _ = late.due
    sending.must_attempt(late, first)
    taken = sending.must_claim("other", END)
    assert (taken.id, taken.fence) == (late.id, late.fence + 1)
    assert not sending.store.chunks.renew(late, now=END, lease=LEASE)
    assert not sending.attempt(late, second, outcome(first, DeliveryState.ACCEPTED), now=END)
    sending.settle(late, first, DeliveryState.ACCEPTED, now=END)
    assert sending.states()[:2] == [DeliveryState.UNCERTAIN, DeliveryState.QUEUED]
    sending.release(late, now=END)  # which lets go of nothing
    assert sending.claim("third", END) is None
    assert sending.attempt(taken, second, now=END)


def test_the_same_owner_is_fenced_from_its_own_earlier_claim(sending: Sending) -> None:
    late = sending.must_claim()
    taken = sending.must_claim(now=END)
    assert not sending.attempt(late, late.due[0], now=END)
    assert sending.attempt(taken, taken.due[0], now=END)
    sending.settle(late, late.due[0], DeliveryState.ACCEPTED, now=END)
    assert sending.of(0).state is DeliveryState.IN_FLIGHT


def test_a_late_answer_within_a_lease_nobody_took_notice_of_still_counts(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.must_attempt(chunk, chunk.due[0])
    sending.settle(chunk, chunk.due[0], DeliveryState.ACCEPTED, now=NOW + 2 * LEASE)
    assert sending.of(0).state is DeliveryState.ACCEPTED


@pytest.mark.parametrize("resend", [False, True])
def test_what_a_dead_sender_left_in_flight_is_uncertain_or_waits_again(sending: Sending, *, resend: bool) -> None:
    chunk = sending.must_claim("dead")
    done, in_flight, untouched = chunk.due
    sending.end(chunk, done, DeliveryState.ACCEPTED)
    sending.must_attempt(chunk, in_flight)
    taken = sending.must_claim("other", END, resend=resend)
    due = {one.id: one.attempts for one in taken.due}
    assert due == ({in_flight.id: 1, untouched.id: 0} if resend else {untouched.id: 0})
    left = sending.of(1)
    expected = DeliveryState.QUEUED if resend else DeliveryState.UNCERTAIN
    assert (left.state, left.reply) == (expected, "its sender ended before the answer came")
    sending.settle(chunk, in_flight, DeliveryState.ACCEPTED, now=END)
    assert sending.of(1) == left


def test_the_chunks_of_a_dead_owner_are_free_at_once(sending: Sending) -> None:
    store, issue_id = sending.store, sending.issue.id
    chunk = sending.must_claim("dead")
    sending.must_attempt(chunk, chunk.due[0])
    soon = NOW + SECOND
    assert store.chunks.owners(issue_id, now=soon) == {"dead"}
    assert store.chunks.forsake(issue_id, ["alive"], now=soon) == 0
    assert store.chunks.forsake(issue_id, [], now=soon) == 0
    assert sending.claim("other", soon) is None
    assert store.chunks.forsake(issue_id, ["dead", "alive"], now=soon) == 1
    assert store.chunks.forsake(issue_id, ["dead"], now=soon) == 0
    assert store.chunks.owners(issue_id, now=soon) == frozenset()
    taken = sending.must_claim("other", soon)
    assert [due.id for due in taken.due] == [due.id for due in chunk.due[1:]]
    assert sending.of(0).state is DeliveryState.UNCERTAIN
    assert store.chunks.owners(issue_id, now=soon) == {"other"}


def test_a_chunk_that_was_left_before_its_end_is_looked_at_even_with_nothing_due(sending: Sending) -> None:
    chunk = sending.must_claim("dead")
    for due in chunk.due:
        sending.must_attempt(chunk, due)
    assert sending.claim("other", END) is None
    assert sending.states()[:3] == [DeliveryState.UNCERTAIN] * 3
    assert sending.due_at() is None


def test_a_mail_that_was_released_in_flight_is_noticed_by_the_next_claim(sending: Sending) -> None:
    chunk = sending.must_claim()
    for due in chunk.due:
        sending.must_attempt(chunk, due)
    sending.release(chunk)
    assert sending.due_at() == NOW
    assert sending.claim() is None
    assert sending.states()[:3] == [DeliveryState.UNCERTAIN] * 3


# --- What the attempt refuses -------------------------------------------------------------------------------------


def paused(sending: Sending, _chunk: Chunk) -> None:
    assert sending.store.deliveries.pause(sending.issue.id, now=NOW)


def cancelled(sending: Sending, _chunk: Chunk) -> None:
    sending.store.deliveries.cancel(sending.issue.id, now=NOW)


def unsubscribed(sending: Sending, _chunk: Chunk) -> None:
    sending.store.subscribers.set_status(sending.readers[1].address, SubscriberStatus.UNSUBSCRIBED, now=NOW)


def moved(sending: Sending, _chunk: Chunk) -> None:
    changed = update(subscribers).where(subscribers.c.id == sending.readers[1].id)
    with sending.store._database.writing() as connection:
        connection.execute(changed.values(address="new@x.example", address_key="new@x.example"))


def released(sending: Sending, chunk: Chunk) -> None:
    sending.release(chunk)


def lost(sending: Sending, _chunk: Chunk) -> None:
    sending.must_claim("other", END)


@pytest.mark.parametrize(
    ("happened", "first", "second"),
    [
        (paused, DeliveryState.ACCEPTED, DeliveryState.QUEUED),
        (cancelled, DeliveryState.ACCEPTED, DeliveryState.SKIPPED),
        (unsubscribed, DeliveryState.ACCEPTED, DeliveryState.QUEUED),
        (moved, DeliveryState.ACCEPTED, DeliveryState.QUEUED),
        (released, DeliveryState.ACCEPTED, DeliveryState.QUEUED),
        (lost, DeliveryState.UNCERTAIN, DeliveryState.QUEUED),
    ],
)
def test_an_attempt_that_is_refused_settles_all_the_same(
    sending: Sending, happened: object, first: DeliveryState, second: DeliveryState
) -> None:
    chunk = sending.must_claim()
    sending.must_attempt(chunk, chunk.due[0])
    happened(sending, chunk)  # type: ignore[operator]  # one of the functions above
    assert not sending.attempt(chunk, chunk.due[1], outcome(chunk.due[0], DeliveryState.ACCEPTED))
    assert sending.states()[:2] == [first, second]
    assert sending.of(1).attempts == 0


def test_a_reader_who_left_is_skipped_by_the_claimant_alone(sending: Sending) -> None:
    chunk = sending.must_claim()
    with sending.store.ledger() as ledger:
        assert not ledger.skip(chunk, chunk.due[1], now=NOW), "this reader has not left"
        unsubscribed(sending, chunk)
        assert not ledger.skip(replace(chunk, fence=0), chunk.due[1], now=NOW)
        assert ledger.skip(chunk, chunk.due[1], now=NOW)
        assert not ledger.skip(chunk, chunk.due[1], now=NOW)
    assert (sending.of(1).state, sending.of(1).reply) == (DeliveryState.SKIPPED, "unsubscribed")


def test_who_moved_gets_the_mail_at_the_new_address(sending: Sending) -> None:
    chunk = sending.must_claim()
    moved(sending, chunk)
    sending.release(chunk)
    again = sending.must_claim()
    assert again.due[1].subscriber.address == "new@x.example"
    sending.must_attempt(again, again.due[1])


def test_an_attempt_outlives_its_process(sending: Sending, store_url: str) -> None:
    chunk = sending.must_claim()
    sending.must_attempt(chunk, chunk.due[0])
    with open_store(store_url) as other:
        found = other.deliveries.of(sending.issue.id, chunk.due[0].subscriber.id)
        assert found == sending.of(0)
        assert other.chunks.owners(sending.issue.id, now=NOW) == {"me"}
