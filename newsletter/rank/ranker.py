"""The ranker: fitted on a corpus, it orders candidates for readers' profiles and says why.

`Ranker` is the room's front. It does no I/O, reads no clock and changes nothing that can be seen from outside.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from newsletter.rank import text
from newsletter.rank.candidates import prepare
from newsletter.rank.explain import Explanation
from newsletter.rank.meaning import learn
from newsletter.rank.panel import Panel
from newsletter.rank.score import STEPS, Weights
from newsletter.rank.select import ALIKE, slate_of
from newsletter.rank.selections import Selections, selected
from newsletter.rank.terms import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from newsletter.model import Paper, Profile, RankedPaper, Topic
    from newsletter.rank.meaning import Embedder, Meaning

_TINY = 100  # a corpus of fewer papers knows too little of which words are rare: the candidates join it


@dataclass(frozen=True, eq=False)
class Ranker:
    """Ranks papers by match with a profile's topics and interests, by what it liked and disliked, and by votes.

    `topic_weight` and `votes_weight` weigh the parts of a score: match and likes, and votes. Match and votes run from
    0 to about 1, likes to more the more of them are known (see `newsletter.rank.likes`). A paper counts as matched
    from a match of `floor` on, by wish or by likes. `aliases` maps a written-out form to its other spellings (see
    `newsletter.rank.terms.Vocabulary`). `fit` or `fitted` sets the model; a ranker without one learns from the
    candidates alone. With an `embedder` the match of words is blended with that of meaning, whose share is
    `meaning_weight` (0 to 1).
    """

    topics: Sequence[Topic]
    _: KW_ONLY
    topic_weight: float
    votes_weight: float
    floor: float
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    model: text.TextModel | None = None
    tiny_corpus: tuple[Paper, ...] = ()
    embedder: Embedder | None = None
    meaning_weight: float = 0.0
    meaning: Meaning | None = None
    _last: dict[str, tuple[tuple[Paper, ...], Panel]] = field(default_factory=dict, init=False, repr=False)

    def fit(self, corpus: Iterable[Paper], *, before: Meaning | None = None, with_axes: bool = True) -> Ranker:
        """Return a ranker fitted on `corpus`: the papers stored up to the moment that is ranked for, none later.

        What `before` says of papers that are still the same is not asked of the embedder again. `with_axes` may be
        False where no profile likes or dislikes anything.
        """
        papers = tuple(corpus)
        if len(papers) < _TINY:
            return replace(self, model=None, meaning=None, tiny_corpus=papers)
        model = text.fit(self._vocabulary, papers, with_axes=with_axes)
        return self.fitted(model, self._sense(papers, before))

    def fitted(self, model: text.TextModel, meaning: Meaning | None = None) -> Ranker:
        """Return a ranker with what was fitted before by a ranker of the same aliases and embedder."""
        return replace(self, model=model, meaning=meaning, tiny_corpus=())

    def _sense(self, papers: Iterable[Paper], before: Meaning | None = None) -> Meaning | None:
        return learn(self.embedder, papers, before=before) if self.embedder else None

    def rank(self, candidates: Sequence[Paper], profile: Profile, *, now: datetime) -> list[RankedPaper]:
        """Return every candidate that the profile does not mute, best first, each once, with the reasons for its place.

        `now` (aware, UTC) is the moment ranked for: votes are compared with those of papers as old. Topics that do
        not exist are passed over. Without any wish the order is by votes; equal scores stand by votes, then by id.
        """
        panel = self._panel(candidates, now)
        told = Explanation(panel, profile, panel.scored([profile]))
        upvotes = np.array([paper.upvotes or 0 for paper in panel.ready.papers], dtype=np.int64)
        best_first = np.lexsort((-upvotes, -told.steps)).tolist()
        scores = (told.steps / STEPS).tolist()
        return [told.ranked(row, scores[row]) for row in best_first if told.is_open(row)]

    def rank_many(
        self,
        candidates: Sequence[Paper],
        profiles: Iterable[Profile],
        *,
        now: datetime,
        size: int = 10,
        pins: Sequence[str] = (),
        hides: Collection[str] = (),
        already_sent: Mapping[int, Collection[str]] | None = None,
    ) -> Selections:
        """Return what stands in the digest of each reader, one for each of `profiles`, in their order.

        At most `size` papers each: the pinned ones (paper ids) in the order of `pins`, then the matched by score,
        then the rest by votes; near-duplicates are thinned out. Hidden papers never come, nor do those that the
        reader at a position was `already_sent`. Equal profiles are ranked once.
        """
        panel = self._panel(candidates, now)
        slate = slate_of(panel.ready.papers, panel.ready.alike(ALIKE), pins=pins, hides=hides)
        return selected(panel, slate, profiles, size=size, already_sent=already_sent or {})

    def _panel(self, candidates: Sequence[Paper], now: datetime) -> Panel:
        """Make the candidates ready, or return what was made for the very same objects in the call before."""
        papers = tuple(candidates)
        if last := self._last.get("panel"):
            before, panel = last
            if panel.now == now and len(before) == len(papers) and all(map(_is, before, papers)):
                return panel
        panel = self._made(papers, now)
        self._last["panel"] = papers, panel
        return panel

    def _made(self, papers: tuple[Paper, ...], now: datetime) -> Panel:
        model, meaning = self.model, self.meaning
        if model is None:
            known = self._all(papers)
            model, meaning = text.fit(self._vocabulary, known), self._sense(known)
        ready = prepare(papers, self._vocabulary, model, meaning=meaning, meaning_weight=self.meaning_weight)
        weights = Weights(topic=self.topic_weight, votes=self.votes_weight, floor=self.floor)
        return Panel(ready, weights, self._topics, now)

    def _all(self, papers: tuple[Paper, ...]) -> Collection[Paper]:
        """Return the tiny corpus and the candidates, which are the newer of two with one id."""
        return {paper.id: paper for paper in (*self.tiny_corpus, *sorted(papers, key=repr))}.values()

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self.aliases)

    @cached_property
    def _topics(self) -> Mapping[str, Topic]:
        return {topic.name: topic for topic in self.topics}


def _is(one: Paper, other: Paper) -> bool:
    return one is other
