"""The text model: what a corpus says of how rare terms are, and of what goes with a few words.

Made by `fit` from the papers stored up to a moment; `newsletter.rank.saving` takes it apart and puts it together again.
Nothing here knows topics, votes or readers, and nothing reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from newsletter.rank.space import Space, space_of
from newsletter.rank.terms import Vocabulary, paper_terms
from newsletter.rank.vectors import PLACES, Idf, Vectors, count, unit, weighed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from newsletter.model import Paper

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
_EXPANSION_WEIGHT = np.float32(0.8)
_RARE = 3  # terms in fewer papers teach nothing

Row = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """Document frequencies of a corpus, and its newest papers as vectors. Made by `fit`."""

    documents: int
    frequency: NDArray[np.int32]
    idf: Idf
    by_place: Vectors  # the newest papers, places x papers, columns of length 1
    background: Vectors  # the same, papers x places, without rare terms
    mean: Row  # of the background's rows
    space: Space  # what readers' tastes are learned in; its papers are those of the background
    rows: Mapping[str, int]  # the background's row of each paper id
    titles: tuple[str, ...]  # of the background's papers

    def vectors(self, texts: Sequence[Sequence[str]]) -> Vectors:
        """Return one row of length 1 for the terms of each text (length 0 where there are none)."""
        return weighed(count(texts), self.idf)

    def expanded(self, wishes: Vectors, *, without: Iterable[str] = ()) -> tuple[Vectors, Row]:
        """Return wishes (rows of length 1) with the terms that go with each, and how near the closest papers are to it.

        The nearness is 0, and the wish as it was, where the corpus has nothing near it. Papers whose ids are in
        `without` are not asked: one that is to be judged would speak for itself.
        """
        near = csr_array(wishes @ self.by_place)
        near.data[self._rows_of(without)[near.indices]] = 0.0
        near.eliminate_zeros()
        near.sort_indices()
        closest = self._closest(near)
        shares = csr_array(closest / np.maximum(closest.sum(axis=1), np.finfo(np.float32).tiny)[:, None])
        centres = csr_array(shares @ self.background)
        centres.sort_indices()
        companions = self._companions(centres)
        nearness = _inner(shares, closest) + _EXPANSION_WEIGHT * _inner(companions, centres)
        return csr_array(wishes + _EXPANSION_WEIGHT * companions), nearness

    def _rows_of(self, ids: Iterable[str]) -> NDArray[np.bool_]:
        """Return which papers have these ids; none where nearly all do, for then they are all there is to ask."""
        chosen = np.zeros(len(self.titles), dtype=np.bool_)
        chosen[[self.rows[key] for key in ids if key in self.rows]] = True
        return chosen if 2 * chosen.sum() <= chosen.size else np.zeros_like(chosen)

    def _closest(self, near: Vectors) -> Vectors:
        """Return of each row the greatest values; of equal ones the first, for papers stand in order of date and id."""
        most = min(_CLOSEST, max(_FEWEST_CLOSEST, near.shape[1] // _CLOSEST_SHARE))
        return _greatest(near, most)

    def _companions(self, centres: Vectors) -> Vectors:
        """Return the terms that stand out among the closest papers of each wish, at most 200, at length 1."""
        lift = centres.copy()
        lift.data = np.maximum(lift.data - np.float32(_COMMON) * self.mean[lift.indices], 0)
        lift.eliminate_zeros()
        return unit(_greatest(lift, _EXPANSION_TERMS))


def fit(vocabulary: Vocabulary, corpus: Iterable[Paper], *, with_axes: bool = True) -> TextModel:
    """Return the model of a corpus, which may be empty; its order does not matter. For the axes see `space`."""
    keys, counts = _counted(vocabulary, corpus)
    order = sorted(range(len(keys)), key=keys.__getitem__)[-_BACKGROUND:]
    newest = [keys[row] for row in order]
    frequency = np.bincount(counts.indices, minlength=PLACES).astype(np.int32)
    papers = weighed(counts[order], _idf(len(keys), frequency))
    return model_of(
        len(keys),
        frequency,
        papers,
        space_of(papers, with_axes=with_axes),
        rows={key: row for row, (_, key, _) in enumerate(newest)},
        titles=tuple(title for _, _, title in newest),
    )


def model_of(
    documents: int,
    frequency: NDArray[np.int32],
    papers: Vectors,
    space: Space,
    *,
    rows: Mapping[str, int],
    titles: tuple[str, ...],
) -> TextModel:
    """Return the model that is made of these parts; what else it has follows from them."""
    background = papers.copy()
    background.data[frequency[background.indices] < _RARE] = 0.0
    background.eliminate_zeros()
    return TextModel(
        documents=documents,
        frequency=frequency,
        idf=_idf(documents, frequency),
        by_place=papers.T.tocsr(),
        background=background,
        mean=np.asarray(background.sum(axis=0), dtype=np.float32).ravel() / max(background.shape[0], 1),
        space=space,
        rows=rows,
        titles=titles,
    )


def terms_of(vocabulary: Vocabulary, paper: Paper) -> list[str]:
    """Return a paper's terms, those of its title and keywords repeated as often as they weigh more."""
    keywords = [vocabulary.words(keyword) for keyword in paper.keywords]
    return weighed_terms(vocabulary.words(paper.title), vocabulary.words(paper.abstract or paper.summary), keywords)


def weighed_terms(title: Sequence[str], abstract: Sequence[str], keywords: Iterable[Sequence[str]]) -> list[str]:
    """Return the terms of a paper from the words of its parts."""
    named = [term for keyword in keywords for term in paper_terms(keyword)]
    return _TITLE_WEIGHT * paper_terms(title) + _KEYWORD_WEIGHT * named + paper_terms(abstract)


def _counted(vocabulary: Vocabulary, corpus: Iterable[Paper]) -> tuple[list[tuple[date, str, str]], Vectors]:
    keys: list[tuple[date, str, str]] = []
    blocks = [csr_array((0, PLACES), dtype=np.float32)]
    for block in _blocks(corpus):
        keys += [(paper.listed_on or paper.published or date.min, paper.id, paper.title) for paper in block]
        blocks.append(count([terms_of(vocabulary, paper) for paper in block]))
    return keys, vstack(blocks, format="csr")


def _blocks(corpus: Iterable[Paper]) -> Iterator[list[Paper]]:
    papers = iter(corpus)
    while block := list(islice(papers, _BLOCK)):
        yield block


def _idf(documents: int, frequency: NDArray[np.int32]) -> Idf:
    return (np.log((1 + documents) / (1 + frequency)) + 1).astype(np.float32)


def _greatest(rows: Vectors, most: int) -> Vectors:
    """Return of each row the `most` greatest values, of equal ones those that stand first."""
    kept = [_places(rows.data[start:end], most) + start for start, end in pairwise(rows.indptr.tolist())]
    starts = np.cumsum([0, *map(len, kept)])
    chosen = np.concatenate(kept) if kept else np.zeros(0, dtype=np.intp)
    return csr_array((rows.data[chosen], rows.indices[chosen], starts), shape=rows.shape)


def _places(values: Row, most: int) -> NDArray[np.intp]:
    if values.size <= most:
        return np.arange(values.size)
    least = np.partition(values, -most)[-most]
    above, ties = np.flatnonzero(values > least), np.flatnonzero(values == least)
    return np.sort(np.concatenate([above, ties[: most - above.size]]))


def _inner(one: Vectors, other: Vectors) -> Row:
    return np.asarray(one.multiply(other).sum(axis=1), dtype=np.float32).ravel()
