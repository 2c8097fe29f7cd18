"""The plain way that ranking is measured against: TF-IDF of words and pairs, and one linear SVM a reader.

The features and the classifier are those of arxiv-sanity-lite (https://github.com/karpathy/arxiv-sanity-lite), which
uses no votes and no stated wishes. It serves comparisons only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from newsletter.model import Paper

_FEATURES = 20_000
_FEWEST_PAPERS = 5  # that a term must stand in
_LARGEST_SHARE = 0.1  # of papers that a term may stand in
_WORD = r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b"
_SMALL = 500  # fewer papers keep every term: the two limits above may leave none


class SvmBaseline:
    """Fitted on papers and on which of them a reader liked; ranks others by their distance from the plane between."""

    def __init__(self, corpus: Sequence[Paper], liked: Collection[str]) -> None:
        """Fit. `corpus` must hold a liked paper and one that is not.

        Raises:
            ValueError: it does not, or has no word.
        """
        vectors, self._words = vectors_of(corpus)
        self._plane = plane_of(vectors, [paper.id in liked for paper in corpus])

    def order(self, papers: Sequence[Paper]) -> list[str]:
        """Return the ids of `papers`, best first; equal ones as they came."""
        distances = self._plane.decision_function(self._words.transform(texts_of(papers)))
        return [papers[row].id for row in np.argsort(-distances, kind="stable")]


def vectors_of(corpus: Sequence[Paper]) -> tuple[Any, TfidfVectorizer]:
    """Return the features of papers, one row each, and what makes them of other texts; the same for all readers."""
    is_small = len(corpus) < _SMALL
    words = TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=_WORD,
        ngram_range=(1, 2),
        max_features=_FEATURES,
        sublinear_tf=True,
        min_df=1 if is_small else _FEWEST_PAPERS,
        max_df=1.0 if is_small else _LARGEST_SHARE,
    )
    return words.fit_transform(texts_of(corpus)), words


def plane_of(vectors: Any, liked: Sequence[bool]) -> LinearSVC:  # noqa: ANN401 - scipy ships no types
    """Return the plane between the rows that a reader liked and the others."""
    plane = LinearSVC(class_weight="balanced", C=0.01, tol=1e-6, max_iter=10_000, random_state=0)
    return plane.fit(vectors, liked)


def texts_of(papers: Sequence[Paper]) -> list[str]:
    """Return what of each paper is compared."""
    return [f"{paper.title} {paper.abstract or paper.summary} {' '.join(paper.authors)}" for paper in papers]
