"""Who a mail is and how its reader leaves by mail: the Message-ID, and the mailto: URL around a token.

A Message-ID is derived from a secret key (HMAC-SHA256, RFC 2104), so every attempt makes the same bytes and nobody can
tell a reader from it. Tokens come from `newsletter.links`. Nothing here keeps the key, reads it or does any I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from newsletter.errors import DeliveryError

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.settings import Site

_KEY_BYTES = 16  # 128 bits, what the digests are cut to
_DIGITS = 2 * _KEY_BYTES
# What an encoded word begins with (RFC 2047): raw in a header, a mail program would show another address than it is.
_ENCODED_WORD = "=?"
# Addresses that are good and stay as they are, known at a glance: all in ASCII, lower case, no quotes, no IDNA. The
# lengths are RFC 5321's and RFC 1035's; the names are kept for special use (RFC 6761 and others).
_PLAIN_ADDRESS = re.compile(
    r"(?=.{6,254}\Z)(?!.*--)(?!.*=\?)(?=[^@]{1,64}@)[a-z0-9_!#$%&'*+/=?^`{|}~-]+(?:\.[a-z0-9_!#$%&'*+/=?^`{|}~-]+)*"
    rf"@(?!(?:.*\.)?(?:{'|'.join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES))})\Z)"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)


def message_id_for(key: bytes, *, issue_period: str, subscriber_id: int, domain: str) -> str:
    """Return the Message-ID (RFC 5322, section 3.6.4; with its angle brackets) of one issue to one subscriber.

    It is the same on every attempt, so a mail that was handed over twice counts as one where it arrives. Its left
    part is the period and 32 hexadecimal digits: a mail-box name, a file name and safe in both.

    Raises:
        DeliveryError: the key is too short or `domain` is no domain.
    """
    digits = _digits(key, "message-id", issue_period, str(subscriber_id))
    return f"<{issue_period}.{digits}@{_ascii_domain(domain)}>"


def letter_id_for(key: bytes, *, letter: str, subscriber_id: int, sent_at: datetime, domain: str) -> str:
    """Return the Message-ID of one letter (a word such as `confirm`), of its own for every second (`sent_at`, aware).

    Raises:
        DeliveryError: the key is too short or `domain` is no domain.
    """
    name = f"{letter}.{int(sent_at.timestamp())}"
    return message_id_for(key, issue_period=name, subscriber_id=subscriber_id, domain=domain)


def unsubscribe_url(site: Site, token: str) -> str:
    """Return the mailto: URL (RFC 6068) that asks for the end of a subscription, for List-Unsubscribe (RFC 2369).

    Raises:
        DeliveryError: the site's unsubscribe address is none.
    """
    return f"mailto:{_in_mailto(site.unsubscribe_address)}?subject=unsubscribe%20{quote(token, safe='')}"


def mail_address(address: str) -> str:
    """Return `address` as SMTP writes it: the domain in ASCII (IDNA), the local part normalised and otherwise as it is.

    Whether the domain takes mail is not asked; a name under .test and one without a dot pass, since they may be good
    in the operator's network. So does a local part outside ASCII: only a mailer learns what its relay offers. One with
    `=?` does not: in a header it would read as an encoded word.

    Raises:
        DeliveryError: it is no address; the message does not repeat it.
    """
    if _PLAIN_ADDRESS.fullmatch(address):  # nearly all are, and a hundred times quicker to see than to validate
        return address
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except EmailNotValidError as error:
        raise DeliveryError(f"a mail address cannot be used: {error} Correct or remove it") from None
    if _ENCODED_WORD in found.local_part:
        raise DeliveryError(f"a mail address cannot be used: it holds {_ENCODED_WORD}. Correct or remove it")
    return f"{found.local_part}@{found.ascii_domain}"


@lru_cache(maxsize=64)
def _ascii_domain(domain: str) -> str:
    return mail_address(f"newsletter@{domain}").rpartition("@")[2]


@lru_cache(maxsize=64)
def _in_mailto(address: str) -> str:
    """RFC 6068, section 2: what a URL gives a meaning of its own is percent-encoded, UTF-8 included."""
    local, _, domain = mail_address(address).rpartition("@")
    return f"{quote(local, safe='+')}@{domain}"


def _digits(key: bytes, *parts: str) -> str:
    if len(key) < _KEY_BYTES:
        raise DeliveryError(f"the secret key has {len(key)} bytes and must have {_KEY_BYTES} or more; make a new one")
    # the parts cannot hold NUL (a period, a number, a word of ours), so no two lists of parts read alike
    return hmac.digest(key, "\0".join(parts).encode(), hashlib.sha256).hex()[:_DIGITS]
