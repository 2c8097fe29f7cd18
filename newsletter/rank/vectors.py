"""Terms as numbers: hashed into a fixed number of places, weighed by how rare they are, as sparse rows of length 1.

So a model needs no vocabulary, only a row of document frequencies: a word that the corpus never saw still counts, as
the rarest there is. Terms are hashed as scikit-learn's FeatureHasher does, without the second and the sixty megabytes
that importing it takes. Nothing here knows papers or wishes.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import mmh3
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Sequence

# Rows are texts, columns are places of terms; scipy ships no types.
Vectors: TypeAlias = Any
Idf: TypeAlias = NDArray[np.float32]

# 2^20 places: a paper has about 300 terms, so a given place is hit by chance in 3 papers of 10,000.
PLACES = 2**20


def count(texts: Sequence[Sequence[str]]) -> Vectors:
    """Return how often each term stands in each text, hashed."""
    if not texts:
        return csr_array((0, PLACES), dtype=np.float32)
    starts = np.cumsum([0, *map(len, texts)], dtype=np.int32)  # two billion terms are more than memory holds
    places = np.fromiter(map(place_of, chain.from_iterable(texts)), np.int32, count=int(starts[-1]))
    counts = csr_array((np.ones(len(places), np.float32), places, starts), shape=(len(texts), PLACES))
    counts.sum_duplicates()
    return counts


@lru_cache(maxsize=200_000)
def place_of(term: str) -> int:
    """Return the place of one term."""
    return abs(mmh3.hash(term, 0)) % PLACES


def weighed(counts: Vectors, idf: Idf) -> Vectors:
    """Return counts as TF-IDF with sublinear counts, rows of length 1 (0 where a text has no term)."""
    weights = counts.copy()
    weights.data = (1 + np.log(weights.data)) * idf[weights.indices]
    return unit(weights)


def unit(rows: Vectors) -> Vectors:
    """Return rows at length 1; those of length 0 stay."""
    heights = np.diff(rows.indptr)
    which = np.repeat(np.arange(rows.shape[0]), heights)
    lengths = np.sqrt(np.bincount(which, rows.data.astype(np.float64) ** 2, minlength=rows.shape[0]))
    shorter = rows.copy()
    shorter.data = (rows.data / np.where(lengths > 0, lengths, 1)[which]).astype(rows.dtype)
    return shorter


def few(texts: Sequence[Sequence[str]], weights: Sequence[float], idf: Idf) -> dict[int, float]:
    """Return several short texts (their terms) as one, by place, each as heavy as its weight says."""
    total: dict[int, float] = {}
    for terms, weight in zip(texts, weights, strict=True):
        times = Counter(map(place_of, terms))
        one = {place: (1 + math.log(often)) * float(idf[place]) for place, often in times.items()}
        length = math.hypot(*one.values())
        for place, value in one.items():
            total[place] = total.get(place, 0.0) + weight * value / length
    return total


def rows_of(texts: Sequence[dict[int, float]]) -> Vectors:
    """Return texts as `few` gives them as rows of length 1."""
    places = [place for text in texts for place in sorted(text)]
    values = [text[place] for text in texts for place in sorted(text)]
    starts = np.cumsum([0, *(len(text) for text in texts)])
    return unit(csr_array((np.array(values, dtype=np.float32), places, starts), shape=(len(texts), PLACES)))
