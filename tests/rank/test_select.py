"""Who stands in a digest, as readers get it from `rank_many`; a slow, plain picker says the same over `rank`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Paper, Profile, RankedPaper
from newsletter.rank import selections
from newsletter.rank.reasons import EDITORS_PICK
from newsletter.rank.select import _SAME, ALIKE
from tests.rank import made_up
from tests.rank.made_up import NOW, PLAIN, apart, fitted, likeness_of, once, picked_slowly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.rank.ranker import Ranker

# Whoever wishes for cheese and for rennet gets a, with both, before b; the rest have neither.
GIVEN = (
    Paper(id="a", source="t", title="Cheese rennet", upvotes=1),
    Paper(id="b", source="t", title="Cheese, and dairy", upvotes=90),
    Paper(id="c", source="t", title="Robot arms", upvotes=3),
    Paper(id="d", source="t", title="Video frames", upvotes=40),
    Paper(id="e", source="t", title="Bread", upvotes=None),
)
CHEESE = Profile(interests=("cheese", "rennet"))
thorough = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def ids(chosen: Sequence[RankedPaper]) -> list[str]:
    return [one.paper.id for one in chosen]


def test_matched_by_score_then_the_most_upvoted_of_the_rest() -> None:
    selected = PLAIN.rank_many(GIVEN, [CHEESE], now=NOW, size=4)
    assert ids(selected[0]) == ["a", "b", "d", "c"] == list(selected.ids(0))
    assert [one.matched for one in selected[0]] == [True, True, False, False]
    assert selected.open_to(0) == 5


def test_the_popular_ones_say_first_that_votes_brought_them() -> None:
    chosen = PLAIN.rank_many(GIVEN, [Profile(interests=("bread",)), CHEESE], now=NOW, size=5)[1]
    assert [one.reasons for one in chosen[2:]] == [("40 upvotes",), ("3 upvotes",), ()]


def test_pins_come_first_in_their_order_with_the_editors_name_on_them() -> None:
    selected = PLAIN.rank_many(GIVEN, [CHEESE], now=NOW, size=3, pins=("d", "missing", "b", "d"))
    assert ids(selected[0]) == ["d", "b", "a"]
    assert all(one.matched for one in selected[0])
    assert selected[0][0].reasons == (EDITORS_PICK,)
    assert selected[0][1].reasons[:2] == (EDITORS_PICK, "matches: cheese")
    assert selected.open_to(0) == 5


def test_hidden_and_sent_papers_never_come_not_even_pinned() -> None:
    selected = PLAIN.rank_many(
        GIVEN, [CHEESE], now=NOW, size=9, pins=("a", "c"), hides={"a", "no paper"}, already_sent={0: {"c", "d", "x"}}
    )
    assert ids(selected[0]) == ["b", "e"]
    assert selected.open_to(0) == 2


@pytest.mark.parametrize("size", [0, -3])
def test_no_room_is_an_empty_list(size: int) -> None:
    selected = PLAIN.rank_many(GIVEN, [CHEESE], now=NOW, size=size, pins=("a",))
    assert selected[0] == ()
    assert selected.ids(0) == ()
    assert selected.open_to(0) == 5


def test_more_room_than_papers_is_no_matter() -> None:
    muting = Profile(muted=("bread", "cheese", "robot", "video"))
    selected = PLAIN.rank_many(GIVEN, [CHEESE, muting, Profile(muted=("cheese",))], now=NOW, size=50)
    assert [ids(one) for one in selected] == [["a", "b", "d", "c", "e"], [], ["d", "c", "e"]]
    assert [selected.open_to(reader) for reader in range(3)] == [5, 0, 3]


def test_no_candidates_and_no_readers() -> None:
    selected = PLAIN.rank_many((), [CHEESE, Profile()], now=NOW, pins=("a",))
    assert list(selected) == [(), ()]
    assert selected.open_to(1) == 0
    assert list(PLAIN.rank_many(GIVEN, [], now=NOW)) == []
    assert list(PLAIN.rank_many((), iter([]), now=NOW)) == []


def overlap(ranker: Ranker, given: Sequence[Paper]) -> Callable[[Paper, Paper], float]:
    """Return how much of a paper another says, by what the ranker holds of their texts."""
    kept = {paper.id: row for row, paper in enumerate(once(given))}
    likeness = likeness_of(ranker._panel(given, NOW).ready)
    assert np.allclose(likeness, likeness.T, atol=1e-6)

    def said(one: Paper, other: Paper) -> float:
        like = float(likeness[kept[one.id], kept[other.id]])
        return float(np.float32(min(max((like - ALIKE) / (_SAME - ALIKE), 0.0), 1.0)))

    return said


@thorough
@given(
    given_=made_up.candidates.map(apart),
    profiles=st.lists(made_up.profiles, max_size=6),
    size=st.integers(-1, 12),
    pins=made_up.some_ids,
    hides=made_up.some_ids,
    sent=st.dictionaries(st.integers(0, 5), made_up.some_ids, max_size=3),
    corpus=st.sampled_from([0, 120, 320]),
    block=st.sampled_from([1, 2, 1000]),
)
def test_readers_get_what_a_plain_picker_takes_from_their_order(
    given_: list[Paper],
    profiles: list[Profile],
    size: int,
    pins: tuple[str, ...],
    hides: tuple[str, ...],
    sent: dict[int, tuple[str, ...]],
    corpus: int,
    block: int,
) -> None:
    ranker = fitted(corpus)
    profiles = [*profiles, *profiles[:2]]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(selections, "_BLOCK", block)
        selected = ranker.rank_many(given_, profiles, now=NOW, size=size, pins=pins, hides=hides, already_sent=sent)
    assert len(selected) == len(profiles)
    for reader, profile in enumerate(profiles):
        ranked = ranker.rank(given_, profile, now=NOW)
        barred = {*hides, *sent.get(reader, ())}
        assert selected[reader] == picked_slowly(given_, ranked, size=size, pins=pins, barred=barred)
        assert selected.ids(reader) == tuple(ids(selected[reader]))
        assert selected.open_to(reader) == len({*ids(ranked)} - barred)


@thorough
@given(
    given_=made_up.candidates,
    profile=made_up.profiles,
    size=st.integers(0, 10),
    pins=made_up.some_ids,
    hides=made_up.some_ids,
    corpus=st.sampled_from([0, 120]),
)
def test_a_plain_picker_that_minds_what_was_said_already_takes_the_same(
    given_: list[Paper],
    profile: Profile,
    size: int,
    pins: tuple[str, ...],
    hides: tuple[str, ...],
    corpus: int,
) -> None:
    ranker = fitted(corpus)
    selected = ranker.rank_many(given_, [Profile(), profile], now=NOW, size=size, pins=pins, hides=hides)
    ranked = ranker.rank(given_, profile, now=NOW)
    said = overlap(ranker, given_)
    assert selected[1] == picked_slowly(given_, ranked, size=size, pins=pins, barred=hides, said=said)


@thorough
@given(
    given_=made_up.candidates,
    profile=made_up.profiles,
    size=st.integers(0, 9),
    pins=made_up.some_ids,
    data=st.data(),
)
def test_whatever_the_order_of_the_input(
    given_: list[Paper], profile: Profile, size: int, pins: tuple[str, ...], data: st.DataObject
) -> None:
    hides = data.draw(made_up.some_ids)
    ranker = fitted(320)
    shuffled = data.draw(st.permutations(given_))
    one, other = (
        dataclasses.replace(ranker).rank_many(papers, [profile], now=NOW, size=size, pins=pins, hides=hides)
        for papers in (given_, shuffled)
    )
    assert one[0] == other[0]
    assert one.open_to(0) == other.open_to(0)
    assert len(one[0]) == min(size, one.open_to(0))
    assert not {*ids(one[0])} & {*hides}
