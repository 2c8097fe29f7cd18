from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.model import Paper
from tests.store.papers import HF, LATER, NOW, PAGE

if TYPE_CHECKING:
    from newsletter.store import Store


def test_an_id_that_was_ever_a_papers_leads_to_its_present_one(store: Store) -> None:
    store.papers.add([PAGE], taken_at=NOW)
    assert store.lookup.ids([PAGE.id, HF.id]) == {PAGE.id: PAGE.id}
    assert store.lookup.former() == {}
    store.papers.add([HF], taken_at=LATER)
    assert store.lookup.ids([HF.id, PAGE.id, HF.id, "", "no\x00thing"]) == {PAGE.id: HF.id, HF.id: HF.id}
    assert store.lookup.former() == {PAGE.id: HF.id}


def test_a_title_is_found_however_it_is_written(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    written = ["CACHING keys values", "“Caching”: Keys — Values!", "Caching", "", "!?"]
    assert store.lookup.titled(written) == {written[0]: (HF.id,), written[1]: (HF.id,)}


def test_a_title_that_several_papers_have_finds_them_all_in_order(store: Store) -> None:
    twins = [replace(HF, id=f"2607.1000{number}") for number in (3, 1, 2)]
    store.papers.add(twins, taken_at=NOW)
    assert store.lookup.titled([HF.title]) == {HF.title: ("2607.10001", "2607.10002", "2607.10003")}


def test_more_can_be_asked_for_than_one_statement_takes(store: Store) -> None:
    many = [Paper(id=f"2607.{number:05}", source="huggingface", title=f"Paper {number}") for number in range(1201)]
    store.papers.add(many, taken_at=NOW)
    assert store.lookup.ids(paper.id for paper in many) == {paper.id: paper.id for paper in many}
    assert store.lookup.titled(paper.title for paper in many) == {paper.title: (paper.id,) for paper in many}
