"""Every operation of the API, on one page, and the OpenAPI document that describes them."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from newsletter.access import Scope
from newsletter.web.answers import public
from newsletter.web.api.door import SCHEME, Door
from newsletter.web.api.events import EventOperations
from newsletter.web.api.importing import ImportOperations
from newsletter.web.api.issues import IssueOperations
from newsletter.web.api.operation import PROBLEM, Operation, Responses
from newsletter.web.api.papers import PaperOperations
from newsletter.web.api.problems import Problem
from newsletter.web.api.subscribers import SubscriberOperations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.web.parts import Parts

ROOT = "/api/v1"
DOCUMENT = f"{ROOT}/openapi.json"
IMPORT = f"{ROOT}/subscribers/import"
VERSION = "1"
_ABOUT = (
    "Papers, published issues, subscribers and their history. Each operation names the scope that a key needs in "
    "`x-scope`; refusals are problem details (RFC 9457). Keys are made with `newsletter keys add`."
)
_NOT_THERE: Responses = {404: {"description": "There is none.", **PROBLEM}}
_TOO_OFTEN: Responses = {429: {"description": "More sign-ups in an hour than a network, or all, may have.", **PROBLEM}}


def api_routes(parts: Parts) -> Sequence[Operation]:
    """Return every operation."""
    papers, issues, events = PaperOperations(parts), IssueOperations(parts), EventOperations(parts)
    people, importing = SubscriberOperations(parts), ImportOperations(parts)
    operation = partial(Operation, door=Door(parts.app.store, parts.clock))
    paper = partial(operation, needs=Scope.PAPERS_READ, tags_answers=True, responses=_NOT_THERE)
    issue = partial(operation, needs=Scope.ISSUES_READ, tags_answers=True, responses=_NOT_THERE)
    reads, writes = (partial(operation, needs=scope) for scope in (Scope.SUBSCRIBERS_READ, Scope.SUBSCRIBERS_WRITE))
    changes = partial(writes, status_code=204, responses=_NOT_THERE)
    one = f"{ROOT}/subscribers/{{subscriber_id:int}}"
    made = [
        paper(f"{ROOT}/papers", papers.list_papers),
        paper(f"{ROOT}/papers/{{paper_id:path}}", papers.get_paper),
        paper(f"{ROOT}/search", papers.search_papers),
        issue(f"{ROOT}/issues", issues.list_issues),
        issue(f"{ROOT}/issues/{{period}}", issues.get_issue),
        reads(f"{ROOT}/subscribers", people.list_subscribers),
        writes(f"{ROOT}/subscribers", people.create_subscriber, method="POST", status_code=202, responses=_TOO_OFTEN),
        reads(f"{ROOT}/subscribers/find", people.find_subscriber, method="POST", responses=_NOT_THERE),
        operation(IMPORT, importing.import_subscribers, method="POST", needs=Scope.SUBSCRIBERS_IMPORT),
        reads(one, people.get_subscriber, responses=_NOT_THERE),
        changes(one, people.change_subscriber, method="PATCH"),
        changes(one, people.forget_subscriber, method="DELETE"),
        changes(f"{one}/unsubscribe", people.unsubscribe, method="POST"),
        operation(f"{ROOT}/events", events.list_events, needs=Scope.EVENTS_READ),
    ]
    return [route.beside(made) for route in made]


class Document:
    """The OpenAPI document of the operations, made once."""

    def __init__(self, operations: Sequence[Operation], *, name: str, base: str) -> None:
        """Describe these operations of the site `name`, which is reached at `base`."""
        self._text = json.dumps(document(operations, name=name, base=base), ensure_ascii=False)

    def answer(self, request: Request) -> Response:
        """Return the document; it needs no key."""
        return public(request, self._text, media_type="application/json")


def document(operations: Sequence[Operation], *, name: str, base: str) -> dict[str, Any]:
    """Return the OpenAPI document (https://spec.openapis.org/oas/v3.1.1.html) of these operations."""
    made = get_openapi(
        title=f"{name}: the API", version=VERSION, description=_ABOUT, routes=operations, servers=[{"url": base}]
    )
    parts = made.setdefault("components", {})
    parts["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer", "description": "An API key."}}
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts.setdefault("schemas", {}).update({**schema.pop("$defs", {}), "Problem": schema})
    return made
