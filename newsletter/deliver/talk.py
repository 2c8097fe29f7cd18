"""One talk with an SMTP relay (RFC 5321): a mail's envelope, its bytes and the answers, over smtplib's connection.

Commands go in one write where the relay takes that (PIPELINING, RFC 2920), and the next mail's may follow the last dot
of this one, so that a mail costs one round trip. It connects nowhere, keeps no books and judges no answer.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from newsletter.deliver.relay import LOST

if TYPE_CHECKING:
    import smtplib

    from newsletter.model import Message

Answer = tuple[int, bytes]

_MORE = getattr(socket, "MSG_MORE", 0)  # Linux has it

_DONE = 2
_GO_ON = (_DONE, _DONE, 3)  # the first digits with which MAIL, RCPT and DATA are answered where all is well
_CLOSING = 421  # the relay hangs up after this answer (RFC 5321, section 3.8)


class Talk:
    """What is said over one connection; `connection` is ready for mail."""

    def __init__(self, connection: smtplib.SMTP) -> None:
        self._connection = connection
        self._pipelining = connection.has_extn("pipelining")
        self._spoiled = False  # half a command may lie in the stream
        self._said: Message | None = None  # whose envelope was said already, its answers not yet read
        self._unfinished = False  # an envelope was refused half-way: RSET first
        self.mails = 0
        self.used = False  # whether an envelope was answered: what ends it from then on need not be the mail's doing

    def lacks(self, message: Message) -> str:
        """Return which extension the relay does not offer and the message needs, or ""."""
        if not _ascii(message) and not self._connection.has_extn("smtputf8"):
            return "SMTPUTF8"
        return "" if message.content.isascii() or self._connection.has_extn("8bitmime") else "8BITMIME"

    def offer(self, message: Message) -> Answer | None:
        """Say a message's envelope; return None with the relay's leave to send it, else what it said instead.

        Raises:
            OSError, SMTPException: the relay hung up, or had said so; nothing was sent.
        """
        if self._spoiled:
            raise ConnectionAbortedError("the connection broke off while commands were sent")
        said, self._said = self._said, None
        if said is not message:
            if said is not None:
                raise ConnectionAbortedError("another mail was announced")
            return self._asked(message)
        return self._refusal()

    def send(self, message: Message, following: Message | None) -> None:
        """Send a whole message, its dots stuffed, and say the envelope of the next one behind it.

        Raises:
            OSError, SMTPException: the connection broke off, and the last bytes, the final dot, never left.
        """
        ahead = following is not None and self._pipelining and not self.lacks(following)
        self._write((message.content if message.smtp_ready else _stuffed(message.content)) + b".\r\n", more=ahead)
        self.mails += 1
        self.used = True
        if following is not None and ahead:
            try:
                self._write(self._envelope(following))
                self._said = following
            except OSError:  # what became of this mail is still to be read, but half a command may lie in the stream
                self._spoiled = True

    def _write(self, data: bytes, *, more: bool = False) -> None:
        """Write at once, or with `more` let the last packet wait for what comes next: else relays answer in two.

        Two small answers in a row are held back for some 40 ms by the one's Nagle and the other's delayed
        acknowledgement (RFC 896, RFC 1122). Not through smtplib, which closes the connection where this fails.
        """
        wire = self._connection.sock
        if wire is None:
            raise ConnectionAbortedError("not connected any more")
        if more and not isinstance(wire, ssl.SSLSocket):  # which takes no flags
            wire.sendall(data, _MORE)
        else:
            wire.sendall(data)

    def answer(self, *, patience: float, after: float) -> Answer:
        """Read the answer to a whole message, waiting `patience` seconds for it, and `after` for all later ones.

        Raises:
            OSError, SMTPException: there is none.
        """
        _set_timeout(self._connection, patience)
        answer = self._connection.getreply()
        _set_timeout(self._connection, after)
        return answer

    def close(self, *, politely: bool = False) -> None:
        """Hang up; politely with QUIT, where no mail is half said."""
        if politely and self._said is None:
            with suppress(*LOST):
                self._connection.quit()
        self._connection.close()

    def _asked(self, message: Message) -> Answer | None:
        if self._unfinished:
            self._unfinished = False
            self._said_goodbye(self._connection.rset())
        if self._pipelining:
            self._connection.send(self._envelope(message))
            return self._refusal()
        for command, good in zip(self._commands(message), _GO_ON, strict=True):
            # smtplib encodes what it is given as text; these are bytes already
            self._connection.send(command)
            answer = self._connection.getreply()
            if answer[0] // 100 != good:
                return self._refused(answer)
        return None

    def _refusal(self) -> Answer | None:
        """Read the answers to a whole envelope and return the first that refuses it, or None."""
        answers: list[Answer] = []
        wrong: list[Answer] = []
        for good in _GO_ON:
            try:
                answers.append(self._connection.getreply())
            except LOST:
                if not wrong:
                    raise
                break  # it hung up behind its refusal
            if answers[-1][0] // 100 != good:
                wrong.append(answers[-1])
            if answers[-1][0] == _CLOSING:
                break
        if not wrong:
            return None
        if answers[-1][0] // 100 == _GO_ON[-1]:
            self._send_nothing(recipient=answers[1])
        return self._refused(wrong[0])

    def _send_nothing(self, *, recipient: Answer) -> None:
        """Answer the leave to send a refused mail: with nothing (RFC 2920, section 3.1), if it would go to nobody."""
        if recipient[0] // 100 == _DONE:
            self._connection.close()
            return
        with suppress(*LOST):
            self._connection.send(b".\r\n")
            self._connection.getreply()

    def _refused(self, answer: Answer) -> Answer:
        self._unfinished = True
        self._said_goodbye(answer)
        self.used = True
        return answer

    def _said_goodbye(self, answer: Answer) -> None:
        """Treat a relay that closes between two mails as one that is gone: another connection may do."""
        if answer[0] == _CLOSING and self.used:
            raise ConnectionAbortedError(answer[1].decode("utf-8", "replace"))

    def _envelope(self, message: Message) -> bytes:
        return b"".join(self._commands(message))

    def _commands(self, message: Message) -> tuple[bytes, bytes, bytes]:
        return (
            f"MAIL FROM:<{message.sender}>{self._parameters(message)}\r\n".encode(),
            f"RCPT TO:<{message.recipient}>\r\n".encode(),
            b"DATA\r\n",
        )

    def _parameters(self, message: Message) -> str:
        """Return what MAIL says beforehand: the size (RFC 1870), and what is not ASCII (RFC 6152, RFC 6531)."""
        named = [f" SIZE={len(message.content)}"] if self._connection.has_extn("size") else []
        named += [] if message.content.isascii() else [" BODY=8BITMIME"]
        named += [] if _ascii(message) else [" SMTPUTF8"]
        return "".join(named)


def _ascii(message: Message) -> bool:
    return message.sender.isascii() and message.recipient.isascii()


def _set_timeout(connection: smtplib.SMTP, seconds: float) -> None:
    if connection.sock:
        connection.sock.settimeout(seconds)


def _stuffed(content: bytes) -> bytes:
    """Double every dot that begins a line (RFC 5321, section 4.5.2)."""
    doubled = content.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled
