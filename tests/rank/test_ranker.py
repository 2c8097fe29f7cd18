from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Paper, Profile, RankedPaper, Topic
from newsletter.rank.ranker import Ranker
from newsletter.rank.terms import Vocabulary, holds, written_out
from tests.rank import made_up
from tests.rank.made_up import NOW, fitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

PLAIN = Ranker(
    [
        Topic(name="agents", title="LLM agents", phrases=("tool use", "agent memory"), negative=("chemistry",)),
        Topic(name="video", title="Video", phrases=("video generation",)),
    ],
    topic_weight=1.0,
    votes_weight=0.1,
    floor=0.2,
    aliases={"large language model": ["LLM"]},
)
CANDIDATES = (
    Paper(id="1", source="t", title="Tool use for LLM agents", upvotes=3, authors=("Ada Lovelace", "Bo Li")),
    Paper(id="2", source="t", title="Agents with tool use in chemistry", abstract="Chemistry agents.", upvotes=9),
    Paper(id="3", source="t", title="Fast video generation", upvotes=50, organisation="Google DeepMind"),
    Paper(id="4", source="t", title="A study of cheese", upvotes=None),
    Paper(id="5", source="t", title="Bread, and its many uses", upvotes=50),
)


def ids(ranked: Sequence[RankedPaper]) -> list[str]:
    return [one.paper.id for one in ranked]


def by_id(ranked: Sequence[RankedPaper]) -> dict[str, RankedPaper]:
    return {one.paper.id: one for one in ranked}


def test_without_a_wish_the_order_is_by_votes_then_id(now: datetime) -> None:
    ranked = PLAIN.rank(CANDIDATES, Profile(), now=now)
    assert ids(ranked) == ["3", "5", "2", "1", "4"]
    assert not any(one.matched for one in ranked)
    assert ranked[0].reasons == ("50 upvotes",)
    assert ranked[-1].reasons == ()


def test_topic_leads_and_votes_break_ties(now: datetime) -> None:
    papers = [
        Paper(id="a", source="t", title="Tool use", upvotes=1),
        Paper(id="b", source="t", title="Tool use", upvotes=5),
        Paper(id="c", source="t", title="Cheese", upvotes=500),
        Paper(id="d", source="t", title="Tool use", upvotes=1),
    ]
    assert ids(PLAIN.rank(papers, Profile(topics=("agents",)), now=now)) == ["b", "a", "d", "c"]


def test_a_negative_phrase_takes_a_paper_out_of_the_topic(now: datetime) -> None:
    ranked = by_id(PLAIN.rank(CANDIDATES, Profile(topics=("agents",)), now=now))
    assert ranked["1"].matched
    assert not ranked["2"].matched


def test_a_quoted_phrase_must_stand_in_the_paper(now: datetime) -> None:
    ranked = by_id(PLAIN.rank(CANDIDATES, Profile(interests=('"video generation"', '"use of tools" agents')), now=now))
    assert ranked["3"].matched
    assert ranked["1"].score == 0


def test_a_mute_removes_word_by_word_also_by_alias_plural_and_minus(now: datetime) -> None:
    for profile in (
        Profile(muted=("large language model",)),
        Profile(muted=("LLMs",)),
        Profile(interests=("cheese -LLM",)),
    ):
        assert ids(PLAIN.rank(CANDIDATES, profile, now=now)).count("1") == 0
    assert len(PLAIN.rank(CANDIDATES, Profile(muted=("age", "tool agents", "", "🤖")), now=now)) == len(CANDIDATES)


def test_followed_authors_and_organisations_lift_and_say_so(now: datetime) -> None:
    profile = Profile(authors=("ada lovelace", "Nobody"), organisations=("DeepMind",))
    ranked = PLAIN.rank(CANDIDATES, profile, now=now)
    assert ids(ranked)[:2] == ["3", "1"]
    assert ranked[0].reasons == ("from an organisation you follow: Google DeepMind", "50 upvotes")
    assert ranked[1].reasons == ("by an author you follow: Ada Lovelace", "3 upvotes")
    assert [one.matched for one in ranked] == [True, True, False, False, False]


def test_part_of_a_followed_name_is_not_that_author(now: datetime) -> None:
    ranked = PLAIN.rank(CANDIDATES, Profile(authors=("Ada", "Li"), organisations=("Mind",)), now=now)
    assert not any(one.matched for one in ranked)


