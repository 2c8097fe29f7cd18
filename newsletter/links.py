"""The addresses of the web pages, and the signed tokens in those that are one reader's own.

A token says for which purpose, whose and, where it matters, of which issue. It is signed with HMAC-SHA256 (RFC 2104)
under a key of its purpose alone, so that one kind of link never opens another page; it is good in one spelling only.
Several keys may be given, oldest first: all are good, the newest signs. Nothing here keeps a key on disk, reads a
clock, asks a store or serves a page; whether the subscriber is still there is for the page to ask.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from itsdangerous import BadData, SignatureExpired, Signer, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode, want_bytes
from itsdangerous.signer import SigningAlgorithm

from newsletter.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

CONFIRM_DAYS = 7  # a request to subscribe that nobody confirmed is forgotten after so long
_DAY = 86_400  # seconds
_KEY_BYTES = 16
_MAC_BYTES = 16  # RFC 2104, section 5: no less than half of the hash; 128 bits keep a link short
# Every reader's token has the same length, so that mails differ in it and nowhere around it.
_ID_BYTES = 6
_WHO_LENGTH = _ID_BYTES * 4 // 3  # characters of base64, without padding


class Purpose(StrEnum):
    """What a signed link is for; also the first part of its path."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    VIEW = "view"
    FEEDBACK = "feedback"


class Verdict(StrEnum):
    """What a reader says of one paper; the path of a feedback link names it."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a token says: whose link it is, of which issue ("" where of none)."""

    subscriber_id: int
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLinks:
    """The URLs that are one reader's own in one mail; "" where there is no page, or no reason, for it.

    `unsubscribe` may be a mailto: URL. `feedback` is a beginning that `feedback_page` completes.
    """

    unsubscribe: str = ""
    preferences: str = ""
    view: str = ""
    feedback: str = ""
    confirm: str = ""


class LinkSigner:
    """Makes and reads tokens with the secret keys of one newsletter, oldest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Derive a key for each purpose.

        Raises:
            LinkError: there is no key, or one is too short.
        """
        if not keys or min(map(len, keys)) < _KEY_BYTES:
            raise LinkError(f"links need a secret key of {_KEY_BYTES} bytes or more; make a new one")
        self._keys = {purpose: [_derived(key, purpose) for key in keys] for purpose in Purpose}
        self._signers = {purpose: _Canonical(own) for purpose, own in self._keys.items()}

    def token(self, purpose: Purpose, subscriber_id: int, *, period: str = "") -> str:
        """Return a token without an end; it is good until its key is withdrawn.

        Raises:
            LinkError: a number that no token can hold.
        """
        return self._signers[purpose].signed(_written(subscriber_id, period))

    def confirm_token(self, subscriber_id: int, *, now: datetime) -> str:
        """Return a token that confirms a subscription within `CONFIRM_DAYS` of `now` (aware).

        Raises:
            LinkError: a number that no token can hold.
        """
        return self._dated(now).sign(_written(subscriber_id, "")).decode("ascii")

    def read(self, purpose: Purpose, token: str, *, now: datetime) -> Claim:
        """Return what a token says, which was made for this purpose.

        Raises:
            LinkError: it was made for another purpose or by somebody else, was changed or cut, is too old, or is dated
                later than `now`.
        """
        try:
            if purpose is Purpose.CONFIRM:
                return _read(self._dated(now).unsign(token, max_age=CONFIRM_DAYS * _DAY))
            return _read(self._signers[purpose].unsign(token))
        except SignatureExpired as error:
            if error.date_signed is not None and error.date_signed > now:
                raise LinkError("this link is dated in the future: a clock was wrong; ask for a new one") from None
            raise LinkError(f"this link is older than {CONFIRM_DAYS} days; ask for a new one") from None
        except (BadData, ValueError):
            raise LinkError("this link is not whole; open it again from the mail, or ask for a new one") from None

    def _dated(self, now: datetime) -> TimestampSigner:
        return _SignerAt(now, self._keys[Purpose.CONFIRM])


