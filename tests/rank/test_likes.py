from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Paper, Profile, Topic
from newsletter.rank.likes import MOST_GAIN, behind, gains
from newsletter.rank.ranker import Ranker
from newsletter.rank.terms import Vocabulary
from newsletter.rank.text import fit
from tests.rank import made_up
from tests.rank.made_up import NOW, fitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from newsletter.model import RankedPaper

PLAIN = Ranker(
    [Topic(name="video", title="Video", phrases=("video generation",))], topic_weight=1.0, votes_weight=0.1, floor=0.2
)
LIKED = "because you liked "


@dataclasses.dataclass(frozen=True)
class Halves:
    """The recorded month in two, and a ranker fitted on the first."""

    past: tuple[Paper, ...]
    later: tuple[Paper, ...]
    fitted: Ranker


@pytest.fixture(scope="module")
def halves(days: Mapping[date, tuple[Paper, ...]], unfitted: Ranker) -> Halves:
    listed = list(days.values())
    later = tuple({paper.id: paper for papers in listed[-10:] for paper in papers}.values())
    seen = {paper.id for paper in later}
    past = tuple({one.id: one for papers in listed[:-10] for one in papers if one.id not in seen}.values())
    return Halves(past, later, unfitted.fit(past))


thorough = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
rankers = st.sampled_from([0, 120, 320]).map(fitted)  # without a model of its own, with one, and with axes


def by_id(ranked: Sequence[RankedPaper]) -> dict[str, RankedPaper]:
    return {one.paper.id: one for one in ranked}


def place(ranked: Sequence[RankedPaper], key: str) -> int:
    return [one.paper.id for one in ranked].index(key)


def without(ids: tuple[str, ...], key: str) -> tuple[str, ...]:
    return tuple(one for one in ids if one != key)


@st.composite
def with_one_of_them(draw: st.DrawFn) -> tuple[list[Paper], Profile, str]:
    """Return candidates, a profile that mutes and likes none of a paper, often wishes for it, and that paper's id."""
    given_ = draw(st.lists(made_up.papers, min_size=1, max_size=10))
    paper = draw(st.sampled_from(made_up.once(given_)))
    profile = dataclasses.replace(draw(made_up.profiles), muted=())
    wishes = tuple(wish.replace("-", " ") for wish in profile.interests)
    wishes = draw(st.sampled_from([wishes, (paper.title, *wishes)]))
    many = draw(st.sampled_from([(), tuple(f"p{number:03}" for number in range(30))]))
    liked, disliked = without((*profile.liked, *many), paper.id), without(profile.disliked, paper.id)
    profile = dataclasses.replace(profile, interests=wishes, liked=liked, disliked=disliked)
    return given_, profile, paper.id


@thorough
@given(ranker=rankers, drawn=with_one_of_them())
def test_a_like_never_lowers_its_own_paper(ranker: Ranker, drawn: tuple[list[Paper], Profile, str]) -> None:
    given_, profile, key = drawn
    liking = dataclasses.replace(profile, liked=(*profile.liked, key))
    before, after = (ranker.rank(given_, one, now=NOW) for one in (profile, liking))
    assert by_id(after)[key].score >= by_id(before)[key].score
    assert by_id(after)[key].matched
    assert place(after, key) <= place(before, key)


@thorough
@given(ranker=rankers, drawn=with_one_of_them())
def test_a_like_lowers_its_own_paper_in_no_digest(ranker: Ranker, drawn: tuple[list[Paper], Profile, str]) -> None:
    given_, profile, key = drawn
    liking = dataclasses.replace(profile, liked=(*profile.liked, key))
    selected = ranker.rank_many(made_up.apart(given_), [profile, liking], now=NOW, size=len(given_))
    assert place(selected[1], key) <= place(selected[0], key)


@thorough
@given(ranker=rankers, drawn=with_one_of_them())
def test_a_dislike_never_raises_its_own_paper(ranker: Ranker, drawn: tuple[list[Paper], Profile, str]) -> None:
    given_, profile, key = drawn
    disliking = dataclasses.replace(profile, disliked=(*profile.disliked, key))
    before, after = (by_id(ranker.rank(given_, one, now=NOW))[key] for one in (profile, disliking))
    assert after.score <= before.score
    assert before.matched or not after.matched
    assert not any(reason.startswith(LIKED) for reason in after.reasons)


