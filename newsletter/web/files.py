"""What programs ask for: the style sheet, the icon, robots.txt, and whether the server is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from newsletter.errors import StoreError
from newsletter.links import Purpose
from newsletter.web.answers import public, unchanging

if TYPE_CHECKING:
    from starlette.requests import Request

    from newsletter.web.parts import Parts

_TEXT = "text/plain; charset=utf-8"


class FilePages:
    """Files, and the state of health."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._store = parts.app.store

    def health(self, _request: Request) -> Response:
        """Say that the server answers and its store, too; 503 where the store does not."""
        try:
            self._store.ping()
        except StoreError:
            return PlainTextResponse("the store does not answer\n", 503)
        return PlainTextResponse("ok\n")

    def robots(self, request: Request) -> Response:
        """Keep search engines off what is one reader's own (RFC 9309), and off searches, of which there is no end."""
        closed = [*(f"/{purpose}/" for purpose in Purpose), "/search", "/api/"]
        lines = ["User-agent: *", *(f"Disallow: {self._pages.root}{path}" for path in closed)]
        return public(request, "\n".join(lines) + "\n", media_type=_TEXT)

    def icon(self, request: Request) -> Response:
        """Return the site's icon."""
        return public(request, self._pages.icon, media_type="image/svg+xml")

    def static(self, request: Request) -> Response:
        """Return the style sheet, or the script, under the name that its content has."""
        if request.path_params["name"] == self._pages.css_name:
            return unchanging(self._pages.css, media_type="text/css; charset=utf-8")
        if request.path_params["name"] == self._pages.script_name:
            return unchanging(self._pages.script, media_type="text/javascript; charset=utf-8")
        raise HTTPException(404)
