"""A text model taken apart into arrays that can be kept, and put together again from them.

Only what does not follow from something else is kept. Which file the arrays live in is the caller's business; nothing
here is unpickled, so a file from elsewhere can be wrong but not run.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from newsletter.rank.space import space_from
from newsletter.rank.text import TextModel, model_of
from newsletter.rank.vectors import PLACES

if TYPE_CHECKING:
    from collections.abc import Mapping

Arrays = dict[str, NDArray[Any]]

# To be raised whenever a change makes models that were kept before say something else: terms, weights, axes, layout.
FORMAT = 1


def arrays_of(model: TextModel) -> Arrays:
    """Return what `model_from` needs."""
    names = json.dumps([sorted(model.rows, key=model.rows.__getitem__), model.titles])
    papers = model.by_place.T.tocsr()
    return {
        "format": np.array(FORMAT),
        "documents": np.array(model.documents),
        "frequency": model.frequency,
        "data": papers.data.astype(np.float32),
        "indices": papers.indices.astype(np.int32),
        "indptr": papers.indptr.astype(np.int32),  # two billion terms are more than memory holds
        "places": model.space.places,
        "axes": model.space.axes,
        "latents": model.space.latents,
        "names": np.frombuffer(names.encode(), dtype=np.uint8),
    }


def model_from(arrays: Mapping[str, NDArray[Any]]) -> TextModel:
    """Return the model that `arrays_of` took apart.

    Raises:
        ValueError: the arrays are of another format, or do not fit together.
    """
    try:
        if int(arrays["format"]) != FORMAT:
            raise ValueError("the model was kept in another format")
        ids, titles = json.loads(arrays["names"].tobytes())
        papers = csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(len(ids), PLACES))
        papers.check_format(full_check=True)
        places, axes, latents = arrays["places"], arrays["axes"], arrays["latents"]
        frequency, documents = arrays["frequency"], int(arrays["documents"])
        if frequency.shape != (PLACES,) or frequency.dtype != np.int32 or frequency.min() < 0 or documents < len(ids):
            raise ValueError("the model knows another number of terms or papers")
        places, axes, latents = arrays["places"], arrays["axes"], arrays["latents"]
        if arrays["frequency"].shape != (PLACES,):
            raise ValueError("the model knows another number of terms")
        if (len(titles), *latents.shape, *axes.shape) != (
            len(ids),
            len(ids),
            axes.shape[1],
            len(places),
            axes.shape[1],
        ):
            raise ValueError("the parts of the model have different sizes")
        if not all(np.isfinite(part).all() for part in (papers.data, axes, latents)):
            raise ValueError("the model holds what is no number")
        space = space_from(places, csr_array(papers[:, places]), axes, latents)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"the model lacks a part or has a wrong one: {error}") from None
    rows = {key: row for row, key in enumerate(ids)}
    return model_of(documents, frequency, papers, space, rows=rows, titles=tuple(titles))
