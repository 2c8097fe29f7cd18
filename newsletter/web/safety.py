"""What holds for every answer and every request, whatever page it is: headers, bounds, errors and the log.

A pure ASGI middleware, so that it sees a body as it comes in. It knows no page but those of errors. The log names the
route, never the path: paths and queries hold tokens and words of readers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from newsletter.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from newsletter.settings import Site
    from newsletter.web.refusals import Refusals

log = logging.getLogger("newsletter.web")

MAX_TARGET = 4_096  # bytes of a path and its query
MAX_HEADERS = 16_384  # bytes of all headers together
BODY_SECONDS = 30.0  # within which a whole body must have come
_YEAR = 31_536_000  # seconds
_NOWHERE = "(no route)"


# Of a mail shown as a page: it may look as it does in an inbox, and do nothing. What it links to is a page like any.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)


def policy(site: Site, *, scripts: bool = False) -> str:
    """Return the content security policy of pages; with `scripts` of one that loads a file of our own."""
    pictures = "'self' https:" if site.thumbnails else "'self'"
    own = " script-src 'self';" if scripts else ""
    return (
        f"default-src 'none';{own} style-src 'self'; img-src {pictures}; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def safe_headers(site: Site) -> dict[str, str]:
    """Return the headers of every answer that has no others."""
    headers = {
        "Content-Security-Policy": policy(site),
        # no other host learns an address, for tokens stand in some; with no-referrer, a browser that knows no
        # Sec-Fetch-Site would send our own forms from the origin "null", and they would be refused
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if site.web_url.lower().startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
    return headers


class Safety:
    """The middleware; `max_body` is in bytes, and so are the `larger` ones of some paths."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: Mapping[str, str],
        max_body: int,
        refusals: Refusals,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        """Wrap an application."""
        self._app = app
        self._headers = headers
        self._max_body = max_body
        self._larger = larger or {}
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._max_body)
        body = _Bounded(receive, most, ended=not _has_body(scope))
        answer = _Answer(send, self._headers, body)
        began = time.perf_counter()
        try:
            await self._serve(scope, body, answer, most)
        finally:
            log.info(
                "%s %s %s %.0f ms",
                scope["method"] if scope["method"].isalpha() else "?",
                getattr(scope.get("route"), "path", _NOWHERE),
                answer.status or "-",
                (time.perf_counter() - began) * 1000,
            )

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer, most: int) -> None:
        try:
            if status := out_of_bounds(scope, most):
                await self._refusals.page(scope, status)(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - the last net: nobody is shown, and no log gets, what is inside
            number = secrets.token_hex(4)
            log.error("request %s failed: %s", number, told(error))  # noqa: TRY400 - see `told`
            if answer.status:
                raise _CutOffError from None  # too late for another answer: the connection must end
            await self._refusals.page(scope, 500, number=number)(scope, receive, answer)


def out_of_bounds(scope: Scope, max_body: int) -> int:
    """Return the status that refuses a request which is too large by what it says of itself, 0 where it is not."""
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
        return 414
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        return 431
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return 413 if not length.isdigit() or int(length) > max_body else 0


class _CutOffError(Exception):
    """An answer that broke off when its head had left."""


class _Answer:
    """Sends an answer on with the headers that each has; `status` is 0 until it has begun."""

    def __init__(self, send: Send, headers: Mapping[str, str], body: _Bounded) -> None:
        self._send = send
        self._headers = headers
        self._body = body
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            if not self._body.ended:  # nobody reads the rest, however long it is
                headers["Connection"] = "close"
        await self._send(message)


class _Bounded:
    """Receives a body and counts it, for it may come in chunks without a length; `ended` when all of it has come."""

    def __init__(self, receive: Receive, most: int, *, ended: bool) -> None:
        self._receive = receive
        self._left = most
        self._until = 0.0  # of the loop's clock; 0 before anybody has asked
        self.ended = ended

    async def __call__(self) -> Message:
        if self.ended:  # what comes next is that the client is gone, however late
            return await self._receive()
        self._until = self._until or asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(413)
            self.ended = not message.get("more_body", False)
        return message


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def told(error: Exception) -> str:
    """Return what a log may hold of an error: its kind and place, but no message, for that may hold an address.

    A wrong template is an exception: its message names the template and the line, and the operator is to mend it.
    """
    if isinstance(error, TemplateError):
        return str(error)
    return f"{type(error).__name__} at {_place(error)}"


def _place(error: BaseException) -> str:
    """Return the module and line that raised an error."""
    trace, last = error.__traceback__, "?"
    while trace is not None:
        last = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return last
