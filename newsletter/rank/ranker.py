"""The ranker: fitted on a corpus, it orders candidates for a reader's profile and says why.

`Ranker` is the room's front. It does no I/O, reads no clock and changes nothing that can be seen from outside. Which
papers a reader already got, pins and hides are not its business: see `newsletter.rank.select`.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from newsletter.model import Paper, Profile, RankedPaper, Topic
from newsletter.rank import text
from newsletter.rank.candidates import Candidates, prepare
from newsletter.rank.likes import learned
from newsletter.rank.reasons import followed, for_like, for_likeness, for_terms, for_votes, said
from newsletter.rank.score import blended, order, vote_reach, vote_shares
from newsletter.rank.terms import Vocabulary
from newsletter.rank.topics import Wish, muted_terms, wish_of_topic, wishes_of_interest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

_TINY = 100  # a corpus of fewer papers knows too little of which words are rare: the candidates join it
_FOLLOWED = 1.0  # a followed author or organisation lifts as much as a very good match
_LIKENESS = 0.2  # a smaller gain from likes is chance, and no reason
_DIGITS = 6  # scores are rounded, so that equal ones tie on every machine


@dataclass(frozen=True, eq=False)
class Ranker:
    """Ranks papers by match with a profile's topics and interests, by what it liked before, and by votes.

    `topic_weight` and `votes_weight` weigh the parts of a score: match and likes, and votes. Match and votes run from
    0 to about 1, likes to more the more of them are known (see `newsletter.rank.likes`). A paper counts as matched
    from a match of `floor` on, by wish or by likes. `aliases` maps a written-out form to its other spellings (see
    `newsletter.rank.terms.Vocabulary`). `fit` sets the model; a ranker without one learns from the candidates alone.
    """

    topics: Sequence[Topic]
    _: KW_ONLY
    topic_weight: float
    votes_weight: float
    floor: float
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    model: text.TextModel | None = None
    tiny_corpus: tuple[Paper, ...] = ()
    _last: dict[str, tuple[tuple[Paper, ...], Candidates]] = field(default_factory=dict, init=False, repr=False)

    def fit(self, corpus: Iterable[Paper]) -> Ranker:
        """Return a ranker fitted on `corpus`: the papers stored up to the moment that is ranked for, none later."""
        papers = tuple(corpus)
        if len(papers) < _TINY:
            return replace(self, model=None, tiny_corpus=papers)
        return replace(self, model=text.fit(self._vocabulary, papers), tiny_corpus=())

    def rank(self, candidates: Sequence[Paper], profile: Profile, *, now: datetime) -> list[RankedPaper]:
        """Return every candidate that the profile does not mute, best first, each once, with the reasons for its place.

        `now` (aware, UTC) is the moment ranked for; nothing depends on it yet but what `fit` was given. Topics that do
        not exist are passed over: ask `newsletter.rank.topics.unknown_topics`. Without any wish the order is by votes.
        """
        del now  # the age of votes will need it
        ready = self._prepared(candidates)
        reader = _Reader(self, ready, profile)
        return [reader.ranked(row) for row in order(reader.scores, ready.upvotes, reader.open)]

    def _prepared(self, candidates: Sequence[Paper]) -> Candidates:
        """Make the candidates ready, or return what was made for the very same objects in the call before."""
        papers = tuple(candidates)
        if last := self._last.get("candidates"):
            before, ready = last
            if len(before) == len(papers) and all(map(_is, before, papers)):
                return ready
        ready = prepare(papers, self._vocabulary, self.model or text.fit(self._vocabulary, self._all(papers)))
        self._last["candidates"] = papers, ready
        return ready

    def _all(self, papers: tuple[Paper, ...]) -> Iterable[Paper]:
        return {repr(paper): paper for paper in (*self.tiny_corpus, *papers)}.values()

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self.aliases)

    @cached_property
    def _topic_wishes(self) -> Mapping[str, Wish]:
        return {topic.name: wish_of_topic(topic) for topic in self.topics}

    def wishes(self, profile: Profile) -> tuple[Wish, ...]:
        """Return what a profile wishes for, each once; unknown topics and empty interests are passed over."""
        named = (self._topic_wishes[name] for name in profile.topics if name in self._topic_wishes)
        own = (wish for interest in profile.interests for wish in wishes_of_interest(interest))
        return tuple(wish for wish in dict.fromkeys((*named, *own)) if any(wish.phrases))


def _is(one: Paper, other: Paper) -> bool:
    return one is other


class _Reader:
    """One profile over the candidates: the parts of each score, and the reasons they give."""

    def __init__(self, ranker: Ranker, ready: Candidates, profile: Profile) -> None:
        self._ready, self._weight, self._floor = ready, ranker.topic_weight, ranker.floor
        wishes = ranker.wishes(profile)
        self._labels = [wish.label for wish in wishes]
        self._named = [ready.named(wish) for wish in wishes]
        self._followed = followed(ready.papers, profile)
        matches = np.array([ready.match(wish) for wish in wishes]).reshape(len(wishes), len(ready.papers))
        lift = np.array([_FOLLOWED if reason else 0.0 for reason in self._followed])
        topic = blended(matches)
        self._likes = learned(ready, profile.liked, has_wishes=bool(wishes))
        gains = self._likes.gains
        reach = vote_reach(topic + lift + gains, ranker.floor)
        votes = ranker.votes_weight * reach * vote_shares(ready.upvotes)
        self.scores = np.round(self._weight * (topic + lift + self._likes.weight * gains) + votes, _DIGITS)
        self.open = np.ones(len(ready.papers), dtype=np.bool_)
        for term in muted_terms(profile):
            self.open[ready.holding(term)] = False
        # Plain lists: reading one number out of an array costs more than all that is done with it below.
        self._parts = list(zip(topic.tolist(), lift.tolist(), gains.tolist(), votes.tolist(), strict=True))
        self._matches: list[list[float]] = matches.T.tolist()

    def ranked(self, row: int) -> RankedPaper:
        """Return the candidate of `row` with score and reasons."""
        topic, lift, gain, votes = self._parts[row]
        paper = self._ready.papers[row]
        reasons = (
            (self._weight * lift, self._followed[row]),
            (self._weight * topic, self._for_wishes(row, topic) if topic > 0 else ""),
            (self._weight * self._likes.weight * gain, for_like(self._likes.because[row]) if gain >= _LIKENESS else ""),
            (votes, for_votes(paper.upvotes or 0)),
        )
        match = topic + lift + gain
        matched = match > 0 and match >= self._floor
        return RankedPaper(paper=paper, score=float(self.scores[row]), reasons=said(reasons), matched=matched)

    def _for_wishes(self, row: int, topic: float) -> str:
        """Name the words found, those of the best wish first; or what the paper is close to, if it is close enough."""
        matches = self._matches[row]
        raising = [wish for wish, match in enumerate(matches) if match > 0]
        raising.sort(key=lambda wish: -matches[wish])
        terms = [term for wish in raising for term in self._named[wish].get(row, ())]
        if terms or topic < self._floor:
            return for_terms(terms)
        return for_likeness(self._labels[raising[0]])
