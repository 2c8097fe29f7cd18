"""Papers on both databases: added whole or not at all, again without change, in any order."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, overload

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from newsletter.errors import StoreError
from newsletter.model import Collection, DayState, Links, Paper, Votes
from newsletter.store import Added, Store, open_store
from newsletter.store.schema import metadata, paper_ids

if TYPE_CHECKING:
    from pathlib import Path
from tests.store.papers import DAY, HF, LATER, NOW, PAGE, stored


def test_a_paper_comes_back_as_it_went_in(store: Store) -> None:
    added = store.papers.add([HF], taken_at=NOW)
    assert added == Added(new=1, updated=0, listings=1, votes=1)
    assert list(store.papers.all()) == [HF]
    assert store.papers.get([HF.id]) == {HF.id: HF}
    assert store.papers.votes(HF.id) == [Votes(paper_id=HF.id, taken_at=NOW, upvotes=5, comments=1)]


def test_adding_again_changes_nothing_but_votes(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    assert store.papers.add([HF], taken_at=LATER) == Added()
    grown = replace(HF, upvotes=66)
    assert store.papers.add([grown], taken_at=LATER) == Added(votes=1)
    assert list(store.papers.all()) == [grown]
    assert [votes.upvotes for votes in store.papers.votes(HF.id)] == [5, 66]


def test_a_changed_field_counts_as_updated_once(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    better = replace(HF, title="Caching Keys and Values")
    assert store.papers.add([better, better], taken_at=LATER) == Added(updated=1)
    assert store.papers.add([better], taken_at=LATER) == Added()


def test_an_older_file_imported_later_adds_votes_and_listings_but_corrects_nothing(store: Store) -> None:
    store.papers.add([replace(HF, upvotes=66)], taken_at=LATER)
    older = replace(HF, title="Caching: Keys", listed_on=date(2026, 7, 10))
    assert store.papers.add([older], taken_at=NOW) == Added(listings=1, votes=1)
    (paper,) = store.papers.all()
    assert (paper.title, paper.upvotes, paper.listed_on) == (HF.title, 66, DAY)
    assert [votes.upvotes for votes in store.papers.votes(HF.id)] == [5, 66]


def test_texts_that_differ_between_two_days_settle_on_the_later_day_in_any_order(store: Store) -> None:
    later_day = replace(HF, title="Caching Keys and Values", listed_on=date(2026, 7, 16))
    store.papers.add([later_day], taken_at=NOW)
    store.papers.add([HF], taken_at=NOW)
    assert [paper.title for paper in store.papers.all()] == [later_day.title]
    # A second run over both days, which asks for the earlier day first, changes nothing.
    assert store.papers.add([HF], taken_at=LATER) == Added()
    assert store.papers.add([later_day], taken_at=LATER) == Added()


def test_unknown_newest_votes_fall_back_to_the_newest_known(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    store.papers.add([replace(HF, upvotes=None, comments=9)], taken_at=LATER)
    (paper,) = store.papers.all()
    assert (paper.upvotes, paper.comments) == (5, 9)


def test_no_votes_at_all_leave_no_snapshot(store: Store) -> None:
    added = store.papers.add([replace(HF, upvotes=None, comments=None)], taken_at=NOW)
    assert added.votes == 0
    assert store.papers.votes(HF.id) == []


def test_a_paper_listed_on_two_days_keeps_both_and_stands_once_on_the_latest(store: Store) -> None:
    again = replace(HF, listed_on=date(2026, 7, 16))
    store.papers.add([HF, again], taken_at=NOW)
    assert store.papers.listings(DAY, date(2026, 7, 16)) == [
        (DAY, "huggingface", HF.id),
        (date(2026, 7, 16), "huggingface", HF.id),
    ]
    assert store.papers.on(DAY, date(2026, 7, 20)) == [again]
    assert store.papers.on(DAY, date(2026, 7, 15)) == [HF]
    assert store.papers.on(date(2026, 7, 15), date(2026, 7, 15)) == []


def test_a_day_is_ordered_by_votes_and_then_id(store: Store) -> None:
    papers = [
        replace(HF, id=f"2607.0000{number}", title=f"Paper {number}", upvotes=upvotes)
        for number, upvotes in enumerate([None, 2, 9, 2, 0])
    ]
    earlier = replace(HF, id="2607.00009", title="Earlier", upvotes=0, listed_on=date(2026, 7, 13))
    store.papers.add([*papers, earlier], taken_at=NOW)
    found = [paper.id[-1] for paper in store.papers.on(date(2026, 7, 13), DAY)]
    assert found == ["9", "2", "1", "3", "4", "0"]


def test_a_source_can_be_asked_for_alone(store: Store) -> None:
    other = replace(HF, id="2607.10002", source="arxiv", title="Other")
    store.papers.add([HF, other], taken_at=NOW)
    assert [paper.id for paper in store.papers.on(DAY, DAY, source="arxiv")] == ["2607.10002"]
    assert len(store.papers.on(DAY, DAY)) == 2


def test_the_corpus_holds_what_was_first_listed_by_then_and_what_never_was(store: Store) -> None:
    late = replace(HF, id="2607.10002", title="Late", listed_on=date(2026, 7, 15))
    never = replace(HF, id="2607.10003", title="Never", listed_on=None)
    again = replace(HF, listed_on=date(2026, 7, 20))
    store.papers.add([late, never, HF, again], taken_at=NOW)
    found = [(paper.id, paper.listed_on) for paper in store.papers.corpus(DAY)]
    assert found == [(HF.id, DAY), ("2607.10003", None)]


def test_ids_are_ordered_byte_by_byte_on_both_databases(store: Store) -> None:
    ids = ["2607.00001", "a:B", "a:_", "a:a", "a:ä", "B:a"]
    store.papers.add([Paper(id=name, source="s", title=f"Title {n}") for n, name in enumerate(ids)], taken_at=NOW)
    assert [paper.id for paper in store.papers.all()] == sorted(ids)


def test_two_threads_that_add_the_same_store_it_once(store: Store, store_url: str) -> None:
    papers = [replace(HF, id=f"2607.3{n:04d}", title=f"Title {n}", upvotes=n) for n in range(600)]
    with open_store(store_url) as other, ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(one.papers.add, papers, taken_at=NOW) for one in (store, other)]
        added = sorted((run.result() for run in runs), key=lambda one: one.new)
    assert added == [Added(), Added(new=600, listings=600, votes=600)]
    assert store.papers.count() == 600


# --- All or nothing -----------------------------------------------------------------------------------------------


class Breaking(Sequence[Paper]):
    """Many papers, of which a late one cannot be read."""

    @overload
    def __getitem__(self, index: int) -> Paper: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Paper]: ...
    def __getitem__(self, index: int | slice) -> Paper | Sequence[Paper]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(len(self)))]
        if index == 700:
            raise OSError("the file ended")
        return Paper(id=f"2607.{index:05d}", source="huggingface", title=f"Paper {index}", listed_on=DAY, upvotes=1)

    def __len__(self) -> int:
        return 1000


def test_an_exception_in_the_middle_leaves_nothing(store: Store) -> None:
    asked = Collection(source="huggingface", day=DAY, state=DayState.COLLECTED)
    before = stored(store)
    with pytest.raises(OSError, match="the file ended"):
        store.papers.add(Breaking(), taken_at=NOW, collection=asked, feed=("huggingface", "e", "m"))
    assert stored(store) == before
    assert store.papers.collections(DAY, DAY) == []
    assert store.papers.search("paper") == []


def test_a_refusal_at_the_end_leaves_nothing(store: Store) -> None:
    naive = Collection(source="huggingface", day=DAY, state=DayState.COLLECTED, collected_at=datetime(2026, 7, 14))  # noqa: DTZ001 - the point
    with pytest.raises(StoreError):
        store.papers.add([HF], taken_at=NOW, collection=naive, feed=("huggingface", "e", "m"))
    assert store.papers.count() == 0
    assert store.papers.search("caching") == []
    assert store.papers.validators("huggingface") is None


DIE = """
import os, signal, sys
from datetime import UTC, datetime
from newsletter.model import Paper
from newsletter.store import open_store