def test_what_dislikes_take_below_nothing_is_not_matched_however_well_it_meets_a_wish() -> None:
    papers = [
        Paper(id="z", source="t", title="Zeppelin airships", upvotes=3),
        Paper(id="e", source="t", title="Cheese", upvotes=50),
    ]
    wishing = Profile(interests=("zeppelin airships",), liked=tuple(f"p{number:03}" for number in range(16)))
    disliking = dataclasses.replace(wishing, disliked=("z",))
    before, after = (by_id(fitted(320).rank(papers, profile, now=NOW))["z"] for profile in (wishing, disliking))
    assert before.matched
    assert before.score > 0.5
    assert not after.matched
    assert after.score < 0


def test_a_disliked_paper_is_disliked_even_beside_a_liked_one_that_says_the_same() -> None:
    papers = [Paper(id=key, source="t", title="Cheese rennet rind cellar") for key in "ab"]
    ranked = by_id(fitted(320).rank(papers, Profile(liked=("a",), disliked=("b",)), now=NOW))
    assert ranked["a"].score > 1
    assert ranked["b"].score < -1


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles, both=made_up.tastes.map(tuple))
def test_what_is_on_both_lists_is_liked(
    ranker: Ranker, candidates: list[Paper], profile: Profile, both: tuple[str, ...]
) -> None:
    torn = dataclasses.replace(profile, liked=(*profile.liked, *both), disliked=(*both, *profile.disliked))
    clear = dataclasses.replace(torn, disliked=tuple(key for key in profile.disliked if key not in torn.liked))
    assert ranker.rank(candidates, torn, now=NOW) == ranker.rank(candidates, clear, now=NOW)


def test_likes_that_nobody_knows_change_nothing(
    ranker: Ranker, days: Mapping[date, tuple[Paper, ...]], now: datetime
) -> None:
    candidates = list(days.values())[-1]
    unknown = Profile(liked=("0000.00000", "", "no id"))
    assert ranker.rank(candidates, unknown, now=now) == ranker.rank(candidates, Profile(), now=now)


@pytest.mark.parametrize("number", [1, 2, 5, 20, 50])
def test_any_number_of_likes_finds_their_kind(number: int, halves: Halves, ranker: Ranker, now: datetime) -> None:
    wish = Profile(interests=("video generation",))
    liked = tuple(one.paper.id for one in ranker.rank(halves.past, wish, now=now)[:number])
    ranked = halves.fitted.rank(halves.later, Profile(liked=liked), now=now)
    assert ranked[0].matched
    assert sum("video" in f"{one.paper.title} {one.paper.abstract}".casefold() for one in ranked[:5]) >= 4


def test_whoever_likes_everything_still_gets_everything_in_order(halves: Halves, now: datetime) -> None:
    ranked = halves.fitted.rank(halves.later, Profile(liked=tuple(one.id for one in halves.past)), now=now)
    assert sorted(one.paper.id for one in ranked) == sorted(one.id for one in halves.later)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


def test_one_liked_paper_finds_its_twin_and_is_named(halves: Halves, unfitted: Ranker, now: datetime) -> None:
    found = halves.later[7]
    twin = dataclasses.replace(found, id="twin", title=f"{found.title} again", listed_on=halves.past[0].listed_on)
    first = unfitted.fit([*halves.past, twin]).rank(halves.later, Profile(liked=("twin",)), now=now)[0]
    assert first.paper == found
    assert first.matched
    assert first.reasons[0].startswith(LIKED)
    assert first.reasons[0].removeprefix(LIKED).rstrip("…") in twin.title


def test_no_paper_stands_there_because_of_itself(ranker: Ranker, month: tuple[Paper, ...], now: datetime) -> None:
    ranked = ranker.rank(month[:5], Profile(liked=(month[0].id,)), now=now)
    assert ranked[0].paper.id == month[0].id
    for one in ranked:
        assert not any(reason == LIKED + one.paper.title for reason in one.reasons)


