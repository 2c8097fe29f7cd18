"""How fast upvotes grow: derived from the snapshots, read with the papers of a period, frozen with a draft."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Issue, Paper
from newsletter.store import Added
from newsletter.store.codec import paper_payload, payload_paper
from newsletter.store.snapshots import growth, kept
from tests.store.papers import DAY, HF, LATER, NOW, stored

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.store import Store
    from newsletter.store.snapshots import Counts

OTHER = replace(HF, id="2607.10002", title="Another one", upvotes=1)


def at(hours: int) -> datetime:
    return NOW + timedelta(hours=hours)


def test_growth_is_what_a_day_brings() -> None:
    assert growth({at(0): 10, at(24): 50}, ()) == 40
    assert growth({at(0): 10, at(18): 28}, ()) == 24
    assert growth({at(0): 10, at(96): 50}, ()) == 10


def test_the_newest_count_twelve_hours_older_is_the_one_to_compare_with() -> None:
    assert growth({at(0): 0, at(24): 40, at(36): 50, at(40): 51, at(48): 60}, ()) == 20
    assert growth({at(0): 10, at(11): 50}, ()) is None
    assert growth({at(0): 10, at(12): 50}, ()) == 80


def test_without_an_older_count_growth_is_unknown() -> None:
    assert growth({}, [at(0), at(24)]) is None
    assert growth({at(0): 10}, ()) is None
    assert growth({at(24): 10}, [at(0), at(24)]) is None


def test_a_count_that_stood_still_while_others_were_taken_has_not_grown() -> None:
    counted = {at(0): 10, at(24): 50}
    assert growth(counted, [at(48), at(72)]) == 0
    assert growth(counted, [at(30)]) == 32
    assert growth({at(0): 10}, [at(24)]) == 0


def test_growth_is_never_negative() -> None:
    assert growth({at(0): 50, at(24): 10}, ()) == 0


counts = st.dictionaries(st.integers(0, 400).map(at), st.integers(0, 500), max_size=12)


@given(counts, st.lists(st.integers(0, 400).map(at), max_size=12))
def test_snapshots_that_are_left_out_do_not_matter_once_their_moments_are_known(
    counted: dict[datetime, int], looks: list[datetime]
) -> None:
    taken: list[tuple[datetime, Counts]] = [(moment, (upvotes, None)) for moment, upvotes in counted.items()]
    left = {moment: upvotes for moment, (upvotes, _) in kept({}, taken).items() if upvotes is not None}
    found = growth(counted, looks)
    assert growth(left, [*looks, *counted]) == found
    assert found is None or found >= 0


def test_the_papers_of_a_period_come_with_their_growth_and_others_without(store: Store) -> None:
    store.papers.add([HF, OTHER], taken_at=NOW)
    assert [paper.growth for paper in store.papers.on(DAY, DAY)] == [None, None]
    store.papers.add([replace(HF, upvotes=65), OTHER], taken_at=LATER)
    grown = [(paper.id, paper.upvotes, paper.growth) for paper in store.papers.on(DAY, DAY)]
    assert grown == [(HF.id, 65, 80), (OTHER.id, 1, 0)]
    elsewhere = [*store.papers.all(), *store.papers.corpus(DAY), *store.papers.get([HF.id]).values()]
    assert {paper.growth for paper in (*elsewhere, *store.papers.search("caching"))} == {None}


def test_what_another_source_or_day_was_counted_at_says_nothing_of_this_paper(store: Store) -> None:
    feed = replace(OTHER, id="2607.10003", title="A third one", source="feed")
    next_day = replace(OTHER, id="2607.10004", title="A fourth one", listed_on=DAY + timedelta(days=1))
    store.papers.add([HF, feed, next_day], taken_at=NOW)
    store.papers.add([replace(feed, upvotes=9), replace(next_day, upvotes=9)], taken_at=LATER)
    found = {paper.id: paper.growth for paper in store.papers.on(DAY, next_day.listed_on or DAY)}
    assert found == {HF.id: None, feed.id: 11, next_day.id: 11}


def test_snapshots_of_comments_alone_are_looks_and_unknown_upvotes_are_none(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    store.papers.add([replace(HF, comments=7)], taken_at=LATER)
    store.papers.add([replace(HF, upvotes=None, comments=8)], taken_at=LATER + timedelta(days=3))
    assert [(paper.upvotes, paper.growth) for paper in store.papers.on(DAY, DAY)] == [(5, 0)]


def test_growth_is_never_stored_with_a_paper_nor_counted_as_a_change(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    store.papers.add([replace(HF, upvotes=65)], taken_at=LATER)
    before = stored(store)
    (paper,) = store.papers.on(DAY, DAY)
    assert paper.growth == 80
    assert store.papers.add([paper], taken_at=LATER) == Added()
    assert store.papers.add([replace(paper, growth=3)], taken_at=LATER) == Added()
    assert stored(store) == before
    invented = replace(OTHER, growth=999)
    assert store.papers.add([invented, replace(invented, growth=5)], taken_at=NOW).updated == 0
    assert store.papers.get([OTHER.id]) == {OTHER.id: OTHER}


def test_a_draft_keeps_the_growth_it_was_made_with(store: Store) -> None:
    store.papers.add([HF], taken_at=NOW)
    store.papers.add([replace(HF, upvotes=65)], taken_at=LATER)
    papers = tuple(store.papers.on(DAY, DAY))
    store.issues.create(Issue(period="2026-07-14", papers=papers), now=LATER)
    store.papers.add([replace(HF, upvotes=66)], taken_at=LATER + timedelta(days=1))
    kept_issue = store.issues.get("2026-07-14")
    assert kept_issue is not None
    assert [paper.growth for paper in kept_issue.papers] == [80]
    assert [paper.growth for paper in store.papers.on(DAY, DAY)] == [1]


def test_a_payload_of_before_there_was_growth_still_loads() -> None:
    payload = paper_payload(replace(HF, growth=12))
    assert payload_paper(payload) == replace(HF, growth=12)
    del payload["growth"]
    assert payload_paper(payload) == HF
    assert Paper(id="x", source="s", title="T").growth is None
