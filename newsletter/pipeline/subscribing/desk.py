"""What all acts share: the store, the secrets that seal addresses and sign links, and the limits."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.links import LinkSigner
    from newsletter.model import Subscriber
    from newsletter.pipeline.audience import Defaults
    from newsletter.pipeline.suppression import SuppressionList
    from newsletter.settings import SignupSettings
    from newsletter.store import Store
    from newsletter.store.membership import Standing, Step

_IPV4_BITS, _IPV6_BITS = 24, 48  # what one customer mostly has, see config/README.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where acts are carried out. `defaults` are those of a new subscriber, `key` is the home's secret."""

    store: Store
    suppressions: SuppressionList
    signer: LinkSigner = field(repr=False)
    limits: SignupSettings
    defaults: Defaults
    key: bytes = field(repr=False)

    def act(
        self, whose: int | str, decide: Callable[[Standing], Step], *, now: datetime, other: str = ""
    ) -> Subscriber | None:
        """Carry out an act; see `MembershipStore.act`."""
        return self.store.membership.act(whose, decide, seal=self.suppressions.hashed, now=now, other=other)

    def known(self, who: int, decide: Callable[[Standing], Step], *, now: datetime, other: str = "") -> Subscriber:
        """Carry out an act of a subscriber who is there.

        Raises:
            UsageError: they were forgotten meanwhile.
        """
        done = self.act(who, decide, now=now, other=other)
        if done is None:
            raise UsageError("this subscription is not there any more; subscribe again")
        return done

    def sealed(self, kind: str, text: str) -> str:
        """Return the hash under which something is counted; it cannot be read back."""
        return hmac.digest(self.key, f"attempts\0{kind}\0{text}".encode("utf-8", "replace"), hashlib.sha256).hex()


def network_of(client: str) -> str:
    """Return the network that a client's IP address lies in, "" where it is none (a socket file, say)."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    bits = _IPV6_BITS if isinstance(address, ipaddress.IPv6Address) else _IPV4_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))
