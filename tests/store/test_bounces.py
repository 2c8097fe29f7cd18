"""Bounces and suppressions as they are kept: each mail once, and a hash beyond the reader's stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, func, select

from newsletter.life import Happening
from newsletter.model import Bounce, BounceKind, Letter, SubscriberStatus, Suppression, SuppressionReason
from newsletter.store import Recorded
from newsletter.store.schema import bounces, deliveries, subscribers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.store import Store
    from tests.store.sending import Sending

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)


def bounce(subscriber_id: int, mail: str = "one", *, issue_id: int | None = None, kind: str = "hard") -> Bounce:
    return Bounce(
        subscriber_id=subscriber_id,
        kind=BounceKind(kind),
        mail=mail,
        at=NOW,
        issue_id=issue_id,
        status="5.1.1",
        diagnostic="550 unknown",
    )


def seal(address: str) -> str:
    return f"hash of {address}"


def record(store: Store, one: Bounce, status: SubscriberStatus = SubscriberStatus.BOUNCED, after: int = 1) -> Recorded:
    """Record a bounce, the `after`th of which gives its reader this status."""

    def decide(_one: Bounce, before: Sequence[Bounce]) -> SubscriberStatus | None:
        return status if len(before) + 1 >= after else None

    return store.bounces.record(one, decide=decide, seal=seal)


def test_a_bounce_that_ends_nothing_is_kept(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    assert record(store, bounce(reader.id, issue_id=sending.issue.id), after=2) is Recorded.KEPT
    ((address, kept),) = store.bounces.of_issue(sending.issue.id)
    assert (address, kept) == (reader.address, bounce(reader.id, issue_id=sending.issue.id))
    assert store.bounces.counts(sending.issue.id) == {BounceKind.HARD: 1}
    assert store.subscribers.get(reader.id) == reader
    assert not store.suppressions.any()


def test_a_mail_that_is_known_changes_nothing(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    record(store, bounce(reader.id), after=2)
    assert record(store, bounce(reader.id), after=1) is Recorded.REPEATED
    assert store.subscribers.get(reader.id) == reader


def test_what_came_before_is_given_to_the_decision(sending: Sending) -> None:
    store, (reader, other, *_) = sending.store, sending.readers
    seen: list[Sequence[Bounce]] = []

    def decide(_one: Bounce, before: Sequence[Bounce]) -> None:
        seen.append(before)

    for mail in ("a", "b", "c"):
        store.bounces.record(bounce(reader.id, mail), decide=decide, seal=seal)
    store.bounces.record(bounce(other.id, "d"), decide=decide, seal=seal)
    assert [[one.mail for one in before] for before in seen] == [[], ["a"], ["a", "b"], []]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (SubscriberStatus.BOUNCED, SuppressionReason.BOUNCED),
        (SubscriberStatus.COMPLAINED, SuppressionReason.COMPLAINED),
        (SubscriberStatus.UNSUBSCRIBED, None),
    ],
)
def test_the_end_of_mail_is_stored_and_honoured(
    sending: Sending, status: SubscriberStatus, reason: SuppressionReason | None
) -> None:
    store, reader = sending.store, sending.readers[0]
    assert record(store, bounce(reader.id), status) is Recorded.ENDED
    found = store.subscribers.get(reader.id)
    assert found
    assert found.status is status
    listed = list(store.suppressions.all())
    assert listed == ([Suppression(reason=reason, since=NOW, address=reader.address)] if reason else [])
    chunk = store.chunks.claim(sending.issue.id, owner="o", now=NOW, lease=timedelta(minutes=1))
    assert chunk
    assert chunk.due
    assert reader.id not in {due.subscriber.id for due in chunk.due}


@pytest.mark.parametrize(
    ("kind", "status", "happened", "letters"),
    [
        (BounceKind.HARD, SubscriberStatus.BOUNCED, Happening.BOUNCED, []),
        (BounceKind.COMPLAINT, SubscriberStatus.COMPLAINED, Happening.COMPLAINED, []),
        (BounceKind.UNSUBSCRIBE, SubscriberStatus.UNSUBSCRIBED, Happening.UNSUBSCRIBED, [Letter.GOODBYE]),
    ],
)
def test_the_end_of_mail_stands_in_the_history_and_who_asked_for_it_is_answered(
    sending: Sending, kind: BounceKind, status: SubscriberStatus, happened: Happening, letters: list[Letter]
) -> None:
    store, reader = sending.store, sending.readers[0]
    for mail in ("a", "b"):
        record(store, bounce(reader.id, mail, kind=kind), status)
    (event,) = store.history.of(reader.id)
    assert (event.kind, event.at) == (happened, NOW)
    assert event.detail.get("how", "") == ("mail" if happened is Happening.UNSUBSCRIBED else "")
    assert [(one.letter, one.address) for one in store.letters.waiting()] == [(one, reader.address) for one in letters]


def test_who_left_keeps_the_word_and_is_suppressed_all_the_same(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    store.subscribers.set_status(reader.address, SubscriberStatus.UNSUBSCRIBED, now=NOW)
    assert record(store, bounce(reader.id), SubscriberStatus.COMPLAINED) is Recorded.KEPT
    found = store.subscribers.get(reader.id)
    assert found
    assert found.status is SubscriberStatus.UNSUBSCRIBED
    assert store.suppressions.among([seal(reader.address)]) == {seal(reader.address)}


def test_a_bounce_of_nobody_is_not_kept(sending: Sending) -> None:
    assert record(sending.store, bounce(10**12)) is Recorded.NOBODY


def test_a_bounce_of_an_issue_that_is_not_there_is_kept_without_it(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    record(store, bounce(reader.id, issue_id=10**12), after=2)
    seen: list[Sequence[Bounce]] = []

    def decide(_one: Bounce, before: Sequence[Bounce]) -> None:
        seen.append(before)

    store.bounces.record(bounce(reader.id, "two"), decide=decide, seal=seal)
    assert seen[0][0].issue_id is None


def test_a_decision_that_fails_keeps_nothing(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]

    def decide(_one: Bounce, _before: Sequence[Bounce]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.bounces.record(bounce(reader.id), decide=decide, seal=seal)
    assert record(store, bounce(reader.id), after=2) is Recorded.KEPT


def test_one_mail_read_by_many_at_once_is_kept_once(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _n: record(store, bounce(reader.id), after=2), range(16)))
    assert sorted(told) == [Recorded.KEPT] + [Recorded.REPEATED] * 15


def test_a_suppression_outlives_its_reader_and_the_bounces_do_not(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    record(store, bounce(reader.id))
    with store._database.writing() as connection:
        connection.execute(delete(deliveries).where(deliveries.c.subscriber_id == reader.id))
        connection.execute(delete(subscribers).where(subscribers.c.id == reader.id))
        assert connection.execute(select(func.count()).select_from(bounces)).scalar_one() == 0
    assert list(store.suppressions.all()) == [Suppression(reason=SuppressionReason.BOUNCED, since=NOW)]
    assert store.suppressions.among([seal(reader.address), "other"]) == {seal(reader.address)}


def test_a_suppressed_subscriber_is_unsubscribed_and_a_stranger_may_be_suppressed(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    requested = SuppressionReason.REQUESTED
    assert store.suppressions.add("k1", reader.address.upper(), reason=requested, now=NOW)
    assert not store.suppressions.add("k1", reader.address, reason=requested, now=NOW)
    assert store.suppressions.add("k2", "stranger@x.example", reason=requested, now=NOW)
    found = store.subscribers.get(reader.id)
    assert found
    assert found.status is SubscriberStatus.UNSUBSCRIBED
    assert [one.address for one in store.suppressions.all()] == [reader.address, ""]


def test_a_complaint_outranks_the_reason_before(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    store.suppressions.add(seal(reader.address), reader.address, reason=SuppressionReason.REQUESTED, now=NOW)
    record(store, bounce(reader.id), SubscriberStatus.COMPLAINED)
    record(store, bounce(reader.id, "two"), SubscriberStatus.BOUNCED)
    (listed,) = store.suppressions.all()
    assert listed.reason is SuppressionReason.COMPLAINED


def test_lifting_it_forgives_what_came_back(sending: Sending) -> None:
    store, reader = sending.store, sending.readers[0]
    record(store, bounce(reader.id, issue_id=sending.issue.id))
    assert store.suppressions.remove(seal(reader.address), reader.address)
    assert not store.suppressions.remove(seal(reader.address), reader.address)
    assert record(store, bounce(reader.id, "two"), after=2) is Recorded.KEPT
    assert store.bounces.counts(sending.issue.id) == {BounceKind.HARD: 1}, "the report still has it"


def test_many_are_looked_up_at_once(store: Store) -> None:
    for number in range(0, 30, 10):
        store.suppressions.add(f"k{number}", f"r{number}@x.example", reason=SuppressionReason.REQUESTED, now=NOW)
    assert store.suppressions.among(f"k{number}" for number in range(5_000)) == {"k0", "k10", "k20"}
