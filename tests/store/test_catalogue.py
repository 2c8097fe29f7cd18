"""Browsing: lists by day and topic, and searching within a bound, alike on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import StoreError
from newsletter.model import Paper
from newsletter.store import finding, search
from newsletter.store.engine import Database, read_url
from newsletter.store.finding import Filters
from newsletter.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
DAY = date(2026, 7, 14)
BEFORE = DAY - timedelta(days=4)


def paper(number: int, title: str, **fields: object) -> Paper:
    made = Paper(id=f"2607.{number:05}", source="huggingface", title=title, listed_on=DAY, upvotes=number)
    return replace(made, **fields)  # type: ignore[arg-type] # any field of a paper


CACHE = paper(1, "Caching keys", abstract="A kv cache for long dialogues.")
ROBOT = paper(2, "A robot folds towels", abstract="Two arms learn.")
MEMORY = paper(3, "Robot memory", abstract="A cache of rooms, and a kv cache at that.", listed_on=BEFORE)
SILENT = paper(4, "Robots without votes", upvotes=None)
CACHES = Filters(phrases=("KV-cache", "  "), negative=("rooms",))


@pytest.fixture
def full(store: Store) -> Store:
    store.papers.add([CACHE, ROBOT, MEMORY, SILENT], taken_at=NOW)
    return store


def ids(papers: tuple[Paper, ...]) -> list[int]:
    return [int(one.id[-5:]) for one in papers]


def test_papers_of_some_days_come_most_upvotes_first_a_page_at_a_time(full: Store) -> None:
    catalogue = full.catalogue
    assert ids(catalogue.best(DAY, DAY, limit=9).papers) == [2, 1, 4]
    whole = catalogue.best(BEFORE, DAY, limit=9)
    assert (ids(whole.papers), whole.total) == ([3, 2, 1, 4], 4)
    second = catalogue.best(BEFORE, DAY, offset=2, limit=1)
    assert (ids(second.papers), second.total) == ([1], 4)
    assert catalogue.best(DAY + timedelta(days=1), date.max, limit=9).total == 0


def test_the_days_with_papers_are_known(full: Store) -> None:
    assert full.catalogue.newest_day() == DAY
    assert full.catalogue.beside(DAY, DAY) == (BEFORE, None)
    assert full.catalogue.beside(BEFORE, BEFORE) == (None, DAY)
    assert full.catalogue.beside(date.min, date.max) == (None, None)


def test_an_empty_store_has_no_day(store: Store) -> None:
    assert store.catalogue.newest_day() is None
    assert store.catalogue.best(DAY, DAY, limit=5).papers == ()


def test_a_topic_has_the_papers_with_one_of_its_phrases_and_no_negative_one(full: Store) -> None:
    assert ids(full.catalogue.best(BEFORE, DAY, filters=CACHES, limit=9).papers) == [1]
    assert ids(full.catalogue.latest_on(CACHES, limit=9)) == [1]
    both = Filters(phrases=CACHES.phrases)
    assert ids(full.catalogue.best(BEFORE, DAY, filters=both, limit=9).papers) == [3, 1]
    assert ids(full.catalogue.latest_on(both, limit=1)) == [3]
    assert full.catalogue.on_topics(CACHE.id, {"caches": CACHES, "none": Filters(phrases=("nothing",))}) == ["caches"]
    assert full.catalogue.on_topics(MEMORY.id, {"caches": CACHES}) == []
    assert full.catalogue.on_topics("2607.99999", {"caches": CACHES}) == []


def test_a_paper_is_on_the_topics_whose_lists_hold_it(full: Store) -> None:
    phrases = ("robots", "kv cache", "caches", "memory", "towel", "folding towels", "memories of", "nothing")
    topics = {phrase: Filters(phrases=(phrase,)) for phrase in phrases}
    held = {name: {paper.id for paper in full.catalogue.latest_on(one, limit=9)} for name, one in topics.items()}
    for paper in full.papers.all():
        assert full.catalogue.on_topics(paper.id, topics) == [name for name in phrases if paper.id in held[name]]
    assert any(held.values())


def test_the_index_of_one_paper_is_made_as_that_of_all(sqlite_template: Path) -> None:
    with closing(sqlite3.connect(sqlite_template)) as opened:
        (made,) = opened.execute("SELECT sql FROM sqlite_master WHERE name = 'paper_search'").fetchone()
    assert made.replace(" ", "") == search.SQLITE_TABLE.replace(" ", "")


def test_a_topic_without_a_word_has_no_papers(full: Store) -> None:
    wordless = Filters(phrases=("&&", "-"))
    assert full.catalogue.best(BEFORE, DAY, filters=wordless, limit=9).total == 0
    assert full.catalogue.latest_on(wordless, limit=9) == ()
    assert full.catalogue.on_topics(CACHE.id, {"x": wordless}) == []


def test_a_search_is_narrowed_by_days_and_by_topic(full: Store) -> None:
    def found(query: str, **filters: object) -> list[int]:
        return ids(full.catalogue.search(query, filters=Filters(**filters), limit=9).papers)  # type: ignore[arg-type] # a filter's fields

    assert sorted(found("robot")) == [2, 3, 4]
    assert sorted(found("robot", first=DAY, last=date.max)) == [2, 4]
    assert found("robot", first=date.min, last=BEFORE) == [3]
    assert found("robot", first=date.min, last=date.min) == []
    assert found("robot", phrases=("kv cache",)) == [3]
    assert found("cache", phrases=CACHES.phrases, negative=CACHES.negative) == [1]
    assert found("cache", phrases=("kv cache",), first=BEFORE, last=BEFORE) == [3]


@pytest.mark.parametrize("hostile", ["') OR 1=1 --", '" OR x"', "a* NEAR b", ":x %s ?", "\\'", "&|!<->()"])
def test_a_phrase_is_never_syntax(full: Store, hostile: str) -> None:
    found = full.catalogue.search("robot", filters=Filters(phrases=(hostile,), negative=(hostile,)), limit=9)
    assert found.papers == ()
    assert full.catalogue.best(BEFORE, DAY, filters=Filters(phrases=(hostile,)), limit=9).papers == ()


def test_no_more_is_weighed_and_counted_than_the_bound(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MOST_WEIGHED", 2)
    found = full.catalogue.search("robot", limit=9)
    assert (sorted(ids(found.papers)), found.total, found.exact) == ([3, 4], 2, False)
    assert full.catalogue.search("robot", offset=2, limit=9).papers == ()
    assert full.catalogue.search("towels", limit=9).exact


def test_pages_of_a_search_join_to_the_whole(full: Store) -> None:
    whole = ids(full.catalogue.search("robot", limit=9).papers)
    pages = [ids(full.catalogue.search("robot", offset=place, limit=1).papers) for place in range(3)]
    assert [one for page in pages for one in page] == whole
    assert full.catalogue.search("robot", offset=-1, limit=5).papers == ()


def test_words_that_all_papers_hold_count_only_alone(full: Store) -> None:
    assert ids(full.catalogue.search("the towels of a robot", limit=9).papers) == [2]


def test_a_store_that_does_not_answer_says_so(full: Store) -> None:
    full.ping()
    with pytest.raises(StoreError, match="cannot be reached"):
        Store(Database(read_url("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))).ping()


def test_the_newest_listings_papers_come_first_and_each_once(full: Store) -> None:
    full.papers.add([replace(ROBOT, source="arxiv")], taken_at=NOW)
    recent = full.catalogue.recent(10)
    assert len(recent) == 4
    assert recent[-1].id == MEMORY.id
    assert len(full.catalogue.recent(2)) <= 2


def test_the_mark_changes_with_a_newer_paper_and_only_then(full: Store) -> None:
    mark = full.catalogue.mark()
    assert mark[0] == DAY
    full.papers.add([replace(CACHE, upvotes=99)], taken_at=NOW + timedelta(hours=1))
    assert full.catalogue.mark() == mark
    full.papers.add([paper(9, "One more", listed_on=BEFORE)], taken_at=NOW)
    assert full.catalogue.mark() != mark


def test_without_papers_there_is_no_mark(store: Store) -> None:
    assert store.catalogue.mark() == (None, 0)
    assert store.catalogue.recent(5) == ()
