"""An error on its way from one process to another, with the traceback of where it was raised.

Some errors of libraries cannot be pickled, or not be read again, and some lose their notes by it. It is raised and
handled elsewhere.
"""

from __future__ import annotations

import pickle
import traceback
from typing import NamedTuple


class Parcel(NamedTuple):
    """An error that arrives whole, and its traceback as text."""

    error: Exception
    place: str

    def opened(self) -> Exception:
        """Return the error with its traceback as a note."""
        self.error.add_note(self.place)
        return self.error


def parcel_of(error: Exception) -> Parcel:
    """Return an error ready to be sent; one that would not arrive becomes a RuntimeError with its name and words."""
    place = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made a moment ago, here
    except Exception:  # noqa: BLE001 - whatever a library's error does when it is copied
        return Parcel(RuntimeError(f"{type(error).__name__}: {error}"), place)
    return Parcel(error, place)
