"""A paper's votes over time as the points of a small drawing. Pure arithmetic; the template draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.period import parse_period
from newsletter.render.words import count, short_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.model import Votes

WIDTH, HEIGHT = 320, 96  # of the drawing, in its own units
_MARGIN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The drawing: `points` as SVG has them, the last of which is at `x`, `y`; `told` says the same in words."""

    points: str
    x: float
    y: float
    width: int
    height: int
    first: str
    last: str
    told: str
    rows: tuple[tuple[str, str], ...]


def curve(votes: Sequence[Votes]) -> Curve | None:
    """Return how a paper's upvotes grew, drawn in proportion to time; None where they were counted less than twice."""
    known = [(one.taken_at, one.upvotes) for one in votes if one.upvotes is not None]
    if len(known) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    begin, end = known[0][0], known[-1][0]
    most = max(upvotes for _, upvotes in known) or 1
    length = (end - begin).total_seconds() or 1.0
    places = [
        (
            round(_MARGIN + (taken - begin).total_seconds() / length * (WIDTH - 2 * _MARGIN), 1),
            round(HEIGHT - _MARGIN - upvotes / most * (HEIGHT - 2 * _MARGIN), 1),
        )
        for taken, upvotes in known
    ]
    return Curve(
        points=" ".join(f"{x:g},{y:g}" for x, y in places),
        x=places[-1][0],
        y=places[-1][1],
        width=WIDTH,
        height=HEIGHT,
        first=_day(begin),
        last=_day(end),
        told=f"From {count(known[0][1], 'upvote')} on {_day(begin)} to {known[-1][1]:,} on {_day(end)}",
        rows=tuple((f"{_day(taken)}, {taken:%H:%M} UTC", f"{upvotes:,}") for taken, upvotes in known),
    )


def _day(moment: datetime) -> str:
    return short_date(parse_period(moment.date().isoformat()))
