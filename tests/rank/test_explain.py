"""Reasons are true: take away what a reason names, and the paper's score is lower."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from newsletter.model import Paper, Profile, RankedPaper
from newsletter.rank.votes import vote_reasons
from tests.rank import made_up
from tests.rank.made_up import NOW, PLAIN, TOPICS, corpus, fitted, once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.rank.ranker import Ranker

thorough = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
rankers = st.sampled_from([0, 120, 320]).map(fitted)
LIKED = "because you liked "
FOLLOWED = ("by an author you follow: ", "from an organisation you follow: ")
WISHED = ("matches: ", "close to: ")
VOTED = "upvote"


def ranked(ranker: Ranker, given_: list[Paper], profile: Profile) -> Mapping[str, RankedPaper]:
    return {one.paper.id: one for one in ranker.rank(given_, profile, now=NOW)}


def with_reason(told: Mapping[str, RankedPaper], kind: str | tuple[str, ...]) -> dict[str, str]:
    """Return for each paper that has a reason of a kind what follows after it."""
    found = {key: [reason for reason in one.reasons if reason.startswith(kind)] for key, one in told.items()}
    assert all(len(reasons) <= 1 for reasons in found.values())
    return {key: reasons[0].partition(": ")[2] for key, reasons in found.items() if reasons}


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_whatever_stands_under_for_you_says_why(ranker: Ranker, candidates: list[Paper], profile: Profile) -> None:
    for key, one in ranked(ranker, candidates, profile).items():
        if one.matched and key not in profile.liked:
            assert any(VOTED not in reason for reason in one.reasons)


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_whoever_is_named_as_followed_wrote_it_and_lifted_it(
    ranker: Ranker, candidates: list[Paper], profile: Profile
) -> None:
    told = ranked(ranker, candidates, profile)
    plain = ranked(ranker, candidates, dataclasses.replace(profile, authors=(), organisations=()))
    named = with_reason(told, FOLLOWED)
    for key, who in named.items():
        assert who in {*told[key].paper.authors, told[key].paper.organisation}
        assert told[key].score > plain[key].score
    lifted = {key for key, one in told.items() if one.score > plain[key].score + 0.5}
    assert lifted == named.keys()


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_words_are_named_where_they_raised_the_score(ranker: Ranker, candidates: list[Paper], profile: Profile) -> None:
    wishing = dataclasses.replace(profile, liked=(), disliked=())
    told = ranked(ranker, candidates, wishing)
    mutes = tuple(wish for wish in wishing.interests if " -" in wish)
    assume(not mutes)
    plain = ranked(ranker, candidates, dataclasses.replace(wishing, topics=(), interests=()))
    labels = [topic.title for topic in TOPICS if topic.name in wishing.topics]
    for key, what in with_reason(told, WISHED).items():
        assert what
        parts = told[key].score - plain[key].score
        assert parts > 0 or not told[key].matched
        if "close to: " in "".join(told[key].reasons):
            assert told[key].matched
            assert what in labels or any(what.rstrip("…") in " ".join(wish.split()) for wish in wishing.interests)


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_votes_are_named_where_they_raised_the_score(ranker: Ranker, candidates: list[Paper], profile: Profile) -> None:
    told = ranked(ranker, candidates, profile)
    weightless = ranked(dataclasses.replace(ranker, votes_weight=0.0), candidates, profile)
    right = {paper.id: reason for paper, reason in zip(once(candidates), vote_reasons(once(candidates)), strict=True)}
    for key, one in told.items():
        votes = [reason for reason in one.reasons if VOTED in reason]
        assert votes in ([], [right[key]])
        assert one.score >= weightless[key].score
        assert votes or one.score == weightless[key].score
        assert not any(VOTED in reason for reason in weightless[key].reasons)


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_a_like_is_named_where_it_raised_the_score_and_never_the_paper_itself(
    ranker: Ranker, candidates: list[Paper], profile: Profile
) -> None:
    known = {paper.id: paper for paper in (*corpus(ranker.model.documents if ranker.model else 0), *once(candidates))}
    told = ranked(ranker, candidates, profile)
    for key, one in told.items():
        for reason in one.reasons:
            if reason.startswith(LIKED):
                title = reason.removeprefix(LIKED).rstrip("…")
                named = [like for like in profile.liked if like in known and known[like].title.startswith(title)]
                assert set(named) - {key}
    only = dataclasses.replace(profile, topics=(), interests=(), disliked=())
    without = ranked(ranker, candidates, dataclasses.replace(only, liked=()))
    for key, one in ranked(ranker, candidates, only).items():
        assert not any(reason.startswith(LIKED) for reason in one.reasons) or one.score > without[key].score


def test_every_kind_of_reason_is_given_strongest_first() -> None:
    papers = [
        Paper(id="a", source="t", title="Cheese rennet rind", authors=("Ada",), upvotes=30),
        Paper(id="b", source="t", title="Cheese rennet cellar", authors=("Bo",), upvotes=4),
        Paper(id="c", source="t", title="Gripper", upvotes=9),
    ]
    profile = Profile(interests=("rennet",), authors=("Ada",), liked=("b",))
    told = ranked(fitted(320), papers, profile)
    assert told["a"].reasons == (
        "matches: rennet",
        "by an author you follow: Ada",
        "because you liked Cheese rennet cellar",
        "30 upvotes",
    )
    assert told["b"].reasons == ("matches: rennet", "4 upvotes")  # for no paper stands there because of itself
    assert told["c"].reasons == ("9 upvotes",)
    assert not told["c"].matched
    weightless = ranked(dataclasses.replace(PLAIN, topic_weight=0.0, votes_weight=0.0), papers, profile)
    assert not any(one.reasons or one.score for one in weightless.values())
