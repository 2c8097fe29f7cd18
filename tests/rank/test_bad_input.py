"""Strange profiles and strange papers: a sensible order for each, one by one and many at once, never an exception."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from newsletter.model import Paper, Profile
from tests.rank.made_up import PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from newsletter.model import RankedPaper
    from newsletter.rank.ranker import Ranker

FEW = (
    Paper(id="1", source="t", title="Tool use for LLM agents", upvotes=3, authors=("Ada Lovelace", "Bo Li")),
    Paper(id="2", source="t", title="Agents with tool use in chemistry", abstract="Chemistry agents.", upvotes=9),
    Paper(id="3", source="t", title="Fast video generation", upvotes=50, organisation="Google DeepMind"),
    Paper(id="4", source="t", title="A study of cheese", upvotes=None),
    Paper(id="5", source="t", title="Bread, and its many uses", upvotes=50),
)
BARE = (
    Paper(id="", source="", title=""),
    Paper(id="🤖", source="t", title="🤖🔥", authors=("", "🤖"), organisation=" "),
    Paper(id="of", source="t", title="of the", abstract="the of", keywords=("", "the"), upvotes=0),
    Paper(id="zh", source="t", title="大型语言模型的推理", upvotes=2**40),
    Paper(id="long", source="t", title="cheese " * 3000, abstract="x" * 10_000, upvotes=-7),
)
PROFILES = {
    "no topics": Profile(),
    "unknown topic": Profile(topics=("cooking",)),
    "one stop word": Profile(interests=("the",)),
    "nothing": Profile(interests=("", " ,;", '""', "-", '-""')),
    "10,000 characters": Profile(interests=("kv cache and " * 770,)),
    "10,000 characters without a space": Profile(interests=("x" * 10_000,)),
    "1,500 wishes": Profile(interests=(",".join(f"w{place}" for place in range(1500)),)),
    "another script": Profile(interests=("大型语言模型的推理", "машинное обучение", "تعلم الآلة", "딥러닝")),
    "emoji": Profile(interests=("🤖🔥",), muted=("🔥",)),
    "control characters": Profile(interests=("\x00\ud800 kv\u202ecache",), muted=("\x00",)),
    "a regular expression": Profile(interests=("(a+)+$ [", '"("'), muted=(".*",), authors=("*",)),
    "only a quote": Profile(interests=('"', '"kv cache')),
    "lists of nothing": Profile(authors=("",), organisations=("", " "), muted=("",), topics=("",)),
    "likes that nobody knows": Profile(liked=("", "x", "0000.00000"), disliked=("", "y")),
    "only dislikes": Profile(disliked=("1", "zh")),
    "everything liked and disliked": Profile(
        liked=tuple(one.id for one in (*FEW, *BARE)), disliked=tuple(one.id for one in (*FEW, *BARE))
    ),
}
SAYS_NOTHING = (
    "no topics",
    "unknown topic",
    "one stop word",
    "nothing",
    "emoji",
    "lists of nothing",
    "likes that nobody knows",
)
SETS = {"none": (), "one": FEW[:1], "few": FEW, "bare": BARE, "both": (*FEW, *BARE), "one bare": BARE[:1]}


@pytest.fixture(scope="module", params=["fitted", "unfitted"])
def any_ranker(request: pytest.FixtureRequest, ranker: Ranker) -> Ranker:
    return ranker if request.param == "fitted" else PLAIN


def falls(ranked: Sequence[RankedPaper]) -> bool:
    scores = [one.score for one in ranked]
    return scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("papers", SETS.values(), ids=SETS.keys())
def test_strange_profiles_and_papers_get_a_sensible_order(
    papers: tuple[Paper, ...], any_ranker: Ranker, now: datetime
) -> None:
    selected = any_ranker.rank_many(papers, PROFILES.values(), now=now, size=20)
    for reader, (name, profile) in enumerate(PROFILES.items()):
        ranked = any_ranker.rank(papers, profile, now=now)
        assert sorted(one.paper.id for one in ranked) == sorted(one.id for one in papers), name
        assert falls(ranked), name
        assert sorted(selected.ids(reader)) == sorted(one.id for one in papers), name
        assert all(one.score == one.score < 50 for one in selected[reader]), name  # no NaN


@pytest.mark.parametrize("name", PROFILES)
def test_strange_profiles_get_a_sensible_order_of_a_recorded_day(
    name: str, ranker: Ranker, days: Mapping[date, tuple[Paper, ...]], now: datetime
) -> None:
    papers = list(days.values())[-1]
    ranked = ranker.rank(papers, PROFILES[name], now=now)
    assert sorted(one.paper.id for one in ranked) == sorted(one.id for one in papers)
    assert falls(ranked)


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_a_wish_that_says_nothing_leaves_the_votes(name: str, any_ranker: Ranker, now: datetime) -> None:
    plain = any_ranker.rank(FEW, Profile(), now=now)
    assert [one.paper.id for one in plain] == ["3", "5", "2", "1", "4"]
    assert any_ranker.rank(FEW, PROFILES[name], now=now) == plain
    chosen = any_ranker.rank_many(FEW, [PROFILES[name]], now=now)[0]
    assert [one.paper.id for one in chosen] == ["3", "5", "2", "1", "4"]


def test_a_profile_that_mutes_everything_gets_nothing(any_ranker: Ranker, now: datetime) -> None:
    muting = Profile(muted=("LLM", "agents", "video", "cheese", "bread"))
    assert any_ranker.rank(FEW, muting, now=now) == []
    selected = any_ranker.rank_many(FEW, [muting, Profile()], now=now, pins=("1",))
    assert [len(one) for one in selected] == [0, 5]
    assert selected.open_to(0) == 0


def test_without_any_votes_the_order_is_by_match_then_by_id(any_ranker: Ranker, now: datetime) -> None:
    unvoted = [dataclasses.replace(paper, upvotes=None) for paper in reversed(FEW)]
    assert [one.paper.id for one in any_ranker.rank(unvoted, Profile(), now=now)] == ["1", "2", "3", "4", "5"]
    chosen = any_ranker.rank_many(unvoted, [Profile(interests=("cheese",))], now=now)[0]
    assert [one.paper.id for one in chosen] == ["4", "1", "2", "3", "5"]
    assert not any("upvote" in reason for one in chosen for reason in one.reasons)


def test_papers_without_abstracts_are_found_by_their_titles(
    ranker: Ranker, month: Sequence[Paper], now: datetime
) -> None:
    titles = [dataclasses.replace(paper, abstract="", keywords=()) for paper in month]
    chosen = ranker.rank_many(titles, [Profile(interests=("video generation",))], now=now, size=5)[0]
    assert all("video" in one.paper.title.casefold() and one.matched for one in chosen)
