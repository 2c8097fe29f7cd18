"""Whose a signed link is: the token is read, and what its signature covers is looked up. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import LinkError, ReaderGoneError
from newsletter.life import Asked
from newsletter.links import REVOCABLE, Purpose, covered_epoch

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.life import Request
    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whose link it is, and of which issue ("" where of none)."""

    subscriber: Subscriber
    period: str = ""

    @property
    def id(self) -> int:
        """The subscriber's number."""
        return self.subscriber.id


def reader_of(desk: Desk, purpose: Purpose, token: str, *, now: datetime) -> Reader:
    """Return whose link this is.

    Raises:
        LinkError: it is not whole, not ours, for something else, too old or revoked, or nobody's any more; which of
            these cannot be told but for an age.
        ReaderGoneError: it is a whole link to unsubscribe, whose holder may know that nobody is mailed any more.
    """

    def epoch(number: int) -> str | None:
        found = desk.store.subscribers.get(number)
        return None if found is None else covered_epoch(found.link_epoch)

    def address(number: int) -> str | None:
        request = pending_address(desk, number)
        return None if request is None else request.address

    covered = epoch if purpose in REVOCABLE else address if purpose is Purpose.ADDRESS else None
    claim = desk.signer.read(purpose, token, now=now, covered=covered)
    subscriber = desk.store.subscribers.get(claim.subscriber_id)
    if subscriber is None and purpose is Purpose.UNSUBSCRIBE:
        raise ReaderGoneError("nothing is kept of this subscription any more, and no mail is sent")
    if subscriber is None:
        raise LinkError("this link is not whole, or is good no longer; ask for a new one")
    return Reader(subscriber=subscriber, period=claim.period)


def pending_address(desk: Desk, number: int) -> Request | None:
    """Return the change of address that a subscriber asked for and that is not confirmed yet."""
    return desk.store.membership.asked(number).get(Asked.ADDRESS)
