"""The suppression list of one home: addresses in, keyed hashes to the store; what it holds cannot be read back.

The hash is HMAC-SHA256 (RFC 2104) of the address as addresses are compared, under a key of this list alone. It decides
nothing about why an address comes onto the list by itself: that is `newsletter.deliver.bounce_rules`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.model import Subscriber, SubscriberStatus
from newsletter.pipeline.audience import normal_address
from newsletter.store.subscribers import address_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from newsletter.model import Suppression, SuppressionReason
    from newsletter.store import Store

_MAILED = (SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED)


class SuppressionList:
    """The list; `key` is asked for its secret when the first address is looked up or added."""

    def __init__(self, store: Store, key: Callable[[], bytes]) -> None:
        self._store = store
        self._key = key

    def add(self, address: str, *, reason: SuppressionReason, now: datetime) -> bool:
        """Suppress an address and unsubscribe who has it; False where it was suppressed before.

        Raises:
            UsageError: it is no address.
        """
        usual = normal_address(address)
        return self._store.suppressions.add(self.hashed(usual), usual, reason=reason, now=now)

    def remove(self, address: str) -> bool:
        """Let an address be mailed again, its bounces forgiven; False where it was not suppressed.

        Raises:
            UsageError: it is no address.
        """
        usual = normal_address(address)
        return self._store.suppressions.remove(self.hashed(usual), usual)

    def holds(self, addresses: Iterable[str]) -> set[str]:
        """Return which of these addresses are suppressed, as they were given."""
        if not self._store.suppressions.any():
            return set()  # so that a home without a list needs no key for it
        by_hash: dict[str, list[str]] = {}
        for address in addresses:
            by_hash.setdefault(self.hashed(address), []).append(address)
        return {address for key in self._store.suppressions.among(by_hash) for address in by_hash[key]}

    def all(self) -> Iterator[Suppression]:
        """Return the list, oldest first; an address that no subscriber has any more is not shown."""
        return self._store.suppressions.all()

    def hashed(self, address: str) -> str:
        """Return the hash that an address is kept under; two spellings of one address have one."""
        return hmac.digest(self._key(), address_key(address).encode("utf-8", "replace"), hashlib.sha256).hex()

    def admitted(self, wanted: Iterable[Subscriber]) -> tuple[list[Subscriber], list[str]]:
        """Divide a list into those who may come in, and the addresses that are suppressed.

        Whoever comes in to get no mail may always come in.
        """
        everybody = list(wanted)
        held = self.holds(one.address for one in everybody if one.status in _MAILED)
        refused = [one.address for one in everybody if one.address in held and one.status in _MAILED]
        return [one for one in everybody if one.address not in held or one.status not in _MAILED], refused


def suppressed(address: str) -> UsageError:
    """Return the error that says that an address is suppressed, and what lifts it."""
    return UsageError(
        f"{address} is suppressed, since mail to it came back or was complained about, or it asked for none; if it "
        f"shall have mail again: newsletter suppressions remove {address}"
    )
