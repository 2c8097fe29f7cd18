"""What a mail gets as it leaves, and no preview shows: the envelope's own sender, and the signature of the domain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from newsletter.deliver.return_path import return_path

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.deliver.sign import Signer
    from newsletter.model import Message
    from newsletter.settings import BounceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Makes mails ready to leave. `key` is the home's secret; without a `signer` mails are not signed."""

    bounces: BounceSettings
    key: bytes = field(repr=False)
    signer: Signer | None = field(repr=False, default=None)

    def ready(self, message: Message, *, issue_id: int, subscriber_id: int, now: datetime) -> Message:
        """Return the mail signed at `now`, its envelope's sender telling whose mail it is, should it come back.

        Raises:
            DeliveryError: it cannot be signed.
        """
        sender = return_path(self.bounces, self.key, issue_id, subscriber_id) or message.sender
        content = message.content
        if self.signer:
            content = self.signer.signed(content, now=now, relaxed=message.relaxed)
        return replace(message, sender=sender, content=content)