def test_a_paper_given_twice_comes_once_with_its_most_votes(now: datetime) -> None:
    twice = [*CANDIDATES, dataclasses.replace(CANDIDATES[0], upvotes=70)]
    ranked = PLAIN.rank(twice, Profile(), now=now)
    assert ids(ranked)[0] == "1"
    assert len(ranked) == len(CANDIDATES)


def test_weights_of_nothing_take_their_part_out(now: datetime) -> None:
    profile = Profile(topics=("agents",))
    no_votes = dataclasses.replace(PLAIN, votes_weight=0.0).rank(CANDIDATES, profile, now=now)
    assert not any("upvote" in reason for one in no_votes for reason in one.reasons)
    no_topic = dataclasses.replace(PLAIN, topic_weight=0.0).rank(CANDIDATES, profile, now=now)
    assert not any("matches" in reason for one in no_topic for reason in one.reasons)


def test_fitting_makes_a_new_ranker_and_leaves_the_old_one(month: tuple[Paper, ...], now: datetime) -> None:
    before = PLAIN.rank(CANDIDATES, Profile(topics=("agents",)), now=now)
    fitted = PLAIN.fit(iter(month[:120]))
    assert fitted is not PLAIN
    assert PLAIN.model is None
    assert PLAIN.rank(CANDIDATES, Profile(topics=("agents",)), now=now) == before


def test_a_changed_paper_is_ranked_as_it_is_now(now: datetime) -> None:
    profile = Profile(topics=("agents",))
    first = by_id(PLAIN.rank(CANDIDATES, profile, now=now))
    changed = (*CANDIDATES[:3], dataclasses.replace(CANDIDATES[3], title="Tool use"), CANDIDATES[4])
    assert not first["4"].matched
    assert by_id(PLAIN.rank(changed, profile, now=now))["4"].matched


@pytest.mark.parametrize("corpus", [0, 1, 3, 40, 99, 100, 101])
def test_a_corpus_of_any_size_will_do(corpus: int, unfitted: Ranker, month: tuple[Paper, ...], now: datetime) -> None:
    fitted = unfitted.fit(month[:corpus])
    ranked = fitted.rank(month[200:220], Profile(topics=("agents",), interests=("video",)), now=now)
    assert len(ranked) == 20
    assert any(one.matched for one in ranked)


def test_an_interest_of_a_new_word_finds_the_paper_that_has_it(ranker: Ranker, now: datetime) -> None:
    ranked = ranker.rank(CANDIDATES, Profile(interests=("cheese",)), now=now)
    assert ids(ranked)[0] == "4"
    assert ranked[0].matched
    assert ranked[0].reasons == ("matches: cheese",)


thorough = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
rankers = st.sampled_from([0, 120, 320]).map(fitted)  # without a model of its own, with one, and with axes


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles, data=st.data())
def test_the_order_of_the_input_never_shows(
    ranker: Ranker, candidates: list[Paper], profile: Profile, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(candidates))
    turned = dataclasses.replace(
        profile, liked=(*reversed(profile.liked), *profile.liked), disliked=tuple(reversed(profile.disliked))
    )
    assert ranker.rank(shuffled, turned, now=NOW) == ranker.rank(candidates, profile, now=NOW)


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_every_candidate_comes_once_unless_muted(ranker: Ranker, candidates: list[Paper], profile: Profile) -> None:
    ranked = ids(ranker.rank(candidates, profile, now=NOW))
    assert len(ranked) == len(set(ranked))
    unmuted = dataclasses.replace(profile, muted=())
    assert set(ranked) <= set(ids(ranker.rank(candidates, unmuted, now=NOW)))


@thorough
@given(
    ranker=rankers,
    candidates=made_up.candidates,
    profile=made_up.profiles,
    term=made_up.words.filter(lambda word: word != "🤖"),
)
def test_a_mute_removes_what_holds_it_and_nothing_else(
    ranker: Ranker, candidates: list[Paper], profile: Profile, term: str
) -> None:
    muting = dataclasses.replace(profile, muted=(*profile.muted, term))
    phrase = written_out(Vocabulary(PLAIN.aliases).words(term))
    before = ranker.rank(candidates, profile, now=NOW)
    left = [one for one in before if not _has(one.paper, phrase)]
    assert ranker.rank(candidates, muting, now=NOW) == left
    chosen = ranker.rank_many(candidates, [profile, muting], now=NOW, size=len(candidates))
    assert sorted(chosen.ids(1)) == sorted(ids(left))


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_equal_profiles_get_equal_lists(ranker: Ranker, candidates: list[Paper], profile: Profile) -> None:
    again = dataclasses.replace(ranker)  # a ranker that remembers nothing
    assert again.rank(candidates, dataclasses.replace(profile), now=NOW) == ranker.rank(candidates, profile, now=NOW)


