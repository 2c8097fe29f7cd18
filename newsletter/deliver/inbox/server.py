"""What IMAP and POP3 share: TLS or nothing, the password, and a server's errors as one line that says what to check."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newsletter.deliver.incoming import one_line
from newsletter.errors import InboxError
from newsletter.values import is_this_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.settings import MailServerSettings


def refuse_open_wire(settings: MailServerSettings, section: str) -> None:
    """Refuse to send a password to another machine in the open.

    Raises:
        InboxError: `tls` is none, and the host is another machine.
    """
    if settings.tls == "none" and not is_this_machine(settings.host):
        raise InboxError(
            f"{place(settings)} is another machine and {section}.tls is none; set it to starttls or implicit"
        )


def place(settings: MailServerSettings) -> str:
    """Return `host:port`, as messages name the server."""
    return f"{settings.host}:{settings.port}"


@contextmanager
def told(settings: MailServerSettings, section: str, *refusals: type[Exception]) -> Iterator[None]:
    """Turn the errors of a talk with the server, and `refusals` of its own, into one line.

    Raises:
        InboxError: in the place of any of them.
    """
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise InboxError(
            f"{place(settings)} shows a certificate that is refused ({one_line(error.verify_message).rstrip('.')});"
            f" check {section}.host, or let this machine trust the certificate's issuer"
        ) from None
    except ssl.SSLError as error:
        reason = one_line((error.reason or str(error)).replace("_", " ").lower())
        raise InboxError(
            f"{place(settings)} cannot speak TLS ({reason}); check {section}.port and {section}.tls"
        ) from None
    except refusals as error:
        raise InboxError(f"{place(settings)} broke off ({_words(error)}); run the command again") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InboxError(
            f"{place(settings)} cannot be reached ({one_line(reason)}); check {section}.host and {section}.port"
        ) from None


@contextmanager
def refused(
    settings: MailServerSettings, check: str, *refusals: type[Exception], lost: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Turn a server's refusal of one step into a line that says what to check for it; a `lost` connection is none.

    Raises:
        InboxError: in the place of a refusal.
    """
    passing: tuple[type[Exception], ...] = (OSError, *lost)
    try:
        yield
    except passing:
        raise
    except refusals as error:
        raise InboxError(f"{place(settings)} refused ({_words(error)}); check {check}") from None


def _words(error: Exception) -> str:
    """A server's words, which the libraries give as bytes, also inside a text."""
    told = error.args[0] if error.args else ""
    return one_line(told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)) or type(error).__name__
