"""The front page: what this newsletter is, the newest issue, and the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.web.answers import public

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.web.parts import Parts


class HomePages:
    """The front page."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._topics = parts.app.config.topics

    def front(self, request: Request) -> Response:
        """Show the front page."""
        return public(request, self._pages.html("home", title="", topics=self._topics))
