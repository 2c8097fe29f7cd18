"""What lists have in common: papers as a page shows them, steps from one page to the next, and links between periods.

Pure: it is given papers, and makes finished words and checked links of them, as the mails do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.model import RankedPaper
from newsletter.period import PeriodKind, parse_period
from newsletter.render.cards import Card, CardStyle, Link, make_card
from newsletter.render.layout import Layout
from newsletter.render.words import written_date
from newsletter.web.marks import Part, marked, passage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from newsletter.model import Issue, Paper
    from newsletter.period import Period
    from newsletter.web.pages import Pages

PAGE = 50  # papers or issues
_TEASER = 280  # letters of an abstract under a title
_FOLDERS = {PeriodKind.DAY: "days", PeriodKind.WEEK: "weeks", PeriodKind.MONTH: "months"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A paper in a list: its card, its page, and title and teaser in parts, of which some may be what was searched."""

    card: Card
    href: str
    title: tuple[Part, ...]
    teaser: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The way from a page to its neighbours; None at either end."""

    earlier: Link | None = None
    later: Link | None = None


def items(
    pages: Pages, papers: Sequence[Paper], *, first: int = 1, stems: frozenset[str] = frozenset()
) -> tuple[Item, ...]:
    """Return papers as list entries, numbered from `first`; words with one of these stems are marked."""
    return ranked_items(pages, [RankedPaper(paper=paper, score=0.0) for paper in papers], first=first, stems=stems)


def ranked_items(
    pages: Pages, papers: Sequence[RankedPaper], *, first: int = 1, stems: frozenset[str] = frozenset()
) -> tuple[Item, ...]:
    """Return papers with the reasons for their places as list entries; else as `items` does."""
    style = CardStyle(layout=Layout(teaser=_TEASER), thumbnails=pages.thumbnails)
    return tuple(_item(pages, ranked, number, style, stems) for number, ranked in enumerate(papers, first))


def _item(pages: Pages, ranked: RankedPaper, number: int, style: CardStyle, stems: frozenset[str]) -> Item:
    paper = ranked.paper
    shown = replace(paper, summary=passage(paper.abstract, stems, _TEASER)) if stems else paper
    card = make_card(replace(ranked, paper=shown), number, style, full=True)
    return Item(
        card=card,
        href=pages.paper_path(paper.id),
        title=marked(card.title, stems),
        teaser=marked(card.teaser, stems),
    )


def public_papers(issue: Issue) -> tuple[Paper, ...]:
    """Return the papers of an issue's public edition: the pinned ones as pinned, then by upvotes; no hidden one."""
    places = {paper_id: place for place, paper_id in enumerate(issue.pins)}
    shown = [paper for paper in issue.papers if paper.id not in issue.hides]

    def order(paper: Paper) -> tuple[int, int, str]:
        upvotes = -1 if paper.upvotes is None else paper.upvotes
        return places.get(paper.id, len(places)), -upvotes, paper.id

    return tuple(sorted(shown, key=order))


def steps(number: int, total: int, *, href: str, size: int = PAGE) -> Steps:
    """Return the steps of page `number` of `total` entries; `href` is the address of a page but for its number.

    Raises:
        HTTPException: 404, there is no such page.
    """
    last = max(1, -(-total // size))
    if number > last:
        raise HTTPException(404)
    beginning = f"{href}{'&' if '?' in href else '?'}page="
    return Steps(
        earlier=Link(label="Previous page", url=f"{beginning}{number - 1}") if number > 1 else None,
        later=Link(label="Next page", url=f"{beginning}{number + 1}") if number < last else None,
    )


def list_path(pages: Pages, period: Period) -> str:
    """Return the path of the list of papers of a period."""
    return f"{pages.root}/{_FOLDERS[period.kind]}/{period.text}"


def list_link(pages: Pages, period: Period, label: str = "") -> Link:
    """Return a link to the list of a period, with its written date where no other label is given."""
    return Link(label=label or written_date(period), url=list_path(pages, period))


def issue_link(pages: Pages, text: str) -> Link:
    """Return a link to the public edition of an issue."""
    return Link(label=written_date(parse_period(text)), url=f"{pages.root}/issues/{text}")


def period_around(day: date, kind: PeriodKind) -> Period:
    """Return the day, week or month that a day lies in."""
    if kind is PeriodKind.WEEK:
        year, week, _ = day.isocalendar()
        return parse_period(f"{year:04}-W{week:02}")
    return parse_period(day.isoformat()[: 10 if kind is PeriodKind.DAY else 7])