class Deadly(list):
    def __getitem__(self, index):
        if isinstance(index, slice) and index.start >= 1000:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)

papers = Deadly(Paper(id=f"2607.{n:05d}", source="huggingface", title=f"Paper {n}", upvotes=n) for n in range(2000))
with open_store(sys.argv[1]) as store:
    store.papers.add(papers, taken_at=datetime(2026, 7, 14, tzinfo=UTC))
"""


def test_a_process_killed_in_the_middle_leaves_nothing(store_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", DIE, store_url], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with open_store(store_url) as store:
        assert store.papers.count() == 0
        assert store.papers.add([HF], taken_at=NOW).new == 1


# --- Hostile texts ------------------------------------------------------------------------------------------------


def test_what_databases_refuse_is_left_out_and_adding_again_changes_nothing(store: Store) -> None:
    hostile = replace(
        HF,
        title="Null\x00 and half \ud83d pairs",
        authors=("A\x00da", "\udfffX"),
        keywords=("k\x00",),
        upvotes=10**30,
        links=Links(page="https://p.example/\x00", stars=-(10**30)),
    )
    assert store.papers.add([hostile], taken_at=NOW).new == 1
    assert store.papers.add([hostile], taken_at=NOW) == Added()
    (paper,) = store.papers.all()
    assert paper.title == "Null and half \ufffd pairs"
    assert paper.authors == ("Ada", "\ufffdX")
    assert paper.upvotes == 2**31 - 1
    assert store.papers.get(["2607.\x0010001", "\ud800"]) == {"2607.\x0010001": paper}
    assert store.papers.search("null\x00 \ud800 pairs") == [paper]


def test_a_title_of_ten_megabytes_is_stored_and_found(store: Store) -> None:
    huge = replace(HF, title="Enormous " + "word " * 2_000_000, abstract="x" * 5_000_000, authors=("A" * 1500,) * 700)
    assert store.papers.add([huge], taken_at=NOW).new == 1
    assert store.papers.add([huge], taken_at=NOW) == Added()
    assert [paper.id for paper in store.papers.search("enormous words")] == [HF.id]
    assert store.papers.add([replace(PAGE, title=huge.title)], taken_at=NOW).new == 0


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "'; DROP TABLE papers; --", "%s %(x)s :name ?", "\\"])
def test_texts_are_never_read_as_sql(store: Store, title: str) -> None:
    paper = replace(HF, id=f"feed:{title}", source=title, title=title, authors=(title,), listed_on=DAY)
    store.papers.add([paper], taken_at=NOW, feed=(title, title, title))
    assert store.papers.on(DAY, DAY, source=title) == [paper]
    assert store.papers.get([paper.id]) == {paper.id: paper}
    assert store.papers.validators(title) == (title, title)
    store.papers.search(title)


# --- The same in any order ----------------------------------------------------------------------------------------

LIST = [
    replace(
        HF,
        id=f"2607.2000{n}",
        title=f"Title number {n}",
        upvotes=n,
        listed_on=DAY + timedelta(days=n % 3),
    )
    for n in range(5)
]
PAGES = [
    Paper(id=f"saved_page:{n}", source="saved_page", title=f"TITLE - Number {n}", author_count=n, listed_on=DAY)
    for n in range(3, 7)
]


@pytest.fixture(scope="module")
def one_store(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store for many examples, each of which empties it."""
    with open_store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('examples'))}") as opened:
        yield opened


