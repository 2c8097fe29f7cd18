from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, update

from newsletter.errors import UsageError
from newsletter.model import Cadence, Profile, Subscriber, SubscriberStatus
from newsletter.store.schema import subscribers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.store import Store

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
READER = Subscriber(
    address="Ada@Reader.example",
    status=SubscriberStatus.CONFIRMED,
    profile=Profile(
        topics=("agents", "vision"),
        interests=("kv cache; “quotes” & ünïcode",),
        muted=("crypto",),
        authors=("Ada Lovelace",),
        organisations=("Lab",),
        liked=("2607.00001",),
        disliked=("2607.00002",),
    ),
    cadence=Cadence.WEEKLY,
    hour=6,
    timezone="Europe/Berlin",
    size=25,
)


def test_a_subscriber_comes_back_as_they_went_in(store: Store) -> None:
    outcome = store.subscribers.add([READER], now=NOW)
    (added,) = outcome.added
    assert added == replace(READER, id=added.id, created_at=NOW)
    assert added.id > 0
    assert outcome.known == ()
    assert store.subscribers.get(added.id) == added
    assert store.subscribers.find("ada@READER.example") == added
    assert list(store.subscribers.all()) == [added]


def test_an_address_is_there_once_and_left_alone(store: Store) -> None:
    store.subscribers.add([READER], now=NOW)
    again = [
        Subscriber(address="ADA@reader.EXAMPLE"),
        Subscriber(address="b@x.example"),
        Subscriber(address="B@x.example"),
    ]
    outcome = store.subscribers.add(again, now=LATER)
    assert [one.address for one in outcome.added] == ["b@x.example"]
    assert outcome.known == ("ADA@reader.EXAMPLE", "B@x.example")
    found = store.subscribers.find(READER.address)
    assert found is not None
    assert (found.address, found.cadence, found.created_at) == (READER.address, Cadence.WEEKLY, NOW)


@pytest.mark.parametrize("there", list(SubscriberStatus))
@pytest.mark.parametrize("listed", list(SubscriberStatus))
def test_a_list_confirms_and_takes_out_but_never_brings_back(
    store: Store, there: SubscriberStatus, listed: SubscriberStatus
) -> None:
    pending, confirmed, *left = SubscriberStatus
    store.subscribers.add([replace(READER, status=there)], now=NOW)
    one = Subscriber(address="ADA@reader.example", status=listed)
    outcome = store.subscribers.add([one], now=LATER, settle_known=True)
    raised = (there, listed) == (pending, confirmed)
    stopped = there in {pending, confirmed} and listed in left
    found = store.subscribers.find(READER.address)
    assert found is not None
    assert found.status is (listed if raised or stopped else there)
    assert replace(found, status=there) == replace(READER, status=there, id=found.id, created_at=NOW)
    assert outcome.added == ()
    assert outcome.confirmed == ((one.address,) if raised else ())
    assert outcome.stopped == ((one.address,) if stopped else ())
    assert outcome.known == (() if raised or stopped else (one.address,))


def test_without_asking_for_it_nobodys_status_changes(store: Store) -> None:
    store.subscribers.add([replace(READER, status=SubscriberStatus.PENDING)], now=NOW)
    assert store.subscribers.add([READER], now=LATER).known == (READER.address,)
    assert store.subscribers.count(statuses=[SubscriberStatus.PENDING]) == 1


def test_a_broken_list_adds_nobody_and_confirms_nobody(store: Store) -> None:
    waiting = [Subscriber(address=f"r{number}@x.example") for number in range(1500)]
    store.subscribers.add(waiting, now=NOW)

    def people() -> Iterator[Subscriber]:
        yield from (replace(one, status=SubscriberStatus.CONFIRMED) for one in waiting)
        yield Subscriber(address="new@x.example", status=SubscriberStatus.CONFIRMED)
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"):
        store.subscribers.add(people(), now=LATER, settle_known=True)
    assert store.subscribers.count() == store.subscribers.count(statuses=[SubscriberStatus.PENDING]) == 1500


def test_many_are_confirmed_with_few_statements(store: Store) -> None:
    many = [Subscriber(address=f"r{number}@x.example") for number in range(2500)]
    store.subscribers.add(many, now=NOW)
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(store._database._engine, "before_cursor_execute", count)
    agreed = [replace(one, status=SubscriberStatus.CONFIRMED) for one in many]
    outcome = store.subscribers.add(agreed, now=LATER, settle_known=True)
    assert len(outcome.confirmed) == store.subscribers.count(statuses=[SubscriberStatus.CONFIRMED]) == 2500
    assert sum(statement.startswith("UPDATE") for statement in statements) == 3


def test_nobody_is_there_who_was_not_added(store: Store) -> None:
    assert store.subscribers.find("nobody@reader.example") is None
    assert store.subscribers.get(0) is None
    assert store.subscribers.set_status("nobody@reader.example", SubscriberStatus.CONFIRMED, now=NOW) is None
    assert store.subscribers.change("nobody@reader.example", lambda known: known, now=NOW) is None


