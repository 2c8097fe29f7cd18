"""What readers' liked and disliked papers say of others: a linear model for each reader, learned for many at once.

The model is a linear discriminant with two covariances, each fast to undo. Over terms a diagonal one (Bickel and
Levina, 2004, "naive Bayes"): a term weighs by how much more the liked papers have it than the corpus, over how much it
varies there. It speaks for a paper only where the liked ones have it twice as much, and terms that they lack speak
against it with less weight. Over the few axes of the space a full one (Fisher, 1936), which counts the more the fewer
papers are known, for then they share few terms with others. Disliked papers make a model of their own, of what they
have and neither the corpus nor the liked ones. It needs no solver and shrinks towards the plain mean of the papers
where they are few. It knows no stated wishes and no votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from newsletter.rank.neighbours import nearness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.rank.known import Known
    from newsletter.rank.space import Space

Rows = NDArray[np.float64]
Weights = NDArray[np.float32]

# Chosen on the development part of the replay (lists cut at several shares, from 1 to 73 liked papers).
_SHRINKAGE = 1e-4  # added to each term's variance, which is about as large for the terms that tell papers apart
_FEW = 10  # papers for which it is twice that; for one paper eleven times
_TELLING = 2.0  # times as much as in the corpus a term must stand in the liked papers to speak for a paper
_LACKING = 0.4  # the weight of terms that the liked papers have less than the corpus
_AXES_FADE = 5.0  # papers more for which the axes weigh half as much beside the terms as for one paper alone, then 1
# Scores vary more than if terms came and went independently: so many times, for one paper and for very many.
_TOGETHER_ONE, _TOGETHER_MANY = 2.3, 3.0
_FULL_GAIN = 5.0  # standard deviations above the corpus that count as a very good match, 1.0
_STEEPNESS = 2.0  # of the bend between below and above the mean of the corpus
MOST_GAIN = 3.0  # and what a liked paper itself has
_TINY = 1e-12


def gains(
    space: Space, candidates: Known, known: Known, liked: Sequence[Sequence[int]], disliked: Sequence[Sequence[int]]
) -> tuple[Rows, Rows]:
    """Return for each reader (rows) what each candidate gains by likeness to liked and to disliked papers, 0 to 3.

    1 is as much as a very good match. `liked` and `disliked` name rows of `known`, one list a reader.
    """
    likes = _Seen.of(space, known, liked)
    for_liked = _standing(space, candidates, _leaning(space, likes), likes.latents - space.centre, likes.number)
    for_liked += nearness(space, candidates, known, liked)
    if not any(disliked):
        return _ramp(for_liked), np.zeros_like(for_liked)
    dislikes = _Seen.of(space, known, disliked)
    telling = np.maximum(dislikes.terms - _TELLING * np.maximum(likes.terms, space.mean), 0)
    apart = np.where(likes.number[:, None] > 0, likes.latents, space.centre)
    return _ramp(for_liked), _ramp(_standing(space, candidates, telling, dislikes.latents - apart, dislikes.number))


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """For each reader the mean of some papers, in terms and along the axes, and how many papers they were."""

    terms: Weights
    latents: Rows
    number: NDArray[np.int64]

    @classmethod
    def of(cls, space: Space, known: Known, papers: Sequence[Sequence[int]]) -> _Seen:
        number = np.array([len(rows) for rows in papers], dtype=np.int64)
        columns = np.array([row for rows in papers for row in rows], dtype=np.int64)
        shares = np.repeat(1 / np.maximum(number, 1), number).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(number)])
        members = csr_array((shares, columns, starts), shape=(len(papers), known.terms.shape[0]))
        terms = (members @ known.terms).toarray() if columns.size else np.zeros((len(papers), space.mean.size))
        return cls(terms.astype(np.float32, copy=False), np.asarray(members @ known.latents, dtype=np.float64), number)


def _leaning(space: Space, likes: _Seen) -> Weights:
    for_it = np.maximum(likes.terms - _TELLING * space.mean, 0)
    for_it += np.float32(_LACKING) * np.minimum(likes.terms - space.mean, 0)
    return for_it


def _standing(
    space: Space, candidates: Known, leaning: Weights, along: Rows, number: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how many standard deviations each candidate stands above the corpus; -inf where no paper is known."""
    shrinkage = _SHRINKAGE * (1 + _FEW / np.maximum(number, 1))
    plane = leaning / (space.variance + shrinkage[:, None].astype(np.float32))
    # Sums along a row, and not a matrix product, whose last digits depend on how many readers are asked for at once.
    level = (plane * space.mean).sum(axis=1, dtype=np.float64)
    spread = np.sqrt((plane * plane * space.variance).sum(axis=1, dtype=np.float64))
    together = _TOGETHER_MANY - (_TOGETHER_MANY - _TOGETHER_ONE) / np.sqrt(np.maximum(number, 1))
    by_terms = (np.asarray(candidates.terms @ plane.T).T - level[:, None]) / (together * spread + _TINY)[:, None]
    weights = along @ space.sharpened
    deviation = np.sqrt(np.maximum(((weights @ space.spread) * weights).sum(axis=1), 0))
    by_axes = weights @ (candidates.latents - space.centre).T / (deviation + _TINY)[:, None]
    share = ((1 + _AXES_FADE) / (np.maximum(number, 1) + _AXES_FADE))[:, None]
    return np.asarray(np.where(number[:, None] > 0, (by_terms + share * by_axes) / (1 + share), -np.inf))


def _ramp(deviations: NDArray[np.float64]) -> Rows:
    """Return gains by a smooth ramp that is almost 0 below the corpus' mean and rises everywhere, to keep the order."""
    return np.minimum(np.logaddexp(0, _STEEPNESS * deviations) / (_STEEPNESS * _FULL_GAIN), MOST_GAIN)


def behind(space: Space, candidates: Known, known: Known, liked: Sequence[int], rows: Sequence[int]) -> list[int]:
    """Return for each of the candidates' `rows` which other of `liked` (rows of `known`) raised it most; -1 for none.

    The candidates stand first in `known`, in their order.
    """
    if not liked or not rows:
        return [-1] * len(rows)
    scale = 1 / (space.variance + _SHRINKAGE * (1 + _FEW / len(liked)))
    scaled = candidates.terms[list(rows)].multiply(scale).tocsr()
    shares = (known.terms[list(liked)] @ scaled.T).toarray() - np.asarray(scaled @ space.mean)
    shares[np.array(liked)[:, None] == np.array(rows)] = 0.0  # no paper stands where it does because of itself
    best = shares.argmax(axis=0)
    return [liked[one] if shares[one, place] > 0 else -1 for place, one in enumerate(best.tolist())]
