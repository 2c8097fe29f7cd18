"""Who stands in a digest: pins first, then what matched, then the most upvoted of the rest.

Takes an order as it was ranked and changes no score. Which papers a reader already got, and what the editor pinned or
hid, is told by the caller.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.rank.reasons import for_votes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from newsletter.model import RankedPaper

EDITORS_PICK = "editor's pick"


def select(
    ranked: Sequence[RankedPaper],
    *,
    size: int,
    pins: Sequence[str] = (),
    hides: Collection[str] = (),
    already_sent: Collection[str] = (),
) -> tuple[tuple[RankedPaper, ...], int]:
    """Return the papers of one reader's digest in order, and how many candidates found no room.

    At most `size` papers: the pinned ones in the order of `pins` (paper ids; unknown ones are passed over), then the
    matched by score, then the rest by votes. Hidden papers and those already sent to this reader never come back, not
    even when pinned, and are not counted as left out.
    """
    barred = {*hides, *already_sent}
    open_papers = {entry.paper.id: entry for entry in ranked if entry.paper.id not in barred}
    pinned = [_picked(open_papers[key]) for key in dict.fromkeys(pins) if key in open_papers]
    rest = [entry for entry in open_papers.values() if entry.paper.id not in set(pins)]
    matched = sorted((entry for entry in rest if entry.matched), key=_by_score)
    popular = sorted((_by_acclaim(entry) for entry in rest if not entry.matched), key=_by_votes)
    chosen = (*pinned, *matched, *popular)[: max(size, 0)]
    return chosen, len(open_papers) - len(chosen)


def _picked(entry: RankedPaper) -> RankedPaper:
    return replace(entry, reasons=(EDITORS_PICK, *entry.reasons), matched=True)


def _by_acclaim(entry: RankedPaper) -> RankedPaper:
    """Say that it is here for its votes; ranking names them only where they raised the score."""
    votes = for_votes(entry.paper.upvotes or 0)
    return replace(entry, reasons=tuple(dict.fromkeys((votes, *entry.reasons)))) if entry.paper.upvotes else entry


def _by_score(entry: RankedPaper) -> tuple[float, int, str]:
    return -entry.score, *_by_votes(entry)


def _by_votes(entry: RankedPaper) -> tuple[int, str]:
    return -(entry.paper.upvotes or 0), entry.paper.id
