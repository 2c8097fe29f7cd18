"""Every route of the web server, on one page, and what stands around all of them.

Each group of pages has a file of its own beside this one; here is only where each is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from newsletter.errors import LinkError, ReaderGoneError, UsageError
from newsletter.links import Purpose
from newsletter.web.api.routes import DOCUMENT, IMPORT, Document, api_routes
from newsletter.web.confirming import ConfirmPages
from newsletter.web.feeds import FeedPages
from newsletter.web.files import FilePages
from newsletter.web.forms import posted
from newsletter.web.home import HomePages
from newsletter.web.issues import IssuePages
from newsletter.web.judging import FeedbackPages
from newsletter.web.leaving import LeavingPages
from newsletter.web.own_data import OwnDataPages
from newsletter.web.own_issue import OwnIssuePages
from newsletter.web.pages import Pages
from newsletter.web.papers import PaperPages
from newsletter.web.parts import Parts
from newsletter.web.preferences import PreferencesPages
from newsletter.web.refusals import Refusals
from newsletter.web.safety import Safety, safe_headers
from newsletter.web.search import SearchPages
from newsletter.web.subscribe import SubscribePages
from newsletter.web.topics import TopicPages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

    from newsletter.app import App

    Action = Callable[[Request, Mapping[str, Sequence[str]]], Response]


def create_app(app: App, *, address: str, clock: Callable[[], datetime], ring: Callable[[], None]) -> FastAPI:
    """Return the application of a home's pages; `address` is where it listens, for a site without a `web_url`.

    `ring` is called when a letter may wait.

    Raises:
        ConfigError: a key cannot be read or made.
        TemplateError: a page's template is wrong.
        StoreError: the store cannot be opened.
    """
    site = app.config.site
    pages = Pages(site, template_folders=app.template_folders, base=site.web_url or address)
    parts = Parts(app=app, pages=pages, clock=clock, ring=ring)
    refusals = Refusals(pages)
    _ = app.store  # opened before the first request, so that a wrong URL ends the start
    made = FastAPI(
        routes=list(routes(parts)),
        docs_url=None,  # its pages load scripts from other hosts
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would be made of the Host header
        exception_handlers={
            HTTPException: refusals.of_http,
            RequestValidationError: refusals.of_values,
            LinkError: refusals.of_link,
            ReaderGoneError: refusals.of_nobody,
            UsageError: refusals.of_values,
        },
    )
    made.add_middleware(
        Safety,
        headers=safe_headers(site),
        max_body=app.config.web.max_body_bytes,
        larger={IMPORT: app.config.web.max_import_bytes},
        refusals=refusals,
    )
    return made


def routes(parts: Parts) -> Sequence[BaseRoute]:
    """Return every page, and every operation of the API: GET (and with it HEAD) where nothing else is said."""
    home, issues, papers, topics = HomePages(parts), IssuePages(parts), PaperPages(parts), TopicPages(parts)
    search, feeds, files = SearchPages(parts), FeedPages(parts), FilePages(parts)
    operations = api_routes(parts)
    described = Document(operations, name=parts.pages.name, base=parts.pages.base)
    return [
        PageRoute("/", home.front),
        PageRoute("/issues", issues.archive),
        PageRoute("/issues/{period}", issues.edition),
        PageRoute("/papers", papers.newest),
        PageRoute("/papers/{paper_id:path}", papers.paper),
        PageRoute("/days/{period}", papers.day),
        PageRoute("/weeks/{period}", papers.week),
        PageRoute("/months/{period}", papers.month),
        PageRoute("/topics", topics.all),
        PageRoute("/topics/{name}", topics.one),
        PageRoute("/search", search.search),
        PageRoute("/feeds/issues.{ending}", feeds.issues),
        PageRoute("/feeds/topics/{name}.{ending}", feeds.topic),
        *_life(parts),
        # For programs
        PageRoute("/healthz", files.health),
        PageRoute("/robots.txt", files.robots),
        PageRoute("/favicon.svg", files.icon),
        PageRoute("/static/{name}", files.static),
        PageRoute(DOCUMENT, described.answer),
        *operations,
    ]


def _life(parts: Parts) -> Sequence[BaseRoute]:
    """Return the pages of a subscriber's life, in its order: by the links in their mails, without a login."""
    join, confirm, choose, data = (
        SubscribePages(parts),
        ConfirmPages(parts),
        PreferencesPages(parts),
        OwnDataPages(parts),
    )
    judge, own, leave = FeedbackPages(parts), OwnIssuePages(parts), LeavingPages(parts)

    def post(path: str, action: Action, *, from_anywhere: bool = False) -> BaseRoute:
        ready = posted(action, base=parts.pages.base, from_anywhere=from_anywhere, done=parts.ring)
        return PageRoute(path, ready, methods=["POST"])

    confirming, address = f"/{Purpose.CONFIRM}/{{token}}", f"/{Purpose.ADDRESS}/{{token}}"
    preferences, leaving = f"/{Purpose.PREFERENCES}/{{token}}", f"/{Purpose.UNSUBSCRIBE}/{{token}}"
    feedback = f"/{Purpose.FEEDBACK}/{{token}}/{{verdict}}/{{paper:path}}"
    return [
        PageRoute("/subscribe", join.form),
        post("/subscribe", join.act),
        PageRoute(confirming, confirm.ask),
        post(confirming, confirm.confirm),
        PageRoute(preferences, choose.show),
        post(preferences, choose.save),
        post(f"{preferences}/pause", choose.pause),
        post(f"{preferences}/resume", choose.resume),
        post(f"{preferences}/papers", choose.remove),
        post(f"{preferences}/address", choose.move),
        post(f"{preferences}/revoke", choose.revoke),
        post(f"{preferences}/export", data.export),
        PageRoute(f"{preferences}/forget", data.ask),
        post(f"{preferences}/forget", data.forget),
        PageRoute(address, confirm.ask_address),
        post(address, confirm.confirm_address),
        PageRoute(feedback, judge.ask),
        post(feedback, judge.act),
        PageRoute(f"/{Purpose.VIEW}/{{token}}", own.view),
        PageRoute(leaving, leave.ask),
        post(leaving, leave.leave, from_anywhere=True),  # RFC 8058: a mail program sends it
        post(f"{leaving}/fewer", leave.fewer),
        post(f"{leaving}/undo", leave.undo),
    ]


class PageRoute(Route):
    """A route that the log can name (see `safety`)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether it is this one, and what follows from it."""
        match, child = super().matches(scope)
        return match, {**child, "route": self} if match is not Match.NONE else child
