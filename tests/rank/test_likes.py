from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Paper, Profile, Topic
from newsletter.rank.ranker import Ranker

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


thorough = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
words = st.sampled_from(["agents", "tool", "use", "video", "generation", "cheese", "chemistry", "of", "强化", "🤖"])
texts = st.lists(words, max_size=8).map(" ".join)
papers = st.builds(
    Paper,
    id=st.sampled_from("abcdefgh"),
    source=st.just("t"),
    title=texts,
    abstract=texts,
    upvotes=st.none() | st.integers(0, 99),
)
likes = st.lists(st.sampled_from("abcdefghxyz"), max_size=6, unique=True).map(tuple)
profiles = st.builds(
    Profile, topics=st.sampled_from([(), ("video",)]), interests=st.lists(texts, max_size=2).map(tuple), liked=likes
)


def by_id(ranked: Sequence[RankedPaper]) -> dict[str, RankedPaper]:
    return {one.paper.id: one for one in ranked}


@thorough
@given(
    corpus=st.lists(papers, max_size=10),
    candidates=st.lists(papers, min_size=1, max_size=8),
    profile=profiles,
    key=st.sampled_from("abcdefgh"),
)
def test_a_like_never_lowers_its_own_paper(
    corpus: list[Paper], candidates: list[Paper], profile: Profile, key: str, now: datetime
) -> None:
    ranker = PLAIN.fit(corpus)
    without = tuple(one for one in profile.liked if one != key)
    before = by_id(ranker.rank(candidates, dataclasses.replace(profile, liked=without), now=now))
    after = by_id(ranker.rank(candidates, dataclasses.replace(profile, liked=(*without, key)), now=now))
    if key in before:
        assert after[key].score >= before[key].score


@thorough
@given(candidates=st.lists(papers, max_size=8), profile=profiles, data=st.data())
def test_neither_the_order_of_papers_nor_of_likes_shows(
    candidates: list[Paper], profile: Profile, data: st.DataObject, now: datetime
) -> None:
    ranked = PLAIN.rank(candidates, profile, now=now)
    shuffled = data.draw(st.permutations(candidates))
    turned = dataclasses.replace(profile, liked=(*reversed(profile.liked), *profile.liked))
    assert PLAIN.rank(shuffled, turned, now=now) == ranked


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
