"""What the tests of the API have in common: every operation with the scope that it needs, and the form of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.access import Scope
from tests.web.home import OLD_STYLE

if TYPE_CHECKING:
    import httpx


def refused(answer: httpx.Response, status: int) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, object] = answer.json()
    assert (told["type"], told["status"]) == ("about:blank", status)
    return told


OPERATIONS = [
    ("GET", "/papers", Scope.PAPERS_READ),
    ("GET", f"/papers/{OLD_STYLE}", Scope.PAPERS_READ),
    ("GET", "/search?q=model", Scope.PAPERS_READ),
    ("GET", "/issues", Scope.ISSUES_READ),
    ("GET", "/issues/2026-07-14", Scope.ISSUES_READ),
    ("GET", "/subscribers", Scope.SUBSCRIBERS_READ),
    ("GET", "/subscribers/1", Scope.SUBSCRIBERS_READ),
    ("POST", "/subscribers/find", Scope.SUBSCRIBERS_READ),
    ("POST", "/subscribers", Scope.SUBSCRIBERS_WRITE),
    ("PATCH", "/subscribers/1", Scope.SUBSCRIBERS_WRITE),
    ("DELETE", "/subscribers/1", Scope.SUBSCRIBERS_WRITE),
    ("POST", "/subscribers/1/unsubscribe", Scope.SUBSCRIBERS_WRITE),
    ("POST", "/subscribers/import", Scope.SUBSCRIBERS_IMPORT),
    ("GET", "/events", Scope.EVENTS_READ),
]
