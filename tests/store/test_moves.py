"""The state machine: its table, and that the store makes no other move on either database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.model import DeliveryState, SubscriberStatus
from newsletter.moves import ENDS, MOVES, WAITING, Event, settling, sources, target
from tests.store.sending import LEASE, NOW, Sending, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.store.chunks import Chunk

QUEUED, IN_FLIGHT, ACCEPTED, DEFERRED, FAILED, UNCERTAIN, SKIPPED = DeliveryState

# Event by event, as DESIGN has it: what it moves, and to where.
TABLE = {
    Event.ATTEMPT: ({QUEUED, DEFERRED}, IN_FLIGHT),
    Event.ACCEPT: ({IN_FLIGHT}, ACCEPTED),
    Event.DEFER: ({IN_FLIGHT}, DEFERRED),
    Event.REFUSE: ({IN_FLIGHT}, FAILED),
    Event.LOSE: ({IN_FLIGHT}, UNCERTAIN),
    Event.TAKE_BACK: ({IN_FLIGHT}, QUEUED),
    Event.SKIP: ({QUEUED, DEFERRED}, SKIPPED),
    Event.REOPEN: ({FAILED, UNCERTAIN}, QUEUED),
}


def test_the_table_is_this_one() -> None:
    assert {event: (set(frm), to) for event, (frm, to) in MOVES.items()} == TABLE
    assert set(MOVES) == set(Event)
    for event, (frm, to) in TABLE.items():
        assert set(sources(event)) == {state.value for state in frm}
        assert target(event) == to.value


def test_nothing_accepted_or_skipped_moves_again_and_only_a_wish_opens_an_end() -> None:
    leaving = {state: {event for event, (frm, _) in MOVES.items() if state in frm} for state in DeliveryState}
    assert {state for state, events in leaving.items() if not events} == {ACCEPTED, SKIPPED}
    assert {event for state in ENDS for event in leaving[state]} == {Event.REOPEN}
    assert {ACCEPTED, FAILED, SKIPPED} == ENDS
    assert {QUEUED, DEFERRED} == WAITING


def test_every_state_but_the_first_is_reached_from_queued() -> None:
    reached = {QUEUED}
    for _ in DeliveryState:
        reached |= {to for frm, to in MOVES.values() if frm & reached}
    assert reached == set(DeliveryState)


@pytest.mark.parametrize("state", DeliveryState)
def test_what_settles_a_mail_in_flight_is_in_the_table(state: DeliveryState) -> None:
    allowed = [event for event, (frm, to) in TABLE.items() if IN_FLIGHT in frm and to is state]
    if allowed:
        assert [settling(state)] == allowed
    else:
        with pytest.raises(ValueError, match=f"no delivery in flight becomes {state}"):
            settling(state)


# --- In the store -------------------------------------------------------------------------------------------------


def attempt(sending: Sending, chunk: Chunk) -> None:
    sending.attempt(chunk, chunk.due[0])


def settle(state: DeliveryState) -> Callable[[Sending, Chunk], None]:
    def settle_it(sending: Sending, chunk: Chunk) -> None:
        sending.settle(chunk, chunk.due[0], state)

    return settle_it


def settle_on_the_way(state: DeliveryState) -> Callable[[Sending, Chunk], None]:
    def settle_it(sending: Sending, chunk: Chunk) -> None:
        sending.attempt(chunk, chunk.due[1], outcome(chunk.due[0], state))

    return settle_it


def lapse(sending: Sending, _chunk: Chunk) -> None:
    sending.claim("other", NOW + LEASE)


def leave(sending: Sending, chunk: Chunk) -> None:
    sending.store.subscribers.set_status(sending.readers[0].address, SubscriberStatus.UNSUBSCRIBED, now=NOW)
    with sending.store.ledger() as ledger:
        ledger.skip(chunk, chunk.due[0], now=NOW)


def leave_before_a_claim(sending: Sending, chunk: Chunk) -> None:
    sending.release(chunk)
    if sending.of(0).state is not IN_FLIGHT:  # which a claim would lose first
        sending.store.subscribers.set_status(sending.readers[0].address, SubscriberStatus.UNSUBSCRIBED, now=NOW)
        sending.claim()


def cancel(sending: Sending, _chunk: Chunk) -> None:
    sending.store.deliveries.cancel(sending.issue.id, now=NOW)


WAYS: list[tuple[Event, Callable[[Sending, Chunk], None]]] = [
    (Event.ATTEMPT, attempt),
    (Event.ACCEPT, settle(ACCEPTED)),
    (Event.ACCEPT, settle_on_the_way(ACCEPTED)),
    (Event.DEFER, settle(DEFERRED)),
    (Event.DEFER, settle_on_the_way(DEFERRED)),
    (Event.REFUSE, settle(FAILED)),
    (Event.REFUSE, settle_on_the_way(FAILED)),
    (Event.LOSE, settle(UNCERTAIN)),
    (Event.LOSE, settle_on_the_way(UNCERTAIN)),
    (Event.LOSE, lapse),
    (Event.TAKE_BACK, settle(QUEUED)),
    (Event.TAKE_BACK, settle_on_the_way(QUEUED)),
    (Event.SKIP, leave),
    (Event.SKIP, leave_before_a_claim),
    (Event.SKIP, cancel),
]


@pytest.mark.parametrize("frm", DeliveryState)
@pytest.mark.parametrize(("event", "way"), WAYS)
def test_the_store_makes_the_moves_of_the_table_and_no_other(
    sending: Sending, event: Event, way: Callable[[Sending, Chunk], None], frm: DeliveryState
) -> None:
    chunk = sending.must_claim()
    sending.put(0, frm, chunk.fence)
    before = sending.of(0)
    way(sending, chunk)
    sources_of, to = TABLE[event]
    after = sending.of(0)
    if frm in sources_of:
        assert after.state is to
    else:
        assert after == before


@pytest.mark.parametrize("frm", DeliveryState)
@pytest.mark.parametrize("name", ["reopen", "requeue"])
def test_only_failed_and_uncertain_mails_are_opened_again(sending: Sending, name: str, frm: DeliveryState) -> None:
    sending.put(0, frm, 1)
    before = sending.of(0)
    opens = getattr(sending.store.deliveries, name)
    if frm in TABLE[Event.REOPEN][0]:
        assert opens(sending.issue.id, frm, now=NOW) == 1
        assert sending.of(0).state is QUEUED
    else:
        with pytest.raises(ValueError, match=f"{frm} cannot be opened again"):
            opens(sending.issue.id, frm, now=NOW)
        assert sending.of(0) == before


@pytest.mark.parametrize("frm", DeliveryState)
def test_a_claim_under_resend_opens_what_is_in_flight_or_uncertain_and_nothing_else(
    sending: Sending, frm: DeliveryState
) -> None:
    chunk = sending.must_claim()
    sending.put(0, frm, chunk.fence)
    sending.must_claim("other", NOW + LEASE, resend=True)
    assert sending.of(0).state is (QUEUED if frm in {IN_FLIGHT, UNCERTAIN} else frm)


@pytest.mark.parametrize("state", [IN_FLIGHT, SKIPPED])
def test_an_outcome_that_is_none_is_refused_before_anything_is_written(sending: Sending, state: DeliveryState) -> None:
    chunk = sending.must_claim()
    first, second, third = chunk.due
    sending.must_attempt(chunk, first)
    with pytest.raises(ValueError, match="no delivery in flight becomes"):
        sending.attempt(chunk, second, outcome(first, state))
    with sending.store.ledger() as ledger, pytest.raises(ValueError, match="no delivery in flight becomes"):
        ledger.settle(chunk, [outcome(first, ACCEPTED), outcome(third, state)], now=NOW)
    assert sending.states()[:3] == [IN_FLIGHT, QUEUED, QUEUED]
