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
from newsletter.web.api.operation import PROBLEM, Operation
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
_NOT_THERE = {404: {"description": "There is none.", **PROBLEM}}
_TOO_OFTEN = {429: {"description": "More sign-ups than one network, or all, may have in an hour.", **PROBLEM}}


def api_routes(parts: Parts) -> Sequence[Operation]:
    """Return every operation."""
    papers, issues, events = PaperOperations(parts), IssueOperations(parts), EventOperations(parts)
    people, importing = SubscriberOperations(parts), ImportOperations(parts)
    operation = partial(Operation, door=Door(parts.app.store, parts.clock))
    public_one = partial(operation, tags_answers=True)
    reads, writes = {"needs": Scope.SUBSCRIBERS_READ}, {"needs": Scope.SUBSCRIBERS_WRITE, "method": "POST"}
    one = f"{ROOT}/subscribers/{{subscriber_id:int}}"
    made = [
        public_one(f"{ROOT}/papers", papers.list_papers, needs=Scope.PAPERS_READ, responses=_NOT_THERE),
        public_one(f"{ROOT}/papers/{{paper_id:path}}", papers.get_paper, needs=Scope.PAPERS_READ, responses=_NOT_THERE),
        public_one(f"{ROOT}/search", papers.search_papers, needs=Scope.PAPERS_READ, responses=_NOT_THERE),
        public_one(f"{ROOT}/issues", issues.list_issues, needs=Scope.ISSUES_READ),
        public_one(f"{ROOT}/issues/{{period}}", issues.get_issue, needs=Scope.ISSUES_READ, responses=_NOT_THERE),
        operation(f"{ROOT}/subscribers", people.list_subscribers, **reads),
        operation(f"{ROOT}/subscribers", people.create_subscriber, **writes, status_code=202, responses=_TOO_OFTEN),
        operation(f"{ROOT}/subscribers/find", people.find_subscriber, method="POST", **reads, responses=_NOT_THERE),
        operation(IMPORT, importing.import_subscribers, method="POST", needs=Scope.SUBSCRIBERS_IMPORT),
        operation(one, people.get_subscriber, **reads, responses=_NOT_THERE),
        operation(one, people.change_subscriber, **writes | {"method": "PATCH"}, status_code=204, responses=_NOT_THERE),
        operation(
            one, people.forget_subscriber, **writes | {"method": "DELETE"}, status_code=204, responses=_NOT_THERE
        ),
        operation(f"{one}/unsubscribe", people.unsubscribe, **writes, status_code=204, responses=_NOT_THERE),
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
