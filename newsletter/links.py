"""The addresses of the web pages, and the signed tokens in those that are one reader's own.

A token says for which purpose, whose and, where it matters, of which issue. It is signed with HMAC-SHA256 (RFC 2104)
under a key of its purpose alone, so that one kind of link never opens another page; it is good in one spelling only.
Several keys may be given, oldest first: all are good, the newest signs.

The signature of some links also covers what the token does not say and the store knows: how often the reader's links
were revoked, or the new address that is to be confirmed. So a token stays short, and dies when that changes; links to
unsubscribe never do. Nothing here keeps a key on disk, reads a clock, asks a store or serves a page.
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
    from collections.abc import Callable, Sequence
    from datetime import datetime

CONFIRM_DAYS = 7  # a request to subscribe, or to change one's address, that nobody confirmed is forgotten after so long
_DAY = 86_400  # seconds
_KEY_BYTES = 16
_MAC_BYTES = 16  # RFC 2104, section 5: no less than half of the hash; 128 bits keep a link short
# Every reader's token has the same length, so that mails differ in it and nowhere around it.
_ID_BYTES = 6
_WHO_LENGTH = _ID_BYTES * 4 // 3  # characters of base64, without padding
_NOBODYS = "\0"  # what no signature ever covers


class Purpose(StrEnum):
    """What a signed link is for; also the first part of its path."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    VIEW = "view"
    FEEDBACK = "feedback"
    ADDRESS = "address"


DATED = frozenset({Purpose.CONFIRM, Purpose.ADDRESS})
REVOCABLE = frozenset({Purpose.CONFIRM, Purpose.PREFERENCES, Purpose.VIEW, Purpose.FEEDBACK})
_COVERING = REVOCABLE | {Purpose.ADDRESS}


class Verdict(StrEnum):
    """What a reader says of one paper; the path of a feedback link names it."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a token says: whose link it is, of which issue ("" where of none)."""

    subscriber_id: int
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLinks:
    """The URLs that are one reader's own in one mail; "" where there is no page, or no reason, for it.

    `unsubscribe` may be a mailto: URL. `feedback` is a beginning that `feedback_page` completes. `confirm` confirms a
    subscription, or a new address.
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

    def token(self, purpose: Purpose, subscriber_id: int, *, period: str = "", epoch: int = 0) -> str:
        """Return a token without an end; it is good until its key is withdrawn, or the reader's links are revoked.

        `epoch` is how often they were revoked so far; what cannot be revoked does not depend on it.

        Raises:
            LinkError: a number that no token can hold.
        """
        covered = covered_epoch(epoch) if purpose in REVOCABLE else ""
        return self._signers[purpose].signed(_written(subscriber_id, period), covered)

    def confirm_token(self, subscriber_id: int, *, now: datetime, epoch: int = 0) -> str:
        """Return a token that confirms a subscription within `CONFIRM_DAYS` of `now` (aware), or until it is revoked.

        `epoch` is as in `token`: who has moved to another address is not brought back by a letter to the old one.

        Raises:
            LinkError: a number that no token can hold.
        """
        return self._dated(Purpose.CONFIRM, now, covered_epoch(epoch)).sign(_written(subscriber_id, "")).decode("ascii")

    def address_token(self, subscriber_id: int, *, address: str, now: datetime) -> str:
        """Return a token that confirms a new address within `CONFIRM_DAYS` of `now` (aware), and no other address.

        Raises:
            LinkError: a number that no token can hold.
        """
        return self._dated(Purpose.ADDRESS, now, address).sign(_written(subscriber_id, "")).decode("ascii")

    def read(
        self, purpose: Purpose, token: str, *, now: datetime, covered: Callable[[int], str | None] | None = None
    ) -> Claim:
        """Return what a token says, which was made for this purpose.

        `covered` returns what the signature of a subscriber's token covers beside the token, None where there is no
        such subscriber: `covered_epoch` for what can be revoked, the new address for `ADDRESS`. It is asked before the
        signature is compared, whatever that is, so that nobody can tell a wrong number from a wrong signature.

        Raises:
            LinkError: it was made for another purpose or by somebody else, was changed or cut, was revoked, is too old,
                or is dated later than `now`.
            ValueError: `covered` is missing for a purpose that needs it.
        """
        if (covered is None) is (purpose in _COVERING):
            raise ValueError(f"what a link for {purpose} covers must be given for just the links that cover something")
        beside = covered(_number_in(token)) if covered else ""
        try:
            return self._read(purpose, token, now, _NOBODYS if beside is None else beside)
        except SignatureExpired as error:
            if error.date_signed is not None and error.date_signed > now:
                raise LinkError("this link is dated in the future: a clock was wrong; ask for a new one") from None
            raise LinkError(f"this link is older than {CONFIRM_DAYS} days; ask for a new one") from None
        except (BadData, ValueError):
            raise LinkError(
                "this link is not whole, or is good no longer; open it again from the newest mail, or ask for a new one"
            ) from None

    def _read(self, purpose: Purpose, token: str, now: datetime, covered: str) -> Claim:
        if purpose in DATED:
            return _read(self._dated(purpose, now, covered).unsign(token, max_age=CONFIRM_DAYS * _DAY))
        return _read(_Canonical(self._keys[purpose], covered).unsign(token))

    def _dated(self, purpose: Purpose, now: datetime, covered: str) -> TimestampSigner:
        return _SignerAt(now, self._keys[purpose], covered)


def covered_epoch(epoch: int) -> str:
    """Return what the signatures of a reader's links cover whose links were revoked `epoch` times."""
    return str(epoch) if epoch else ""


