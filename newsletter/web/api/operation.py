"""One operation of the API: a route that asks for a key before it reads anything else, and answers HEAD like GET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Match

from newsletter.web.answers import tagged
from newsletter.web.api.door import SCHEME
from newsletter.web.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from newsletter.access import Scope as KeyScope
    from newsletter.web.api.door import Door

Responses = dict[int | str, dict[str, Any]]  # as FastAPI has them, by status
PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_ASKS = {"WWW-Authenticate": {"description": "What is missing (RFC 6750).", "schema": {"type": "string"}}}
_REFUSALS: Responses = {
    401: {"description": "There is no key, or it is of no use.", "headers": _ASKS, **PROBLEM},
    403: {"description": "The key does not have the scope.", "headers": _ASKS, **PROBLEM},
    414: {"description": "The address is too long.", **PROBLEM},
    422: {"description": "A value is not what it must be.", **PROBLEM},
    431: {"description": "The headers are too long.", **PROBLEM},
}
_WITH_BODY: Responses = {
    400: {"description": "The body could not be read.", **PROBLEM},
    413: {"description": "The body is too large.", **PROBLEM},
}
_UNCHANGED: Responses = {304: {"description": "The caller has this very answer."}}


class Operation(APIRoute):
    """A route that `needs` a scope. `tags_answers` gives each answer an ETag, for what is nobody's own."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        method: str = "GET",
        needs: KeyScope,
        door: Door,
        tags_answers: bool = False,
        responses: Responses | None = None,
        status_code: int | None = None,
    ) -> None:
        """Make the route of an endpoint, a bound method whose docstring describes it."""
        self._door = door
        self._needs = needs
        self._tags_answers = tags_answers
        refusals = _REFUSALS | (_WITH_BODY if method in {"POST", "PATCH"} else {})
        super().__init__(
            path,
            endpoint,
            methods=[method],
            status_code=status_code,
            operation_id=getattr(endpoint, "__name__", None),
            tags=[str(needs).partition(":")[0]],
            responses={**refusals, **(_UNCHANGED if tags_answers else {}), **(responses or {})},
            openapi_extra={"security": [{SCHEME: [str(needs)]}], "x-scope": str(needs)},
        )
        self.method = method
        self.allowed = frozenset({method, "HEAD"} if method == "GET" else {method})

    def beside(self, others: Iterable[Operation]) -> Self:
        """Return it with the methods that these operations at the same path have, for who uses another one."""
        self.allowed = self.allowed.union(*(one.allowed for one in others if one.path == self.path))
        return self

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler behind the key: nobody without one makes the server read a body."""
        handle = super().get_route_handler()

        async def behind_the_key(request: Request) -> Response:
            await run_in_threadpool(self._door.check, request.headers.get("Authorization", ""), self._needs)
            self._refuse_unknown(request.query_params)
            answer = await handle(request)
            return tagged(request, answer) if self._tags_answers else answer

        return behind_the_key

    def _refuse_unknown(self, given: Iterable[str]) -> None:
        """Refuse a parameter that nothing reads: a misspelt one would be answered with what nobody asked for."""
        known = [one.alias for one in self.dependant.query_params]
        if unknown := [name for name in given if name not in known]:
            takes = f"known are: {', '.join(known)}" if known else "there are none here"
            raise HTTPException(422, f"The parameter {unknown[0][:40]!a} is unknown; {takes}.")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether it is this one; HEAD is a GET whose body the server keeps back (RFC 9110, section 9.3.2)."""
        if scope["type"] == "http" and scope["method"] == "HEAD" and self.method == "GET":
            return super().matches({**scope, "method": "GET"})
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that matched."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method != self.method:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.allowed))})
        await self.app(scope, receive, send)
