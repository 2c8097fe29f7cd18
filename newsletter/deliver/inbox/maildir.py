"""A maildir (https://cr.yp.to/proto/maildir.html): one file a mail; what is in `new`, or in `cur` without S, waits.

The standard library's `mailbox.Maildir` reads a mail as a whole to move it; here only its first bytes are read, and
a name says the rest.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Self

from newsletter.deliver.inbox.base import Fate, Item
from newsletter.deliver.incoming import READ_BYTES
from newsletter.errors import InboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

_INFO = ":2,"
_SEEN = "S"
_FOLDERS = ("new", "cur")


class MaildirInbox:
    """An `Inbox` of a maildir. `read_only` takes every mail, seen or not, and leaves all as it is."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder = folder
        self._read_only = read_only

    def __enter__(self) -> Self:
        """Look whether it is a maildir.

        Raises:
            InboxError: it is none, or not ours to read.
        """
        if not _is_maildir(self._folder):
            raise InboxError(f"{self._folder} is no maildir (no folders new and cur in it); check bounces.maildir.path")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def waiting(self) -> int:
        """Return how many mails wait."""
        return sum(1 for _ in self._names())

    def items(self) -> Iterator[Item]:
        """Yield the mails that wait, as the folders list them."""
        names = list(self._names())  # names alone; a folder that is changed while it is listed may repeat or lose some
        for name in names:
            yield Item(key=name, head=_head(self._folder / name))

    def settle(self, fates: Mapping[str, Fate]) -> None:
        """Mark mails as seen, which moves them to `cur`, or delete them. One that another program took is let go.

        Raises:
            InboxError: the folder cannot be written.
        """
        if self._read_only:
            return
        for key, fate in fates.items():
            place = self._folder / key
            try:
                if fate is Fate.DELETE:
                    place.unlink()
                else:
                    place.rename(self._folder / "cur" / _seen(place.name))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._error(error, "changed") from None

    def check(self) -> str:
        """Return one line for `doctor`.

        Raises:
            InboxError: it is no maildir, or cannot be read or changed.
        """
        with self:
            for name in _FOLDERS:
                if not os.access(self._folder / name, os.R_OK | os.W_OK | os.X_OK):
                    raise InboxError(f"{self._folder / name} cannot be read and written; check its permissions")
            return f"maildir {self._folder}, {self.waiting():,} waiting"

    def _names(self) -> Iterator[str]:
        for folder in _FOLDERS:
            try:
                with os.scandir(self._folder / folder) as entries:
                    yield from (f"{folder}/{one.name}" for one in entries if self._waits(folder, one.name))
            except OSError as error:
                raise self._error(error, "read") from None

    def _waits(self, folder: str, name: str) -> bool:
        if name.startswith("."):
            return False
        return self._read_only or folder == "new" or _SEEN not in name.partition(_INFO)[2]

    def _error(self, error: OSError, done: str) -> InboxError:
        return InboxError(f"{self._folder} cannot be {done}: {error.strerror}; check bounces.maildir.path")


def _is_maildir(folder: Path) -> bool:
    """Return whether a folder is a maildir."""
    return all((folder / name).is_dir() for name in _FOLDERS)


def _seen(name: str) -> str:
    base, _, flags = name.partition(_INFO)
    return base + _INFO + "".join(sorted({*flags, _SEEN}))


def _head(path: Path) -> bytes | None:
    """Return a mail's first bytes, None where it is gone, not ours to read, or no plain file (which might block)."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            return file.read(READ_BYTES) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None
