"""Deliveries on both databases: frozen once, equal selections stored once, and asked who had which paper."""

from __future__ import annotations

from dataclasses import replace
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
    twice = [(approved.readers[0].id, ranked(0), 0)] * 2
    with pytest.raises(StoreError):
        freeze(issue_id, twice, content_hash="hash", now=NOW)
    assert approved.store.deliveries.totals(issue_id) == {}
    assert approved.freeze() == Frozen(deliveries=4, digests=2)


def test_many_readers_are_frozen_in_batches(approved: Sending) -> None:
    people = [Subscriber(address=f"m{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(4500)]
    many = approved.store.subscribers.add(people, now=NOW).added
    selections = ((reader.id, ranked(reader.id % 3), 0) for reader in many)
    frozen = approved.store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW)
    assert frozen == Frozen(deliveries=4500, digests=3)
    assert [row.size for row in approved.chunk_rows()] == [500] * 9


def test_a_choice_made_before_another_issue_was_frozen_is_not_stored(approved: Sending) -> None:
    store = approved.store
    before = store.deliveries.newest_digest()
    assert before == 0
    store.issues.create(Issue(period="2026-07-15", subject="S", papers=PAPERS), now=NOW)
    other = store.issues.approve("2026-07-15", "h", now=NOW)
    store.deliveries.freeze(other.id, [(approved.readers[0].id, ranked(4), 0)], content_hash="h", now=NOW)
    selections = iter([(approved.readers[0].id, ranked(4), 0)])
    stale = store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW, after=before)
    assert stale == Frozen(stale=True)
    assert next(selections)  # it was not even looked at
    assert store.deliveries.totals(approved.issue.id) == {}
    assert approved.issue_now().state is IssueState.APPROVED
    newest = store.deliveries.newest_digest()
    again = [(approved.readers[0].id, ranked(0), 0)]
    frozen = store.deliveries.freeze(approved.issue.id, again, content_hash="hash", now=NOW, after=newest)
    assert frozen == Frozen(deliveries=1, digests=1)


@pytest.mark.parametrize("place", ["one batch", "two batches", "skipped"])
def test_a_reader_who_is_chosen_for_twice_is_refused_and_nothing_stored(approved: Sending, place: str) -> None:
    first, second, *_ = (reader.id for reader in approved.readers)
    between: list[int] = []
    if place == "two batches":
        people = [Subscriber(address=f"m{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(2100)]
        between = [reader.id for reader in approved.store.subscribers.add(people, now=NOW).added]
    readers = [first, second, *between]
    skipped = [(first, "nothing new")] if place == "skipped" else []
    selections = [(who, ranked(0), 0) for who in (readers if skipped else [*readers, first])]
    with pytest.raises(StoreError) as error:
        approved.store.deliveries.freeze(approved.issue.id, selections, skipped, content_hash="hash", now=NOW)
    assert "\n" not in str(error.value)
    assert approved.store.deliveries.totals(approved.issue.id) == {}
    assert approved.store.deliveries.newest_digest() == 0
    assert approved.chunk_rows() == []
    assert approved.issue_now().state is IssueState.APPROVED


def test_readers_may_be_read_from_the_store_while_their_digests_are_frozen(approved: Sending) -> None:
    store = approved.store
    selections = ((reader.id, ranked(0), 0) for reader in store.subscribers.all())
    assert store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW).deliveries == 4


def test_a_digest_of_another_issue_is_refused(sending: Sending) -> None:
    due = sending.must_claim().due[0]
    with pytest.raises(StoreError, match="issue 2026-07-14 has no digest"):
        sending.store.deliveries.selection(0, sending.issue)
    with pytest.raises(StoreError, match="has no digest"):
        sending.store.deliveries.selection(due.digest_id, replace(sending.issue, id=0))


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
    chunk = store.chunks.claim(issue.id, owner="me", now=NOW, lease=LEASE)
    assert chunk is not None
    stored = store.issues.by_id(issue.id)
    assert stored is not None
    assert store.deliveries.selection(chunk.due[0].digest_id, stored) == (chosen, 0)
    # Whatever id one asks by: this reader has had the paper.
    sent = store.deliveries.already_sent(issue.id + 1, ["2607.00009", "feed:0", "2607.77777"])
    assert sent == {reader.id: frozenset({"2607.00009", "feed:0"})}


# --- Who had which paper ------------------------------------------------------------------------------------------


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
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.ACCEPTED)
    sending.end(chunk, chunk.due[1], DeliveryState.FAILED)
    sending.must_attempt(chunk, chunk.due[2])
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
    chunk = sending.must_claim()
    sending.end(chunk, chunk.due[0], DeliveryState.ACCEPTED)
    store.issues.create(Issue(period="2026-07-15", subject="S", papers=PAPERS), now=NOW)
    second = store.issues.approve("2026-07-15", "h", now=NOW)
    store.deliveries.freeze(second.id, [(reader.id, ranked(4), 0)], content_hash="h", now=NOW)
    claimed = store.chunks.claim(second.id, owner="me", now=NOW, lease=LEASE)
    assert claimed is not None
    sending.must_attempt(claimed, claimed.due[0])
    sent = store.deliveries.already_sent(0, [paper.id for paper in PAPERS])
    assert sent[reader.id] == frozenset({"2607.00000", "2607.00001", "2607.00004"})
