"""The folder mailer: every mail becomes one .eml file (RFC 5322 text), for a look, a test or another program to send.

A file is whole or not there, and the same mail again replaces its own file. Nothing leaves this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from newsletter.deliver.base import at_once, idle
from newsletter.errors import MailerStoppedError
from newsletter.model import DeliveryState, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from newsletter.model import Message

# no leading dot and no separator: never hidden, never a path, the same on every file system
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_DIGEST = 32  # hexadecimal digits, 128 bits
_PART = re.compile(r"\.(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.)?[a-z0-9_]{8}\.part")  # as tempfile names ours
_STALE_SECONDS = 3600  # no mail takes that long to write: its writer is dead


class FolderMailer:
    """A `Mailer` that writes .eml files into `folder`, readable by their owner only; makes it with the first mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        """Remove what killed writers left behind an hour ago or earlier; a younger one may still be at work."""
        with contextlib.suppress(OSError):  # no folder yet, or none to write in: the first mail says so
            _remove_stale(self._folder, before=time.time() - _STALE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open between two mails."""

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        """Write one mail, if it may leave, and wait until it is on the disk.

        Raises:
            MailerStoppedError: the disk is full or the folder cannot be written; the message names the folder.
        """
        name = file_name(message.message_id)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._stopped(error) from None
        if not leave():
            return None
        try:
            _write_whole(self._folder / name, message.content)
        except OSError as error:
            raise self._stopped(error) from None
        return Receipt(state=DeliveryState.ACCEPTED, reply=f"written to {name}")

    def check(self) -> str:
        """Return one line for `doctor`; a folder that is there is tried with an empty file, else its parent is asked.

        Raises:
            MailerStoppedError: no mail could be written.
        """
        try:
            if self._folder.is_dir():
                with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".part"):
                    return f"mails are written to {self._folder}"
            nearest = next(parent for parent in self._folder.absolute().parents if parent.exists())
            if self._folder.exists() or not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
                raise MailerStoppedError(f"{self._folder} cannot be made a folder; set deliver.folder.path to another")
        except OSError as error:
            raise self._stopped(error) from None
        return f"mails will be written to {self._folder}, which the first mail makes"

    def _stopped(self, error: OSError) -> MailerStoppedError:
        reason = error.strerror or type(error).__name__
        return MailerStoppedError(
            f"{self._folder} cannot be written: {reason}; make room or set deliver.folder.path, then send again"
        )


def file_name(message_id: str) -> str:
    """Return the name of a mail's file: the left part of its Message-ID, or a digest of an unusual one."""
    left = message_id.strip("<>").rpartition("@")[0]
    if not _SAFE_NAME.fullmatch(left):
        left = hashlib.sha256(message_id.encode("utf-8", "backslashreplace")).hexdigest()[:_DIGEST]
    return f"{left}.eml"


def _remove_stale(folder: Path, *, before: float) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _PART.fullmatch(entry.name):
                continue
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and found.st_mtime < before:
                Path(entry.path).unlink(missing_ok=True)


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside `path`, flush to the disk and take its place in one step; a crash leaves a hidden .part at most."""
    # mkstemp makes it readable by its owner only: a digest tells what its reader is interested in
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make a new name in `folder` durable; only POSIX systems open a folder, the others do so by themselves."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
