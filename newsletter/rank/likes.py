"""What a reader's liked papers say of others: a linear model that is learned anew from however many there are.

The model is a linear discriminant with a diagonal covariance (Bickel and Levina, 2004, "naive Bayes"): each term weighs
by how much more the liked papers have it than the corpus, over how much it varies there. A term speaks for a paper
only where the liked ones have it twice as much, and terms they lack speak against it with less weight. It needs no
solver, so that it costs a reader a few sums, and shrinks towards the plain mean of the liked papers where they are
few. It knows no stated wishes and no votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newsletter.rank.candidates import Candidates

Row = NDArray[np.float64]

# Chosen on the development part of the replay (lists cut at several shares, from 1 to 90 liked papers).
_SHRINKAGE = 1e-4  # added to each term's variance, which is about as large for the terms that tell papers apart
_FEW = 10  # liked papers for which it is twice that; for one paper eleven times
_TELLING = 2.0  # times as much as in the corpus a term must stand in the liked papers to speak for a paper
_LACKING = 0.4  # the weight of terms that the liked papers have less than the corpus
_WEIGHT_EACH = 0.12  # of each liked paper beside stated wishes, which weigh 1
_MOST_WEIGHT = 3.0  # of all of them
_WEIGHT_ALONE = 2.5  # of likes where no wish is stated, beside the votes
_FULL_GAIN = 5.0  # standard deviations above the corpus that count as a very good match, 1.0
_STEEPNESS = 2.0  # of the bend between below and above the mean of the corpus
_MOST_GAIN = 3.0  # and what a liked paper itself has


@dataclass(frozen=True, slots=True, eq=False)
class Likes:
    """For each candidate its `gains` (0 to 3, about 1 as a very good match), and the liked paper behind each gain.

    `weight` grows with the number of liked papers: how much the gains count beside a stated wish. `because` is the
    title of the liked paper that raised a candidate most; empty where none did.
    """

    gains: Row
    weight: float
    because: tuple[str, ...]


def learned(ready: Candidates, liked: Iterable[str], *, has_wishes: bool) -> Likes:
    """Return what the liked papers (ids; those that neither the corpus nor the candidates have are passed over) say.

    `has_wishes` says whether the reader stated any, beside which the likes are weighed.
    """
    titles, vectors = _known(ready, frozenset(liked))
    if not titles:
        return Likes(np.zeros(len(ready.papers)), 0.0, ("",) * len(ready.papers))
    model = ready.model
    scale = 1 / (model.variance + _SHRINKAGE * (1 + _FEW / len(titles)))
    plane = _leaning(np.asarray(vectors.mean(axis=0)).ravel(), model.mean) * scale
    own = np.isin([paper.id for paper in ready.papers], list(titles))
    gains = np.where(own, _MOST_GAIN, _gains(ready.by_place.T @ plane, model.background @ plane))
    weight = min(_WEIGHT_EACH * len(titles), _MOST_WEIGHT) if has_wishes else _WEIGHT_ALONE
    shares = (vectors.multiply(scale) @ ready.by_place).toarray() - ready.by_place.T @ (model.mean * scale)
    return Likes(gains, weight, tuple(_behind(ready, titles, shares)))


def _known(ready: Candidates, liked: frozenset[str]) -> tuple[dict[str, str], Any]:
    """Return the titles of the liked papers that are known, by id, and one row of terms for each."""
    here = [row for row, paper in enumerate(ready.papers) if paper.id in liked]
    titles = {ready.papers[row].id: ready.papers[row].title for row in here}
    stored = sorted(key for key in liked if key in ready.model.rows and key not in titles)
    rows = [ready.model.rows[key] for key in stored]
    titles |= {key: ready.model.titles[row] for key, row in zip(stored, rows, strict=True)}
    return titles, vstack([ready.by_place[:, here].T, ready.model.background[rows]], format="csr")


def _leaning(liked: Row, corpus: NDArray[np.float32]) -> Row:
    return np.asarray(np.maximum(liked - _TELLING * corpus, 0) + _LACKING * np.minimum(liked - corpus, 0))


def _gains(scores: Row, corpus: Row) -> Row:
    """Return how far scores stand above the corpus, by a smooth ramp that is almost 0 below its mean.

    The ramp rises everywhere, so that it keeps the order.
    """
    deviations = (scores - corpus.mean()) / (corpus.std() or 1.0)
    ramp = np.logaddexp(0, _STEEPNESS * deviations) / _STEEPNESS
    return np.asarray(np.minimum(ramp / _FULL_GAIN, _MOST_GAIN))


def _behind(ready: Candidates, titles: dict[str, str], shares: NDArray[np.float64]) -> Iterable[str]:
    """Yield for each candidate the title of the liked paper, other than itself, whose share is largest and above 0."""
    keys: Sequence[str] = list(titles)
    for paper, column in zip(ready.papers, shares.T, strict=True):
        best = max((row for row, key in enumerate(keys) if key != paper.id), key=column.__getitem__, default=None)
        yield titles[keys[best]] if best is not None and column[best] > 0 else ""
