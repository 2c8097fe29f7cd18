"""Several readers over the same candidates at once: their profiles become arrays, and the arrays scores.

One reader is a panel of one: the same sums give the same scores, however many are asked for together. It picks nothing
and says no reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from newsletter.rank.follows import Follows
from newsletter.rank.likes import MOST_GAIN, gains
from newsletter.rank.matching import MatchTable
from newsletter.rank.score import FOLLOWED, NOTHING, Parts, Scored, Scores, Weights, blended, scored, shares_of
from newsletter.rank.topics import minus_terms
from newsletter.rank.votes import vote_reasons, vote_shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from newsletter.model import Profile, Topic
    from newsletter.rank.candidates import Candidates

# What raises each candidate for each profile, the scores, and which are not muted.
Judged: TypeAlias = tuple[Parts, Scored, NDArray[np.bool_]]

_REMEMBERED = 50_000  # muted terms
_LEARNING_AT_ONCE = 128  # readers with likes: 10 MB for each array of readers x terms


@dataclass(frozen=True, eq=False)
class Panel:
    """The candidates as they are judged at `now` (aware), by some weights, for readers who may name `topics`."""

    ready: Candidates
    weights: Weights
    topics: Mapping[str, Topic]
    now: datetime
    _muted: dict[str, list[int]] = field(default_factory=dict, init=False, repr=False)

    def scored(self, profiles: Sequence[Profile]) -> Judged:
        """Return what raises each candidate for each profile (rows), the scores, and which are not muted."""
        parts = self._parts(profiles)
        return parts, scored(parts, self.vote_shares, self.weights), self._open(profiles)

    @cached_property
    def vote_shares(self) -> Scores:
        """What each candidate's votes are worth, 0 to 1."""
        return vote_shares(self.ready.papers, now=self.now).astype(np.float32)

    @cached_property
    def vote_reasons(self) -> list[str]:
        """What is said of each candidate's votes."""
        return vote_reasons(self.ready.papers)

    @cached_property
    def follows(self) -> Follows:
        """Whose papers the candidates are."""
        return Follows(self.ready.papers)

    @cached_property
    def table(self) -> MatchTable:
        """The matches of all wishes so far."""
        return MatchTable(self.ready, self.topics)

    def _parts(self, profiles: Sequence[Profile]) -> Parts:
        wishes = self.table.rows(profiles)
        gains_, losses, number = self._learned(profiles)
        return Parts(
            wishes=wishes,
            topic=blended(self.table.matches, wishes),
            lift=self._lift(profiles),
            gains=gains_,
            losses=losses,
            shares=shares_of(number, has_wishes=np.asarray(wishes.any(axis=1))),
        )

    def _lift(self, profiles: Sequence[Profile]) -> Scores:
        following = [row for row, profile in enumerate(profiles) if profile.authors or profile.organisations]
        if not following:
            return NOTHING
        lift = np.zeros((len(profiles), len(self.ready.papers)), dtype=np.float32)
        for row in following:
            lift[row, self.follows.rows(profiles[row])] = FOLLOWED
        return lift

    def _learned(self, profiles: Sequence[Profile]) -> tuple[Scores, Scores, NDArray[np.int64]]:
        """Return what the candidates gain and lose by likeness, and from how many liked papers that is known."""
        number = np.zeros(len(profiles), dtype=np.int64)
        tasting = [row for row, profile in enumerate(profiles) if profile.liked or profile.disliked]
        if not tasting:
            return NOTHING, NOTHING, number
        up = np.zeros((len(profiles), len(self.ready.papers)), dtype=np.float32)
        down = np.zeros_like(up)
        for first in range(0, len(tasting), _LEARNING_AT_ONCE):
            rows = tasting[first : first + _LEARNING_AT_ONCE]
            up[rows], down[rows], number[rows] = self._tastes([profiles[row] for row in rows])
        return up, down, number

    def _tastes(self, profiles: Sequence[Profile]) -> tuple[Scores, Scores, list[int]]:
        known, own = self.ready.known, self.ready.learned_from
        liked, disliked = zip(*(self.known_tastes(profile) for profile in profiles), strict=True)
        up, down = (part.astype(np.float32) for part in gains(self.ready.model.space, own, known, liked, disliked))
        for row, (better, worse) in enumerate(zip(liked, disliked, strict=True)):
            here = [one for one in better if one < len(own.rows)]
            there = [one for one in worse if one < len(own.rows)]
            up[row, here], down[row, here] = MOST_GAIN, 0.0
            up[row, there], down[row, there] = 0.0, MOST_GAIN
        return up, down, [len(rows) for rows in liked]

    def known_tastes(self, profile: Profile) -> tuple[list[int], list[int]]:
        """Return the liked and the disliked papers that are known, as rows of `ready.known`; on both lists is liked."""
        liked = self.ready.known.found(profile.liked)
        return liked, sorted({*self.ready.known.found(profile.disliked)} - {*liked})

    def _open(self, profiles: Sequence[Profile]) -> NDArray[np.bool_]:
        open_ = np.ones((len(profiles), len(self.ready.papers)), dtype=np.bool_)
        for row, profile in enumerate(profiles):
            for term in muted_terms(profile):
                open_[row, self._holding(term)] = False
        return open_

    def _holding(self, term: str) -> list[int]:
        if term not in self._muted:
            if len(self._muted) >= _REMEMBERED:
                self._muted.clear()
            self._muted[term] = self.ready.holding(term)
        return self._muted[term]


def muted_terms(profile: Profile) -> tuple[str, ...]:
    """Return what takes a paper out for this reader: the muted terms, and the `-term`s of the interests."""
    minus = [term for interest in profile.interests if "-" in interest for term in minus_terms(interest)]
    return (*profile.muted, *minus) if minus else profile.muted
