"""Who stands in a digest: pins first, then what matched, then the most upvoted of the rest, and nothing twice over.

Takes scores as they are. Near-duplicates are thinned by maximal marginal relevance (Carbonell and Goldstein, 1998): a
paper that says what one above it says loses score. Arrays are readers x candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from newsletter.rank.score import STEPS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from newsletter.model import Paper
    from newsletter.rank.score import Scored

Picks = NDArray[np.int32]
Keys = NDArray[np.int64]

# From which likeness of two texts on (cosine of their terms and pairs of terms) the second says less that is new, and
# from which on nothing. Among 8,358 papers listed in two years no two of a day are liker than 0.25, and no two of a
# month than 0.31, but for one pair whose second abstract is the first's again (0.88). By titles alone 5 of 85,568 pairs
# are above 0.4 and none above 0.51. The same text with every tenth word another is at 0.85, with every second at 0.44.
ALIKE, _SAME = 0.4, 0.75

# A key orders the candidates of one reader, and is unique: the section above the score above the place by votes.
_PINNED, _MATCHED, _POPULAR, _LAST = 3, 2, 1, 0
_BARRED = -1
_SECTION = 48
_MOST_STEPS = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class Slate:
    """What the picks of all readers share. `places` are by votes, from 0 for the fewest; `papers` lead back from them.

    `overlap` is how much of one paper is said by the other, 0 to 1, of those that are like any other: `repeating` names
    the row and column of each candidate in it, 0 for those that are like none.
    """

    places: NDArray[np.int64]
    papers: NDArray[np.int64]
    bits: int
    pins: tuple[int, ...]
    hidden: tuple[int, ...]
    repeating: NDArray[np.intp]
    overlap: NDArray[np.float32]

    def said_by(self, ones: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return how much of some candidates is said by others; their rows, in shapes that go together."""
        return np.asarray(self.overlap[self.repeating[ones], self.repeating[others]])


def slate_of(
    papers: Sequence[Paper], alike: Sequence[tuple[int, int, float]], *, pins: Sequence[str], hides: Collection[str]
) -> Slate:
    """Return the slate of candidates, in the order of their ids; unknown pins are passed over.

    `alike` are the pairs of them whose texts are alike by `ALIKE` or more, and how much.
    """
    rows = {paper.id: row for row, paper in enumerate(papers)}
    upvotes = np.array([paper.upvotes or 0 for paper in papers], dtype=np.int64)
    falling = np.argsort(-upvotes, kind="stable")
    places = np.empty(len(papers), dtype=np.int64)
    places[falling] = np.arange(len(papers))[::-1]
    repeating, overlap = _overlap(len(papers), alike)
    return Slate(
        places=places,
        papers=falling[::-1].copy(),
        bits=max(len(papers), 1).bit_length(),
        pins=tuple(rows[key] for key in dict.fromkeys(pins) if key in rows),
        hidden=tuple(rows[key] for key in dict.fromkeys(hides) if key in rows),
        repeating=repeating,
        overlap=overlap,
    )