def letter_links(signer: LinkSigner, base: str, subscriber_id: int, *, now: datetime, pending: bool) -> MailLinks:
    """Return a reader's links in a letter: to confirm the subscription while it is `pending`, else to change or end it.

    Raises:
        LinkError: a number that no token can hold.
    """
    if pending:
        token = signer.confirm_token(subscriber_id, now=now)
        return MailLinks(confirm=_page(base, Purpose.CONFIRM, token))
    return MailLinks(
        unsubscribe=_page(base, Purpose.UNSUBSCRIBE, signer.token(Purpose.UNSUBSCRIBE, subscriber_id)),
        preferences=_page(base, Purpose.PREFERENCES, signer.token(Purpose.PREFERENCES, subscriber_id)),
    )


def mail_links(signer: LinkSigner, base: str, subscriber_id: int, *, period: str) -> MailLinks:
    """Return a reader's links in the mail of one issue; one feedback token serves all its papers.

    Raises:
        LinkError: a number that no token can hold.
    """

    def page(purpose: Purpose, period: str = "") -> str:
        return _page(base, purpose, signer.token(purpose, subscriber_id, period=period))

    return MailLinks(
        unsubscribe=page(Purpose.UNSUBSCRIBE),
        preferences=page(Purpose.PREFERENCES),
        view=page(Purpose.VIEW, period),
        feedback=page(Purpose.FEEDBACK, period),
    )


def feedback_page(beginning: str, verdict: Verdict, paper_id: str) -> str:
    """Return the page that asks whether a reader wants more papers like this one, or fewer."""
    return f"{beginning}/{verdict}/{quote(paper_id, safe='')}"


def subscribe_page(base: str) -> str:
    """Return the page where anybody subscribes."""
    return _page(base, "subscribe")


def archive_page(base: str) -> str:
    """Return the page that lists all issues."""
    return _page(base, "issues")


def issue_page(base: str, period: str) -> str:
    """Return the public edition of one issue, with all its papers."""
    return _page(base, "issues", period)


def _page(base: str, *parts: str) -> str:
    return "/".join((base, *parts))


class _Mac(SigningAlgorithm):
    """HMAC-SHA256, cut; itsdangerous compares it in constant time.

    Keys are hashed once and not with each token (RFC 2104, section 4): that is most of the work.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keyed = {key: hmac.new(key, digestmod=hashlib.sha256) for key in keys}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        mac = self._keyed[key].copy()
        mac.update(value)
        return mac.digest()[:_MAC_BYTES]


class _Canonical(Signer):
    """A signer that takes a signature in the very letters that it would write itself.

    base64 has bits to spare in its last letter, and itsdangerous passes over padding and strange letters; so one token
    would have many spellings, all of them good.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        super().__init__(keys, key_derivation="none", algorithm=_Mac(keys))

    def signed(self, value: str) -> str:
        """Return what `sign` returns, at half its cost: with the newest key, from which nothing is derived."""
        mac = self.algorithm.get_signature(self.secret_keys[-1], value.encode("ascii"))
        return f"{value}.{base64.urlsafe_b64encode(mac).decode('ascii').rstrip('=')}"

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        try:
            spelled = base64_encode(base64_decode(sig))
        except BadData:
            return False
        return spelled == want_bytes(sig) and super().verify_signature(value, sig)


class _SignerAt(_Canonical, TimestampSigner):
    """A signer whose clock stands still at the caller's moment."""

    def __init__(self, now: datetime, keys: Sequence[bytes]) -> None:
        super().__init__(keys)
        self._now = int(now.timestamp())

    def get_timestamp(self) -> int:
        return self._now


def _derived(key: bytes, purpose: Purpose) -> bytes:
    return hmac.digest(key, f"link\0{purpose}".encode(), hashlib.sha256)


def _written(subscriber_id: int, period: str) -> str:
    try:
        who = subscriber_id.to_bytes(_ID_BYTES, "big")
    except OverflowError:
        raise LinkError(f"no link can be made for subscriber {subscriber_id}") from None
    return base64.urlsafe_b64encode(who).decode("ascii") + (f".{period}" if period else "")


def _read(value: bytes) -> Claim:
    who, _, period = value.decode("ascii").partition(".")
    try:
        held = base64.b64decode(who, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(error) from None
    if len(who) != _WHO_LENGTH:
        raise ValueError(who)
    return Claim(subscriber_id=int.from_bytes(held, "big"), period=period)
