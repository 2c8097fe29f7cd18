"""The front page: what this newsletter is, the newest issue, and the way in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.period import parse_period
from newsletter.render.clean import one_line
from newsletter.render.words import count, written_date
from newsletter.web.answers import public
from newsletter.web.feeds import issue_feeds
from newsletter.web.issues import KINDS
from newsletter.web.lists import items, public_papers

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Issue
    from newsletter.web.lists import Item
    from newsletter.web.parts import Parts

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The beginning of the newest issue."""

    kind: str
    date: str
    href: str
    subject: str
    items: tuple[Item, ...]
    more: str


class HomePages:
    """The front page."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._archive = parts.app.store.archive
        self._topics = parts.app.config.topics

    def front(self, request: Request) -> Response:
        """Show the front page."""
        newest = self._archive.latest(1)
        content = self._pages.html(
            "home",
            title="",
            topics=self._topics,
            issue=self._issue(newest[0]) if newest else None,
            feeds=issue_feeds(self._pages),
            canonical=f"{self._pages.base}/",
        )
        return public(request, content)

    def _issue(self, issue: Issue) -> Newest:
        papers, period = public_papers(issue), parse_period(issue.period)
        more = len(papers) - _SHOWN
        return Newest(
            kind=KINDS[period.kind],
            date=written_date(period),
            href=f"{self._pages.root}/issues/{issue.period}",
            subject=one_line(issue.subject),
            items=items(self._pages, papers[:_SHOWN]),
            more=f"with {count(more, 'more paper')}" if more > 0 else "",
        )
