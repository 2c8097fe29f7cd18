"""Where bounces come in: IMAP, POP3, a maildir, or files; each yields the heads of mails and settles them later."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config import read_secret
from newsletter.deliver.inbox.base import Fate, Inbox, Item
from newsletter.deliver.inbox.files import FileInbox, StreamInbox
from newsletter.deliver.inbox.imap import ImapInbox
from newsletter.deliver.inbox.maildir import MaildirInbox
from newsletter.deliver.inbox.pop3 import Pop3Inbox
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.settings import BounceSettings

__all__ = [
    "Fate",
    "FileInbox",
    "ImapInbox",
    "Inbox",
    "Item",
    "MaildirInbox",
    "Pop3Inbox",
    "StreamInbox",
    "inbox_from",
]


def inbox_from(settings: BounceSettings, *, home: Path) -> Inbox:
    """Return the inbox that `settings` name; relative paths lie below `home`.

    Raises:
        ConfigError: they name none, or the password's file cannot be read or holds no password.
    """
    if settings.inbox == "maildir":
        return MaildirInbox(home / Path(settings.maildir.path).expanduser())
    if settings.inbox == "imap":
        return ImapInbox(settings.imap, password=_password(settings.imap.password_file, home))
    if settings.inbox == "pop3":
        return Pop3Inbox(settings.pop3, password=_password(settings.pop3.password_file, home))
    raise ConfigError("there is no inbox to read; set [bounces] inbox, or name files with: newsletter bounces FILE")


def _password(file: str, home: Path) -> str:
    return read_secret(home / Path(file).expanduser()) if file else ""
