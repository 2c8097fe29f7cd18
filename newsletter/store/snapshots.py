"""Which vote snapshots are kept, whatever the order they arrive in, and the growth they show.

Pure: no database, no clock.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

# (upvotes, comments), None where the source does not count them.
Counts = tuple[int | None, int | None]

_DAY = timedelta(days=1)
# Two counts that are closer say how busy an hour of the day was, not how fast a paper grows; two that were taken at
# morning and evening of one day, or a night apart, are far enough.
_APART = timedelta(hours=12)


def kept(stored: Mapping[datetime, Counts], taken: Iterable[tuple[datetime, Counts]]) -> dict[datetime, Counts]:
    """Return the snapshots of one paper, oldest first, after those `taken` joined those `stored`.

    A snapshot that says what the one just before it says is left out, as is one that says nothing. Two of the same
    moment (a paper on two pages of one import) become one that holds what either knows, the larger where both do.
    """
    joined = dict(stored)
    for moment, counts in taken:
        joined[moment] = _both(joined.get(moment, (None, None)), counts)
    result: dict[datetime, Counts] = {}
    before: Counts = (None, None)
    for moment in sorted(joined):
        if joined[moment] != before and joined[moment] != (None, None):
            result[moment] = before = joined[moment]
    return result


def growth(counted: Mapping[datetime, int], looks: Collection[datetime]) -> int | None:
    """Return the upvotes that a paper gained per day, rounded: the newest look against the newest 12 hours before it.

    `counted` are its known upvotes by when they were taken, `looks` further moments at which it was looked at: a count
    that stood still leaves no snapshot (see `kept`), so at a look it is what it was at the last snapshot. 0 where it
    fell; None where it was not counted 12 hours or more before the newest look.
    """
    if not counted:
        return None
    taken = sorted(counted)
    moments = sorted({*taken, *looks})
    newest = moments[-1]
    older = [moment for moment in moments if taken[0] <= moment <= newest - _APART]
    if not older:
        return None
    before = counted[taken[bisect_right(taken, older[-1]) - 1]]
    gained = (counted[taken[-1]] - before) / ((newest - older[-1]) / _DAY)
    return max(0, round(gained))


def _both(one: Counts, other: Counts) -> Counts:
    return _larger(one[0], other[0]), _larger(one[1], other[1])


def _larger(one: int | None, other: int | None) -> int | None:
    return max((count for count in (one, other) if count is not None), default=None)
