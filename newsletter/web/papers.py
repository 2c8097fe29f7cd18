"""Lists of papers by day, week and month, and the page of each paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from newsletter.model import DayState, RankedPaper
from newsletter.period import PeriodKind
from newsletter.render.cards import CardStyle, Link, make_card
from newsletter.render.clean import one_line
from newsletter.render.layout import Layout
from newsletter.render.words import count, written_date
from newsletter.web.answers import public
from newsletter.web.asked import page_of, period_of
from newsletter.web.curve import curve
from newsletter.web.lists import PAGE, Steps, issue_link, items, list_link, list_path, period_around, steps
from newsletter.web.wishes import filters_of

if TYPE_CHECKING:
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Paper
    from newsletter.period import Period
    from newsletter.web.parts import Parts

_AUTHORS = 40  # that are named before it says how many more there are
_DESCRIPTION = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A paper as its own page shows it."""

    title: str
    authors: tuple[str, ...]
    more_authors: str
    organisation: str
    summary: str
    abstract: str
    published: str


class PaperPages:
    """Lists and papers."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._store = parts.app.store
        self._topics = {topic.name: topic for topic in parts.app.config.topics}
        self._filters = {name: filters_of(topic) for name, topic in self._topics.items()}

    def newest(self, request: Request) -> Response:
        """List the papers of the newest day that has some."""
        day = self._store.catalogue.newest_day()
        if day is None:
            return public(request, self._pages.html("no_papers", title="Papers", section="papers"))
        return self._list(request, period_around(day, PeriodKind.DAY))

    def day(self, request: Request) -> Response:
        """List the papers of one day."""
        return self._list(request, period_of(request, PeriodKind.DAY))

    def week(self, request: Request) -> Response:
        """List the papers of one week."""
        return self._list(request, period_of(request, PeriodKind.WEEK))

    def month(self, request: Request) -> Response:
        """List the papers of one month."""
        return self._list(request, period_of(request, PeriodKind.MONTH))

    def _list(self, request: Request, period: Period) -> Response:
        number = page_of(request)
        found = self._store.catalogue.best(period.first, period.last, offset=(number - 1) * PAGE, limit=PAGE)
        earlier, later = self._store.catalogue.beside(period.first, period.last)
        if not found.total and not (earlier and later):
            raise HTTPException(404)  # before the first paper or after the last: no calendar without an end
        content = self._pages.html(
            "papers",
            title=f"Papers of {written_date(period)}",
            section="papers",
            date=written_date(period),
            papers=count(found.total, "paper") if found.total else self._nothing(period),
            items=items(self._pages, found.papers, first=1 + (number - 1) * PAGE),
            kinds=self._kinds(period),
            beside=self._beside(period.kind, earlier, later),
            steps=steps(number, found.total, href=list_path(self._pages, period)),
            canonical=self._pages.base + list_path(self._pages, period).removeprefix(self._pages.root),
        )
        return public(request, content)

    def _nothing(self, period: Period) -> str:
        if period.kind is PeriodKind.DAY and self._store.papers.day_state(period.first) is DayState.NOT_COLLECTED:
            return "This day's list was not collected."
        return "No papers were listed."

    def _kinds(self, period: Period) -> list[tuple[str, str, bool]]:
        labels = {PeriodKind.DAY: "Day", PeriodKind.WEEK: "Week", PeriodKind.MONTH: "Month"}
        return [
            (list_path(self._pages, period_around(period.last, kind)), label, kind is period.kind)
            for kind, label in labels.items()
        ]

    def _beside(self, kind: PeriodKind, earlier: date | None, later: date | None) -> Steps:
        return Steps(
            earlier=list_link(self._pages, period_around(earlier, kind)) if earlier else None,
            later=list_link(self._pages, period_around(later, kind)) if later else None,
        )

    def paper(self, request: Request) -> Response:
        """Show one paper; an id that it had before leads to the one that it has now."""
        asked: str = request.path_params["paper_id"]
        paper = self._store.papers.get([asked]).get(asked)
        if paper is None:
            raise HTTPException(404)
        if paper.id != asked:
            return RedirectResponse(self._pages.paper_path(paper.id), 301)
        card = make_card(
            RankedPaper(paper=paper, score=0.0),
            1,
            CardStyle(layout=Layout(teaser=_DESCRIPTION, title=1_000)),
            full=True,
        )
        listed = period_around(paper.listed_on, PeriodKind.DAY) if paper.listed_on else None
        content = self._pages.html(
            "paper",
            title=card.title,
            section="papers",
            description=card.teaser,
            card=card,
            paper=_whole(paper, card.title),
            listed=list_link(self._pages, listed) if listed else None,
            curve=curve(self._store.papers.votes(paper.id)),
            topics=self._topic_links(paper.id),
            issues=[issue_link(self._pages, period) for period in self._store.archive.holding(paper.id)],
            canonical=self._pages.base + self._pages.paper_path(paper.id).removeprefix(self._pages.root),
        )
        return public(request, content)

    def _topic_links(self, paper_id: str) -> list[Link]:
        names = self._store.catalogue.on_topics(paper_id, self._filters)
        return [Link(label=self._topics[name].title, url=f"{self._pages.root}/topics/{name}") for name in names]


def _whole(paper: Paper, title: str) -> Whole:
    names = tuple(one_line(name) for name in paper.authors)
    more = max(paper.author_count, len(names)) - len(names[:_AUTHORS])
    return Whole(
        title=title,
        authors=names[:_AUTHORS],
        more_authors=(f"{more:,} more" if names else count(more, "author")) if more > 0 else "",
        organisation=one_line(paper.organisation),
        summary=one_line(paper.summary),
        abstract=one_line(paper.abstract),
        published=written_date(period_around(paper.published, PeriodKind.DAY)) if paper.published else "",
    )
