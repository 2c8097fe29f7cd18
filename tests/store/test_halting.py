"""An issue's mails on both databases: paused, resumed, cancelled, called sent, and opened again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from newsletter.errors import StoreError
from newsletter.model import DeliveryState, IssueState
from newsletter.store.schema import chunks, deliveries
from tests.store.sending import LEASE, NOW, Sending

LATER = NOW + timedelta(hours=1)
OVER = (DeliveryState.SKIPPED, "the issue was cancelled")


def all_end(sending: Sending, *states: DeliveryState) -> None:
    """Settle the three mails of the issue and let go of their chunk."""
    chunk = sending.must_claim()
    for due, state in zip(chunk.due, states, strict=True):
        sending.end(chunk, due, state)
    sending.release(chunk)


# --- Pause and resume ---------------------------------------------------------------------------------------------


def test_a_paused_issue_lets_nothing_leave_and_a_resumed_one_goes_on(sending: Sending) -> None:
    store, issue_id = sending.store.deliveries, sending.issue.id
    chunk = sending.must_claim()
    sending.must_attempt(chunk, chunk.due[0])
    assert store.pause(issue_id, now=LATER)
    assert (sending.issue_now().state, sending.issue_now().paused_at) == (IssueState.SENDING, LATER)
    assert not store.pause(issue_id, now=LATER + LEASE)
    assert sending.issue_now().paused_at == LATER
    assert not sending.attempt(chunk, chunk.due[1])
    sending.settle(chunk, chunk.due[0], DeliveryState.ACCEPTED)
    assert sending.of(0).state is DeliveryState.ACCEPTED, "what has left is settled"
    assert sending.store.chunks.renew(chunk, now=NOW, lease=LEASE)
    sending.release(chunk)
    assert sending.claim() is None
    assert store.resume(issue_id, now=LATER)
    assert not store.resume(issue_id, now=LATER)
    assert sending.issue_now().paused_at is None
    assert [due.id for due in sending.must_claim().due] == [due.id for due in chunk.due[1:]]


def test_what_a_dead_sender_left_in_flight_is_settled_in_a_paused_issue_too(sending: Sending) -> None:
    chunk = sending.must_claim("dead")
    sending.must_attempt(chunk, chunk.due[0])
    sending.store.deliveries.pause(sending.issue.id, now=NOW)
    assert sending.claim("other", NOW + LEASE) is None
    assert sending.states()[:3] == [DeliveryState.UNCERTAIN, DeliveryState.QUEUED, DeliveryState.QUEUED]
    sending.store.deliveries.resume(sending.issue.id, now=NOW + LEASE)
    assert len(sending.must_claim("other", NOW + LEASE).due) == 2


def test_only_an_issue_that_is_being_sent_is_paused(approved: Sending) -> None:
    store = approved.store.deliveries
    assert not store.pause(approved.issue.id, now=NOW)
    assert not store.resume(approved.issue.id, now=NOW)
    assert not store.pause(0, now=NOW)
    approved.freeze()
    all_end(approved, *[DeliveryState.ACCEPTED] * 3)
    assert store.close(approved.issue.id, now=NOW)
    assert not store.pause(approved.issue.id, now=NOW)
    assert approved.issue_now().paused_at is None


def test_a_paused_issue_whose_mails_have_all_ended_is_sent_and_not_paused(sending: Sending) -> None:
    all_end(sending, *[DeliveryState.ACCEPTED] * 3)
    sending.store.deliveries.pause(sending.issue.id, now=NOW)
    assert sending.store.deliveries.close(sending.issue.id, now=LATER)
    issue = sending.issue_now()
    assert (issue.state, issue.sent_at, issue.paused_at) == (IssueState.SENT, LATER, None)


# --- Cancel -------------------------------------------------------------------------------------------------------


def test_a_cancel_skips_what_waits_and_leaves_what_is_on_its_way_or_over(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.ACCEPTED)
    sending.must_attempt(chunk, chunk.due[1])
    sending.store.deliveries.pause(sending.issue.id, now=NOW)
    assert sending.store.deliveries.cancel(sending.issue.id, now=LATER) == 1
    issue = sending.issue_now()
    assert (issue.state, issue.paused_at) == (IssueState.CANCELLED, None)
    assert sending.states() == [
        DeliveryState.ACCEPTED,
        DeliveryState.IN_FLIGHT,
        DeliveryState.SKIPPED,
        DeliveryState.SKIPPED,
    ]
    assert (sending.of(2).state, sending.of(2).reply, sending.of(2).updated_at) == (*OVER, LATER)
    assert sending.of(3).reply == "nothing new"
    sending.settle(chunk, chunk.due[1], DeliveryState.FAILED)
    assert sending.of(1).state is DeliveryState.FAILED
    assert sending.store.deliveries.cancel(sending.issue.id, now=LATER) is None
    assert not sending.store.deliveries.close(sending.issue.id, now=LATER)
    assert not sending.store.deliveries.resume(sending.issue.id, now=LATER)


@pytest.mark.parametrize("state", [DeliveryState.DEFERRED, DeliveryState.QUEUED])
def test_a_mail_that_comes_back_to_a_cancelled_issue_is_skipped(sending: Sending, state: DeliveryState) -> None:
    chunk = sending.must_claim()
    sending.must_attempt(chunk, chunk.due[0])
    sending.store.deliveries.cancel(sending.issue.id, now=NOW)
    sending.settle(chunk, chunk.due[0], state, retry_at=LATER if state is DeliveryState.DEFERRED else None)
    sending.release(chunk)
    assert (sending.of(0).state, sending.of(0).reply, sending.of(0).retry_at) == (*OVER, None)
    assert sending.due_at() is None


@pytest.mark.parametrize("resend", [False, True])
def test_what_a_dead_sender_left_of_a_cancelled_issue_ends_too(sending: Sending, *, resend: bool) -> None:
    chunk = sending.must_claim("dead")
    sending.must_attempt(chunk, chunk.due[0])
    sending.store.deliveries.cancel(sending.issue.id, now=NOW)
    assert sending.claim("other", NOW + LEASE, resend=resend) is None
    assert sending.of(0).state is (DeliveryState.SKIPPED if resend else DeliveryState.UNCERTAIN)
    assert sending.claim("other", NOW + 2 * LEASE, resend=resend) is None


def test_an_issue_that_is_not_frozen_is_cancelled_without_mails_and_a_sent_one_is_not(approved: Sending) -> None:
    store = approved.store.deliveries
    assert store.cancel(0, now=NOW) is None
    assert store.cancel(approved.issue.id, now=NOW) == 0
    assert approved.issue_now().state is IssueState.CANCELLED


def test_a_sent_issue_is_not_cancelled(sending: Sending) -> None:
    all_end(sending, DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.ACCEPTED)
    assert sending.store.deliveries.close(sending.issue.id, now=NOW)
    assert sending.store.deliveries.cancel(sending.issue.id, now=LATER) is None
    assert sending.issue_now().state is IssueState.SENT


# --- Close --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", DeliveryState)
def test_an_issue_is_called_sent_when_every_mail_has_come_to_its_end(sending: Sending, state: DeliveryState) -> None:
    all_end(sending, *[DeliveryState.ACCEPTED] * 3)
    sending.put(1, state, 1)
    ends = state in {DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.SKIPPED}
    assert sending.store.deliveries.close(sending.issue.id, now=LATER) is ends
    assert sending.issue_now().state is (IssueState.SENT if ends else IssueState.SENDING)
    assert not sending.store.deliveries.close(sending.issue.id, now=LATER + LEASE)
    assert sending.issue_now().sent_at == (LATER if ends else None)


def test_an_issue_whose_mails_are_not_all_there_is_not_called_sent(sending: Sending) -> None:
    all_end(sending, *[DeliveryState.ACCEPTED] * 3)
    with sending.store._database.writing() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.id == sending.of(0).id))
    with pytest.raises(StoreError, match="has 2 deliveries, and 3 were frozen; it is not called sent") as error:
        sending.store.deliveries.close(sending.issue.id, now=NOW)
    assert "\n" not in str(error.value)
    assert sending.issue_now().state is IssueState.SENDING


def test_only_an_issue_that_is_being_sent_is_closed(approved: Sending) -> None:
    assert not approved.store.deliveries.close(approved.issue.id, now=NOW)
    assert not approved.store.deliveries.close(0, now=NOW)
    assert approved.issue_now().state is IssueState.APPROVED


# --- Opened again -------------------------------------------------------------------------------------------------


def test_uncertain_deliveries_can_be_queued_again(sending: Sending) -> None:
    all_end(sending, DeliveryState.UNCERTAIN, DeliveryState.ACCEPTED, DeliveryState.ACCEPTED)
    assert sending.claim() is None
    assert sending.store.deliveries.requeue(sending.issue.id, DeliveryState.UNCERTAIN, now=NOW) == 1
    assert sending.store.deliveries.requeue(sending.issue.id, DeliveryState.UNCERTAIN, now=NOW) == 0
    chunk = sending.must_claim()
    assert [due.attempts for due in chunk.due] == [1]
    sending.must_attempt(chunk, chunk.due[0])
    assert sending.of(0).attempts == 2


def test_a_sent_issue_is_opened_again_with_all_attempts_and_a_new_start(sending: Sending) -> None:
    store, issue_id = sending.store.deliveries, sending.issue.id
    all_end(sending, DeliveryState.FAILED, DeliveryState.ACCEPTED, DeliveryState.FAILED)
    assert store.close(issue_id, now=NOW)
    assert store.reopen(issue_id, DeliveryState.UNCERTAIN, now=LATER) == 0
    assert sending.issue_now().state is IssueState.SENT
    assert store.reopen(issue_id, DeliveryState.FAILED, now=LATER) == 2
    assert (sending.issue_now().state, sending.issue_now().sent_at) == (IssueState.SENDING, None)
    assert not store.close(issue_id, now=LATER)
    assert sending.due_at() == LATER
    chunk = sending.must_claim(now=LATER)
    assert [(due.subscriber.id, due.attempts) for due in chunk.due] == [(sending.readers[n].id, 0) for n in (0, 2)]
    assert chunk.opened_at == LATER


def test_only_the_chunks_of_the_mails_are_opened(approved: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.store.freezing.CHUNK", 1)
    approved.freeze()
    for state in (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.ACCEPTED):
        chunk = approved.must_claim()
        approved.end(chunk, chunk.due[0], state)
        approved.release(chunk)
    approved.store.deliveries.reopen(approved.issue.id, DeliveryState.FAILED, now=LATER)
    assert [(row.due_at, row.opened_at) for row in approved.chunk_rows()] == [
        (None, NOW),
        (LATER, LATER),
        (None, NOW),
    ]


def test_a_mail_that_is_opened_while_its_chunk_is_held_is_due_when_that_is_let_go(sending: Sending) -> None:
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.FAILED)
    sending.store.deliveries.reopen(sending.issue.id, DeliveryState.FAILED, now=NOW)
    for due in chunk.due[1:]:
        sending.end(chunk, due, DeliveryState.ACCEPTED)
    assert sending.claim() is None
    sending.release(chunk)
    assert [due.id for due in sending.must_claim().due] == [chunk.due[0].id]


@pytest.mark.parametrize("name", ["reopen", "requeue"])
def test_nothing_of_a_cancelled_issue_is_opened_again(sending: Sending, name: str) -> None:
    all_end(sending, DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.ACCEPTED)
    sending.store.deliveries.cancel(sending.issue.id, now=NOW)
    before = sending.states()
    for state in (DeliveryState.FAILED, DeliveryState.UNCERTAIN):
        assert getattr(sending.store.deliveries, name)(sending.issue.id, state, now=NOW) == 0
    assert sending.states() == before


def test_a_sent_issue_is_not_opened_by_the_policy(sending: Sending) -> None:
    all_end(sending, *[DeliveryState.FAILED] * 3)
    sending.store.deliveries.close(sending.issue.id, now=NOW)
    assert sending.store.deliveries.requeue(sending.issue.id, DeliveryState.FAILED, now=NOW) == 0
    assert DeliveryState.QUEUED not in sending.states()


def test_every_frozen_mail_is_in_a_chunk_and_who_gets_none_is_not(sending: Sending) -> None:
    with sending.store._database.reading() as connection:
        placed = connection.execute(select(deliveries.c.chunk_id).order_by(deliveries.c.subscriber_id)).scalars().all()
        (chunk,) = connection.execute(select(chunks)).all()
    assert placed == [chunk.id, chunk.id, chunk.id, None]
    assert (chunk.size, chunk.due_at, chunk.opened_at, chunk.owner, chunk.fence) == (3, NOW, NOW, "", 0)
