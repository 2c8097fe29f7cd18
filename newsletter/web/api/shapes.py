"""What the API gives: papers, issues, subscribers and events as JSON, each made of the house's own type.

Times are ISO 8601 in UTC, days are UTC days. It asks no store.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, Field

from newsletter.life import Happening
from newsletter.model import Cadence, SubscriberStatus
from newsletter.period import PeriodKind, parse_period
from newsletter.pipeline.audience import WEEKDAYS
from newsletter.web.lists import public_papers

if TYPE_CHECKING:
    from newsletter import model
    from newsletter.store.archive import Filed
    from newsletter.store.history import Noted
    from newsletter.web.pages import Pages


class PaperLinks(BaseModel):
    """Where a paper can be read; "" where no source names a place."""

    page: str
    pdf: str
    code: str
    stars: int | None
    project: str


class Paper(BaseModel):
    """A paper."""

    id: str = Field(description="The arXiv id without a version, else `source:key`.")
    url: str = Field(description="Its page on this site.")
    source: str
    title: str
    abstract: str
    summary: str
    authors: list[str]
    author_count: int = Field(description="At least as many as are named.")
    organisation: str
    published: date | None
    listed_on: date | None = Field(description="The last day on which a community listed it.")
    upvotes: int | None = Field(description="The newest count; null where the source counts none.")
    comments: int | None
    keywords: list[str]
    links: PaperLinks
    thumbnail: str

    @classmethod
    def of(cls, paper: model.Paper, pages: Pages) -> Self:
        """Return the paper as the API gives it."""
        links = paper.links
        return cls(
            id=paper.id,
            url=pages.base + pages.paper_path(paper.id).removeprefix(pages.root),
            source=paper.source,
            title=paper.title,
            abstract=paper.abstract,
            summary=paper.summary,
            authors=list(paper.authors),
            author_count=max(paper.author_count, len(paper.authors)),
            organisation=paper.organisation,
            published=paper.published,
            listed_on=paper.listed_on,
            upvotes=paper.upvotes,
            comments=paper.comments,
            keywords=list(paper.keywords),
            links=PaperLinks(page=links.page, pdf=links.pdf, code=links.code, stars=links.stars, project=links.project),
            thumbnail=paper.thumbnail,
        )


class PaperList(BaseModel):
    """A page of papers."""

    papers: list[Paper]
    total: int = Field(description="How many there are on all pages.")
    exact: bool = Field(description="False where there are more than `total`, of which only the newest were weighed.")
    next_page: int | None = Field(description="The number of the next page; null on the last one.")


class IssueEntry(BaseModel):
    """A published issue in a list."""

    period: str = Field(description="`2026-07-14`, `2026-W29` or `2026-07`.")
    kind: PeriodKind
    url: str = Field(description="Its public edition on this site.")
    subject: str = Field(description="The editor's; \"\" where each reader's named their own first paper.")
    approved_at: datetime | None
    sent_at: datetime | None = Field(description="When its last mail had left; null while it is on its way.")
    paper_count: int

    @classmethod
    def of(cls, filed: Filed, pages: Pages) -> Self:
        """Return a line of the archive as the API gives it."""
        return cls(**_entry(filed.issue, pages), paper_count=filed.papers)


class Issue(IssueEntry):
    """A published issue in its public edition, without anything of a reader."""

    note: str = Field(description="The editor's, in Markdown.")
    papers: list[Paper] = Field(description="As they stood when it was drafted: the pinned first, then by upvotes.")

    @classmethod
    def whole(cls, issue: model.Issue, pages: Pages) -> Self:
        """Return an issue as the API gives it."""
        papers = [Paper.of(paper, pages) for paper in public_papers(issue)]
        return cls(**_entry(issue, pages), paper_count=len(papers), note=issue.note, papers=papers)


def _entry(issue: model.Issue, pages: Pages) -> dict[str, Any]:
    return {
        "period": issue.period,
        "kind": parse_period(issue.period).kind,
        "url": f"{pages.base}/issues/{issue.period}",
        "subject": issue.subject,
        "approved_at": issue.approved_at,
        "sent_at": issue.sent_at,
    }


class IssueList(BaseModel):
    """A page of published issues of one kind, newest first."""

    issues: list[IssueEntry]
    total: int
    next_page: int | None = Field(description="The number of the next page; null on the last one.")


class Subscriber(BaseModel):
    """A subscriber and what they want."""

    id: int
    address: str
    status: SubscriberStatus
    topics: list[str]
    interests: list[str]
    authors: list[str]
    organisations: list[str]
    muted: list[str]
    liked: list[str]
    disliked: list[str]
    cadence: Cadence
    weekday: str = Field(description="For weekly readers, in English.")
    hour: int
    time_zone: str
    size: int
    paused_until: date | None = Field(description="The first day, in their own zone, on which mails leave again.")
    created_at: datetime | None

    @classmethod
    def of(cls, one: model.Subscriber) -> Self:
        """Return a subscriber as the API gives them."""
        profile = one.profile
        return cls(
            id=one.id,
            address=one.address,
            status=one.status,
            topics=list(profile.topics),
            interests=list(profile.interests),
            authors=list(profile.authors),
            organisations=list(profile.organisations),
            muted=list(profile.muted),
            liked=list(profile.liked),
            disliked=list(profile.disliked),
            cadence=one.cadence,
            weekday=WEEKDAYS[one.weekday],
            hour=one.hour,
            time_zone=one.timezone,
            size=one.size,
            paused_until=one.paused_until,
            created_at=one.created_at,
        )


class SubscriberList(BaseModel):
    """Some subscribers, by their ids."""

    subscribers: list[Subscriber]
    next_after: int | None = Field(description="What to give as `after` for those that follow; null at the end.")


class Event(BaseModel):
    """Something that happened to a subscriber. No address stands in it."""

    id: int
    subscriber: int
    at: datetime
    kind: Happening
    detail: dict[str, str]

    @classmethod
    def of(cls, noted: Noted) -> Self:
        """Return an event as the API gives it."""
        event = noted.event
        return cls(id=noted.id, subscriber=noted.subscriber_id, at=event.at, kind=event.kind, detail=dict(event.detail))


class EventList(BaseModel):
    """Some events, oldest first."""

    events: list[Event]
    next_after: int | None = Field(description="What to give as `after` for those that follow; null at the end.")


class Answer(BaseModel):
    """What a sign-up is told, whoever the address belongs to."""

    answer: str


class LeftOut(BaseModel):
    """A row of an import that was left out."""

    index: int = Field(description="Its place in `rows`, from 0.")
    reason: str


class Imported(BaseModel):
    """What became of an import. Addresses that were there already were left as they were."""

    added: int
    confirmed: int = Field(description="Of those that waited to be confirmed.")
    known: int = Field(description="That were subscribed already, or had left: they are as they were.")
    left_out: list[LeftOut]
