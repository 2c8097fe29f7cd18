"""The search over all papers, with filters, a page at a time."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.exceptions import HTTPException

from newsletter.store.catalogue import Found
from newsletter.store.finding import MOST_WEIGHED, Filters
from newsletter.web.answers import public
from newsletter.web.asked import day_of, page_of, words_of
from newsletter.web.lists import items, steps
from newsletter.web.marks import stems_of
from newsletter.web.wishes import filters_of, topic_in

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.web.parts import Parts

_PAGE = 20


class SearchPages:
    """The search."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._catalogue = parts.app.store.catalogue
        self._topics = parts.app.config.topics

    def search(self, request: Request) -> Response:
        """Search, and show the form with what was asked for."""
        query, number = words_of(request, "q"), page_of(request)
        asked = {name: request.query_params.get(name, "").strip() for name in ("from", "until", "topic")}
        filters = self._filters(request, asked["topic"])
        found = (
            self._catalogue.search(query, filters=filters, offset=(number - 1) * _PAGE, limit=_PAGE)
            if query
            else Found()
        )
        kept = {"q": query, **{name: value for name, value in asked.items() if value}}
        content = self._pages.html(
            "search",
            title=f"Search: {query}" if query else "Search",
            section="search",
            query=query,
            asked={"first": asked["from"], "last": asked["until"], "topic": asked["topic"]},
            topics=self._topics,
            told=_told(found) if query else "",
            items=items(self._pages, found.papers, first=1 + (number - 1) * _PAGE, stems=stems_of(query)),
            steps=steps(number, found.total, href=f"{self._pages.root}/search?{urlencode(kept)}", size=_PAGE),
            interest=urlencode({"interest": query}),
        )
        return public(request, content)

    def _filters(self, request: Request, name: str) -> Filters:
        first, last = day_of(request, "from"), day_of(request, "until")
        if first or last:
            first, last = first or date.min, last or date.max
            if first > last:
                raise HTTPException(422, "“from” must not be after “until”.")
        if not name:
            return Filters(first=first, last=last)
        return filters_of(topic_in(self._topics, name), first=first, last=last)


def _told(found: Found) -> str:
    if not found.total:
        return "No paper holds these words."
    if not found.exact:
        return f"More than {MOST_WEIGHED:,} papers; these are the best of the newest {MOST_WEIGHED:,}."
    return "One paper" if found.total == 1 else f"About {found.total:,} papers"
