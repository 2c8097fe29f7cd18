"""How matches, follows, likes and votes become one score.

Arithmetic on arrays, readers x candidates (a row alone is a reader, too); it reads no text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

# A second wish that a paper meets adds the tenth part: enough to break ties, too little to beat a better match.
_FURTHER_WISHES = np.float32(0.1)
_MOST_FURTHER = np.float32(0.2)  # of all further wishes together, however many
FOLLOWED = 1.0  # a followed author or organisation lifts as much as a very good match
# Chosen on the development part of the replay, with words beside 1 to 73 liked papers and with none. Likes count the
# more beside stated wishes, which weigh 1, the more of them are known; both together weigh at most 2, so that votes
# keep their say.
_LIKES_EACH = 0.5
_LIKES_MOST = 8.0
_TOGETHER = 2.0
_LIKES_ALONE = 1.0  # where no wish is stated
_DISLIKED = 1.0  # likeness to disliked papers takes as much as a match gives
NOTHING: Scores = np.zeros((1, 1), dtype=np.float32)
STEPS = 10_000  # scores are rounded to so many parts of 1, so that equal ones tie on every machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What the parts of a score weigh, and the match from which a paper counts as matched."""

    topic: float
    votes: float
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares:
    """What stated wishes and likeness to liked papers weigh beside each other, each readers x 1."""

    wishes: Scores
    likes: Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """What raises or lowers each candidate for each reader: matches, follows, likeness to liked and disliked papers.

    `wishes` are the rows of the reader's wishes in the table of matches, 0 for none. A part that no reader has is
    `NOTHING`.
    """

    wishes: NDArray[np.int64]
    topic: Scores
    lift: Scores
    gains: Scores
    losses: Scores
    shares: Shares


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """`steps` are scores in parts of 1 (see `STEPS`), `votes` what they hold of votes; `matched` are worth a place."""

    steps: NDArray[np.int64]
    votes: Scores
    matched: NDArray[np.bool_]


def blended(matches: Scores, wishes: NDArray[np.int64]) -> Scores:
    """Return one match a reader and candidate: that of the best wish, and a little of the rest.

    `matches` are wishes x candidates, `wishes` (readers x wishes) name its rows, each once for a reader, 0 for none.
    """
    best = matches[wishes[:, 0]] if wishes.shape[1] else np.zeros((len(wishes), matches.shape[1]), dtype=np.float32)
    total = best.copy()
    for column in wishes.T[1:]:
        one = matches[column]
        total += one
        np.maximum(best, one, out=best)
    total -= best
    total *= _FURTHER_WISHES
    np.minimum(total, _MOST_FURTHER, out=total)
    total += best
    return total


def shares_of(liked: NDArray[np.int64], *, has_wishes: NDArray[np.bool_]) -> Shares:
    """Return the shares of readers by how many liked papers are known of each, and whether they stated a wish."""
    likes = np.minimum(_LIKES_EACH * liked, _LIKES_MOST)
    wishes = np.minimum(1 + likes, _TOGETHER) / (1 + likes)
    alone = np.where(has_wishes, likes * wishes, _LIKES_ALONE)
    return Shares(wishes=wishes[:, None].astype(np.float32), likes=alone[:, None].astype(np.float32))


def scored(parts: Parts, shares: Scores, weights: Weights) -> Scored:
    """Return the scores. `shares` are what each candidate's votes are worth, 0 to 1."""
    wanted = parts.topic + parts.lift + parts.gains
    match = wanted - np.float32(_DISLIKED) * parts.losses
    votes = np.float32(weights.votes) * _reach(match, wanted, weights.floor) * shares
    raised = parts.shares.wishes * parts.topic + parts.lift + parts.shares.likes * parts.gains
    raised = raised - np.float32(_DISLIKED) * parts.losses
    scores = np.float32(weights.topic) * raised + votes
    steps = np.rint(scores * np.float32(STEPS)).astype(np.int64)
    # Beside many likes a stated wish weighs less than dislikes do: what is below nothing in the end is not for them.
    matched = (match > 0) & (match >= np.float32(weights.floor)) & (steps >= 0)
    return Scored(steps=steps, votes=votes, matched=matched)


def _reach(match: Scores, wanted: Scores, floor: float) -> Scores:
    """Return how much of its votes counts for each candidate: all from a match of `floor` on, less below it.

    So votes part papers that a reader wants, and lift none that the reader does not want. Where nothing is wanted at
    all, votes are all there is to go by.
    """
    if floor <= 0:
        return np.ones_like(match)
    reach = np.clip(match, 0, np.float32(floor)) / np.float32(floor)
    reach[~wanted.any(axis=1)] = 1.0
    return reach
