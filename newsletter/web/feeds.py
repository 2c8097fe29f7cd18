"""The feeds of the archive and of every topic: what stands in them, in the format that the address ends with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.model import RankedPaper
from newsletter.period import parse_period
from newsletter.render.cards import Card, CardStyle, make_card
from newsletter.render.clean import one_line
from newsletter.render.layout import Layout
from newsletter.render.words import count, written_date
from newsletter.web.answers import public
from newsletter.web.lists import public_papers
from newsletter.web.syndication import FORMATS, Feed, FeedEntry
from newsletter.web.wishes import filters_of, topic_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Issue, Paper, Topic
    from newsletter.web.pages import Pages
    from newsletter.web.parts import Parts

_ISSUES = 20
_PAPERS = 50
_IN_ENTRY = 10  # papers of an issue that its entry lists
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LABELS = {"atom": "Atom", "rss": "RSS", "json": "JSON"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """Where a feed is, for the head of a page."""

    href: str
    type: str
    title: str
    label: str


def issue_feeds(pages: Pages) -> tuple[FeedLink, ...]:
    """Return the feeds of the archive."""
    return _links(pages, "issues", pages.name)


def topic_feeds(pages: Pages, topic: Topic) -> tuple[FeedLink, ...]:
    """Return the feeds of a topic."""
    return _links(pages, f"topics/{topic.name}", f"{pages.name}: {topic.title}")


def _links(pages: Pages, name: str, title: str) -> tuple[FeedLink, ...]:
    return tuple(
        FeedLink(
            href=f"{pages.root}/feeds/{name}.{ending}", type=FORMATS[ending][0], title=f"{title} ({label})", label=label
        )
        for ending, label in _LABELS.items()
    )


class FeedPages:
    """The feeds."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pages = parts.pages
        self._store = parts.app.store
        self._issues: dict[tuple[int, datetime | None], FeedEntry] = {}

    def issues(self, request: Request) -> Response:
        """Return the newest issues of every kind."""
        ending = _ending_of(request)
        entries = self._newest()
        feed = self._feed(f"feeds/issues.{ending}", "issues", self._pages.name, self._pages.tagline, entries)
        return _answer(request, ending, feed)

    def topic(self, request: Request) -> Response:
        """Return the newest papers of a topic."""
        ending = _ending_of(request)
        topic = topic_in(self._parts.app.config.topics, request.path_params["name"])
        papers = self._store.catalogue.latest_on(filters_of(topic), limit=_PAPERS)
        feed = self._feed(
            f"feeds/topics/{topic.name}.{ending}",
            f"topics/{topic.name}",
            f"{self._pages.name}: {topic.title}",
            topic.description,
            tuple(self._paper(paper) for paper in papers),
        )
        return _answer(request, ending, feed)

    def _feed(self, path: str, page: str, title: str, about: str, entries: tuple[FeedEntry, ...]) -> Feed:
        return Feed(
            url=f"{self._pages.base}/{path}",
            page=f"{self._pages.base}/{page}",
            title=title,
            about=about or title,
            author=self._pages.name,
            updated=max((entry.updated for entry in entries), default=_EPOCH),
            entries=entries,
        )

    def _newest(self) -> tuple[FeedEntry, ...]:
        """Return the entries of the newest issues, those that are known as they are: nothing changes a published one.

        One that was called back and approved anew has another time of approval.
        """
        known, entries = self._issues, {}
        for head in self._store.archive.heads(_ISSUES):
            key = (head.id, head.approved_at)
            if entry := known.get(key):
                entries[key] = entry
            elif issue := self._store.archive.get(head.period):
                entries[key] = self._issue(issue)
        self._issues = entries
        return tuple(entries.values())

    def _issue(self, issue: Issue) -> FeedEntry:
        papers = public_papers(issue)
        date = written_date(parse_period(issue.period))
        subject = one_line(issue.subject)
        sent = issue.approved_at or issue.created_at or _EPOCH  # it stays, while the issue goes from sending to sent
        return FeedEntry(
            url=f"{self._pages.base}/issues/{issue.period}",
            title=f"{subject} · {date}" if subject else date,
            text=f"{count(len(papers), 'paper')}: {'; '.join(one_line(one.title) for one in papers[:3])}",
            html=self._list(papers[:_IN_ENTRY]),
            published=sent,
            updated=sent,
        )

    def _paper(self, paper: Paper) -> FeedEntry:
        listed = datetime.combine(paper.listed_on, time(), UTC) if paper.listed_on else _EPOCH
        card = _card(paper)
        return FeedEntry(
            url=self._url(paper),
            title=card.title,
            text=card.teaser,
            html=self._list([paper]),
            published=listed,
            updated=listed,
        )

    def _list(self, papers: Sequence[Paper]) -> str:
        shown = [(_card(paper), self._url(paper)) for paper in papers]
        return self._pages.html("feed_entry", title="", papers=shown)

    def _url(self, paper: Paper) -> str:
        return self._pages.base + self._pages.paper_path(paper.id).removeprefix(self._pages.root)


def _card(paper: Paper) -> Card:
    return make_card(RankedPaper(paper=paper, score=0.0), 1, CardStyle(layout=Layout(teaser=400)), full=True)


def _ending_of(request: Request) -> str:
    ending: str = request.path_params["ending"]
    if ending not in FORMATS:
        raise HTTPException(404)
    return ending


def _answer(request: Request, ending: str, feed: Feed) -> Response:
    media_type, write = FORMATS[ending]
    return public(request, write(feed), media_type=f"{media_type}; charset=utf-8", modified=feed.updated)
