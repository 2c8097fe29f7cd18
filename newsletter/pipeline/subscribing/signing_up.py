"""Signing up: the answer is the same whether an address is known or not, and nobody changes anything for another.

A stranger's sign-up changes what is stored only of who is pending anyway. Who left asks to come back: the wishes are
kept aside until the click in the mail. Who is subscribed gets the link to their preferences. To an address that is
suppressed since mail to it failed, or somebody complained, nothing is sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from newsletter.errors import LinkError
from newsletter.life import Asked, Event, Happening, Request
from newsletter.links import CONFIRM_DAYS, Purpose
from newsletter.model import Letter, SubscriberStatus, SuppressionReason
from newsletter.pipeline.audience import subscriber_from
from newsletter.pipeline.subscribing.limits import may_write_to, too_many
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.pipeline.wishes import LISTS
from newsletter.store.membership import Step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.desk import Desk
    from newsletter.store.membership import Standing

WISHES = ("topics", "interests", *LISTS, "cadence", "weekday", "hour", "time zone", "size")
FAILING = frozenset({SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED})
STOPPED = frozenset({SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED})


class SignUp(StrEnum):
    """What somebody who signs up is told: to look into the inbox, or to try again later."""

    LOOK = "look into your inbox"
    TOO_MANY = "too many sign-ups"


def sign_up(desk: Desk, address: str, wishes: Mapping[str, str], *, client: str, now: datetime) -> SignUp:
    """Take a sign-up from the page.

    `wishes` are cells by the names of the CSV's columns (`topics`, `interests`, `authors`, `organisations`, `muted`,
    `cadence`, `weekday`, `hour`, `time zone`, `size`), several values in one parted by `;`; what is missing or empty
    takes the default. `client` is the IP address it comes from.

    Raises:
        UsageError: no address, or a wish that cannot be; nothing was done or counted.
    """
    pending = replace(desk.defaults, status=SubscriberStatus.PENDING)
    cells = {name: cell for name, cell in wishes.items() if name in WISHES}
    wanted = subscriber_from({**cells, "address": address}, pending)
    if too_many(desk, client, now=now):
        return SignUp.TOO_MANY
    if may_write_to(desk, wanted.address, now=now):
        desk.act(wanted.address, lambda standing: signed_up(standing, wanted, now), now=now)
    return SignUp.LOOK


def signed_up(standing: Standing, wanted: Subscriber, now: datetime) -> Step:
    """Decide what follows from a sign-up; pure."""
    known = standing.subscriber
    if standing.suppressed in FAILING or known.status in STOPPED:
        return Step()
    if known.status is SubscriberStatus.CONFIRMED:
        return Step(letters=((Letter.PREFERENCES, known.address),))
    happened = Event(kind=Happening.SIGNED_UP, at=now)
    if known.status is SubscriberStatus.UNSUBSCRIBED:
        request = Request(kind=Asked.RETURN, at=now, wishes=wanted)
        return Step(asks=request, letters=((Letter.CONFIRM, known.address),), events=(happened,))
    waiting = with_wishes(known, wanted) if known.id else wanted
    return Step(subscriber=waiting, letters=((Letter.CONFIRM, waiting.address),), events=(happened,))


def with_wishes(known: Subscriber, wanted: Subscriber) -> Subscriber:
    """Return who is known with what is wanted from now on; what they liked and disliked stays. Pure."""
    profile = replace(wanted.profile, liked=known.profile.liked, disliked=known.profile.disliked)
    return replace(
        known,
        profile=profile,
        cadence=wanted.cadence,
        weekday=wanted.weekday,
        hour=wanted.hour,
        timezone=wanted.timezone,
        size=wanted.size,
    )


class Confirmation(StrEnum):
    """What a click on the link in the confirm letter came to."""

    CONFIRMED = "confirmed"
    CAME_BACK = "came back"
    ALREADY = "already confirmed"


def confirm(desk: Desk, token: str, *, now: datetime) -> tuple[Confirmation, Subscriber]:
    """Confirm a subscription, or that somebody who left comes back, by the token of the confirm letter.

    Raises:
        LinkError: the link cannot be used, or was and the subscription ended since; nothing was changed.
    """
    reader = reader_of(desk, Purpose.CONFIRM, token, now=now)
    came_to: list[Confirmation] = []

    def decide(standing: Standing) -> Step:
        outcome, step = confirmed(standing, now)
        came_to.append(outcome)
        return step

    subscriber = desk.known(reader.id, decide, now=now)
    return came_to[-1], subscriber


def confirmed(standing: Standing, now: datetime) -> tuple[Confirmation, Step]:
    """Decide what follows from the click; pure.

    Raises:
        LinkError: nothing waits for it.
    """
    known = standing.subscriber
    if standing.suppressed in FAILING or known.status in STOPPED:
        raise LinkError("mail to your address came back or was complained about; ask the editors to let it in again")
    if known.status is SubscriberStatus.CONFIRMED:
        return Confirmation.ALREADY, Step()
    welcome = ((Letter.WELCOME, known.address),)
    if known.status is SubscriberStatus.PENDING:
        subscriber = replace(known, status=SubscriberStatus.CONFIRMED)
        happened = Event(kind=Happening.CONFIRMED, at=now)
        return Confirmation.CONFIRMED, Step(subscriber=subscriber, letters=welcome, events=(happened,), lifts=True)
    request = standing.requests.get(Asked.RETURN)
    if request is None or request.wishes is None or request.at < now - timedelta(days=CONFIRM_DAYS):
        raise LinkError("this link was used, and the subscription ended since; to come back, subscribe again")
    back = replace(with_wishes(known, request.wishes), status=SubscriberStatus.CONFIRMED, paused_until=None)
    return Confirmation.CAME_BACK, Step(
        subscriber=back,
        letters=welcome,
        withdrawn=(Letter.GOODBYE,),
        events=(Event(kind=Happening.CAME_BACK, at=now),),
        settles=(Asked.RETURN,),
        lifts=True,
    )
