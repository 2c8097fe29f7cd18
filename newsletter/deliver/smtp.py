"""The SMTP mailer (RFC 5321): hands mails to one relay over one connection that is kept between them.

The relay's answers become receipts; only what lies between the final dot and its answer is *uncertain*. It tries
nothing twice and keeps no books.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Self

from newsletter.config import read_secret
from newsletter.deliver.relay import LOST, open_relay, place, reply_text, why
from newsletter.errors import MailerStoppedError
from newsletter.model import DeliveryState, Receipt

if TYPE_CHECKING:
    import smtplib
    from types import TracebackType

    from newsletter.config import SmtpSettings
    from newsletter.model import Message

# RFC 5321, section 4.2.1: the first digit of an answer says it all
_REFUSALS = {4: DeliveryState.DEFERRED, 5: DeliveryState.FAILED}
_DONE = 2
_GO_ON = {"MAIL": _DONE, "RCPT": _DONE, "DATA": 3}
_CLOSING = 421  # the relay hangs up after this answer
_NO_LOGIN = frozenset({530, 534, 535, 538})  # RFC 4954, section 6: about who we are, so about every mail
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f]+@[^\s<>\x00-\x1f\x7f]+")


class SmtpMailer:
    """A `Mailer` for the relay in `settings`; one thread's own.

    `context` decides which certificates are trusted and always checks the host name; by default the system's.
    """

    def __init__(self, settings: SmtpSettings, *, password: str, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._password = password
        self._context = context or ssl.create_default_context()
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Connect and log in.

        Raises:
            MailerStoppedError: no relay there, no safe connection or no login; the message says what to check.
        """
        self._ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say good-bye and close."""
        if self._connection:
            with contextlib.suppress(*LOST):
                self._connection.quit()
        self._drop()

    def deliver(self, message: Message) -> Receipt:
        """Hand one mail over, connecting anew where the relay hung up since the last one.

        Raises:
            MailerStoppedError: the relay is gone or wants another login; this mail was not handed over.
        """
        if reason := _unfit(message):
            return Receipt(state=DeliveryState.FAILED, reply=reason)
        connection = self._ready()
        try:
            return self._offer(connection, message) or self._send(connection, message.content)
        except LOST as error:
            self._drop()
            return Receipt(state=DeliveryState.DEFERRED, reply=f"broke off before the mail was over: {why(error)}")
        except BaseException:
            self._drop()  # in the middle of a mail the relay would take any further command for its text
            raise

    def check(self) -> str:
        """Connect, log in and leave again; return one line for `doctor`.

        Raises:
            MailerStoppedError: as on entering.
        """
        connection = open_relay(self._settings, self._password, self._context)
        with contextlib.suppress(*LOST):
            connection.quit()
        connection.close()
        login = "login accepted" if self._settings.username else "no login"
        return f"{place(self._settings)} answers, TLS {self._settings.tls}, {login}"

    def _ready(self) -> smtplib.SMTP:
        """Return a connection between two mails. RSET asks whether it still stands: relays hang up on the idle."""
        if self._connection:
            with contextlib.suppress(*LOST):
                if _digit(self._connection.rset()[0]) == _DONE:
                    return self._connection
            self._drop()
        self._connection = open_relay(self._settings, self._password, self._context)
        return self._connection

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _offer(self, connection: smtplib.SMTP, message: Message) -> Receipt | None:
        """Go as far as the relay's leave to send the mail, then return None; else return what it said instead."""
        if lacking := _lacking(connection, message):
            return Receipt(
                state=DeliveryState.FAILED, reply=f"the relay does not offer {lacking}, which the mail needs"
            )
        # only SMTPUTF8 allows anything but ASCII in a command, and `_lacking` saw that it is offered
        connection.command_encoding = "utf-8"
        for command in (
            f"MAIL FROM:<{message.sender}>{_parameters(connection, message)}",
            f"RCPT TO:<{message.recipient}>",
            "DATA",
        ):
            code, reply = connection.docmd(command)
            if _digit(code) != _GO_ON[command[:4]]:
                return self._refused(code, reply)
        return None

    def _refused(self, code: int, reply: bytes) -> Receipt:
        if code in _NO_LOGIN:
            raise MailerStoppedError(
                f"{place(self._settings)} wants a login ({reply_text(code, reply)}); check deliver.smtp.username"
            )
        # an answer that makes no sense here says nothing of the mail, so it is tried again
        return self._judged(code, reply, otherwise=DeliveryState.DEFERRED)

    def _send(self, connection: smtplib.SMTP, content: bytes) -> Receipt:
        """Send the mail. An error while sending means that its last bytes, the final dot, never left."""
        connection.send(_stuffed(content) + b".\r\n")
        try:
            return self._answered(connection)
        except LOST as error:
            self._drop()
            return Receipt(state=DeliveryState.UNCERTAIN, reply=f"no answer to the whole mail: {why(error)}")

    def _answered(self, connection: smtplib.SMTP) -> Receipt:
        """Read the answer to the final dot, with the patience that RFC 5321, section 4.5.3.2.6, asks for."""
        _set_timeout(connection, self._settings.acceptance_seconds)
        code, reply = connection.getreply()
        _set_timeout(connection, self._settings.timeout_seconds)
        if _digit(code) == _DONE:
            return Receipt(state=DeliveryState.ACCEPTED, reply=reply_text(code, reply))
        return self._judged(code, reply, otherwise=DeliveryState.UNCERTAIN)

    def _judged(self, code: int, reply: bytes, *, otherwise: DeliveryState) -> Receipt:
        if code == _CLOSING or _digit(code) not in _REFUSALS:
            self._drop()
        return Receipt(state=_REFUSALS.get(_digit(code), otherwise), reply=reply_text(code, reply))


