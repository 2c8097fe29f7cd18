"""Whose turn it is to write to a SQLite file: threads and programs queue here, before SQLite would send them to sleep.

SQLite has one writer at a time and lets the others sleep for milliseconds and ask again, which costs two programs that
commit mail by mail a third of their time. Here they wait for some ten microseconds. It is a courtesy and no lock that
anything rests on: SQLite's own stays, and who has waited in vain goes on to it.

What programs hold in turn is the folder of the file. It could not be the file: SQLite's own locks on it would end with
the first time that it is closed (https://www.sqlite.org/howtocorrupt.html, section 2.2). A file beside it would stay.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

try:
    import fcntl
except ImportError:  # Windows has none: there the threads of one program queue, and programs meet at SQLite's lock
    fcntl = None  # type: ignore[assignment]  # asked for before each use

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_FIRST_PAUSE, _LONGEST_PAUSE = 0.00002, 0.001  # seconds; a commit takes some 0.00005
_PATIENCE = 30.0  # seconds; SQLite itself is asked after that


class WritersTurn:
    """A context manager: inside it is this thread's turn. It may be entered again by the thread that has it."""

    def __init__(self, database: Path) -> None:
        """Take the path of the database file."""
        self._folder = database.absolute().parent
        self._threads = threading.RLock()
        self._depth = 0
        self._opened: int | None = None  # the folder's descriptor
        self._opened_by = 0
        self._held = False

    def __enter__(self) -> Self:
        self._threads.acquire()
        self._depth += 1
        try:
            if self._depth == 1 and fcntl:
                self._held = self._taken()
        except BaseException:  # Ctrl-C while it waits: nobody will leave what was not entered
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0 and self._held and self._opened is not None:
            self._held = False
            fcntl.flock(self._opened, fcntl.LOCK_UN)
        self._threads.release()

    def _taken(self) -> bool:
        """Wait until no other program has the turn; False where none can be had, or one holds it for too long."""
        folder = self._own()
        if folder is None:
            return False
        pause, until = _FIRST_PAUSE, time.monotonic() + _PATIENCE
        while not _try(folder):
            if time.monotonic() > until:
                return False
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return True

    def _own(self) -> int | None:
        """Return this process's descriptor of the folder: one that was opened before a fork would be held by both."""
        if self._opened is None or self._opened_by != os.getpid():
            self._opened, self._opened_by = None, os.getpid()
            with suppress(OSError):  # a folder that is gone or may not be read: SQLite will say so
                self._opened = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        return self._opened

    def close(self) -> None:
        """Close the descriptor; the turn opens it anew."""
        with self._threads:
            if self._opened is not None and self._opened_by == os.getpid():
                os.close(self._opened)
            self._opened = None


def _try(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks of this kind: every program has its turn at once
        return True
    return True
