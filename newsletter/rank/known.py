"""Papers as what is learned from likes sees them: rows of terms and of axes, found by their ids. It learns nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from newsletter.rank.vectors import Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Papers that can be learned from, as rows of `terms` and `latents`; the row of each paper's id."""

    terms: Vectors
    latents: NDArray[np.float32]
    rows: dict[str, int]

    def found(self, ids: Sequence[str]) -> list[int]:
        """Return the rows of those of `ids` that are known, in rising order, each once."""
        return sorted({self.rows[key] for key in ids if key in self.rows})
