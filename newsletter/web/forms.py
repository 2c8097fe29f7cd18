"""Forms: how a POST is let in, read and handed to the function that acts on it.

It acts on nothing itself. Bodies are bounded before they come here (`safety`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from newsletter.web.client import same_origin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_MOST_FIELDS = 200


def first_of(form: Mapping[str, Sequence[str]], name: str) -> str:
    """Return the first value of a field, "" where the form has none."""
    return next(iter(form.get(name, ())), "")


async def _fields_of(request: Request) -> Mapping[str, Sequence[str]]:
    """Return each name of a form with all its values.

    Raises:
        HTTPException: 400, it cannot be read: its charset may be one that decodes nothing, as Python's "undefined".
    """
    fields: dict[str, list[str]] = {}
    try:
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    fields.setdefault(name, []).append(value)
    except UnicodeError:
        raise HTTPException(400) from None
    return fields


def _nothing() -> None:
    """Do nothing."""


def posted(
    action: Callable[[Request, Mapping[str, Sequence[str]]], Response],
    *,
    base: str,
    from_anywhere: bool = False,
    done: Callable[[], None] = _nothing,
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a POST: `action` gets the request and the form, each name with all its values.

    `action` runs in a thread, so that it may ask the store. A POST that another site's page sent is refused with 403,
    unless it may come `from_anywhere`, as the one click of RFC 8058 may. Files in a form are passed over. `done` is
    called when `action` has returned.
    """

    async def endpoint(request: Request) -> Response:
        if not from_anywhere and not same_origin(request.headers, base):
            raise HTTPException(403)
        fields = await _fields_of(request)
        answer = await run_in_threadpool(action, request, fields)
        done()
        return answer

    return endpoint
