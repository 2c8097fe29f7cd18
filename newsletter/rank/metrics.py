"""How good an order is: nDCG, AUC and recall of the papers that a reader wanted, and how sure their means are.

It knows no papers: an order is a row of booleans, best place first, True where the paper was wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_DRAWS = 2_000
_OUTER = (2.5, 97.5)  # percentiles that hold 95 % of the draws between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean and the interval that holds it with 95 % confidence."""

    mean: float
    low: float
    high: float


def ndcg(wanted: Sequence[bool]) -> float:
    """Return the normalised discounted cumulative gain over the whole order, 0 to 1; 1 where nothing was wanted.

    Gains are 1, discounts log2(place + 1) from place 1 on (Järvelin and Kekäläinen, 2002).
    """
    hits = np.asarray(wanted, dtype=np.bool_)
    discounts = 1 / np.log2(np.arange(hits.size) + 2)
    best = discounts[: hits.sum()].sum()
    return float(discounts[hits].sum() / best) if best else 1.0


def auc(wanted: Sequence[bool]) -> float:
    """Return the share of pairs (wanted, unwanted) in right order, 0 to 1; 0.5 where there is no such pair."""
    hits = np.asarray(wanted, dtype=np.bool_)
    pairs = int(hits.sum()) * int((~hits).sum())
    return float((~hits[::-1]).cumsum()[hits[::-1]].sum() / pairs) if pairs else 0.5


def recall(wanted: Sequence[bool], *, at: int) -> float:
    """Return the share of the wanted papers that stand in the first `at` places, 0 to 1; 1 where none was wanted."""
    hits = np.asarray(wanted, dtype=np.bool_)
    return float(hits[:at].sum() / hits.sum()) if hits.any() else 1.0


def estimate(groups: Sequence[Sequence[float]], *, seed: int) -> Estimate:
    """Return the mean of the means of `groups` (none empty) with its bootstrap interval; an equal seed, an equal one.

    Each group is drawn from with replacement 2,000 times; the interval runs between the outer percentiles of the means.
    """
    chance = np.random.default_rng(seed)
    drawn = np.mean([_drawn_means(np.asarray(group, dtype=np.float64), chance) for group in groups], axis=0)
    low, high = np.percentile(drawn, _OUTER)
    return Estimate(mean=float(np.mean([np.mean(group) for group in groups])), low=float(low), high=float(high))


def _drawn_means(values: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(values[chance.integers(values.size, size=(_DRAWS, values.size))].mean(axis=1))
