"""When a mail that could not be handed over is tried again. Pure: the clock and the chance stay outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta


def next_attempt(attempts: int, *, pauses: Sequence[timedelta], now: datetime) -> datetime | None:
    """Return when to try again after `attempts` tries, or None when the pauses are used up and the mail has failed.

    `pauses[0]` follows the first try; they should grow, as RFC 5321, section 4.5.4.1, advises.
    """
    return now + pauses[attempts - 1] if attempts <= len(pauses) else None
