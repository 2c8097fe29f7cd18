"""How matches, follows and votes become one score, and what of it a reason may say.

Arithmetic on rows of candidates; it reads no text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float64]

# A second wish that a paper meets adds the tenth part: enough to break ties, too little to beat a better match.
_FURTHER_WISHES = 0.1


def blended(matches: NDArray[np.float64]) -> Row:
    """Return one match a candidate (columns) over a reader's wishes (rows): the best, and a little of the rest."""
    if not matches.shape[0]:
        return np.zeros(matches.shape[1])
    best = matches.max(axis=0)
    return np.asarray(best + _FURTHER_WISHES * (matches.sum(axis=0) - best))


def vote_shares(upvotes: NDArray[np.int64]) -> Row:
    """Return log1p of the upvotes as a share of the most upvoted candidate's, 0 to 1; all 0 where none has votes."""
    logs = np.log1p(np.maximum(upvotes, 0))
    return np.asarray(logs / max(logs.max(initial=0.0), np.log(2)))


def vote_reach(matches: Row, floor: float) -> Row:
    """Return how much of its votes counts for each candidate: all from a match of `floor` on, less below it.

    So votes part papers that a reader wants, and lift none that the reader does not want. Where nothing matches at
    all, votes are all there is to go by.
    """
    if not matches.any():
        return np.ones_like(matches)
    return np.asarray(np.minimum(matches, floor) / floor) if floor > 0 else np.ones_like(matches)


def order(scores: Row, upvotes: NDArray[np.int64], kept: NDArray[np.bool_]) -> list[int]:
    """Return the kept candidates, best first; ties by votes, then by place (candidates stand in the order of ids)."""
    by_score = np.lexsort((-upvotes, -scores))
    return [int(row) for row in by_score[kept[by_score]]]
