"""The pages of errors, in the site's look, and problem details for programs: what happened, and nothing of how.

It catches nothing: `server` says which errors come here.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from newsletter.errors import LinkError, TemplateError, UsageError
from newsletter.web.answers import HTML, personal
from newsletter.web.api.problems import mistakes_in, problem
from newsletter.web.wording import sentence

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.types import Scope

    from newsletter.web.pages import Pages

_API = "/api/"
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
_TOLD = {
    400: ("Not understood", "The request could not be read."),
    403: ("Not from here", "This form was not sent from a page of this site. Open the page again and send it anew."),
    404: ("Not found", "There is no such page. It may have been written wrong, or it is not published."),
    405: ("Not possible", "This page cannot be used in that way."),
    408: ("Too slow", "The request did not come to its end. Send it again."),
    413: ("Too large", "More was sent than this page takes."),
    414: ("Too long", "The address is longer than any page of this site has."),
    422: ("Not understood", "Something in the address or the form is not what it must be: a date, say, or a number."),
    429: ("Too often", "That was asked for too often. Try again later."),
    431: ("Too long", "The browser sent more about itself than this site takes."),
    500: ("Something went wrong", "The page could not be made. It was noted, and trying again later may help."),
    503: ("Not now", "The site cannot answer for the moment. Try again soon."),
}


class Refusals:
    """Makes the answers of errors."""

    def __init__(self, pages: Pages) -> None:
        """Make them with these pages."""
        self._pages = pages

    def page(self, scope: Scope, status: int, *, detail: str = "", number: str = "") -> Response:
        """Return the answer with this status; `detail` in place of the usual words, `number` to report it by."""
        if scope["path"].startswith(_API):
            return problem(status, detail=detail, number=number)
        title, words = _TOLD.get(status) or (HTTPStatus(status).phrase, "This cannot be done.")
        words = detail or words
        try:
            body = self._pages.html("error", title=title, words=words, number=number)
        except TemplateError:
            return PlainTextResponse(f"{title}. {words}", status)
        return Response(body, status, media_type=HTML)

    async def of_http(self, request: Request, error: HTTPException) -> Response:
        """Answer an error with a status. Its detail is shown only where it is not the status's own phrase."""
        own = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
        answer = self.page(request.scope, error.status_code, detail=own)
        answer.headers.update({name: value for name, value in (error.headers or {}).items() if name in _KEPT_HEADERS})
        return answer

    async def of_link(self, request: Request, error: Exception) -> Response:
        """Answer a link that is not whole, too old or ended: with what to do."""
        assert isinstance(error, LinkError), "nothing else is sent here"  # noqa: S101 - narrows the type, never input
        return personal(self._pages.html("link", title="This link does not work", words=sentence(error)), status=404)

    async def of_nobody(self, request: Request, _error: Exception) -> Response:
        """Answer the link to unsubscribe of who was deleted: what it is for is done, and a mail program's click is."""
        return personal(self._pages.html("nobody", title="No mail goes to you"))

    async def of_values(self, request: Request, error: Exception) -> Response:
        """Answer a request whose values are wrong; a program is told which, and why."""
        if not request.scope["path"].startswith(_API):
            return self.page(request.scope, 422)
        return problem(422, detail=str(error) if isinstance(error, UsageError) else "", errors=mistakes_in(error))
