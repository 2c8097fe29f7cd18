"""The plain way that ranking is measured against: TF-IDF of words and pairs, and one linear SVM a reader.

The features and the classifier are those of arxiv-sanity-lite (https://github.com/karpathy/arxiv-sanity-lite), which
uses no votes and no stated wishes. It serves comparisons only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from newsletter.model import Paper

_FEATURES = 20_000
_FEWEST_PAPERS = 5  # that a term must stand in
_LARGEST_SHARE = 0.1  # of papers that a term may stand in
_SMALL = 500  # fewer papers keep every term: the two limits above may leave none


class SvmBaseline:
    """Fitted on papers and on which of them a reader liked; ranks others by their distance from the plane between."""

    def __init__(self, corpus: Sequence[Paper], liked: Collection[str]) -> None:
        """Fit. `corpus` must hold a liked paper and one that is not.

        Raises:
            ValueError: it does not, or has no word.
        """
        is_small = len(corpus) < _SMALL
        self._words = TfidfVectorizer(
            strip_accents="unicode",
            stop_words="english",
            ngram_range=(1, 2),
            max_features=_FEATURES,
            sublinear_tf=True,
            min_df=1 if is_small else _FEWEST_PAPERS,
            max_df=1.0 if is_small else _LARGEST_SHARE,
        )
        vectors = self._words.fit_transform([_text(paper) for paper in corpus])
        labels = [paper.id in liked for paper in corpus]
        self._plane = LinearSVC(class_weight="balanced", C=0.01, tol=1e-6, max_iter=10_000, random_state=0)
        self._plane.fit(vectors, labels)

    def order(self, papers: Sequence[Paper]) -> list[str]:
        """Return the ids of `papers`, best first; equal ones as they came."""
        distances = self._plane.decision_function(self._words.transform([_text(paper) for paper in papers]))
        return [papers[row].id for row in np.argsort(-distances, kind="stable")]


def _text(paper: Paper) -> str:
    return f"{paper.title} {paper.abstract or paper.summary} {' '.join(paper.authors)}"
