"""The inbox over POP3 (RFC 1939), by the standard library's poplib: whatever is there waits.

POP3 knows no marks: a mail that is kept is read again the next time, and known by its digest. Deletions are done when
the talk ends in good order; after one that broke off, the same mails wait again.
"""

from __future__ import annotations

import contextlib
import poplib
import ssl
from typing import TYPE_CHECKING, Self

from newsletter.deliver.inbox.base import Fate, Item
from newsletter.deliver.inbox.server import place, refuse_open_wire, refused, told
from newsletter.deliver.incoming import READ_BYTES
from newsletter.errors import InboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from newsletter.settings import MailServerSettings

_SECTION = "bounces.pop3"
_LINES = 5_000  # of a mail's text that are asked for: enough for a report, and less than all of a large mail
_PIECE = 64 * 1024
_REFUSED = (poplib.error_proto,)


class Pop3Inbox:
    """An `Inbox` on a POP3 server; `context` decides which certificates are trusted, by default the system's."""

    def __init__(self, settings: MailServerSettings, *, password: str, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._password = password
        self._context = context or ssl.create_default_context()
        self._connection: poplib.POP3 | None = None

    def __enter__(self) -> Self:
        """Connect and log in.

        Raises:
            InboxError: no server there, no safe connection or no login.
        """
        with told(self._settings, _SECTION, *_REFUSED):
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the talk, which does the deletions; without a word where something went wrong, which does none.

        Raises:
            InboxError: the server would not delete.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if error is None:
                with told(self._settings, _SECTION, *_REFUSED):
                    connection.quit()
        finally:
            with contextlib.suppress(OSError):  # closed already where it ended in good order
                connection.close()

    def waiting(self) -> int:
        """Return how many mails are there."""
        with told(self._settings, _SECTION, *_REFUSED):
            return self._live.stat()[0]

    def items(self) -> Iterator[Item]:
        """Yield the mails that are there; one that the server will not give out has no head."""
        for number in range(1, self.waiting() + 1):
            with told(self._settings, _SECTION, *_REFUSED):
                head = self._head(number)
            yield Item(key=str(number), head=head)

    def settle(self, fates: Mapping[str, Fate]) -> None:
        """Delete mails; those that stay are not marked.

        Raises:
            InboxError: the server refuses.
        """
        for key, fate in fates.items():
            if fate is Fate.DELETE:
                with told(self._settings, _SECTION, *_REFUSED):
                    self._live.dele(int(key))

    def check(self) -> str:
        """Return one line for `doctor`.

        Raises:
            InboxError: as on entering.
        """
        with self:
            return f"POP3 {place(self._settings)} answers, TLS {self._settings.tls}, {self.waiting():,} waiting"

    @property
    def _live(self) -> poplib.POP3:
        if self._connection is None:
            raise InboxError(f"{place(self._settings)} is not connected; run the command again")
        return self._connection

    def _open(self) -> None:
        refuse_open_wire(self._settings, _SECTION)
        connection = self._connected()
        try:
            if self._settings.tls == "starttls":
                with refused(self._settings, f"tls and port under [{_SECTION}]", *_REFUSED):
                    connection.stls(context=self._context)
            with refused(self._settings, f"username and password_file under [{_SECTION}]", *_REFUSED):
                connection.user(self._settings.username)
                connection.pass_(self._password)
        except BaseException:
            with contextlib.suppress(OSError):  # a failed handshake has closed it
                connection.close()
            raise
        self._connection = connection

    def _connected(self) -> poplib.POP3:
        host, port, timeout = self._settings.host, self._settings.port, self._settings.timeout_seconds
        if self._settings.tls == "implicit":
            return poplib.POP3_SSL(host, port, timeout=timeout, context=self._context)
        return poplib.POP3(host, port, timeout=timeout)

    def _head(self, number: int) -> bytes | None:
        """Ask for a mail's beginning (TOP). poplib's own would keep all of it, and stop at a line above 2 KB."""
        self._live.sock.sendall(f"TOP {number} {_LINES}\r\n".encode("ascii"))
        if not self._line().startswith(b"+OK"):
            return None
        head, begins = bytearray(), True
        while (line := self._line()) != b".\r\n" or not begins:
            stuffed = begins and line.startswith(b".")  # RFC 1939, section 3
            if len(head) < READ_BYTES:
                head += line[stuffed:]
            begins = line.endswith(b"\n")
        return bytes(head[:READ_BYTES])

    def _line(self) -> bytes:
        """Return a line, or a piece of a long one."""
        line = self._live.file.readline(_PIECE)
        if not line:
            raise poplib.error_proto("the connection ended")
        return line
