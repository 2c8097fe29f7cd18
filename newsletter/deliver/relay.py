"""Reaching an SMTP relay: connect, secure, log in; and a relay's words made fit for a database and a terminal.

Every failure here stops a whole send, so each is one line that names the relay, the reason and what to check. No
mail is handed over in this module.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import unicodedata
from typing import TYPE_CHECKING

from newsletter.errors import MailerStoppedError, RelayGoneError
from newsletter.values import is_this_machine

if TYPE_CHECKING:
    from newsletter.settings import SmtpSettings

LOST = (smtplib.SMTPException, OSError)  # every way in which a talk with a server breaks off
_FOR_NOW = 4  # the first digit of a refusal that may pass (RFC 4954, section 6: 454)
_LOGINS = frozenset({"CRAM-MD5", "LOGIN", "PLAIN"})  # that smtplib knows
_REPLY_LENGTH = 500  # characters of an answer that are kept


def place(settings: SmtpSettings) -> str:
    """Return `host:port`, as messages name the relay."""
    return f"{settings.host}:{settings.port}"


# Bytes on their way to a relay: a whole mail and more, so that the next one is written while the relay reads this one.
_SEND_BUFFER = 512 * 1024


def open_relay(settings: SmtpSettings, password: str, context: ssl.SSLContext) -> smtplib.SMTP:
    """Return a connection that is ready for mail: greeted, as safe as `settings.tls` says, and logged in.

    Raises:
        RelayGoneError: no relay there, or it turns everybody away.
        MailerStoppedError: no safe connection or no login, which no waiting mends.
    """
    _refuse_open_wire(settings)
    try:
        connection = _connect(settings, context)
        try:
            _prepare(connection, settings, password, context)
        except BaseException:
            connection.close()
            raise
    except (*LOST, UnicodeError) as error:
        kind = MailerStoppedError if _is_ours(error) else RelayGoneError
        raise kind(f"{place(settings)} {_explain(error)}") from None
    return connection


def reply_text(code: int, reply: bytes) -> str:
    """Return an answer as `250 2.0.0 Ok`: one line, no control character, at most 500 characters."""
    return _one_line(f"{code} {reply.decode('utf-8', 'replace')}")


def why(error: BaseException) -> str:
    """Return in a few words why a talk broke off."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return reply_text(error.smtp_code, said if isinstance(said, bytes) else said.encode())
    # smtplib hides the system's reason behind "Server not connected"
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    reason = cause.strerror if isinstance(cause, OSError) else None
    return _one_line(reason or str(cause) or type(cause).__name__)


def _is_ours(error: Exception) -> bool:
    """Return whether settings or certificates are at fault, for every mail and until somebody mends them."""
    refused = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code // 100 != _FOR_NOW
    hung_up = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    return refused or isinstance(error, UnicodeError) or (isinstance(error, ssl.SSLError) and not hung_up)


def _refuse_open_wire(settings: SmtpSettings) -> None:
    if settings.tls == "none" and not is_this_machine(settings.host):
        raise MailerStoppedError(
            f"{place(settings)} is another machine and deliver.smtp.tls is none; set it to starttls or implicit"
        )


def _connect(settings: SmtpSettings, context: ssl.SSLContext) -> smtplib.SMTP:
    if settings.tls == "implicit":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=settings.timeout_seconds, context=context
        )
    else:
        connection = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)
    if connection.sock:  # a mail and the next one's envelope are two writes, and the second must not wait
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return connection


def _prepare(connection: smtplib.SMTP, settings: SmtpSettings, password: str, context: ssl.SSLContext) -> None:
    connection.ehlo_or_helo_if_needed()
    if settings.tls == "starttls":
        if not connection.has_extn("starttls"):
            raise MailerStoppedError(
                f"{place(settings)} does not offer STARTTLS; use its TLS port with deliver.smtp.tls = implicit"
            )
        connection.starttls(context=context)
        connection.ehlo_or_helo_if_needed()
    if settings.username:
        _log_in(connection, settings, password)


def _log_in(connection: smtplib.SMTP, settings: SmtpSettings, password: str) -> None:
    if not password:
        raise MailerStoppedError(f"{place(settings)} needs a password; name its file in deliver.smtp.password_file")
    if not (settings.username + password).isascii():
        raise MailerStoppedError(f"{place(settings)} takes ASCII logins only; change the user name or the password")
    if _LOGINS.isdisjoint(connection.esmtp_features.get("auth", "").upper().split()):
        raise MailerStoppedError(f"{place(settings)} offers no login we know; empty deliver.smtp.username, or set tls")
    connection.login(settings.username, password)


def _explain(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"shows a certificate that is refused ({_one_line(error.verify_message).rstrip('.')});"
                " check deliver.smtp.host, or let this machine trust the certificate's issuer"
            )
        case ssl.SSLError():
            reason = (error.reason or str(error)).replace("_", " ").lower()
            return f"cannot speak TLS ({_one_line(reason)}); check deliver.smtp.port and deliver.smtp.tls"
        case smtplib.SMTPAuthenticationError():
            return f"refused the login ({why(error)}); check deliver.smtp.username and deliver.smtp.password_file"
        case smtplib.SMTPResponseException():
            return f"refused the connection ({why(error)}); ask who runs it, or try again later"
        case smtplib.SMTPServerDisconnected():
            return f"broke off ({why(error)}); check deliver.smtp.port and deliver.smtp.tls"
        case _:
            return f"cannot be reached ({why(error)}); check deliver.smtp.host and deliver.smtp.port"


def _one_line(text: str) -> str:
    """Return `text` without controls (formatting ones such as text direction included) and bounded."""
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in text).split())[:_REPLY_LENGTH]
