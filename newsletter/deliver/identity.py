"""Who a mail is and how its reader leaves: the Message-ID, the unsubscribe token and the mailto: URL around it.

All of it is derived from a secret key (HMAC-SHA256, RFC 2104), so every attempt makes the same bytes and nobody can
tell a reader from them. Nothing here keeps the key, reads it or does any I/O.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote

from email_validator import EmailNotValidError, validate_email

from newsletter.errors import DeliveryError

if TYPE_CHECKING:
    from newsletter.config import Site

_KEY_BYTES = 16  # 128 bits, what the digests are cut to
_DIGITS = 2 * _KEY_BYTES


def message_id_for(key: bytes, *, issue_period: str, subscriber_id: int, domain: str) -> str:
    """Return the Message-ID (RFC 5322, section 3.6.4; with its angle brackets) of one issue to one subscriber.

    It is the same on every attempt, so a mail that was handed over twice counts as one where it arrives. Its left
    part is the period and 32 hexadecimal digits: a mail-box name, a file name and safe in both.

    Raises:
        DeliveryError: the key is too short or `domain` is no domain.
    """
    digits = _digits(key, "message-id", issue_period, str(subscriber_id))
    return f"<{issue_period}.{digits}@{mail_address(f'newsletter@{domain}').rpartition('@')[2]}>"


def unsubscribe_token(key: bytes, subscriber_id: int) -> str:
    """Return the 32 hexadecimal digits that stand for a subscriber in an unsubscribe request.

    Raises:
        DeliveryError: the key is too short.
    """
    return _digits(key, "unsubscribe", str(subscriber_id))


def unsubscribe_url(site: Site, token: str) -> str:
    """Return the mailto: URL (RFC 6068) that asks for the end of a subscription, for List-Unsubscribe (RFC 2369).

    Raises:
        DeliveryError: the site's unsubscribe address is none.
    """
    local, _, domain = mail_address(site.unsubscribe_address).rpartition("@")
    # RFC 6068, section 2: what a URL gives a meaning of its own is percent-encoded, UTF-8 included
    return f"mailto:{quote(local, safe='+')}@{domain}?subject=unsubscribe%20{quote(token, safe='')}"


def mail_address(address: str) -> str:
    """Return `address` as SMTP writes it: the domain in ASCII (IDNA), the local part normalised and otherwise as it is.

    Whether the domain takes mail is not asked; a name under .test and one without a dot pass, since they may be good
    in the operator's network. So does a local part outside ASCII: only a mailer learns what its relay offers.

    Raises:
        DeliveryError: it is no address; the message does not repeat it.
    """
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except EmailNotValidError as error:
        raise DeliveryError(f"a mail address cannot be used: {error} Correct or remove it") from None
    return f"{found.local_part}@{found.ascii_domain}"


def _digits(key: bytes, *parts: str) -> str:
    if len(key) < _KEY_BYTES:
        raise DeliveryError(f"the secret key has {len(key)} bytes and must have {_KEY_BYTES} or more; make a new one")
    # the parts cannot hold NUL (a period, a number, a word of ours), so no two lists of parts read alike
    return hmac.digest(key, "\0".join(parts).encode(), hashlib.sha256).hex()[:_DIGITS]
