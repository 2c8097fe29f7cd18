"""When a mail that could not be handed over is tried again. Pure: the clock and the chance stay outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.settings import DeliverSettings

_SPREAD = 0.2  # a fifth earlier or later, so that mails refused together do not come back together
_MOST_DOUBLINGS = 500  # no float holds many more


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a mail is tried: the first pause, the longest one, and for how long in all."""

    first: timedelta
    longest: timedelta
    horizon: timedelta

    @classmethod
    def of(cls, settings: DeliverSettings) -> Patience:
        """Return how long the settings say."""
        return cls(
            first=timedelta(minutes=settings.retry_minutes),
            longest=timedelta(minutes=settings.retry_longest_minutes),
            horizon=timedelta(hours=settings.retry_hours),
        )


def next_attempt(
    attempts: int, *, patience: Patience, since: datetime, chance: float, now: datetime
) -> datetime | None:
    """Return when to try again after `attempts` tries (1 or more); None when that would be past the horizon.

    Pauses double, as RFC 5321, section 4.5.4.1, advises, up to the longest, and are spread by `chance` (0 to 1). The
    horizon is counted from `since`, when the mail was first due. Times are aware.
    """
    # in seconds: no timedelta would hold what a mail that was tried for forty times over comes to
    doubled = patience.first.total_seconds() * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS)
    pause = timedelta(seconds=min(doubled, patience.longest.total_seconds()))
    at = now + pause * (1 - _SPREAD + 2 * _SPREAD * chance)
    return at if at <= since + patience.horizon else None
