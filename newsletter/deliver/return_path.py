"""The return path of each mail, which says in a signed way whose mail it was (VERP, https://cr.yp.to/proto/verp.txt).

`bounces+12.345.MAC@example.org` is issue 12 to subscriber 345; issue 0 is a letter. MAC is HMAC-SHA256 (RFC 2104) cut
to 80 bits, the least that section 5 there allows, in base32 (RFC 4648) in small letters: servers on the way may fold
a local part's case, and it has but 64 octets (RFC 5321, section 4.5.3.1.1). Nobody but the holder of the key can make
an address that `whose` takes. Nothing here keeps the key, reads it or does any I/O.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.deliver.identity import mail_address
from newsletter.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newsletter.settings import BounceSettings

LETTER = 0  # the issue that a letter is of
_MAC_BYTES = 10
_LOCAL_OCTETS = 64
_KEY_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """Whose mail it was, and of which issue; `LETTER` for none."""

    issue_id: int
    subscriber_id: int


def return_path(settings: BounceSettings, secret: bytes, issue_id: int, subscriber_id: int) -> str:
    """Return the envelope sender of an issue's mail to a subscriber, "" where the settings name no return path.

    It is the same on every attempt. `secret` is the newest key of the home.

    Raises:
        DeliveryError: the key is too short, or the numbers too long for an address.
    """
    if not settings.return_path:
        return ""
    local, domain = _parts(settings.return_path)
    own = f"{local}{settings.delimiter}{issue_id}.{subscriber_id}.{_mac(secret, str(issue_id), str(subscriber_id))}"
    if len(own) > _LOCAL_OCTETS or min(issue_id, subscriber_id) < 0:
        raise DeliveryError(f"no return path can be made for issue {issue_id} and subscriber {subscriber_id}")
    return f"{own}@{domain}"


def whose(settings: BounceSettings, secrets: Sequence[bytes], headers: Iterable[str]) -> Mailing | None:
    """Return the mailing that the return paths in these texts name, None unless they name exactly one.

    A return path counts only if one of `secrets` signed it. Letters of either case are the same.
    """
    if not settings.return_path:
        return None
    shape = _shape(settings.return_path, settings.delimiter)
    named = {found.groups() for text in headers for found in shape.finditer(text.lower())}
    good = {(issue, subscriber) for issue, subscriber, mac in named if _signed(secrets, issue, subscriber, mac)}
    if len(good) != 1:
        return None
    ((issue, subscriber),) = good
    return Mailing(issue_id=int(issue), subscriber_id=int(subscriber))


@lru_cache(maxsize=8)
def _parts(address: str) -> tuple[str, str]:
    local, _, domain = mail_address(address).rpartition("@")
    return local, domain


@lru_cache(maxsize=8)
def _shape(address: str, delimiter: str) -> re.Pattern[str]:
    """The whole address, in small letters; the lengths keep the numbers within a database's."""
    local, domain = (re.escape(part.lower()) for part in _parts(address))
    return re.compile(
        rf"(?<![\w.+=-]){local}{re.escape(delimiter)}(\d{{1,18}})\.(\d{{1,18}})\.([a-z2-7]{{16}})@{domain}(?![\w-]|\.\w)",
        re.ASCII,
    )


def _signed(secrets: Sequence[bytes], issue: str, subscriber: str, mac: str) -> bool:
    return any(hmac.compare_digest(_mac(secret, issue, subscriber), mac) for secret in secrets)


def _mac(secret: bytes, issue: str, subscriber: str) -> str:
    if len(secret) < _KEY_BYTES:
        raise DeliveryError(
            f"the secret key has {len(secret)} bytes and must have {_KEY_BYTES} or more; make a new one"
        )
    digest = hmac.digest(secret, f"return-path\0{issue}\0{subscriber}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:_MAC_BYTES]).decode("ascii").lower()
