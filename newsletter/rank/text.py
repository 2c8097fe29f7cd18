"""The text model: papers and wishes as TF-IDF vectors, and what a corpus says goes with a few words.

Terms are hashed into a fixed number of places, so a model is a row of document frequencies: a word that the corpus
never saw still counts (as the rarest there is), and no vocabulary has to be kept. Nothing here knows topics, votes or
readers, and nothing reads a file.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array, vstack
from sklearn.feature_extraction import FeatureHasher
from sklearn.preprocessing import normalize
from sklearn.utils import murmurhash3_32

from newsletter.rank.terms import Vocabulary, paper_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from newsletter.model import Paper

# Rows are texts, columns are places of terms; scipy ships no types.
Vectors: TypeAlias = Any

# 2^20 places: a paper has about 300 terms, so a given place is hit by chance in 3 papers of 10,000.
PLACES = 2**20
_BLOCK = 2_000  # papers hashed at a time
_TITLE_WEIGHT = 3
_KEYWORD_WEIGHT = 2

# Expanding a wish (Rocchio on the closest papers, with what papers say anyway taken off). The figures were chosen on
# the development part of the replay, walking forward in time; they matter little within a factor of two.
_BACKGROUND = 20_000  # newest papers that wishes are compared with
_CLOSEST = 30
_CLOSEST_SHARE = 50  # of a small corpus the 50th part
_FEWEST_CLOSEST = 3  # and of a tiny one at least this many
_COMMON = 5.0  # a term must weigh this many times its mean among the closest
_EXPANSION_TERMS = 200
_EXPANSION_WEIGHT = 0.8
_RARE = 3  # terms in fewer papers teach nothing


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """A few weighed terms, by their places in rising order: a wish is far too small for a sparse matrix of its own."""

    places: NDArray[np.int64]
    weights: NDArray[np.float64]

    def near(self, by_place: Vectors) -> NDArray[np.float64]:
        """Return the inner product with every text of `by_place` (places x texts)."""
        return np.asarray(by_place[self.places].T @ self.weights)

    def product(self, other: Terms) -> float:
        """Return the inner product with other terms."""
        _, own, others = np.intersect1d(self.places, other.places, assume_unique=True, return_indices=True)
        return float(self.weights[own] @ other.weights[others])


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """Document frequencies of a corpus, and its newest papers as vectors. Made by `fit`."""

    documents: int
    frequency: NDArray[np.int64]
    idf: NDArray[np.float32]
    by_place: Vectors  # the newest papers, places x papers, columns of length 1
    background: Vectors  # the same, papers x places, without rare terms
    mean: NDArray[np.float32]  # of the background's rows
    variance: NDArray[np.float32]  # of the same, each place by itself
    rows: Mapping[str, int]  # the background's row of each paper id
    titles: tuple[str, ...]  # of the background's papers

    def vectors(self, texts: Sequence[Sequence[str]]) -> Vectors:
        """Return one row of length 1 for the terms of each text (length 0 where there are none)."""
        return _weighed(count(texts), self.idf)

    def wish(self, texts: Sequence[Sequence[str]], weights: Sequence[float]) -> Terms:
        """Return several texts (their terms) as one wish of length 1, each as heavy as its weight says."""
        total: dict[int, float] = {}
        for terms, weight in zip(texts, weights, strict=True):
            times = Counter(map(place_of, terms))
            one = {place: (1 + math.log(often)) * self.idf[place] for place, often in times.items()}
            length = math.hypot(*one.values())
            for place, value in one.items():
                total[place] = total.get(place, 0.0) + weight * value / length
        places = sorted(total)
        return _unit(np.array(places, dtype=np.int64), np.array([total[place] for place in places]))

    def expanded(self, wish: Terms) -> tuple[Terms, float]:
        """Return a wish with the terms that go with it, and how near the closest papers are to it.

        The nearness is 0, and the wish as it was, where the corpus has nothing near it.
        """
        near = wish.near(self.by_place)
        closest = self._closest(near)
        if not closest.size:
            return wish, 0.0
        shares = near[closest] / near[closest].sum()
        centre = Terms(*_added(self.background[closest], shares))
        companions = self._companions(centre)
        nearness = shares @ near[closest] + _EXPANSION_WEIGHT * companions.product(centre)
        return _sum(wish, companions, _EXPANSION_WEIGHT), float(nearness)

    def _closest(self, near: NDArray[np.float64]) -> NDArray[np.intp]:
        most = min(_CLOSEST, max(_FEWEST_CLOSEST, near.size // _CLOSEST_SHARE))
        rows = np.flatnonzero(near > 0)
        if rows.size > most:
            rows = rows[near[rows] >= np.partition(near[rows], -most)[-most]]
        # A stable sort: equally near papers keep the order of the corpus, which is by date and id.
        return rows[np.argsort(-near[rows], kind="stable")[:most]]

    def _companions(self, centre: Terms) -> Terms:
        """Return the terms that stand out among the closest papers, at most 200, at length 1."""
        lift = centre.weights - _COMMON * self.mean[centre.places]
        telling = np.flatnonzero(lift > 0)
        best = np.sort(telling[np.argsort(-lift[telling], kind="stable")[:_EXPANSION_TERMS]])
        return _unit(centre.places[best], lift[best])


def fit(vocabulary: Vocabulary, corpus: Iterable[Paper]) -> TextModel:
    """Return the model of a corpus, which may be empty; its order does not matter."""
    keys, counts = _counted(vocabulary, corpus)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    frequency = np.bincount(counts.indices, minlength=PLACES)
    idf = (np.log((1 + len(keys)) / (1 + frequency)) + 1).astype(np.float32)
    background = _weighed(counts[order[-_BACKGROUND:]], idf)
    by_place = background.T.tocsr()
    background.data[frequency[background.indices] < _RARE] = 0.0
    background.eliminate_zeros()
    newest = [keys[row] for row in order[-_BACKGROUND:]]
    mean = _mean(background)
    return TextModel(
        documents=len(keys),
        frequency=frequency,
        idf=idf,
        by_place=by_place,
        background=background,
        mean=mean,
        variance=np.maximum(_mean(background.multiply(background)) - mean**2, 0),
        rows={key: row for row, (_, key, _) in enumerate(newest)},
        titles=tuple(title for _, _, title in newest),
    )


def count(texts: Sequence[Sequence[str]]) -> Vectors:
    """Return how often each term stands in each text, hashed."""
    if not texts:
        return csr_array((0, PLACES), dtype=np.float32)
    hasher = FeatureHasher(PLACES, input_type="string", alternate_sign=False, dtype=np.float32)
    return csr_array(hasher.transform(texts))


@lru_cache(maxsize=200_000)
def place_of(term: str) -> int:
    """Return the place of one term: what `count` does, without a sparse matrix for the few terms of a wish."""
    return abs(int(murmurhash3_32(term, seed=0))) % PLACES


def terms_of(vocabulary: Vocabulary, paper: Paper) -> list[str]:
    """Return a paper's terms, those of its title and keywords repeated as often as they weigh more."""
    abstract = paper_terms(vocabulary.words(paper.abstract or paper.summary))
    keywords = [term for keyword in paper.keywords for term in paper_terms(vocabulary.words(keyword))]
    return _TITLE_WEIGHT * paper_terms(vocabulary.words(paper.title)) + _KEYWORD_WEIGHT * keywords + abstract