def empty(store: Store) -> None:
    with store._database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM paper_search")
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_any_pieces_store_the_same(one_store: Store, data: st.DataObject) -> None:
    everything = [*LIST, *PAGES]
    empty(one_store)
    one_store.papers.add(everything, taken_at=NOW)
    expected = stored(one_store)
    empty(one_store)
    shuffled = data.draw(st.permutations([*everything, *data.draw(st.lists(st.sampled_from(everything)))]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        one_store.papers.add(shuffled[start:end], taken_at=NOW)
    assert stored(one_store) == expected
    assert one_store.papers.add(shuffled, taken_at=NOW) == Added()


def test_every_id_leads_to_one_paper(store: Store) -> None:
    store.papers.add([*PAGES, *LIST], taken_at=NOW)
    with store._database.reading() as connection:
        ids = set(connection.execute(select(paper_ids.c.id)).scalars())
    assert ids == {paper.id for paper in (*PAGES, *LIST)}
    assert store.papers.count() == 7


@pytest.mark.shared_data
def test_two_years_of_papers_are_stored_once(store: Store, shared_data: Path) -> None:
    with gzip.open(shared_data / "replay" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        papers = [_replayed(line) for line in lines]
    assert store.papers.add(papers[:1500], taken_at=NOW).new == 1500
    assert store.papers.add(papers[:1500], taken_at=LATER) == Added()
    assert store.papers.count() == 1500
    assert store.papers.search("ConvLLaVA visual encoders")[0].id == "2405.15738"


def _replayed(line: str) -> Paper:
    item = json.loads(line)
    return Paper(
        id=item["id"],
        source="huggingface",
        title=item["title"],
        abstract=item["summary"],
        listed_on=date.fromisoformat(item["date"]),
        upvotes=item["upvotes"],
    )
