"""The inbox over IMAP (RFC 3501), by the standard library's imaplib: what is not seen waits.

Of each mail only the first bytes cross the wire (partial FETCH, section 6.4.5), unmarked (PEEK). Mails are named by
their UID, so that what other programs do meanwhile is harmless.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from typing import TYPE_CHECKING, Self

from newsletter.deliver.inbox.base import Fate, Item
from newsletter.deliver.inbox.server import place, refuse_open_wire, refused, told
from newsletter.deliver.incoming import READ_BYTES
from newsletter.errors import InboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from newsletter.settings import ImapSettings

_SECTION = "bounces.imap"
_WINDOW = 1000  # mails searched at a time: a line of UIDs stays short
_BATCH = 10  # mails fetched at a time: 5 MB at most
_UID = re.compile(rb"\bUID (\d+)")
_OK = "OK"
_GONE = (imaplib.IMAP4.abort,)


class ImapInbox:
    """An `Inbox` on an IMAP server; `context` decides which certificates are trusted, by default the system's."""

    def __init__(self, settings: ImapSettings, *, password: str, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._password = password
        self._context = context or ssl.create_default_context()
        self._connection: imaplib.IMAP4 | None = None
        self._mails = 0
        self._can_expunge = False

    def __enter__(self) -> Self:
        """Connect, log in and open the folder.

        Raises:
            InboxError: no server there, no safe connection, no login or no such folder.
        """
        with told(self._settings, _SECTION, *_GONE):
            self._open(read_only=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Log out. Nothing is expunged here: that would take along what other programs have marked."""
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                connection.logout()
                return
            with contextlib.suppress(OSError):  # it was lost, and imaplib leaves its socket open then
                connection.shutdown()

    def waiting(self) -> int:
        """Return how many mails are not seen."""
        return sum(len(uids) for uids in self._windows())

    def items(self) -> Iterator[Item]:
        """Yield the mails that are not seen; one that is gone meanwhile, or that cannot be read, without a head."""
        for uids in self._windows():
            for start in range(0, len(uids), _BATCH):
                batch = uids[start : start + _BATCH]
                heads = self._heads(batch)
                yield from (Item(key=uid, head=heads.get(uid)) for uid in batch)

    def settle(self, fates: Mapping[str, Fate]) -> None:
        """Mark mails as seen, or delete them: for good where the server can do so one by one (UIDPLUS, RFC 4315).

        Raises:
            InboxError: the server refuses.
        """
        for fate, flag in ((Fate.SEEN, r"(\Seen)"), (Fate.DELETE, r"(\Seen \Deleted)")):
            uids = [key for key, wanted in fates.items() if wanted is fate]
            if uids:
                self._command("STORE", ",".join(uids), "+FLAGS.SILENT", flag)
                if fate is Fate.DELETE:
                    self._expunge(uids)

    def check(self) -> str:
        """Return one line for `doctor`.

        Raises:
            InboxError: as on entering.
        """
        with contextlib.ExitStack() as stack:
            with told(self._settings, _SECTION, *_GONE):
                self._open(read_only=True)
            stack.push(self.__exit__)
            return f"IMAP {place(self._settings)} answers, TLS {self._settings.tls}, {self.waiting():,} waiting"

    @property
    def _live(self) -> imaplib.IMAP4:
        if self._connection is None:
            raise InboxError(f"{place(self._settings)} is not connected; run the command again")
        return self._connection

    def _open(self, *, read_only: bool) -> None:
        refuse_open_wire(self._settings, _SECTION)
        connection = self._connected()
        try:
            if self._settings.tls == "starttls":
                with self._refused("tls and port"):
                    _start_tls(connection, self._context)
            with self._refused("username and password_file"):
                _log_in(connection, self._settings.username, self._password)
            self._can_expunge = b"UIDPLUS" in connection.capability()[1][0].upper().split()  # another one after login
            with self._refused("folder"):
                self._mails = _select(connection, self._settings.folder, read_only=read_only)
        except BaseException:
            with contextlib.suppress(OSError):  # a failed handshake has closed it
                connection.shutdown()
            raise
        self._connection = connection

    def _connected(self) -> imaplib.IMAP4:
        host, port, timeout = self._settings.host, self._settings.port, self._settings.timeout_seconds
        if self._settings.tls == "implicit":
            return imaplib.IMAP4_SSL(host, port, ssl_context=self._context, timeout=timeout)
        return imaplib.IMAP4(host, port, timeout=timeout)

    def _windows(self) -> Iterator[list[str]]:
        """Yield the UIDs of the unseen, from the newest down: what others expunge shifts only what lies above."""
        for last in range(self._mails, 0, -_WINDOW):
            found = self._command("SEARCH", f"{max(1, last - _WINDOW + 1)}:{last}", "UNSEEN", "UNDELETED")
            uids = [uid for line in found if isinstance(line, bytes) for uid in line.decode("ascii").split()]
            if uids:
                yield uids

    def _heads(self, uids: Sequence[str]) -> dict[str, bytes]:
        parts = self._command("FETCH", ",".join(uids), f"(UID BODY.PEEK[]<0.{READ_BYTES}>)")
        heads = {}
        for part, after in zip(parts, [*parts[1:], None], strict=True):
            if isinstance(part, tuple):  # what stands before the bytes, and the bytes; the UID may also follow them
                named = _UID.search(part[0]) or _UID.search(after if isinstance(after, bytes) else b"")
                if named:
                    heads[named.group(1).decode("ascii")] = part[1]
        return heads

    def _expunge(self, uids: Sequence[str]) -> None:
        if self._can_expunge:
            self._command("EXPUNGE", ",".join(uids))

    def _command(self, name: str, *arguments: str) -> list[bytes | tuple[bytes, bytes]]:
        with told(self._settings, _SECTION, *_GONE), self._refused("folder"):
            answer, parts = self._live.uid(name, *arguments)
            if answer != _OK:
                raise imaplib.IMAP4.error(f"{name}: {answer}")
        return [part for part in parts if part is not None]

    def _refused(self, what: str) -> AbstractContextManager[None]:
        return refused(self._settings, f"{what} under [{_SECTION}]", imaplib.IMAP4.error, lost=_GONE)


def _start_tls(connection: imaplib.IMAP4, context: ssl.SSLContext) -> None:
    if "STARTTLS" not in connection.capabilities:
        raise imaplib.IMAP4.error("it does not offer STARTTLS")
    connection.starttls(ssl_context=context)


def _log_in(connection: imaplib.IMAP4, username: str, password: str) -> None:
    """Log in by AUTH=PLAIN (RFC 4616), which takes any letter, or by LOGIN where the server has no other way."""
    if "AUTH=PLAIN" in connection.capabilities:
        connection.authenticate("PLAIN", lambda _challenge: f"\0{username}\0{password}".encode())
        return
    if not (username + password).isascii():
        raise imaplib.IMAP4.error("it takes ASCII logins only")
    connection.login(_quoted(username), password)


def _select(connection: imaplib.IMAP4, folder: str, *, read_only: bool) -> int:
    answer, (number,) = connection.select(_quoted(folder), readonly=read_only)
    if answer != _OK or number is None:
        raise imaplib.IMAP4.error(number or f"no folder {folder}")
    return int(number)


def _quoted(text: str) -> str:
    """RFC 3501, section 4.3."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
