"""What a subscriber changes for themselves: wishes, a pause, and which links are good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.life import Asked, Event, Happening
from newsletter.model import Letter
from newsletter.pauses import local_day
from newsletter.pipeline.audience import edited
from newsletter.store.membership import Step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.desk import Desk
    from newsletter.store.membership import Standing

LONGEST_PAUSE = timedelta(days=366)


def change(desk: Desk, who: int, wishes: Mapping[str, str], *, now: datetime) -> Subscriber:
    """Put the given wishes, named and written as in `sign_up`, in place of what was there; what is not named stays.

    Raises:
        UsageError: a wish that cannot be, or the subscription is not there any more; nothing was changed.
    """

    def decide(standing: Standing) -> Step:
        known = standing.subscriber
        wanted = edited(known, wishes, topics=desk.defaults.topics)
        if wanted == known:
            return Step()
        event = Event(kind=Happening.PREFERENCES_CHANGED, at=now, detail={"what": differing(known, wanted)})
        return Step(subscriber=wanted, events=(event,))

    return desk.known(who, decide, now=now)


def differing(known: Subscriber, wanted: Subscriber) -> str:
    """Return the names of what two states of a subscriber's wishes differ in; pure."""
    profile = ("topics", "interests", "authors", "organisations", "muted", "liked", "disliked")
    rest = ("cadence", "weekday", "hour", "timezone", "size")
    names = [name for name in profile if getattr(known.profile, name) != getattr(wanted.profile, name)]
    return ", ".join([*names, *(name for name in rest if getattr(known, name) != getattr(wanted, name))])


def pause(desk: Desk, who: int, until: date, *, now: datetime) -> Subscriber:
    """Let no mail leave before the day `until` of the subscriber's own zone.

    Raises:
        UsageError: the day is not after today, or more than a year away; or nobody is subscribed any more.
    """

    def decide(standing: Standing) -> Step:
        known = standing.subscriber
        check_pause(until, local_day(known.timezone, now))
        event = Event(kind=Happening.PAUSED, at=now, detail={"until": until.isoformat()})
        return Step(subscriber=replace(known, paused_until=until), events=(event,))

    return desk.known(who, decide, now=now)


def check_pause(until: date, today: date) -> None:
    """Refuse a pause that ends today or before, or that is longer than a year; pure.

    Raises:
        UsageError: so it is.
    """
    if until <= today:
        raise UsageError(f"the pause would be over already: {until} is not after today, {today}; choose a later day")
    if until - today > LONGEST_PAUSE:
        raise UsageError(f"{until} is more than a year away; choose an earlier day, or unsubscribe")


def resume(desk: Desk, who: int, *, now: datetime) -> Subscriber:
    """Let mails leave again from now on.

    Raises:
        UsageError: the subscription is not there any more.
    """

    def decide(standing: Standing) -> Step:
        known = standing.subscriber
        if known.paused_until is None:
            return Step()
        return Step(subscriber=replace(known, paused_until=None), events=(Event(kind=Happening.RESUMED, at=now),))

    return desk.known(who, decide, now=now)


def revoke_links(desk: Desk, who: int, *, now: datetime) -> Subscriber:
    """End all links in earlier mails but those to unsubscribe, and queue a letter with new ones.

    A change of address that waits for its click ends, too: whoever had the links may have asked for it.

    Raises:
        UsageError: the subscription is not there any more.
    """

    def decide(standing: Standing) -> Step:
        known = standing.subscriber
        return Step(
            subscriber=replace(known, link_epoch=known.link_epoch + 1),
            letters=((Letter.PREFERENCES, known.address),),
            withdrawn=(Letter.ADDRESS,),
            events=(Event(kind=Happening.LINKS_REVOKED, at=now),),
            settles=(Asked.ADDRESS,),
        )

    return desk.known(who, decide, now=now)
