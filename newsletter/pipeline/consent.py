"""What an operator says of people's consent, as their histories keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.life import Event, Happening
from newsletter.period import parse_day

if TYPE_CHECKING:
    from datetime import datetime

ADDED_BY_OPERATOR = "added by the operator"
_LONGEST = 500


def consent(kind: Happening, *, confirmed: bool, reason: str, day: str, now: datetime) -> Event:
    """Return the event that people were added or imported at `now`; with `confirmed`, how and when they agreed.

    `day` is written as YYYY-MM-DD.

    Raises:
        UsageError: `confirmed` without a reason or day, a day that is none or to come, or a reason that no line holds.
    """
    if not confirmed:
        return Event(kind=kind, at=now, detail={"consent": "none yet"})
    told = reason.strip()
    if not told or not day:
        raise UsageError(
            "--confirmed says that these people agreed to be mailed; say how with --consent-reason and when with "
            "--consent-date"
        )
    if len(told) > _LONGEST or not told.isprintable():
        raise UsageError(f"the reason for the consent must be one line of at most {_LONGEST} characters")
    agreed = parse_day(day)
    if agreed > now.date():
        raise UsageError(f"{agreed} is still to come; --consent-date is the day on which these people agreed")
    return Event(kind=kind, at=now, detail={"consent": told, "consent date": agreed.isoformat()})
