"""Whether a reader has asked for no mail for the time being; days are those of the reader's own time zone. Pure."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from datetime import date, datetime


def local_day(timezone: str, now: datetime) -> date:
    """Return what day it is at `now` (aware) in an IANA time zone; of one that is known no more, the day in UTC."""
    try:
        return now.astimezone(ZoneInfo(timezone)).date()
    except ZoneInfoNotFoundError:  # a name that the zones of this machine have lost must not hold up everybody's mail
        return now.astimezone(UTC).date()


def pause_reason(paused_until: date | None, timezone: str, now: datetime) -> str:
    """Return why a mail that would leave at `now` (aware) is skipped; "" where the pause is over, or there is none."""
    if paused_until is None or local_day(timezone, now) >= paused_until:
        return ""
    return f"paused until {paused_until.isoformat()}"
