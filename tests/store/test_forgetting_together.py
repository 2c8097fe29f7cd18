"""Somebody is forgotten while a program freezes, forgets another one, or confirms them: nothing of theirs stays."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from newsletter.life import Event, Happening
from newsletter.model import DeliveryState, Subscriber, SubscriberStatus
from newsletter.store.forgetting import erase
from newsletter.store.history import note
from newsletter.store.schema import digest_papers, subscribers
from tests.store.sending import NOW, Sending, ranked
from tests.store.test_deliveries_together import until_somebody_waits

if TYPE_CHECKING:
    from newsletter.store import Store

postgresql = pytest.mark.parametrize(
    "store_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def reasons_kept(store: Store) -> int:
    with store._database.reading() as connection:
        return connection.execute(select(func.count()).select_from(digest_papers)).scalar_one()


def forget(store: Store, reader: Subscriber) -> None:
    assert store.forgetting.forget(reader.address, seal=lambda address: address, now=NOW)


def test_who_is_forgotten_between_the_choice_and_the_freeze_leaves_nothing_but_a_number(approved: Sending) -> None:
    first, second, third, fourth = approved.readers
    forget(approved.store, first)
    forget(approved.store, fourth)
    selections = [(first.id, ranked(0), 4), (second.id, ranked(1), 4), (third.id, ranked(1), 4)]
    skipped = [(fourth.id, "nothing new")]
    frozen = approved.store.deliveries.freeze(approved.issue.id, selections, skipped, content_hash="hash", now=NOW)
    assert frozen.deliveries == 4
    assert reasons_kept(approved.store) == 1
    told = [(one.state, one.reply, one.digest_id) for one in approved.store.deliveries.all(approved.issue.id)]
    assert told.count((DeliveryState.SKIPPED, "forgotten", None)) == 2
    assert [due.subscriber.id for due in approved.must_claim().due] == [second.id, third.id]


@postgresql
def test_of_two_who_are_forgotten_at_once_nothing_stays(approved: Sending, store_url: str) -> None:
    """Each would see the other's delivery, and leave what was chosen for both to it."""
    store, (first, second, *_) = approved.store, approved.readers
    selections = [(first.id, ranked(0), 4), (second.id, ranked(0), 4)]
    store.deliveries.freeze(approved.issue.id, selections, content_hash="hash", now=NOW)
    forgetting = threading.Thread(target=forget, args=(store, second))
    with store._database.writing() as connection:
        erase(connection, first.id)
        forgetting.start()
        until_somebody_waits(store_url)
    forgetting.join(timeout=60)
    assert reasons_kept(store) == 0


@postgresql
def test_who_confirms_at_the_moment_of_a_purge_stays(store: Store, store_url: str) -> None:
    """The purge has seen them as they were, and must look again when it gets hold of them."""
    late = NOW - timedelta(days=9)
    (person,) = store.subscribers.add(
        [Subscriber(address="a@x.example", status=SubscriberStatus.PENDING)],
        now=late,
        event=Event(kind=Happening.SIGNED_UP, at=late),
    ).added
    (again,) = store.subscribers.add(
        [Subscriber(address="b@x.example", status=SubscriberStatus.PENDING)],
        now=late,
        event=Event(kind=Happening.SIGNED_UP, at=late),
    ).added
    purged: list[int] = []
    purge = store.forgetting.purge_unconfirmed
    purging = threading.Thread(target=lambda: purged.append(purge(before=NOW - timedelta(days=8))))
    with store._database.writing() as connection:
        whose = update(subscribers).where(subscribers.c.id == person.id)
        connection.execute(whose.values(status=SubscriberStatus.CONFIRMED.value))
        connection.execute(update(subscribers).where(subscribers.c.id == again.id).values(updated_at=NOW))
        note(connection, [again.id], Event(kind=Happening.SIGNED_UP, at=NOW))
        purging.start()
        until_somebody_waits(store_url)
    purging.join(timeout=60)
    assert purged == [0]
    assert {one.id for one in store.subscribers.all()} == {person.id, again.id}