@thorough
@given(ranker=rankers, candidates=made_up.candidates, profile=made_up.profiles)
def test_a_follow_never_lowers_its_papers(ranker: Ranker, candidates: list[Paper], profile: Profile) -> None:
    alone = by_id(ranker.rank(candidates, dataclasses.replace(profile, authors=()), now=NOW))
    following = by_id(ranker.rank(candidates, dataclasses.replace(profile, authors=("Ada",)), now=NOW))
    for key, one in following.items():
        if "Ada" in one.paper.authors:
            assert one.score >= alone[key].score


def test_fitting_again_gives_the_same_list_with_the_same_scores(days: Mapping[date, tuple[Paper, ...]]) -> None:
    candidates = list(days.values())[-1]
    profile = Profile(
        topics=("agents",),
        interests=("video generation",),
        liked=("p000", "p007", candidates[3].id),
        disliked=("p002", candidates[5].id),
    )
    again = PLAIN.fit(made_up.corpus(320))
    ranked = again.rank(candidates, profile, now=NOW)
    assert ranked == fitted(320).rank(candidates, profile, now=NOW)
    assert len({one.score for one in ranked}) > len(ranked) / 2
    assert all(type(one.score) is float for one in ranked)


def test_reasons_are_true_on_every_recorded_day(
    ranker: Ranker,
    days: Mapping[date, tuple[Paper, ...]],
    topics: tuple[Topic, ...],
    aliases: Mapping[str, Sequence[str]],
    now: datetime,
) -> None:
    vocabulary = Vocabulary(aliases)
    for turn, candidates in enumerate(days.values()):
        chosen = [topics[(3 * turn + step) % len(topics)] for step in range(3)]
        words = " ".join(candidates[turn % len(candidates)].title.split()[:4]).strip(",;-")
        profile = Profile(topics=tuple(topic.name for topic in chosen), interests=(words,))
        wished = "|".join(
            written_out(vocabulary.words(text))
            for text in (words, *(text for topic in chosen for text in (topic.title, *topic.phrases)))
        )
        labels = {words, *(topic.title for topic in chosen)}
        votes = _votes(candidates)
        for one in ranker.rank(candidates, profile, now=now):
            for reason in one.reasons:
                assert _untrue(one, reason, wished, labels, vocabulary, votes) == []


def _votes(candidates: Sequence[Paper]) -> dict[str, str]:
    """Return what may be said of each paper's votes, counted the plain way."""
    told = {}
    for paper in candidates:
        better = sum((other.upvotes or 0) > (paper.upvotes or 0) for other in candidates)
        equal = sum(other.upvotes == paper.upvotes for other in candidates)
        told[paper.id] = f"{paper.upvotes} upvote{'' if paper.upvotes == 1 else 's'}"
        if better + equal <= 5 < len(candidates):
            place = ("1st", "2nd", "3rd", "4th", "5th")[better]
            told[paper.id] += f", {'joint ' if equal > 1 else ''}{place} of {len(candidates)} that day"
    return told


def _untrue(
    one: RankedPaper,
    reason: str,
    wished: str,
    labels: set[str],
    vocabulary: Vocabulary,
    votes: Mapping[str, str],
) -> list[str]:
    """Return what a reason names that was not wished for, does not stand in the paper or raised nothing."""
    kind, _, rest = reason.partition(": ")
    if kind == "matches":
        phrases = [written_out(vocabulary.words(term)) for term in rest.split(", ")]
        return [phrase for phrase in phrases if not holds(wished, phrase)] + [
            phrase for phrase in phrases if not _has(one.paper, phrase, vocabulary)
        ]
    if kind == "close to":
        known = rest in labels or rest.endswith("…") or any(rest in label for label in labels)
        return [] if one.matched and known else [reason]
    return [] if one.paper.upvotes and reason == votes[one.paper.id] else [reason]


def _has(paper: Paper, phrase: str, vocabulary: Vocabulary | None = None) -> bool:
    vocabulary = vocabulary or Vocabulary(PLAIN.aliases)
    texts = (paper.title, paper.abstract or paper.summary, *paper.keywords)
    return any(holds(written_out(vocabulary.words(text)), phrase) for text in texts)
