"""What is held of a person: all of it handed over, or all of it gone; and what is purged as time goes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from newsletter.errors import UsageError
from newsletter.links import CONFIRM_DAYS
from newsletter.model import Letter
from newsletter.pipeline.audience import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from newsletter.life import Event, Request
    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How much was deleted that is of no use any more."""

    pending: int
    requests: int
    counters: int


def export(desk: Desk, who: int) -> Mapping[str, Any]:
    """Return all that is held of a subscriber, as JSON takes it; times are ISO 8601 in UTC.

    A letter on its way to an address that they want is left out: only one that is not known here yet gets one.

    Raises:
        UsageError: the subscription is not there any more.
    """
    store = desk.store
    one = store.subscribers.get(who)
    if one is None:
        raise UsageError("this subscription is not there any more; there is nothing to export")
    return {
        **_person(one),
        "suppressed": bool(desk.suppressions.holds([one.address])),
        "history": [_event(event) for event in store.history.of(who)],
        "requests": [_request(request) for request in store.membership.asked(who).values()],
        "saved": {paper: at.isoformat() for paper, at in store.saved.of(who).items()},
        "issues": _plain(store.deliveries.history(who)),
        "bounces": [
            {"at": bounce.at.isoformat(), "kind": bounce.kind, "status": bounce.status, "told": bounce.diagnostic}
            for bounce in store.bounces.of(who)
        ],
        "letters_waiting": [
            {"letter": letter.letter, "address": letter.address, "queued_at": letter.queued_at.isoformat()}
            for letter in store.letters.waiting(who)
            if letter.letter is not Letter.ADDRESS
        ],
    }


def _person(one: Subscriber) -> dict[str, Any]:
    profile = one.profile
    return {
        "address": one.address,
        "status": one.status.value,
        "created_at": one.created_at.isoformat() if one.created_at else None,
        "topics": list(profile.topics),
        "interests": list(profile.interests),
        "muted": list(profile.muted),
        "authors": list(profile.authors),
        "organisations": list(profile.organisations),
        "liked": list(profile.liked),
        "disliked": list(profile.disliked),
        "cadence": one.cadence.value,
        "weekday": WEEKDAYS[one.weekday],
        "hour": one.hour,
        "time_zone": one.timezone,
        "size": one.size,
        "paused_until": one.paused_until.isoformat() if one.paused_until else None,
        "links_revoked": one.link_epoch,
    }


def _event(event: Event) -> dict[str, Any]:
    return {"at": event.at.isoformat(), "what": event.kind.value, **event.detail}


def _request(request: Request) -> dict[str, Any]:
    told: dict[str, Any] = {"at": request.at.isoformat(), "what": request.kind.value}
    if request.address:
        told["address"] = request.address
    if request.wishes:
        wishes = _person(request.wishes)
        told["wishes"] = {name: wishes[name] for name in wishes if name not in {"address", "status", "created_at"}}
    return told


def _plain(rows: Iterable[tuple[str, str, datetime, str]]) -> list[dict[str, Any]]:
    return [
        {"period": period, "state": state, "at": at.isoformat(), "reply": reply} for period, state, at, reply in rows
    ]


def forget(desk: Desk, address: str, *, now: datetime) -> None:
    """Delete all that is held of who has this address; a keyed hash of it stays, so that no list brings it back.

    Raises:
        UsageError: nobody has it; nothing was changed.
    """
    if not desk.store.forgetting.forget(address, seal=desk.suppressions.hashed, now=now):
        raise UsageError("there is no such subscriber; nothing was changed")


def purge(desk: Desk, *, now: datetime) -> Purged:
    """Delete sign-ups and requests that nobody confirmed in time, and the counters of days that are over.

    Sign-ups leave no trace at all. A day is waited beyond what the links are good for.
    """
    late = now - timedelta(days=CONFIRM_DAYS + 1)
    return Purged(
        pending=desk.store.forgetting.purge_unconfirmed(before=late),
        requests=desk.store.membership.purge_requests(before=late),
        counters=desk.store.attempts.purge(now=now),
    )