def _counted(vocabulary: Vocabulary, corpus: Iterable[Paper]) -> tuple[list[tuple[date, str, str]], Vectors]:
    keys: list[tuple[date, str, str]] = []
    blocks = [csr_array((0, PLACES), dtype=np.float32)]
    for block in _blocks(corpus):
        keys += [(paper.listed_on or paper.published or date.min, paper.id, paper.title) for paper in block]
        blocks.append(count([terms_of(vocabulary, paper) for paper in block]))
    return keys, vstack(blocks, format="csr")


def _mean(rows: Vectors) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.asarray(rows.sum(axis=0)).ravel() / max(rows.shape[0], 1)
    return mean


def _blocks(corpus: Iterable[Paper]) -> Iterator[list[Paper]]:
    papers = iter(corpus)
    while block := list(islice(papers, _BLOCK)):
        yield block


def _weighed(counts: Vectors, idf: NDArray[np.float32]) -> Vectors:
    weights = counts.copy()
    weights.data = (1 + np.log(weights.data)) * idf[weights.indices]
    return normalize(weights) if weights.shape[0] else weights


def _added(rows: Vectors, weights: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the weighed sum of sparse rows as places in rising order and their values."""
    values = rows.data * np.repeat(weights, np.diff(rows.indptr))
    places, inverse = np.unique(rows.indices, return_inverse=True)
    return places.astype(np.int64), _totals(inverse, values, places.size)


def _unit(places: NDArray[np.int64], weights: NDArray[np.float64]) -> Terms:
    return Terms(places, weights / (float(np.linalg.norm(weights)) or 1.0))


def _sum(one: Terms, other: Terms, weight: float) -> Terms:
    places, inverse = np.unique(np.concatenate([one.places, other.places]), return_inverse=True)
    values = np.concatenate([one.weights, weight * other.weights])
    return Terms(places, _totals(inverse, values, places.size))


def _totals(inverse: NDArray[np.intp], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(inverse, weights=values, minlength=size).astype(np.float64)
