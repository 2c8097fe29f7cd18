"""How often strangers may try: per network, in total, and per address; counted in the store for all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.pipeline.subscribing.desk import network_of
from newsletter.store.attempts import DAY, HOUR
from newsletter.store.subscribers import address_key

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.pipeline.subscribing.desk import Desk

_EVERYBODY = "everybody"


def too_many(desk: Desk, client: str, *, now: datetime) -> bool:
    """Count a sign-up from a client's IP address; return whether its network, or all, had as many as they may.

    A network that is over its limit does not use up that of all.
    """
    attempts, limits = desk.store.attempts, desk.limits
    network = desk.sealed("network", network_of(client))
    if attempts.count("network", network, span=HOUR, now=now) > limits.network_hour:
        return True
    return attempts.count("all", _EVERYBODY, span=HOUR, now=now) > limits.total_hour


def may_write_to(desk: Desk, address: str, *, now: datetime) -> bool:
    """Count a letter that a stranger causes to an address; return whether it may be sent."""
    key = desk.sealed("address", mailbox_of(address))
    return desk.store.attempts.count("address", key, span=DAY, now=now) <= desk.limits.address_day


def may_move(desk: Desk, who: int, *, now: datetime) -> bool:
    """Count a change of address that a subscriber asks for; return whether they may."""
    key = desk.sealed("moves", str(who))
    return desk.store.attempts.count("moves", key, span=DAY, now=now) <= desk.limits.address_day


def mailbox_of(address: str) -> str:
    """Return what addresses of one mailbox have in common: all before a `+` in the local part (RFC 5233)."""
    local, _, domain = address_key(address).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