def test_subscribers_are_chosen_by_status_and_cadence_in_order(store: Store) -> None:
    people = [
        Subscriber(address=f"r{number}@x.example", status=status, cadence=cadence)
        for number, (status, cadence) in enumerate((s, c) for s in SubscriberStatus for c in Cadence)
    ]
    store.subscribers.add(people, now=NOW)
    confirmed = list(store.subscribers.all(statuses=[SubscriberStatus.CONFIRMED]))
    assert [one.cadence for one in confirmed] == list(Cadence)
    assert [one.id for one in confirmed] == sorted(one.id for one in confirmed)
    daily = {"statuses": {SubscriberStatus.CONFIRMED}, "cadences": {Cadence.DAILY}}
    assert [one.cadence for one in store.subscribers.all(**daily)] == [Cadence.DAILY]  # type: ignore[arg-type]  # a dict of both
    assert store.subscribers.count() == 20
    assert store.subscribers.count(statuses=[SubscriberStatus.PENDING]) == 4
    assert store.subscribers.count(statuses=[SubscriberStatus.PENDING], cadences=[Cadence.WEEKLY]) == 1
    assert store.subscribers.count(statuses=[]) == 0


def test_a_status_is_set_whatever_the_case_of_the_letters(store: Store) -> None:
    store.subscribers.add([READER], now=NOW)
    changed = store.subscribers.set_status("ADA@reader.example", SubscriberStatus.UNSUBSCRIBED, now=LATER)
    assert changed is not None
    assert changed.status is SubscriberStatus.UNSUBSCRIBED
    assert store.subscribers.find(READER.address) == changed


def test_a_change_of_the_wishes_cannot_undo_an_unsubscribe(store: Store) -> None:
    (added,) = store.subscribers.add([READER], now=NOW).added
    store.subscribers.set_status(READER.address, SubscriberStatus.UNSUBSCRIBED, now=NOW)
    wish = replace(added, profile=Profile(topics=("robots",)), cadence=Cadence.DAILY, hour=9, size=5, timezone="UTC")
    changed = store.subscribers.change(
        "ada@READER.example", lambda _: replace(wish, address="other@x.example"), now=LATER
    )
    assert changed == replace(wish, status=SubscriberStatus.UNSUBSCRIBED)
    assert store.subscribers.find(READER.address) == changed


def test_a_change_that_is_refused_changes_nothing(store: Store) -> None:
    (added,) = store.subscribers.add([READER], now=NOW).added

    def refuse(_known: Subscriber) -> Subscriber:
        raise UsageError("too many")

    with pytest.raises(UsageError, match="too many"):
        store.subscribers.change(READER.address, refuse, now=LATER)
    assert store.subscribers.get(added.id) == added


def test_changes_at_the_same_time_are_all_kept(store: Store) -> None:
    (added,) = store.subscribers.add([READER], now=NOW).added

    def like(paper: str) -> None:
        def more(known: Subscriber) -> Subscriber:
            return replace(known, profile=replace(known.profile, liked=(*known.profile.liked, paper)))

        store.subscribers.change(READER.address, more, now=LATER)

    papers = [f"2607.1{number:04}" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(like, papers))
    found = store.subscribers.get(added.id)
    assert found is not None
    assert sorted(found.profile.liked) == sorted((*READER.profile.liked, *papers))


def test_a_profile_of_another_version_is_read_as_far_as_it_is_known(store: Store) -> None:
    (added,) = store.subscribers.add([READER], now=NOW).added
    written = {"format": 9, "topics": ["agents"], "moods": {"calm": 1}}
    with store._database.writing() as connection:
        connection.execute(update(subscribers).values(profile=written))
    found = store.subscribers.get(added.id)
    assert found is not None
    assert found.profile == Profile(topics=("agents",))


def test_what_databases_refuse_is_left_out(store: Store) -> None:
    hostile = Subscriber(address="a\x00da@x.example", profile=Profile(interests=("n\x00ull \ud800",)))
    store.subscribers.add([hostile], now=NOW)
    found = store.subscribers.find("ada@x.example")
    assert found is not None
    assert found.profile.interests == ("null \ufffd",)
    assert store.subscribers.add([hostile], now=NOW).added == ()


def test_a_broken_import_adds_nobody(store: Store) -> None:
    def people() -> Iterator[Subscriber]:
        for number in range(2500):
            yield Subscriber(address=f"r{number}@x.example")
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"):
        store.subscribers.add(people(), now=NOW)
    assert store.subscribers.count() == 0


def test_many_are_added_in_batches(store: Store) -> None:
    many = [Subscriber(address=f"r{number}@x.example") for number in range(2500)]
    outcome = store.subscribers.add([*many, *many[:10]], now=NOW)
    assert (len(outcome.added), len(outcome.known)) == (2500, 10)
    assert [one.address for one in outcome.added] == [one.address for one in many]
    assert [one.id for one in outcome.added] == [one.id for one in store.subscribers.all()]
