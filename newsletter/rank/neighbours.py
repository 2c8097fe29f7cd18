"""How near candidates are to the closest of a reader's liked papers, where these are many.

A reader with many likes has several interests, and the mean of all of them is near none. The papers nearest to a
candidate know better, but say little before there are enough to have near ones everywhere: so this is a small part
beside the models of `newsletter.rank.likes`. It learns nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from newsletter.rank.vectors import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from newsletter.rank.known import Known
    from newsletter.rank.space import Space
    from newsletter.rank.vectors import Vectors

# Chosen on the development part of the replay: with 30 liked papers neighbours took from the order, with 50 and more
# they gave.
_MANY, _ENOUGH = 30, 50
_SHARE = 0.1
_NEAREST = 3
_SHRINKAGE = 5e-5  # of each term's variance, as in `newsletter.rank.likes`
_SAMPLE = 200  # papers of the corpus that nearness is measured by


def nearness(space: Space, candidates: Known, known: Known, liked: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Return what nearness adds for each reader (rows) and candidate, in standard deviations of the corpus, shared out.

    `liked` names rows of `known`, in which the candidates stand first and the corpus after them.
    """
    number = len(candidates.rows)
    added = np.zeros((len(liked), number))
    many = [reader for reader, rows in enumerate(liked) if len(rows) > _MANY]
    if not many:
        return added
    papers = np.unique([row for reader in many for row in liked[reader]])
    compared = np.concatenate([np.arange(number), number + _sample(len(space.latents))])
    near = (_scaled(space, known.terms[papers]) @ _scaled(space, known.terms[compared]).T).toarray()
    near[papers[:, None] == compared] = 0.0  # no paper is its own neighbour
    for reader in many:
        rows = near[np.searchsorted(papers, liked[reader])]
        closest = np.partition(rows, len(rows) - _NEAREST, axis=0)[-_NEAREST:].mean(axis=0, dtype=np.float64)
        usual = closest[number:]
        share = _SHARE * min(1.0, (len(rows) - _MANY) / (_ENOUGH - _MANY))
        added[reader] = share * (closest[:number] - usual.mean()) / (usual.std() or 1.0)
    return added


def _sample(papers: int) -> NDArray[np.int64]:
    """Return rows spread evenly over the corpus, which stands in the order of time."""
    return np.unique(np.linspace(0, max(papers - 1, 0), min(_SAMPLE, papers)).astype(np.int64))


def _scaled(space: Space, terms: Vectors) -> Vectors:
    scale = 1 / np.sqrt(space.variance + np.float32(_SHRINKAGE))
    scaled = csr_array(terms)
    scaled = csr_array((scaled.data * scale[scaled.indices], scaled.indices, scaled.indptr), shape=scaled.shape)
    return unit(scaled)
