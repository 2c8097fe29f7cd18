from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.model import Collection, DayState, Paper

if TYPE_CHECKING:
    from newsletter.store import Store

DAY = date(2026, 7, 14)
NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PAPER = Paper(id="2607.00001", source="huggingface", title="One", listed_on=DAY)
EMPTY = Collection(source="huggingface", day=DAY, state=DayState.EMPTY)
COLLECTED = Collection(source="huggingface", day=DAY, state=DayState.COLLECTED)


def test_a_day_is_not_collected_then_empty_then_collected(store: Store) -> None:
    assert store.papers.day_state(DAY) is DayState.NOT_COLLECTED
    assert store.papers.collections(DAY, DAY) == []
    store.papers.add([], taken_at=NOW, collection=EMPTY)
    assert store.papers.day_state(DAY) is DayState.EMPTY
    assert store.papers.collections(DAY, DAY) == [replace(EMPTY, collected_at=NOW)]
    store.papers.add([PAPER], taken_at=LATER, collection=COLLECTED)
    assert store.papers.day_state(DAY) is DayState.COLLECTED
    assert store.papers.collections(DAY, DAY) == [replace(COLLECTED, papers=1, collected_at=LATER)]


def test_the_count_is_of_what_is_listed_whatever_was_claimed(store: Store) -> None:
    store.papers.add([PAPER], taken_at=NOW, collection=replace(COLLECTED, papers=40))
    second = replace(PAPER, id="2607.00002", title="Two")
    store.papers.add([second], taken_at=LATER)  # without saying that the day was asked for
    (found,) = store.papers.collections(DAY, DAY)
    assert (found.papers, found.collected_at) == (2, NOW)


def test_an_older_answer_does_not_turn_the_time_back(store: Store) -> None:
    store.papers.add([PAPER], taken_at=LATER, collection=COLLECTED)
    store.papers.add([], taken_at=NOW, collection=EMPTY)
    assert store.papers.collections(DAY, DAY) == [replace(COLLECTED, papers=1, collected_at=LATER)]


def test_a_day_that_was_not_asked_for_is_not_noted(store: Store) -> None:
    store.papers.add([], taken_at=NOW, collection=replace(EMPTY, state=DayState.NOT_COLLECTED))
    assert store.papers.day_state(DAY) is DayState.NOT_COLLECTED


def test_sources_are_told_apart(store: Store) -> None:
    arxiv = replace(EMPTY, source="arxiv")
    store.papers.add([PAPER], taken_at=NOW, collections=[COLLECTED, arxiv, replace(arxiv, day=DAY + timedelta(days=1))])
    assert store.papers.day_state(DAY) is DayState.COLLECTED
    assert store.papers.day_state(DAY, ["arxiv"]) is DayState.EMPTY
    assert store.papers.day_state(DAY, ["feed"]) is DayState.NOT_COLLECTED
    assert store.papers.day_state(DAY, []) is DayState.NOT_COLLECTED
    assert [found.source for found in store.papers.collections(DAY, DAY)] == ["arxiv", "huggingface"]
    assert [found.day for found in store.papers.collections(DAY, LATER.date(), source="arxiv")] == [DAY, LATER.date()]


def test_what_a_feed_gave_is_kept_and_replaced(store: Store) -> None:
    assert store.papers.validators("blog") is None
    store.papers.add([], taken_at=NOW, feed=("blog", '"abc"', "Tue, 14 Jul 2026 08:00:00 GMT"))
    assert store.papers.validators("blog") == ('"abc"', "Tue, 14 Jul 2026 08:00:00 GMT")
    store.papers.add([], taken_at=LATER, feed=("blog", "", ""))
    assert store.papers.validators("blog") == ("", "")
