"""The archive: every published issue, and the public edition of each, without anything of a reader."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.exceptions import HTTPException

from newsletter.period import PeriodKind, parse_period
from newsletter.render.clean import one_line
from newsletter.render.markdown import note_html
from newsletter.render.words import count, cut, written_date
from newsletter.web.answers import public
from newsletter.web.asked import page_of, period_of
from newsletter.web.feeds import issue_feeds
from newsletter.web.lists import PAGE, Steps, issue_link, items, public_papers, steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.store.archive import Filed
    from newsletter.web.pages import Pages
    from newsletter.web.parts import Parts

KINDS = {PeriodKind.DAY: "Daily", PeriodKind.WEEK: "Weekly", PeriodKind.MONTH: "Monthly"}
_TITLE = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the archive."""

    date: str
    href: str
    about: str
    papers: str


class IssuePages:
    """The archive and the public editions."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._archive = parts.app.store.archive

    def archive(self, request: Request) -> Response:
        """List the published issues of one kind, newest first, under the months or years that they begin in."""
        kind, number = _kind_of(request), page_of(request)
        total = self._archive.count(kind)
        way = steps(number, total, href=f"{self._pages.root}/issues?by={kind}")
        filed = self._archive.page(kind, offset=(number - 1) * PAGE, limit=PAGE)
        content = self._pages.html(
            "issues",
            title="Issues" if kind is PeriodKind.DAY else f"{KINDS[kind]} issues",
            section="issues",
            kinds=[(f"{self._pages.root}/issues?by={one}", label, one is kind) for one, label in KINDS.items()],
            groups=list(_groups(self._pages, filed, kind)),
            steps=way,
            feeds=issue_feeds(self._pages),
        )
        return public(request, content)

    def edition(self, request: Request) -> Response:
        """Show the public edition of one issue: the editor's note, and all its papers by votes."""
        period, number = period_of(request, *PeriodKind), page_of(request)
        issue = self._archive.get(period.text)
        if issue is None:
            raise HTTPException(404)
        papers = public_papers(issue)
        path = f"{self._pages.root}/issues/{period.text}"
        way = steps(number, len(papers), href=path)
        start = (number - 1) * PAGE
        note = note_html(issue.note, period=issue.period) if number == 1 else ""
        content = self._pages.html(
            "issue",
            title=written_date(period),
            section="issues",
            kind=KINDS[period.kind],
            date=written_date(period),
            subject=one_line(issue.subject),
            papers=count(len(papers), "paper"),
            note=Markup(note),  # noqa: S704 - nh3 has cleaned it
            items=items(self._pages, papers[start : start + PAGE], first=start + 1),
            steps=way,
            beside=self._beside(period.text, period.kind),
            canonical=f"{self._pages.base}/issues/{period.text}",
            feeds=issue_feeds(self._pages),
        )
        return public(request, content)

    def _beside(self, period: str, kind: PeriodKind) -> Steps:
        before, after = self._archive.beside(period, kind)
        return Steps(
            earlier=issue_link(self._pages, before) if before else None,
            later=issue_link(self._pages, after) if after else None,
        )


def _kind_of(request: Request) -> PeriodKind:
    try:
        return PeriodKind(request.query_params.get("by") or PeriodKind.DAY)
    except ValueError:
        raise HTTPException(422, "Issues are listed by day, week or month.") from None


def _groups(pages: Pages, filed: Iterable[Filed], kind: PeriodKind) -> Iterable[tuple[str, list[Entry]]]:
    for name, group in groupby(filed, key=lambda one: _group(one.issue.period, kind)):
        yield name, [entry_of(pages, one) for one in group]


def _group(text: str, kind: PeriodKind) -> str:
    """Return what an issue is listed under: its month, or its year where issues are longer than a day."""
    return written_date(parse_period(text[:7])) if kind is PeriodKind.DAY else text[:4]


def entry_of(pages: Pages, filed: Filed) -> Entry:
    """Return the line of an issue: the editor's subject, or else the title that its list begins with."""
    link = issue_link(pages, filed.issue.period)
    about = one_line(filed.issue.subject) or one_line(filed.lead)
    return Entry(date=link.label, href=link.url, about=cut(about, _TITLE), papers=count(filed.papers, "paper"))
