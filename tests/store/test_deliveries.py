"""Deliveries on both databases: frozen once, claimed under a lease, settled by the holder, counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import IssueStateError, StoreError
from newsletter.model import DeliveryState, Issue, IssueState, Paper, RankedPaper, Subscriber, SubscriberStatus
from newsletter.store import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store import Store
from tests.store.sending import LEASE, NOW, PAPERS, Sending, ranked

# --- Freezing -----------------------------------------------------------------------------------------------------


def test_a_freeze_stores_equal_selections_once_and_starts_the_sending(approved: Sending) -> None:
    assert approved.freeze() == Frozen(deliveries=4, digests=2)
    issue = approved.store.issues.get("2026-07-14")
    assert issue is not None
    assert issue.state is IssueState.SENDING
    first, second, third, fourth = approved.store.deliveries.all(issue.id)
    assert first.digest_id == second.digest_id != third.digest_id
    assert (fourth.state, fourth.reply, fourth.digest_id) == (DeliveryState.SKIPPED, "nothing new", None)
    assert approved.store.deliveries.of(issue.id, approved.readers[3].id) == fourth
    assert approved.store.deliveries.of(issue.id, 0) is None
    assert list(approved.store.deliveries.all(issue.id, DeliveryState.QUEUED)) == [first, second, third]


def test_a_digest_comes_back_as_it_was_frozen(sending: Sending) -> None:
    store = sending.store
    for reader, expected in zip(sending.readers, [(ranked(0, 1), 3), (ranked(0, 1), 3), (ranked(2), 4)], strict=False):
        delivery = store.deliveries.of(sending.issue.id, reader.id)
        assert delivery is not None
        assert delivery.digest_id is not None
        assert store.deliveries.selection(delivery.digest_id, sending.issue) == expected


def test_a_second_freeze_changes_nothing_and_reads_nothing(sending: Sending) -> None:
    selections = iter([(sending.readers[0].id, ranked(3), 0)])
    before = list(sending.store.deliveries.all(sending.issue.id))
    frozen = sending.store.deliveries.freeze(sending.issue.id, selections, content_hash="hash", now=NOW)
    assert frozen == Frozen()
    assert next(selections)  # it was not even looked at
    assert list(sending.store.deliveries.all(sending.issue.id)) == before


def test_an_edited_issue_is_not_frozen(approved: Sending) -> None:
    with pytest.raises(IssueStateError, match="issue 2026-07-14 was edited after it was approved"):
        approved.freeze(content_hash="another")
    assert approved.store.deliveries.totals(approved.issue.id) == {}


def test_an_issue_that_is_not_approved_is_not_frozen(approved: Sending) -> None:
    approved.store.issues.move("2026-07-14", frm=[IssueState.APPROVED], to=IssueState.DRAFT, now=NOW)
    with pytest.raises(IssueStateError, match="issue 2026-07-14 is draft, not approved"):
        approved.freeze()
    with pytest.raises(IssueStateError, match="no issue with the id 0"):
        approved.store.deliveries.freeze(0, [], content_hash="hash", now=NOW)


def test_a_freeze_that_fails_leaves_the_issue_approved(approved: Sending) -> None:
    def breaking() -> Iterator[tuple[int, tuple[RankedPaper, ...], int]]:
        yield approved.readers[0].id, ranked(0), 0
        raise OSError("the model broke")

    stray = (RankedPaper(paper=Paper(id="2607.99999", source="x", title="T"), score=1.0),)
    freeze, issue_id = approved.store.deliveries.freeze, approved.issue.id
    with pytest.raises(OSError, match="the model broke"):
        freeze(issue_id, breaking(), content_hash="hash", now=NOW)
    with pytest.raises(StoreError, match=r"paper 2607\.99999 is not in the issue"):
        freeze(issue_id, [(approved.readers[0].id, stray, 0)], content_hash="hash", now=NOW)
    with pytest.raises(StoreError):
        freeze(issue_id, [(0, ranked(0), 0)], content_hash="hash", now=NOW)
    assert approved.store.deliveries.totals(issue_id) == {}
    assert approved.freeze() == Frozen(deliveries=4, digests=2)


def test_many_readers_are_frozen_in_batches(approved: Sending) -> None:
    people = [Subscriber(address=f"m{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(4500)]
    many = approved.store.subscribers.add(people, now=NOW).added
    selections = ((reader.id, ranked(reader.id % 3), 0) for reader in many)
    frozen = approved.store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW)
    assert frozen == Frozen(deliveries=4500, digests=3)


def test_readers_may_be_read_from_the_store_while_their_digests_are_frozen(approved: Sending) -> None:
    store = approved.store
    selections = ((reader.id, ranked(0), 0) for reader in store.subscribers.all())
    assert store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW).deliveries == 4


def test_a_digest_of_another_issue_is_refused(sending: Sending) -> None:
    delivery = sending.must_claim()
    assert delivery.digest_id is not None
    with pytest.raises(StoreError, match="issue 2026-07-14 has no digest"):
        sending.store.deliveries.selection(0, sending.issue)
    with pytest.raises(StoreError, match="has no digest"):
        sending.store.deliveries.selection(delivery.digest_id, replace(sending.issue, id=0))


def test_a_frozen_digest_outlives_the_merge_of_its_papers(store: Store) -> None:
    pages = tuple(Paper(id=f"feed:{n}", source="feed", title="On Caching", comments=n) for n in range(2))
    store.papers.add(pages, taken_at=NOW)
    (reader,) = store.subscribers.add(
        [Subscriber(address="a@x.example", status=SubscriberStatus.CONFIRMED)], now=NOW
    ).added
    store.issues.create(Issue(period="2026-07-14", subject="S", papers=pages), now=NOW)
    issue = store.issues.approve("2026-07-14", "hash", now=NOW)
    chosen = (RankedPaper(paper=pages[1], score=0.5), RankedPaper(paper=pages[0], score=0.25))
    store.deliveries.freeze(issue.id, [(reader.id, chosen, 0)], content_hash="hash", now=NOW)
    store.papers.add([Paper(id="2607.00009", source="huggingface", title="On caching")], taken_at=NOW)
    assert store.papers.count() == 1
    delivery = store.deliveries.claim(issue.id, owner="me", now=NOW, lease=LEASE)
    assert delivery is not None
    assert delivery.digest_id is not None
    stored = store.issues.by_id(issue.id)
    assert stored is not None
    assert store.deliveries.selection(delivery.digest_id, stored) == (chosen, 0)
    # Whatever id one asks by: this reader has had the paper.
    sent = store.deliveries.already_sent(issue.id + 1, ["2607.00009", "feed:0", "2607.77777"])
    assert sent == {reader.id: frozenset({"2607.00009", "feed:0"})}


# --- Claiming and settling ----------------------------------------------------------------------------------------


def test_claims_go_through_all_and_each_is_counted(sending: Sending) -> None:
    claimed = [sending.must_claim() for _ in range(3)]
    assert sending.claim() is None
    assert [one.subscriber_id for one in claimed] == [reader.id for reader in sending.readers[:3]]
    assert {(one.state, one.attempts) for one in claimed} == {(DeliveryState.IN_FLIGHT, 1)}
    assert sending.store.deliveries.totals(sending.issue.id) == {DeliveryState.IN_FLIGHT: 3, DeliveryState.SKIPPED: 1}


def test_a_settled_delivery_is_done(sending: Sending) -> None:
    delivery = sending.must_claim()
    assert sending.settle(delivery, DeliveryState.ACCEPTED)
    found = sending.store.deliveries.of(sending.issue.id, delivery.subscriber_id)
    assert found == replace(delivery, state=DeliveryState.ACCEPTED, reply="250 ok")
    assert not sending.settle(delivery, DeliveryState.FAILED)
    assert sending.store.deliveries.of(sending.issue.id, delivery.subscriber_id) == found


def test_only_the_owner_of_the_lease_can_settle(sending: Sending) -> None:
    delivery = sending.must_claim()
    assert not sending.settle(delivery, DeliveryState.ACCEPTED, owner="someone else")
    assert sending.store.deliveries.totals(sending.issue.id)[DeliveryState.IN_FLIGHT] == 1


def test_a_deferred_delivery_is_claimed_again_when_it_is_due(sending: Sending) -> None:
    first = sending.must_claim()
    due = NOW + timedelta(minutes=5)
    sending.settle(first, DeliveryState.DEFERRED, retry_at=due)
    others = [sending.must_claim(), sending.must_claim()]
    assert first.id not in {one.id for one in others}
    assert sending.claim() is None
    again = sending.must_claim(now=due)
    assert (again.id, again.attempts, again.retry_at) == (first.id, 2, None)


def test_a_deferred_delivery_without_a_time_is_due_at_once(sending: Sending) -> None:
    first = sending.must_claim()
    sending.settle(first, DeliveryState.DEFERRED)
    assert {sending.must_claim().id for _ in range(3)} >= {first.id}


@pytest.mark.parametrize("status", [status for status in SubscriberStatus if status is not SubscriberStatus.CONFIRMED])
def test_who_is_not_confirmed_any_more_is_skipped_with_the_reason(sending: Sending, status: SubscriberStatus) -> None:
    gone, next_one, *_ = sending.readers
    sending.store.subscribers.set_status(gone.address, status, now=NOW)
    assert sending.must_claim().subscriber_id == next_one.id
    delivery = sending.store.deliveries.of(sending.issue.id, gone.id)
    assert delivery is not None
    assert (delivery.state, delivery.reply, delivery.attempts) == (DeliveryState.SKIPPED, status.value, 0)


def test_an_unsubscribe_during_the_wait_for_a_retry_is_honoured(sending: Sending) -> None:
    first = sending.must_claim()
    sending.settle(first, DeliveryState.DEFERRED, retry_at=NOW)
    sending.store.subscribers.set_status(sending.readers[0].address, SubscriberStatus.UNSUBSCRIBED, now=NOW)
    claimed = {sending.must_claim().id, sending.must_claim().id}
    assert first.id not in claimed
    assert sending.claim() is None


def test_nothing_is_claimed_of_an_issue_that_is_not_being_sent(sending: Sending) -> None:
    sending.store.issues.move("2026-07-14", frm=[IssueState.SENDING], to=IssueState.CANCELLED, now=NOW)
    assert sending.claim() is None
    assert sending.store.deliveries.claim(0, owner="me", now=NOW, lease=LEASE) is None


@pytest.mark.parametrize("to", [DeliveryState.UNCERTAIN, DeliveryState.QUEUED])
def test_a_lease_that_ended_lapses_and_cannot_be_settled_any_more(sending: Sending, to: DeliveryState) -> None:
    delivery = sending.must_claim()
    lapse, issue_id = sending.store.deliveries.lapse, sending.issue.id
    assert lapse(issue_id, now=NOW + LEASE - timedelta(seconds=1), to=to) == 0
    assert lapse(issue_id, now=NOW + LEASE, to=to) == 1
    assert lapse(issue_id, now=NOW + LEASE, to=to) == 0
    assert not sending.settle(delivery, DeliveryState.ACCEPTED)
    found = sending.store.deliveries.of(issue_id, delivery.subscriber_id)
    assert found is not None
    assert found.state is to
    claimable = {sending.must_claim().id for _ in range(2 if to is DeliveryState.UNCERTAIN else 3)}
    assert (delivery.id in claimable) == (to is DeliveryState.QUEUED)
    assert sending.claim() is None


def test_uncertain_deliveries_can_be_queued_again(sending: Sending) -> None:
    delivery = sending.must_claim()
    sending.settle(delivery, DeliveryState.UNCERTAIN)
    assert sending.store.deliveries.requeue(sending.issue.id, DeliveryState.UNCERTAIN, now=NOW) == 1
    assert sending.store.deliveries.requeue(sending.issue.id, DeliveryState.UNCERTAIN, now=NOW) == 0
    again = {sending.must_claim() for _ in range(3)}
    assert (delivery.id, 2) in {(one.id, one.attempts) for one in again}


def test_a_late_answer_within_a_lease_nobody_took_notice_of_still_counts(sending: Sending) -> None:
    delivery = sending.must_claim()
    assert sending.store.deliveries.settle(
        delivery.id, owner="me", state=DeliveryState.ACCEPTED, reply="250", retry_at=None, now=NOW + 2 * LEASE
    )


def test_the_totals_balance(sending: Sending) -> None:
    for state in (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.UNCERTAIN):
        sending.settle(sending.must_claim(), state)
    totals = sending.store.deliveries.totals(sending.issue.id)
    assert totals == {
        DeliveryState.ACCEPTED: 1,
        DeliveryState.FAILED: 1,
        DeliveryState.UNCERTAIN: 1,
        DeliveryState.SKIPPED: 1,
    }
    assert sum(totals.values()) == 4


def test_who_had_or_may_have_had_a_paper_is_known(sending: Sending) -> None:
    store, (first, second, third, _) = sending.store, sending.readers
    ids = [paper.id for paper in PAPERS]
    other = sending.issue.id + 1
    waiting = store.deliveries.already_sent(other, ids)
    assert waiting == {
        first.id: frozenset({"2607.00000", "2607.00001"}),
        second.id: frozenset({"2607.00000", "2607.00001"}),
        third.id: frozenset({"2607.00002"}),
    }, "what waits will come"
    sending.settle(sending.must_claim(), DeliveryState.ACCEPTED)
    sending.settle(sending.must_claim(), DeliveryState.FAILED)
    sending.must_claim()
    assert store.deliveries.already_sent(other, ids) == {
        first.id: frozenset({"2607.00000", "2607.00001"}),
        third.id: frozenset({"2607.00002"}),
    }
    assert store.deliveries.already_sent(other, ["2607.00001"]) == {first.id: frozenset({"2607.00001"})}
    assert store.deliveries.already_sent(other, []) == {}
    assert store.deliveries.already_sent(sending.issue.id, ids) == {}  # this issue's own do not count
    assert second.id not in store.deliveries.already_sent(other, ids)


def test_papers_of_several_issues_are_put_together(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    sending.settle(sending.must_claim(), DeliveryState.ACCEPTED)
    store.issues.create(Issue(period="2026-07-15", subject="S", papers=PAPERS), now=NOW)
    second = store.issues.approve("2026-07-15", "h", now=NOW)
    store.deliveries.freeze(second.id, [(reader.id, ranked(4), 0)], content_hash="h", now=NOW)
    store.deliveries.claim(second.id, owner="me", now=NOW, lease=LEASE)
    sent = store.deliveries.already_sent(0, [paper.id for paper in PAPERS])
    assert sent[reader.id] == frozenset({"2607.00000", "2607.00001", "2607.00004"})