def test_a_reason_names_a_liked_paper_whose_like_raised_the_score(
    halves: Halves, ranker: Ranker, now: datetime
) -> None:
    wish = Profile(interests=("reinforcement learning",))
    liked = [one.paper for one in ranker.rank(halves.past, wish, now=now)[:8]]
    before = by_id(halves.fitted.rank(halves.later, Profile(), now=now))
    reasons = 0
    for one in halves.fitted.rank(halves.later, Profile(liked=tuple(paper.id for paper in liked)), now=now):
        named = [text.removeprefix(LIKED).rstrip("…") for text in one.reasons if text.startswith(LIKED)]
        for title in named:
            assert any(paper.title.startswith(title) for paper in liked)
            assert one.matched
            assert one.score > before[one.paper.id].score
        reasons += len(named)
    assert 3 < reasons < len(halves.later) / 2


def test_likes_and_words_stand_together(ranker: Ranker, days: Mapping[date, tuple[Paper, ...]], now: datetime) -> None:
    earlier, last = list(days.values())[-2:]
    words_only = ranker.rank(last, Profile(interests=("video generation",)), now=now)
    both = ranker.rank(last, Profile(interests=("video generation",), liked=(earlier[0].id,)), now=now)
    named = {one.paper.id for one in words_only if any("video generation" in reason for reason in one.reasons)}
    assert named
    assert named <= {one.paper.id for one in both if any("video generation" in reason for reason in one.reasons)}


def test_likes_hold_against_a_ranker_without_weights(month: tuple[Paper, ...], now: datetime) -> None:
    weightless = dataclasses.replace(PLAIN, topic_weight=0.0, votes_weight=0.0).fit(month)
    ranked = weightless.rank(month[:5], Profile(liked=(month[0].id,)), now=now)
    assert all(one.score == 0 and not one.reasons for one in ranked)


@pytest.mark.parametrize("number", [1, 2, 3, 7, 10, 50, 200, 500])
def test_gains_are_finite_from_one_liked_paper_to_five_hundred(number: int, halves: Halves) -> None:
    ready = halves.fitted._panel(halves.later, NOW).ready
    every = len(ready.known.rows)
    chosen = [place * every // number for place in range(number)]
    likes = [chosen, chosen, [], chosen[:1]]
    dislikes = [[], chosen[::2], chosen, chosen[-1:]]
    up, down = gains(ready.model.space, ready.learned_from, ready.known, likes, dislikes)
    assert up.shape == down.shape == (4, len(ready.papers))
    for part in (up, down):
        assert np.isfinite(part).all()
        assert (part >= 0).all()
        assert (part <= MOST_GAIN).all()
    assert not down[0].any()
    assert not up[2].any()
    assert up[0].min() < up[0].max()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 120, 320])
def test_spaces_of_any_size_give_finite_gains(number: int, halves: Halves) -> None:
    ranker = dataclasses.replace(PLAIN, model=fit(Vocabulary(), made_up.corpus(number)))
    papers = (*halves.later[:3], Paper(id="bare", source="t", title=""), *made_up.corpus(2))
    ready = ranker._panel(papers, NOW).ready
    rows = [*range(len(ready.known.rows))]
    up, down = gains(ready.model.space, ready.learned_from, ready.known, [rows, [0], []], [[], rows[-1:], rows])
    assert np.isfinite(up).all()
    assert np.isfinite(down).all()


def test_nobody_is_told_of_a_like_of_the_paper_itself(halves: Halves) -> None:
    ready = halves.fitted._panel(halves.later, NOW).ready
    rows = [*range(len(ready.papers))]
    named = behind(ready.model.space, ready.learned_from, ready.known, rows, rows)
    assert all(one != row for row, one in enumerate(named))
    assert sum(one >= 0 for one in named) > len(rows) / 2
    assert behind(ready.model.space, ready.learned_from, ready.known, [4], rows)[4] == -1
    assert behind(ready.model.space, ready.learned_from, ready.known, [], rows) == [-1] * len(rows)
    assert behind(ready.model.space, ready.learned_from, ready.known, [4], []) == []
