"""The deliveries' state machine: which event may move a delivery from which states, and to which.

One table, and what follows from it. Whoever stores a delivery's state asks here first, so that no other move can be
written; it stores nothing itself.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from newsletter.model import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Mapping


class Event(StrEnum):
    """What can happen to a delivery."""

    ATTEMPT = "attempt"  # the next byte that leaves is the mail's own
    ACCEPT = "accept"  # the server has answered 250 to all of it
    DEFER = "defer"  # a temporary refusal, or the talk broke off before the mail was over
    REFUSE = "refuse"  # a refusal for good, or no more tries
    LOSE = "lose"  # nobody knows whether it arrived: no answer, or its sender died
    TAKE_BACK = "take back"  # nothing of it has left after all
    SKIP = "skip"  # its reader left, or the issue was cancelled
    REOPEN = "reopen"  # somebody, or the policy, wants it to be tried again


_WAITING = frozenset({DeliveryState.QUEUED, DeliveryState.DEFERRED})
_ON_ITS_WAY = frozenset({DeliveryState.IN_FLIGHT})

MOVES: Mapping[Event, tuple[frozenset[DeliveryState], DeliveryState]] = MappingProxyType(
    {
        Event.ATTEMPT: (_WAITING, DeliveryState.IN_FLIGHT),
        Event.ACCEPT: (_ON_ITS_WAY, DeliveryState.ACCEPTED),
        Event.DEFER: (_ON_ITS_WAY, DeliveryState.DEFERRED),
        Event.REFUSE: (_ON_ITS_WAY, DeliveryState.FAILED),
        Event.LOSE: (_ON_ITS_WAY, DeliveryState.UNCERTAIN),
        Event.TAKE_BACK: (_ON_ITS_WAY, DeliveryState.QUEUED),
        Event.SKIP: (_WAITING, DeliveryState.SKIPPED),
        Event.REOPEN: (frozenset({DeliveryState.FAILED, DeliveryState.UNCERTAIN}), DeliveryState.QUEUED),
    }
)

# No move leads on from these but somebody's wish to try again: a mail in one of them keeps no issue open.
ENDS = frozenset({DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.SKIPPED})
WAITING = _WAITING


def sources(event: Event) -> tuple[str, ...]:
    """Return the states that an event may move a delivery from, as the store holds them."""
    return tuple(sorted(state.value for state in MOVES[event][0]))


def target(event: Event) -> str:
    """Return the state that an event moves a delivery to, as the store holds it."""
    return MOVES[event][1].value


def settling(state: DeliveryState) -> Event:
    """Return the event by which a delivery in flight comes to `state`.

    Raises:
        ValueError: none does.
    """
    for event, (frm, to) in MOVES.items():
        if to is state and DeliveryState.IN_FLIGHT in frm:
            return event
    raise ValueError(f"no delivery in flight becomes {state}")
