"""What a server answered, as it may be kept and told: without the address that the mail went to. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from newsletter.deliver.identity import mail_address
from newsletter.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHO = "(the reader)"


def nameless(reply: str, address: str) -> str:
    """Return a reply without the recipient's address, as it is stored and as it left, whatever its letters' case.

    So none stands in what is kept and told, and equal refusals read alike. Most replies name none, and a pattern that
    is made for one address costs as much as a quarter of a mail.
    """
    for spelling in _spellings(address):
        if spelling.casefold() in reply.casefold():
            reply = re.sub(re.escape(spelling), _WHO, reply, flags=re.IGNORECASE)
    return reply


def _spellings(address: str) -> Iterator[str]:
    yield address
    if not address.isascii():
        with suppress(DeliveryError):  # no address at all, which may be what the reply says
            yield mail_address(address)
