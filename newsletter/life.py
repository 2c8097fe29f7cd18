"""What happens in the life of a subscriber, as it is kept: the events of a history, and what waits for a click.

Only types, as in `model`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from newsletter.model import Subscriber


class Happening(StrEnum):
    """What happened to a subscriber, as their history keeps it."""

    SIGNED_UP = "signed up"
    CONFIRMED = "confirmed"
    ADDED = "added"
    IMPORTED = "imported"
    PREFERENCES_CHANGED = "preferences changed"
    ADDRESS_REQUESTED = "change of address asked for"
    ADDRESS_CHANGED = "address changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    JUDGED = "paper judged"
    UNSUBSCRIBED = "unsubscribed"
    CAME_BACK = "came back"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    LINKS_REVOKED = "links revoked"
    LETTER_SENT = "letter sent"
    LETTER_FAILED = "letter failed"


class Leaving(StrEnum):
    """How somebody was unsubscribed; only the first two are a click that can be undone with another one."""

    PAGE = "page"
    ONE_CLICK = "one-click"
    MAIL = "mail"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry in a subscriber's history, at `at` (aware, UTC). `detail` holds texts, and never an address."""

    kind: Happening
    at: datetime
    detail: Mapping[str, str] = field(default_factory=dict)


class Asked(StrEnum):
    """What somebody asked for that a click in a mail must confirm first: to come back, or another address."""

    RETURN = "return"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a subscriber asked for at `at` (aware, UTC), until it is confirmed.

    `wishes` are what they will want once they are back; `address` is the new one.
    """

    kind: Asked
    at: datetime
    wishes: Subscriber | None = None
    address: str = ""
