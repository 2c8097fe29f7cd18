"""Papers: those of a day, week or month, those that hold words, and each by its id."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import Path as InPath
from fastapi import Query
from starlette.exceptions import HTTPException

from newsletter.errors import UsageError
from newsletter.period import PeriodKind, parse_period
from newsletter.store.finding import EVERYTHING, MOST_WEIGHED, Filters
from newsletter.web.api.asked import Day, Number, Size, TopicName
from newsletter.web.api.shapes import Paper, PaperList
from newsletter.web.lists import period_around
from newsletter.web.wishes import filters_of, topic_in

if TYPE_CHECKING:
    from newsletter.store.catalogue import Found
    from newsletter.web.parts import Parts

Words = Annotated[str, Query(min_length=1, max_length=300, description="What to search for.")]
PeriodText = Annotated[
    str, Query(max_length=10, description="`2026-07-14`, `2026-W29` or `2026-07`; the newest day where none is given.")
]
PaperId = Annotated[str, InPath(description="Its id, or one that it had before.")]


class PaperOperations:
    """The operations on papers."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._store = parts.app.store
        self._topics = parts.app.config.topics

    def list_papers(
        self, period: PeriodText = "", topic: TopicName = "", page: Number = 1, size: Size = 50
    ) -> PaperList:
        """List the papers of a day, a week or a month, most upvotes first; of a topic the newest 2,000 at most."""
        try:
            asked = parse_period(period) if period else None
        except UsageError as error:
            raise HTTPException(422, str(error)) from None
        filters = self._filters(topic)
        if asked is None:
            newest = self._store.catalogue.newest_day()
            if newest is None:
                return PaperList(papers=[], total=0, exact=True, next_page=None)
            asked = period_around(newest, PeriodKind.DAY)
        found = self._store.catalogue.best(
            asked.first, asked.last, filters=filters, offset=(page - 1) * size, limit=size
        )
        return self._list(found, page, size)

    def search_papers(
        self,
        q: Words,
        topic: TopicName = "",
        since: Day | None = None,
        until: Day | None = None,
        page: Number = 1,
        size: Size = 20,
    ) -> PaperList:
        """Search titles, abstracts, authors and keywords, best first; the newest 2,000 papers at most are weighed.

        Papers with all the words come alone; where there are none, those in which the last word begins one, else
        those with any of the words.
        """
        first = last = None
        if since or until:
            first, last = since or date.min, until or date.max
        filters = self._filters(topic, first=first, last=last)
        found = self._store.catalogue.search(q, filters=filters, offset=(page - 1) * size, limit=size)
        return self._list(found, page, size)

    def get_paper(self, paper_id: PaperId) -> Paper:
        """Return a paper; one that is asked for by an id of before comes with its present one."""
        paper = self._store.papers.get([paper_id]).get(paper_id)
        if paper is None:
            raise HTTPException(404)
        return Paper.of(paper, self._pages)

    def _filters(self, topic: str, *, first: date | None = None, last: date | None = None) -> Filters:
        if not topic:
            return Filters(first=first, last=last) if first else EVERYTHING
        return filters_of(topic_in(self._topics, topic), first=first, last=last)

    def _list(self, found: Found, page: int, size: int) -> PaperList:
        reachable = min(found.total, MOST_WEIGHED) if not found.exact else found.total
        return PaperList(
            papers=[Paper.of(paper, self._pages) for paper in found.papers],
            total=found.total,
            exact=found.exact,
            next_page=page + 1 if page * size < reachable else None,
        )
