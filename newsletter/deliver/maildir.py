"""The maildir mailer: every mail becomes a new message of one maildir, for any mail program to read.

The standard library's `mailbox` writes it (https://cr.yp.to/proto/maildir.html): below `tmp` first, whole in `new`.
"""

from __future__ import annotations

import mailbox
import os
from typing import TYPE_CHECKING, Self

from newsletter.deliver.base import at_once, idle
from newsletter.deliver.folder import flush_folder
from newsletter.errors import MailerStoppedError
from newsletter.model import DeliveryState, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from newsletter.model import Message

_PRIVATE = 0o700
_PARTS = ("tmp", "new", "cur")


class MaildirMailer:
    """A `Mailer` into the maildir at `folder`, which it makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._maildir: mailbox.Maildir | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the maildir."""
        if self._maildir is not None:
            self._maildir.close()
        self._maildir = None

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        """Add one mail, if it may leave, and wait until it is on the disk.

        Raises:
            MailerStoppedError: the disk is full or the maildir cannot be written; the message names it.
        """
        maildir = self._opened()
        if not leave():
            return None
        try:
            # a mail's lines end with LF in a maildir, as with every program that writes one on this kind of system
            key = maildir.add(message.content.replace(b"\r\n", os.linesep.encode()))
            flush_folder(self._folder / "new")
        except (OSError, mailbox.Error) as error:
            raise self._stopped(error) from None
        return Receipt(state=DeliveryState.ACCEPTED, reply=f"added as {key}")

    def check(self) -> str:
        """Return one line for `doctor`.

        Raises:
            MailerStoppedError: the maildir cannot be made or written.
        """
        self._opened()
        if not os.access(self._folder / "tmp", os.W_OK | os.X_OK):
            raise self._stopped(PermissionError(13, "Permission denied"))
        return f"mails are added to the maildir {self._folder}"

    def _opened(self) -> mailbox.Maildir:
        if self._maildir is None:
            try:
                for folder in (self._folder, *(self._folder / name for name in _PARTS)):
                    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)  # others may be making it just now
                self._maildir = mailbox.Maildir(self._folder)
            except OSError as error:
                raise self._stopped(error) from None
        return self._maildir

    def _stopped(self, error: Exception) -> MailerStoppedError:
        reason = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
        return MailerStoppedError(
            f"{self._folder} cannot be written: {reason}; make room or set deliver.maildir.path, then send again"
        )