def smtp_from(settings: SmtpSettings, *, home: Path) -> SmtpMailer:
    """Return the mailer that `settings` name; a relative `password_file` lies below `home`.

    Raises:
        ConfigError: the password's file cannot be read or holds no password.
    """
    file = settings.password_file
    return SmtpMailer(settings, password=read_secret(home / Path(file).expanduser()) if file else "")


def _set_timeout(connection: smtplib.SMTP, seconds: float) -> None:
    if connection.sock:
        connection.sock.settimeout(seconds)


def _digit(code: int) -> int:
    return code // 100


def _unfit(message: Message) -> str:
    """Return why no relay may see this mail, or "". Bare line ends would let a mail smuggle in another one."""
    if not _ADDRESS.fullmatch(message.recipient) or not _ADDRESS.fullmatch(message.sender):
        return "the address of the sender or the recipient is no address; correct it"
    ends = message.content.count(b"\r\n")
    if message.content.count(b"\n") != ends or message.content.count(b"\r") != ends:
        return "the mail holds bare line ends; it must be built with CRLF"
    return "" if message.content.endswith(b"\r\n") else "the mail does not end with CRLF"


def _lacking(connection: smtplib.SMTP, message: Message) -> str:
    if not (message.sender + message.recipient).isascii() and not connection.has_extn("smtputf8"):
        return "SMTPUTF8"
    return "" if message.content.isascii() or connection.has_extn("8bitmime") else "8BITMIME"


def _parameters(connection: smtplib.SMTP, message: Message) -> str:
    """Return what MAIL says beforehand: the mail's size (RFC 1870), and what is not ASCII (RFC 6152, RFC 6531)."""
    named = [f"SIZE={len(message.content)}"] if connection.has_extn("size") else []
    named += [] if message.content.isascii() else ["BODY=8BITMIME"]
    named += [] if (message.sender + message.recipient).isascii() else ["SMTPUTF8"]
    return "".join(f" {parameter}" for parameter in named)


def _stuffed(content: bytes) -> bytes:
    """Double every dot that begins a line (RFC 5321, section 4.5.2)."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
