"""The space that readers' tastes are learned in: a corpus by its commonest terms, and by a few axes behind these.

A term that hardly any paper has teaches nothing of a reader, so the terms of most papers are enough. The axes are those
of latent semantic analysis (Deerwester et al., 1990): along them two papers can be near that share no word. It knows
no readers, votes or wishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from newsletter.rank.vectors import Vectors

Row = NDArray[np.float64]

# As many terms as keep all that the development part of the replay can tell apart (with 10,000 a little is lost).
_MOST_PLACES = 20_000
_RARE = 3  # terms in fewer papers are left out
_AXES = 128
_FEWEST_PAPERS = 300  # for each axis to be more than chance; a smaller corpus has no axes
_PASSES = 4  # over the corpus, to find the axes
_SHRINKAGE = 1.0  # towards axes of equal spread, as a share of the mean spread


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """A corpus in the space. Rows of `papers` and `latents` are its papers, `places` the terms' places in text vectors.

    `mean` and `variance` are those of each term. `axes` (terms x axes) turn terms into `latents` (papers x axes), which
    have the mean `centre` and the covariance `spread`; `sharpened` is the inverse of the latter, shrunk.
    """

    places: NDArray[np.int64]
    papers: Vectors
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    axes: NDArray[np.float32]
    latents: NDArray[np.float32]
    centre: Row
    spread: NDArray[np.float64]
    sharpened: NDArray[np.float64]

    def terms(self, vectors: Vectors) -> Vectors:
        """Return text vectors (texts x places) reduced to the terms of this space."""
        return csr_array(vectors[:, self.places])

    def along_axes(self, terms: Vectors) -> NDArray[np.float32]:
        """Return texts (as `terms` gives them) along the axes, texts x axes."""
        return np.asarray(terms @ self.axes)


def space_of(papers: Vectors, *, with_axes: bool = True) -> Space:
    """Return the space of a corpus: its text vectors, papers x places.

    The axes serve what readers like; whoever ranks for none of that saves their cost, and scikit-learn's import.
    """
    frequency = np.bincount(papers.indices, minlength=papers.shape[1])
    commonest = np.argsort(-frequency, kind="stable")[:_MOST_PLACES]
    places = np.sort(commonest[frequency[commonest] >= _RARE])
    terms = csr_array(papers[:, places])
    axes = _axes(terms) if with_axes else _no_axes(terms)
    return space_from(places, terms, axes, np.asarray(terms @ axes))


def space_from(
    places: NDArray[np.int64], papers: Vectors, axes: NDArray[np.float32], latents: NDArray[np.float32]
) -> Space:
    """Return the space that is made of these parts; what else it has follows from them."""
    mean = _mean(papers)
    centred = latents.astype(np.float64)
    centre = centred.mean(axis=0) if len(centred) else np.zeros(axes.shape[1])
    centred -= centre
    spread = centred.T @ centred / max(len(centred), 1)
    size = max(axes.shape[1], 1)
    shrunk = spread + _SHRINKAGE * np.trace(spread) / size * np.eye(axes.shape[1])
    return Space(
        places=places,
        papers=papers,
        mean=mean,
        variance=np.maximum(_mean(papers.multiply(papers)) - mean**2, 0),
        axes=axes,
        latents=latents,
        centre=centre,
        spread=spread,
        sharpened=np.linalg.inv(shrunk) if axes.shape[1] else shrunk,
    )


def _axes(terms: Vectors) -> NDArray[np.float32]:
    number = min(_AXES, terms.shape[1] - 1)
    if terms.shape[0] < _FEWEST_PAPERS or number < 1:
        return _no_axes(terms)
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415 - takes a second to import, and a kept model needs none

    # The seed is a part of the method: the same corpus gives the same axes.
    reduction = TruncatedSVD(number, n_iter=_PASSES, random_state=0)
    reduction.fit(terms)
    axes: NDArray[np.float32] = np.ascontiguousarray(reduction.components_.T, dtype=np.float32)
    return axes


def _no_axes(terms: Vectors) -> NDArray[np.float32]:
    return np.zeros((terms.shape[1], 0), dtype=np.float32)


def _mean(rows: Vectors) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.asarray(rows.sum(axis=0), dtype=np.float32).ravel() / max(rows.shape[0], 1)
    return mean