def _overlap(number: int, alike: Sequence[tuple[int, int, float]]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    rows = sorted({row for one, other, _ in alike for row in (one, other)})
    repeating = np.zeros(number, dtype=np.intp)
    repeating[rows] = np.arange(1, len(rows) + 1)
    overlap = np.zeros((len(rows) + 1, len(rows) + 1), dtype=np.float32)
    for one, other, likeness in alike:
        share = min(max((likeness - ALIKE) / (_SAME - ALIKE), 0.0), 1.0)
        overlap[repeating[[one, other]], repeating[[other, one]]] = share
    return repeating, overlap


def picked(slate: Slate, scored: Scored, open_: NDArray[np.bool_], *, size: int) -> tuple[Picks, NDArray[np.int32]]:
    """Return each reader's picks, best first (rows of the candidates, -1 where there are no more), and the open papers.

    At most `size` papers each: the pinned ones in the order of the pins, then the matched by score, then the rest by
    votes. Hidden papers and those not open to a reader never come, not even when pinned, and are not counted.
    """
    keys = _keys(slate, scored, open_)
    number = (keys >= 0).sum(axis=1, dtype=np.int32)
    best = _best(keys, size)
    picks = _rows(slate, best)
    if slate.overlap.any() and size > 1:
        crowded = slate.said_by(picks[:, :, None], picks[:, None, :]).any(axis=(1, 2))
        if crowded.any():
            picks[crowded] = _thinned(slate, _best(keys[crowded], keys.shape[1]), size=picks.shape[1])
    return picks, number


def _keys(slate: Slate, scored: Scored, open_: NDArray[np.bool_]) -> Keys:
    keys = np.clip(scored.steps, 0, _MOST_STEPS)
    keys += _MATCHED << (_SECTION - slate.bits)
    keys <<= slate.bits
    keys[~scored.matched] = _POPULAR << _SECTION
    keys[~scored.matched & (scored.steps < 0)] = _LAST << _SECTION  # what a reader dislikes does not fill a digest
    for place, row in enumerate(slate.pins):
        keys[:, row] = (_PINNED << _SECTION) + ((len(slate.pins) - place) << slate.bits)
    keys |= slate.places
    keys[~open_] = _BARRED
    keys[:, list(slate.hidden)] = _BARRED
    return keys


def _best(keys: Keys, most: int) -> Keys:
    """Return each row's greatest keys, falling. A key holds its paper, so that only keys need to be sorted."""
    most = min(most, keys.shape[1])
    if most == 0:
        return keys[:, :0]
    top = np.partition(keys, keys.shape[1] - most, axis=1)[:, -most:]
    top.sort(axis=1)
    return top[:, ::-1]


def _rows(slate: Slate, keys: Keys) -> Picks:
    # A barred key holds no paper: what it would name may lie beyond the last.
    rows = slate.papers[np.maximum(keys, 0) & ((1 << slate.bits) - 1)] if slate.papers.size else keys
    return np.where(keys >= 0, rows, -1).astype(np.int32)


def _thinned(slate: Slate, pool: Keys, *, size: int) -> Picks:
    """Pick one after the other from each reader's pool (falling keys), each set against those picked before it."""
    rows = _rows(slate, pool)
    readers = np.arange(len(pool))
    said = np.zeros(pool.shape, dtype=np.float32)
    picks = np.full((len(pool), size), -1, dtype=np.int32)
    left = pool.copy()
    for place in range(min(size, pool.shape[1])):
        lowered = np.where(left >= 0, _lowered(slate, left, said), _BARRED)
        column = lowered.argmax(axis=1)
        taken = left[readers, column] >= 0
        one = rows[readers, column]
        picks[:, place] = np.where(taken, one, -1)
        left[readers, column] = _BARRED
        np.maximum(said, np.where(taken[:, None], slate.said_by(one[:, None], rows), 0), out=said)
    return picks


def _lowered(slate: Slate, keys: Keys, said: NDArray[np.float32]) -> Keys:
    """Return keys less what was said already: the whole of it takes as much as a very good match gives.

    What has nothing left, or nothing new to say, comes last of all, below the most upvoted of the rest. Pins stay.
    """
    section = keys >> _SECTION
    steps = (keys & ((1 << _SECTION) - 1)) >> slate.bits
    by_votes = keys & ((1 << slate.bits) - 1)
    lower = steps - np.rint(said * np.float32(STEPS)).astype(np.int64)
    kept = (_MATCHED << _SECTION) | (np.maximum(lower, 0) << slate.bits) | by_votes
    lost = (section < _PINNED) & ((said >= 1) | ((section == _MATCHED) & (lower < 0) & (said > 0)))
    return np.where(lost, by_votes, np.where((section == _MATCHED) & (said > 0), kept, keys))
