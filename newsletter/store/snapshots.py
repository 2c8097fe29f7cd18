"""Which vote snapshots are kept, whatever the order they arrive in. Pure: no database, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

# (upvotes, comments), None where the source does not count them.
Counts = tuple[int | None, int | None]


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


def _both(one: Counts, other: Counts) -> Counts:
    return _larger(one[0], other[0]), _larger(one[1], other[1])


def _larger(one: int | None, other: int | None) -> int | None:
    return max((count for count in (one, other) if count is not None), default=None)
