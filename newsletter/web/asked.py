"""What a page is asked for, read from its address and checked: a page's number, a day, words.

Whatever is wrong ends in an error of its own (404 for a path, 422 for a query), never in one of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.errors import UsageError
from newsletter.period import parse_day, parse_period

if TYPE_CHECKING:
    from datetime import date

    from starlette.requests import Request

    from newsletter.period import Period, PeriodKind

MOST_PAGES = 10_000
_MOST_DIGITS = 5
_MOST_LETTERS = 300  # of a search


def page_of(request: Request) -> int:
    """Return the number of the page that is asked for, 1 where none is.

    Raises:
        HTTPException: 422, it is no number of a page.
    """
    text = request.query_params.get("page", "") or "1"
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and 1 <= int(text) <= MOST_PAGES):
        raise HTTPException(422, f"The page must be a number from 1 to {MOST_PAGES:,}.")
    return int(text)


def day_of(request: Request, name: str) -> date | None:
    """Return the day in a field, None where the field is empty or missing.

    Raises:
        HTTPException: 422, it is no day.
    """
    text = request.query_params.get(name, "").strip()
    try:
        return parse_day(text) if text else None
    except UsageError:
        raise HTTPException(422, f"“{name}” must be a day such as 2026-07-14.") from None


def words_of(request: Request, name: str) -> str:
    """Return the text in a field, on one line and cut where nobody's search is that long."""
    return " ".join(request.query_params.get(name, "")[:_MOST_LETTERS].split())


def period_of(request: Request, *kinds: PeriodKind) -> Period:
    """Return the period in the path.

    Raises:
        HTTPException: 404, it is none, or of another kind.
    """
    try:
        period = parse_period(request.path_params["period"])
    except UsageError:
        raise HTTPException(404) from None
    if period.kind not in kinds:
        raise HTTPException(404)
    return period
