"""Leaving: at once, without a question, and effective for every mail that is not handed over yet; and its undoing.

Each way to leave is answered by a goodbye, the one-click kind too: it may have been pressed in a forwarded mail, and
then tells its reader. Nobody gets a second one within a day.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.life import Asked, Event, Happening, Leaving
from newsletter.model import Letter, SubscriberStatus, SuppressionReason
from newsletter.store.history import left_by
from newsletter.store.membership import RECENT, Standing, Step

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.desk import Desk

UNDO_HOURS = RECENT // timedelta(hours=1)  # for so long an undo is offered
_BY_A_CLICK = frozenset({Leaving.PAGE.value, Leaving.ONE_CLICK.value})
_MAILED = frozenset({SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED})
# A sign-up, a stranger's perhaps, that waits for its click: it must not undo what was said later.
_STAYS_AWAY = Step(withdrawn=(Letter.CONFIRM,), settles=(Asked.RETURN,))


def unsubscribe(desk: Desk, who: int, *, how: Leaving, now: datetime) -> Subscriber:
    """End the mail to a subscriber; for who has left already nothing changes, but that a wish to return is dropped.

    Raises:
        UsageError: the subscription is not there any more.
    """
    return desk.known(who, lambda standing: left(standing, how, now), now=now)


def left(standing: Standing, how: Leaving, now: datetime) -> Step:
    """Decide what follows from the wish to leave; pure."""
    known = standing.subscriber
    if known.status not in _MAILED:
        return _STAYS_AWAY if Asked.RETURN in standing.requests else Step()
    answered = how is Leaving.OPERATOR or known.status is SubscriberStatus.PENDING or _said_goodbye(standing.recent)
    return Step(
        subscriber=replace(known, status=SubscriberStatus.UNSUBSCRIBED),
        letters=() if answered else ((Letter.GOODBYE, known.address),),
        withdrawn=(Letter.CONFIRM, Letter.WELCOME, Letter.PREFERENCES),
        events=(left_by(how, known.status, now),),
    )


def _said_goodbye(recent: Iterable[Event]) -> bool:
    """Return whether a goodbye was sent within the day; one that still waits is queued once anyway."""
    return any(one.kind is Happening.LETTER_SENT and one.detail.get("letter") == Letter.GOODBYE for one in recent)


def can_undo(standing: Standing) -> bool:
    """Return whether leaving can be undone with a click: it was by one, from confirmed, within the day. Pure."""
    leavings = [one for one in standing.recent if one.kind is Happening.UNSUBSCRIBED]
    if standing.subscriber.status is not SubscriberStatus.UNSUBSCRIBED or standing.suppressed or not leavings:
        return False
    detail = leavings[-1].detail
    return detail.get("how") in _BY_A_CLICK and detail.get("was") == SubscriberStatus.CONFIRMED


def offers_undo(desk: Desk, known: Subscriber, *, now: datetime) -> bool:
    """Return whether a page may offer to undo that somebody left; it reads only, and the undoing looks again."""
    recent = desk.store.history.since(known.id, now - RECENT)
    suppressed = SuppressionReason.REQUESTED if desk.suppressions.holds([known.address]) else None
    return can_undo(Standing(subscriber=known, recent=recent, suppressed=suppressed))


def undo_unsubscribe(desk: Desk, who: int, *, now: datetime) -> Subscriber:
    """Take back a click on unsubscribe, within the day; nothing of what the subscriber wants was lost.

    Raises:
        UsageError: it is too late, or they left in another way; nothing was changed.
    """

    def decide(standing: Standing) -> Step:
        if standing.subscriber.status is SubscriberStatus.CONFIRMED:
            return Step()
        if not can_undo(standing):
            raise UsageError(f"this can be undone for {UNDO_HOURS} hours only; to come back, subscribe again")
        return Step(
            subscriber=replace(standing.subscriber, status=SubscriberStatus.CONFIRMED),
            withdrawn=(Letter.GOODBYE, *_STAYS_AWAY.withdrawn),
            events=(Event(kind=Happening.CAME_BACK, at=now),),
            settles=_STAYS_AWAY.settles,
        )

    return desk.known(who, decide, now=now)
