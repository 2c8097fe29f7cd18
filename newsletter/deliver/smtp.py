"""The SMTP mailer (RFC 5321): hands mails to one relay over one connection that is kept between them.

The relay's answers become receipts; only what lies between the final dot and its answer is *uncertain*. It tries
nothing twice and keeps no books.
"""

from __future__ import annotations

import re
import ssl
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from newsletter.config import read_secret
from newsletter.deliver.base import at_once, idle
from newsletter.deliver.relay import LOST, open_relay, place, reply_text, why
from newsletter.deliver.talk import Talk
from newsletter.errors import MailerStoppedError
from newsletter.model import DeliveryState, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from newsletter.deliver.talk import Answer
    from newsletter.model import Message
    from newsletter.settings import SmtpSettings

# RFC 5321, section 4.2.1: the first digit of an answer says it all
_REFUSALS = {4: DeliveryState.DEFERRED, 5: DeliveryState.FAILED}
_DONE = 2
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
        self._talk: Talk | None = None

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
        self._drop(politely=True)

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        """Hand one mail over, connecting anew where the relay hung up since the last one.

        Raises:
            RelayGoneError: the relay is gone; this mail was not handed over.
            MailerStoppedError: the relay wants another login; this mail was not handed over.
        """
        if reason := unfit(message):
            return Receipt(state=DeliveryState.FAILED, reply=reason)
        try:
            refusal = self._offer(message)
            if refusal is None and leave():
                return self._hand_over(message, following, meanwhile)
        except BaseException:
            self._drop()  # in the middle of a mail the relay would take any further command for its text
            raise
        if refusal is None:
            self._drop()  # the relay waits for the mail's text, and nothing but hanging up takes that back
        return refusal

    def check(self) -> str:
        """Connect, log in and leave again; return one line for `doctor`.

        Raises:
            MailerStoppedError: as on entering.
        """
        Talk(open_relay(self._settings, self._password, self._context)).close(politely=True)
        login = "login accepted" if self._settings.username else "no login"
        return f"{place(self._settings)} answers, TLS {self._settings.tls}, {login}"

    def _ready(self) -> Talk:
        if self._talk is None:
            self._talk = Talk(open_relay(self._settings, self._password, self._context))
        return self._talk

    def _drop(self, *, politely: bool = False) -> None:
        if self._talk:
            self._talk.close(politely=politely)
        self._talk = None

    def _offer(self, message: Message) -> Receipt | None:
        """Go as far as the relay's leave to send the mail, then return None; else return what it said instead."""
        used = bool(self._talk and self._talk.used)
        if lacking := self._ready().lacks(message):
            return Receipt(
                state=DeliveryState.FAILED, reply=f"the relay does not offer {lacking}, which the mail needs"
            )
        try:
            answer = self._asked(message, again=used)
        except LOST as error:
            return self._broke_off(error)
        return self._refused(*answer) if answer else None

    def _asked(self, message: Message, *, again: bool) -> Answer | None:
        try:
            return self._ready().offer(message)
        except LOST:
            if not again:
                raise
        self._drop()  # relays hang up on the idle and after some mails: the next connection shows what holds
        return self._ready().offer(message)

    def _broke_off(self, error: Exception) -> Receipt:
        self._drop()
        return Receipt(state=DeliveryState.DEFERRED, reply=f"broke off before the mail was over: {why(error)}")

    def _refused(self, code: int, reply: bytes) -> Receipt:
        if code in _NO_LOGIN:
            raise MailerStoppedError(
                f"{place(self._settings)} wants a login ({reply_text(code, reply)}); check deliver.smtp.username"
            )
        # an answer that makes no sense here says nothing of the mail, so it is tried again
        return self._judged(code, reply, otherwise=DeliveryState.DEFERRED)

    def _hand_over(self, message: Message, following: Message | None, meanwhile: Callable[[], None]) -> Receipt:
        """Send the mail; an error while sending means that its last byte, of the dot, never left."""
        talk = self._ready()
        last = talk.mails + 1 == self._settings.per_connection
        try:
            talk.send(message, None if last or following is None or unfit(following) else following)
        except LOST as error:
            return self._broke_off(error)
        meanwhile()
        try:
            # as patient as RFC 5321, section 4.5.3.2.6, asks
            code, reply = talk.answer(patience=self._settings.acceptance_seconds, after=self._settings.timeout_seconds)
        except LOST as error:
            self._drop()
            return Receipt(state=DeliveryState.UNCERTAIN, reply=f"no answer to the whole mail: {why(error)}")
        receipt = self._accepted(code, reply) or self._judged(code, reply, otherwise=DeliveryState.UNCERTAIN)
        if last:
            self._drop(politely=True)
        return receipt

    def _accepted(self, code: int, reply: bytes) -> Receipt | None:
        done = code // 100 == _DONE
        return Receipt(state=DeliveryState.ACCEPTED, reply=reply_text(code, reply)) if done else None

    def _judged(self, code: int, reply: bytes, *, otherwise: DeliveryState) -> Receipt:
        if code == _CLOSING or code // 100 not in _REFUSALS:
            self._drop()
        return Receipt(state=_REFUSALS.get(code // 100, otherwise), reply=reply_text(code, reply))


def smtp_from(settings: SmtpSettings, *, home: Path) -> Callable[[], SmtpMailer]:
    """Return what makes mailers for the relay that `settings` name; a relative `password_file` lies below `home`.

    Raises:
        ConfigError: the password's file cannot be read or holds no password.
    """
    file = settings.password_file
    password = read_secret(home / Path(file).expanduser()) if file else ""
    return partial(SmtpMailer, settings, password=password)


def unfit(message: Message) -> str:
    """Return why no relay may see this mail, or "". Bare line ends would let a mail smuggle in another one."""
    if not _ADDRESS.fullmatch(message.recipient) or not _ADDRESS.fullmatch(message.sender):
        return "the address of the sender or the recipient is no address; correct it"
    if message.smtp_ready:
        return ""
    ends = message.content.count(b"\r\n")
    if message.content.count(b"\n") != ends or message.content.count(b"\r") != ends:
        return "the mail holds bare line ends; it must be built with CRLF"
    return "" if message.content.endswith(b"\r\n") else "the mail does not end with CRLF"
