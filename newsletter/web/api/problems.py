"""What the API says when it refuses: problem details (RFC 9457), and nothing of what is inside.

Pure: from a status and words to an answer.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

MEDIA_TYPE = "application/problem+json"
_MOST_MISTAKES = 20
_LONGEST_PLACE = 200
_TOLD = {
    400: "The request could not be read.",
    401: "An API key is needed: Authorization: Bearer KEY.",
    404: "There is nothing here.",
    405: "This cannot be used in that way.",
    413: "More was sent than is taken here.",
    414: "The address is too long.",
    422: "Something that was sent is not what it must be.",
    429: "That was asked for too often. Try again later.",
    431: "The headers are too long.",
    500: "This could not be done. Trying again later may help.",
}


class Mistake(BaseModel):
    """One value that is not what it must be."""

    at: str = Field(description="Where it stands, its parts joined by dots: `query.page`, `body.topics.0`.")
    detail: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Mistake] = Field(default=[], description="What is wrong with which value, where that is known.")


def problem(status: int, *, detail: str = "", number: str = "", errors: Sequence[Mistake] = ()) -> Response:
    """Return the answer with this status; `number` is what the operator finds it by in the log."""
    phrase = HTTPStatus(status).phrase
    words = detail or _TOLD.get(status, f"{phrase}.")
    told = Problem(title=phrase, status=status, detail=f"{words} It was noted as {number}." if number else words)
    shown: dict[str, Any] = told.model_dump(exclude={"errors"})
    if errors:
        shown["errors"] = [one.model_dump() for one in errors]
    return Response(json.dumps(shown), status, media_type=MEDIA_TYPE)  # in ASCII: what was sent may be no Unicode


def mistakes_in(error: Exception) -> list[Mistake]:
    """Return what is wrong with which value of a request; the values themselves are not repeated."""
    if not isinstance(error, RequestValidationError):
        return []
    return [
        Mistake(at=_ascii(".".join(str(part) for part in one["loc"]))[:_LONGEST_PLACE], detail=_ascii(one["msg"]))
        for one in error.errors()[:_MOST_MISTAKES]
    ]


def _ascii(text: str) -> str:
    """Return a text without half characters, which a name in JSON may hold and no answer can."""
    return text.encode("utf-8", "replace").decode("utf-8")
