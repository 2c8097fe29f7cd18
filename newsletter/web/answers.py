"""The answers: public ones with an ETag and a short life in caches, personal ones that nobody keeps.

It makes no page and knows no template.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

HTML = "text/html; charset=utf-8"
PUBLIC_SECONDS = 60  # a page may be this old: an issue that was just sent shows up within a minute
_FOR_EVER = "public, max-age=31536000, immutable"  # a year, the longest that caches keep (RFC 9111, section 1.2.2)


def public(request: Request, content: str, *, media_type: str = HTML, modified: datetime | None = None) -> Response:
    """Return a page that is the same for everybody; 304 without it where the caller has this very one (RFC 9110).

    `modified` (aware, UTC) is for callers that compare times instead of tags, as some readers of feeds do.
    """
    body = content.encode()
    tag = _tag(body)
    kept = {"Cache-Control": f"public, max-age={PUBLIC_SECONDS}", "ETag": tag}
    if modified is not None:
        kept["Last-Modified"] = format_datetime(modified, usegmt=True)
    if _has(request, tag, modified):
        return Response(status_code=304, headers=kept)
    return Response(body, media_type=media_type, headers=kept)


def personal(
    content: str, *, status: int = 200, media_type: str = HTML, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a page that is one reader's own: no cache keeps it, no search engine lists it."""
    own = {**(headers or {}), "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
    return Response(content, status_code=status, media_type=media_type, headers=own)


def unchanging(content: str, *, media_type: str) -> Response:
    """Return a file whose name changes with its content."""
    return Response(content, media_type=media_type, headers={"Cache-Control": _FOR_EVER})


def tagged(request: Request, answer: Response) -> Response:
    """Return a key's own answer with an ETag; 304 without it where the caller has this very one.

    No cache but the caller's keeps it, and that one asks each time.
    """
    tag = _tag(bytes(answer.body))
    kept = {"Cache-Control": "private, no-cache", "ETag": tag}
    if _has(request, tag, None):
        return Response(status_code=304, headers=kept)
    answer.headers.update(kept)
    return answer


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _has(request: Request, tag: str, modified: datetime | None) -> bool:
    """Whether If-None-Match names the tag (compared weakly), or without it If-Modified-Since is not before `modified`.

    As RFC 9110 has it, sections 13.1.2 and 13.1.3.
    """
    given = request.headers.get("If-None-Match")
    if given is not None:
        named = {one.strip().removeprefix("W/") for one in given.split(",")}
        return tag in named or "*" in named
    since = _time(request.headers.get("If-Modified-Since", ""))
    return modified is not None and since is not None and modified.replace(microsecond=0) <= since


def _time(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
