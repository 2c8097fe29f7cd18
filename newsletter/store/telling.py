"""What a database says when it refuses, in one line of ours: which database, why, and what to do.

It opens nothing and tries nothing again.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from newsletter.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

# SQLite's own words, https://www.sqlite.org/rescode.html, and what to do about them.
_ADVICE = {
    "database is locked": "is locked by another program; try again when that has finished",
    "file is not a database": "is not a database file; name another file in [store] url",
    "unable to open database file": "cannot be opened; check the path and its permissions",
    "attempt to write a readonly database": "is read-only; check the permissions of the file and its folder",
    "database or disk is full": "cannot grow: the disk is full; make room and try again",
    "disk I/O error": "cannot be read or written: the disk is full or failing; make room, or look at the system's log",
    "database disk image is malformed": "is damaged; restore it from a backup",
}


@contextmanager
def told(name: str, *drivers: type[Exception]) -> Iterator[None]:
    """Raise what the database `name` refuses as StoreError; `drivers` are the driver's own errors, where it is used.

    Raises:
        StoreError: the database refused.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OverflowError) as error:
        raise StoreError(f"database {name} {_reason(error)}") from error
    except drivers as error:
        raise StoreError(f"database {name} {_reason(error)}") from error


def _reason(error: Exception) -> str:
    orig: Any = getattr(error, "orig", None) or error
    # PostgreSQL's primary message alone: its detail would quote the row, and so somebody's address.
    primary = getattr(getattr(orig, "diag", None), "message_primary", None)
    words = " ".join(str(primary or orig).split())
    advice = next((told for known, told in _ADVICE.items() if known in words), None)
    if advice:
        return advice
    if isinstance(error, DBAPIError) and error.statement is None:
        return f"cannot be reached: {words}; check the server and [store] url"
    return f"refused: {words}"
