"""DKIM signatures (RFC 6376) over the ready bytes of a mail: rsa-sha256, and ed25519-sha256 (RFC 8463).

Always relaxed/relaxed, over the whole body: no `l=`, by which others could add to it. A signature is a pure function
of the mail, the keys and the time. It reads no clock, alters nothing of the mail, and may be used from several threads
at once: the arithmetic lets other threads run.

What is signed: the headers that a reader sees, that say what the text is, and that mail programs act upon. Those in
`_ONCE_MORE` stand in `h=` once more often than in the mail, so that nobody can add another and have it believed
(section 8.15); those in `_NEVER_ADDED` do so even where the mail has none. Feedback-ID is signed and may be added to,
since large relays put one of their own beside it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from newsletter.deliver.dkim_key import DkimKey, read_key
from newsletter.deliver.relaxed import relaxed_body, relaxed_fields
from newsletter.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from newsletter.settings import DkimSettings

_NEVER_ADDED = ("from", "to", "cc", "subject", "reply-to")
_ONCE_MORE = (
    *_NEVER_ADDED,
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-id",
    "list-archive",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "auto-submitted",
)
_SIGNED = (*_ONCE_MORE, "feedback-id")
_FOLD = "\r\n "
_LINE = 72  # octets of a tag's value in a line; with the tag's name and the fold it stays under 78


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key, and where its public half stands: SELECTOR._domainkey.DOMAIN, both in ASCII."""

    domain: str
    selector: str
    key: DkimKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The name that signatures by this key go by."""
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def signature(self, data: bytes) -> bytes:
        """Sign data; Ed25519 signs its SHA-256 (RFC 8463, section 3)."""
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(data, PKCS1v15(), hashes.SHA256())
        return self.key.sign(hashlib.sha256(data).digest())


class Signer:
    """Signs mails with each of its keys, such as an RSA and an Ed25519 key of one domain."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self.keys = tuple(keys)

    def signed(self, content: bytes, *, now: datetime, relaxed: bool = False) -> bytes:
        """Return the mail with one DKIM-Signature header for each key before it; `now` is aware.

        `content` has CRLF line ends, as every mailer demands. `relaxed` says that its body is its own relaxed form.

        Raises:
            DeliveryError: the mail has no From, which every signature must cover.
        """
        end = content.find(b"\r\n\r\n")
        head, body = (content, memoryview(b"")) if end < 0 else (content[:end], memoryview(content)[end + 4 :])
        fields = relaxed_fields(head)
        if b"from" not in fields:
            raise DeliveryError("a mail without a From cannot be signed; build it again")
        names = _names_of(tuple((name, len(fields.get(name.encode(), ()))) for name in _SIGNED))
        hashed = _hashed_fields(fields)
        body_hash = base64.b64encode(hashlib.sha256(body if relaxed else relaxed_body(bytes(body))).digest()).decode()
        seconds = int(now.timestamp())
        headers = [_header(key, names, hashed, body_hash, seconds) for key in self.keys]
        return b"".join([*headers, content])


def signer_from(settings: Sequence[DkimSettings], *, home: Path) -> Signer | None:
    """Return what signs with the keys that the settings name, None where they name none; a key file may lie in `home`.

    Raises:
        ConfigError: a key file cannot be used; the message names it.
    """
    keys = [
        SigningKey(domain=one.domain, selector=one.selector, key=read_key(home / Path(one.key_file).expanduser()))
        for one in settings
    ]
    return Signer(keys) if keys else None


@lru_cache(maxsize=256)
def _names_of(counts: tuple[tuple[str, int], ...]) -> str:
    """Return `h=` for a mail that has each of the headers so many times, folded into lines."""
    names: list[str] = []
    for name, count in counts:
        once_more = name in _NEVER_ADDED or (count and name in _ONCE_MORE)
        names += [name] * (count + bool(once_more))
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) >= _LINE:
            lines.append("")
        lines[-1] += f"{name}:"
    return _FOLD.join(lines)[:-1]


def _hashed_fields(fields: Mapping[bytes, Sequence[bytes]]) -> bytes:
    """Return what of the headers is signed: of those with one name the last comes first (section 5.4.2)."""
    lines = [
        b"%s:%s\r\n" % (name, value)
        for name in (name.encode() for name in _SIGNED)
        for value in reversed(fields.get(name, ()))
    ]
    return b"".join(lines)


def _header(key: SigningKey, names: str, hashed: bytes, body_hash: str, seconds: int) -> bytes:
    value = (
        f"v=1; a={key.algorithm}; c=relaxed/relaxed; t={seconds};{_FOLD}d={key.domain};{_FOLD}s={key.selector};"
        f"{_FOLD}h={names};{_FOLD}bh={body_hash};{_FOLD}b="
    )
    # the header itself is signed too, its b= empty, without a line end (section 3.7)
    own = b"dkim-signature:" + value.replace(_FOLD, " ").encode()
    signature = base64.b64encode(key.signature(hashed + own)).decode()
    lines = [signature[start : start + _LINE] for start in range(0, len(signature), _LINE)]
    return f"DKIM-Signature: {value}{_FOLD.join(lines)}\r\n".encode()
