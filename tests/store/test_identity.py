"""Which stored papers are one: by id, or by title where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from newsletter.model import Paper
from newsletter.store import Added, Store
from tests.store.papers import DAY, HF, LATER, NOW, PAGE

# --- Who is who ---------------------------------------------------------------------------------------------------


def test_a_paper_without_arxiv_id_joins_the_one_of_that_title(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    assert store.papers.add([PAGE], taken_at=LATER) == Added(listings=1, votes=1)
    (paper,) = store.papers.all()
    assert paper == replace(HF, comments=4)
    assert store.papers.get([PAGE.id]) == {PAGE.id: paper}
    assert store.papers.add([PAGE], taken_at=LATER) == Added()


def test_an_arxiv_paper_takes_over_the_one_of_that_title(store: Store) -> None:
    store.papers.add([PAGE], taken_at=NOW)
    assert store.papers.add([HF], taken_at=LATER) == Added(updated=1, listings=1, votes=1)
    (paper,) = store.papers.all()
    assert paper == HF
    assert store.papers.listings(date(2026, 7, 13), DAY) == [
        (date(2026, 7, 13), "saved_page", HF.id),
        (DAY, "huggingface", HF.id),
    ]
    assert [(votes.paper_id, votes.comments) for votes in store.papers.votes(PAGE.id)] == [(HF.id, 4), (HF.id, 1)]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_one_batch_may_hold_both(store: Store, order: list[int]) -> None:
    both = [HF, PAGE]
    added = store.papers.add([both[n] for n in order], taken_at=NOW)
    assert added == Added(new=1, listings=2, votes=1)
    assert list(store.papers.all()) == [replace(HF, comments=4)]


def test_a_title_that_changes_still_finds_its_paper_by_the_id_it_was_merged_under(store: Store) -> None:
    store.papers.add([HF, PAGE], taken_at=NOW)
    assert store.papers.add([replace(PAGE, title="Quite Different")], taken_at=LATER).new == 0
    assert [paper.title for paper in store.papers.all()] == [HF.title]


def test_a_stored_arxiv_paper_takes_in_a_stored_page_once_their_titles_agree(store: Store) -> None:
    store.papers.add([replace(HF, title="Working Title"), PAGE], taken_at=NOW)
    assert store.papers.count() == 2
    store.papers.add([HF], taken_at=LATER)
    (paper,) = store.papers.all()
    assert (paper.id, paper.title, paper.comments) == (HF.id, HF.title, 1)
    assert len(store.papers.listings(date(2026, 7, 13), DAY)) == 2
    assert store.papers.get([PAGE.id])[PAGE.id].id == HF.id
    assert [found.id for found in store.papers.search("caching")] == [HF.id]
    assert [votes.taken_at for votes in store.papers.votes(HF.id)] == [NOW, LATER]


def test_a_stored_page_moves_into_an_arxiv_paper_once_its_title_agrees(store: Store) -> None:
    store.papers.add([HF, replace(PAGE, title="Working Title")], taken_at=NOW)
    store.papers.add([PAGE], taken_at=LATER)
    assert [paper.id for paper in store.papers.all()] == [HF.id]
    assert len(store.papers.listings(date(2026, 7, 13), DAY)) == 2


def test_a_new_arxiv_paper_may_find_a_stored_page_by_its_second_title(store: Store) -> None:
    store.papers.add([PAGE], taken_at=NOW)
    added = store.papers.add([replace(HF, title="Working Title"), HF], taken_at=LATER)
    assert (added.new, added.updated) == (0, 1)
    assert [paper.id for paper in store.papers.all()] == [HF.id]
    assert store.papers.get([PAGE.id])[PAGE.id].title == HF.title


def test_an_arxiv_paper_takes_in_every_stored_paper_of_its_title(store: Store) -> None:
    first = replace(PAGE, id="feed:1", source="feed", listed_on=DAY)
    second = replace(PAGE, id="feed:2", source="feed", listed_on=DAY)
    store.papers.add([first, second], taken_at=NOW)
    assert store.papers.count() == 2
    store.papers.add([HF], taken_at=LATER)
    (paper,) = store.papers.all()
    assert paper.id == HF.id
    assert {name: found.id for name, found in store.papers.get(["feed:1", "feed:2"]).items()} == {
        "feed:1": HF.id,
        "feed:2": HF.id,
    }
    assert store.papers.listings(DAY, DAY) == [(DAY, "feed", HF.id), (DAY, "huggingface", HF.id)]


def test_within_one_source_the_ids_decide(store: Store) -> None:
    papers = [replace(PAGE, id=f"feed:{n}", source="feed", title="Weekly Notes") for n in range(3)]
    assert store.papers.add(papers, taken_at=NOW).new == 3
    assert store.papers.add(papers, taken_at=LATER).new == 0


def test_two_arxiv_papers_of_one_title_stay_two_and_a_page_joins_the_first(store: Store) -> None:
    twin = replace(HF, id="2607.10000", comments=0)
    assert store.papers.add([HF, twin], taken_at=NOW).new == 2
    store.papers.add([PAGE], taken_at=LATER)
    assert {paper.id: paper.comments for paper in store.papers.all()} == {"2607.10000": 4, "2607.10001": 1}


def test_titles_without_a_letter_say_nothing(store: Store) -> None:
    papers = [
        Paper(id="a:1", source="a", title="???"),
        Paper(id="b:1", source="b", title="!!!"),
        Paper(id="2607.1", source="c", title=""),
    ]
    assert store.papers.add(papers, taken_at=NOW).new == 3
