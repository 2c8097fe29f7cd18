"""The topics, and of each the best papers of the newest day and week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.period import PeriodKind
from newsletter.render.words import written_date
from newsletter.web.answers import public
from newsletter.web.feeds import topic_feeds
from newsletter.web.lists import items, list_path, period_around
from newsletter.web.wishes import filters_of, topic_in

if TYPE_CHECKING:
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Topic
    from newsletter.web.lists import Item
    from newsletter.web.parts import Parts

_BEST = 10
_HEADINGS = {PeriodKind.DAY: "The newest day", PeriodKind.WEEK: "Its week"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best papers of a topic in one period."""

    heading: str
    date: str
    href: str
    items: tuple[Item, ...]


class TopicPages:
    """The topics."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._catalogue = parts.app.store.catalogue
        self._topics = parts.app.config.topics

    def all(self, request: Request) -> Response:
        """List the topics."""
        return public(
            request, self._pages.html("topics", title="Topics", section="topics", topics=_by_title(self._topics))
        )

    def one(self, request: Request) -> Response:
        """Show the best papers of a topic, of the newest day and its week."""
        topic = topic_in(self._topics, request.path_params["name"])
        newest = self._catalogue.newest_day()
        content = self._pages.html(
            "topic",
            title=topic.title,
            section="topics",
            topic=topic,
            lists=[self._list(topic, newest, kind) for kind in _HEADINGS] if newest else [],
            feeds=topic_feeds(self._pages, topic),
        )
        return public(request, content)

    def _list(self, topic: Topic, newest: date, kind: PeriodKind) -> Best:
        period = period_around(newest, kind)
        found = self._catalogue.best(period.first, period.last, filters=filters_of(topic), limit=_BEST)
        return Best(
            heading=_HEADINGS[kind],
            date=written_date(period),
            href=list_path(self._pages, period),
            items=items(self._pages, found.papers),
        )


def _by_title(topics: tuple[Topic, ...]) -> list[Topic]:
    return sorted(topics, key=lambda topic: topic.title.casefold())
