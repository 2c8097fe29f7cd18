"""A change of address: asked for on the preferences page, confirmed from the new address, told to the old one.

Whether the new address is known here is told to nobody who has not opened a letter sent to it: the request is kept
whether one is sent or not, and no history says which. With the address all links in earlier mails end, but for those to
unsubscribe: whoever reads the old mailbox has no say any more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.errors import LinkError, UsageError
from newsletter.life import Asked, Event, Happening, Request
from newsletter.links import Purpose
from newsletter.model import Letter, SubscriberStatus
from newsletter.pipeline.audience import normal_address
from newsletter.pipeline.subscribing.limits import may_move, may_write_to
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.pipeline.subscribing.signing_up import FAILING, STOPPED
from newsletter.store.membership import Step
from newsletter.store.subscribers import address_key

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.desk import Desk
    from newsletter.store.membership import Standing


def request_address(desk: Desk, who: int, new: str, *, now: datetime) -> Subscriber:
    """Queue a letter to a new address, whose link makes it the subscriber's; a later request voids it.

    Raises:
        UsageError: no address, the one they have, or too many requests today; nothing was changed.
    """
    address = normal_address(new)
    if not may_move(desk, who, now=now):
        raise UsageError("you asked for a new address several times today; try again tomorrow")
    allowed = may_write_to(desk, address, now=now)
    return desk.known(who, lambda standing: asked_to_move(standing, address, allowed, now), now=now, other=address)


def asked_to_move(standing: Standing, address: str, allowed: bool, now: datetime) -> Step:
    """Decide what follows from the wish for a new address; pure.

    Raises:
        UsageError: it is the one they have.
    """
    known = standing.subscriber
    if address_key(address) == address_key(known.address):
        raise UsageError("this is your address already; nothing was changed")
    return Step(
        asks=Request(kind=Asked.ADDRESS, at=now, address=address),
        withdrawn=(Letter.ADDRESS,),
        letters=((Letter.ADDRESS, address),) if allowed and not _closed(standing) else (),
        events=(Event(kind=Happening.ADDRESS_REQUESTED, at=now),),
    )


def _closed(standing: Standing) -> bool:
    """Return whether the wanted address is a subscriber's, or gets no mail whoever asks for some."""
    taken = standing.other is not None and standing.other.status in {SubscriberStatus.CONFIRMED, *STOPPED}
    return taken or standing.other_suppressed in FAILING


def confirm_address(desk: Desk, token: str, *, now: datetime) -> Subscriber:
    """Make a new address the subscriber's, by the token of the letter that went there.

    Raises:
        LinkError: the link cannot be used, or the address became a subscriber's meanwhile; nothing was changed.
    """
    reader = reader_of(desk, Purpose.ADDRESS, token, now=now)
    return desk.known(reader.id, lambda standing: moved(standing, now), now=now)


def moved(standing: Standing, now: datetime) -> Step:
    """Decide what follows from the click in the letter to the new address; pure.

    Raises:
        LinkError: nothing is asked for, or the address cannot be had.
    """
    known, request = standing.subscriber, standing.requests.get(Asked.ADDRESS)
    if request is None:
        raise LinkError("this change of address was made, or another one was asked for since; nothing was changed")
    if _closed(standing):
        raise LinkError("this address is subscribed already, or gets no mail from here; nothing was changed")
    return Step(
        subscriber=replace(known, address=request.address, link_epoch=known.link_epoch + 1),
        letters=((Letter.ADDRESS_CHANGED, known.address),),
        events=(Event(kind=Happening.ADDRESS_CHANGED, at=now),),
        settles=(Asked.ADDRESS,),
        lifts=True,
        replaces=standing.other.id if standing.other else 0,
    )