def letter_links(
    signer: LinkSigner, base: str, subscriber_id: int, *, now: datetime, pending: bool, epoch: int = 0
) -> MailLinks:
    """Return a reader's links in a letter: to confirm the subscription while it is `pending`, else to change or end it.

    Raises:
        LinkError: a number that no token can hold.
    """
    if pending:
        token = signer.confirm_token(subscriber_id, now=now, epoch=epoch)
        return MailLinks(confirm=_page(base, Purpose.CONFIRM, token))
    return MailLinks(
        unsubscribe=_page(base, Purpose.UNSUBSCRIBE, signer.token(Purpose.UNSUBSCRIBE, subscriber_id)),
        preferences=_page(base, Purpose.PREFERENCES, signer.token(Purpose.PREFERENCES, subscriber_id, epoch=epoch)),
    )


def address_links(signer: LinkSigner, base: str, subscriber_id: int, *, address: str, now: datetime) -> MailLinks:
    """Return the link in the letter to a new address, to confirm just that one.

    Raises:
        LinkError: a number that no token can hold.
    """
    token = signer.address_token(subscriber_id, address=address, now=now)
    return MailLinks(confirm=_page(base, Purpose.ADDRESS, token))


def mail_links(signer: LinkSigner, base: str, subscriber_id: int, *, period: str, epoch: int = 0) -> MailLinks:
    """Return a reader's links in the mail of one issue; one feedback token serves all its papers.

    Raises:
        LinkError: a number that no token can hold.
    """

    def page(purpose: Purpose, period: str = "") -> str:
        return _page(base, purpose, signer.token(purpose, subscriber_id, period=period, epoch=epoch))

    return MailLinks(
        unsubscribe=page(Purpose.UNSUBSCRIBE),
        preferences=page(Purpose.PREFERENCES),
        view=page(Purpose.VIEW, period),
        feedback=page(Purpose.FEEDBACK, period),
    )


def feedback_page(beginning: str, verdict: Verdict, paper_id: str) -> str:
    """Return the page that asks whether a reader wants more papers like this one, or fewer, or to keep this one."""
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

    Keys are hashed once and not with each token (RFC 2104, section 4): that is most of the work. What is `covered`
    beside a token follows it after a NUL, which no token holds.
    """

    def __init__(self, keys: Sequence[bytes], covered: str) -> None:
        self._keyed = {key: hmac.new(key, digestmod=hashlib.sha256) for key in keys}
        self._covered = _beside(covered)

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return self.mac(key, value + self._covered)

    def mac(self, key: bytes, value: bytes) -> bytes:
        """Return the code of all that is covered."""
        mac = self._keyed[key].copy()
        mac.update(value)
        return mac.digest()[:_MAC_BYTES]


class _Canonical(Signer):
    """A signer that takes a signature in the very letters that it would write itself.

    base64 has bits to spare in its last letter, and itsdangerous passes over padding and strange letters; so one token
    would have many spellings, all of them good.
    """

    def __init__(self, keys: Sequence[bytes], covered: str = "") -> None:
        self._mac = _Mac(keys, covered)
        super().__init__(keys, key_derivation="none", algorithm=self._mac)

    def signed(self, value: str, covered: str = "") -> str:
        """Return what `sign` of a signer with `covered` returns, at half its cost: with the newest key as it is."""
        mac = self._mac.mac(self.secret_keys[-1], value.encode("ascii") + _beside(covered))
        return f"{value}.{base64.urlsafe_b64encode(mac).decode('ascii').rstrip('=')}"

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        try:
            spelled = base64_encode(base64_decode(sig))
        except BadData:
            return False
        return spelled == want_bytes(sig) and super().verify_signature(value, sig)


class _SignerAt(_Canonical, TimestampSigner):
    """A signer whose clock stands still at the caller's moment."""

    def __init__(self, now: datetime, keys: Sequence[bytes], covered: str) -> None:
        super().__init__(keys, covered)
        self._now = int(now.timestamp())

    def get_timestamp(self) -> int:
        return self._now


def _beside(covered: str) -> bytes:
    return b"\0" + covered.encode() if covered else b""


def _number_in(token: str) -> int:
    """Return the number that an unproven token names, 0 (nobody's) where it names none."""
    try:
        return _read(token.partition(".")[0].encode("ascii")).subscriber_id
    except ValueError:
        return 0


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
