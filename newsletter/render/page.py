"""From a digest to what its templates are given: every sentence of a mail but the papers' own.

Pure: the same digest gives the same page. It chooses headings and lists; templates choose where these stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count as counting
from typing import TYPE_CHECKING

from newsletter.model import Cadence, Digest, Profile, RankedPaper
from newsletter.period import Period, PeriodKind, parse_period
from newsletter.render.cards import Card, make_card
from newsletter.render.clean import one_line
from newsletter.render.words import count, cut, short_date, written_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.config import Site
    from newsletter.render.layout import Layout

_THIS = {PeriodKind.DAY: "today", PeriodKind.WEEK: "this week", PeriodKind.MONTH: "this month"}
_THAT = {PeriodKind.DAY: "that day", PeriodKind.WEEK: "that week", PeriodKind.MONTH: "that month"}
_EDITION = {PeriodKind.DAY: "Daily issue", PeriodKind.WEEK: "Weekly issue", PeriodKind.MONTH: "Monthly issue"}
_OFTEN = {
    Cadence.DAILY: "every day",
    Cadence.WEEKDAYS: "every weekday",
    Cadence.WEEKLY: "every week",
    Cadence.MONTHLY: "every month",
}
_SUBJECT_LENGTH = 200
_LEAD_LENGTH = 60  # of the title that a subject begins with: what a phone's inbox shows in a line
_PREHEADER_LENGTH = 140
_WISH_LENGTH = 60
_WISHES_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, a line under it (or ""), and the papers."""

    heading: str
    lead: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """Who the newsletter is."""

    name: str
    tagline: str
    postal_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The names that a digest template knows, besides `note`; templates/README.md explains each to authors."""

    subject: str
    preheader: str
    site: Masthead
    edition: str
    date: str
    wishes: tuple[str, ...]
    sections: tuple[Section, ...]
    left_out: str
    reason: str
    unsubscribe: str


def make_page(
    digest: Digest, site: Site, *, unsubscribe: str | None, titles: Mapping[str, str], layout: Layout
) -> Page:
    """Return what the templates are given. `titles` are the topics' written names by their short ones.

    Without `unsubscribe` this is the public edition: nobody subscribed to it.

    Raises:
        UsageError: the issue's period is none.
    """
    period = parse_period(digest.issue.period)
    profile = digest.subscriber.profile
    shown = digest.papers[: layout.papers]
    sections = _sections(shown, period, has_wishes=has_wishes(profile), layout=layout)
    return Page(
        subject=_subject(digest, period),
        preheader=_preheader(sections),
        site=Masthead(
            name=one_line(site.name), tagline=one_line(site.tagline), postal_address=one_line(site.postal_address)
        ),
        edition=_EDITION[period.kind],
        date=written_date(period),
        wishes=_wishes(profile, titles),
        sections=sections,
        left_out=_left_out(digest, len(shown), period),
        reason=_public(site) if unsubscribe is None else _reason(digest, site),
        unsubscribe=unsubscribe or "",
    )


def _subject(digest: Digest, period: Period) -> str:
    """Return the editor's subject, or else the reader's own: their first paper, and how many stand beside it."""
    if digest.issue.subject:
        return cut(one_line(digest.issue.subject), _SUBJECT_LENGTH)
    if not digest.papers:
        return f"No papers · {short_date(period)}"
    lead = cut(one_line(digest.papers[0].paper.title), _LEAD_LENGTH)
    more = len(digest.papers) - 1
    return f"{lead} + {more:,} more · {short_date(period)}" if more else f"{lead} · {short_date(period)}"


def has_wishes(profile: Profile) -> bool:
    """Whether a reader asked for anything that could match; without wishes there is one list for all."""
    return bool(profile.topics or profile.interests or profile.authors or profile.organisations or profile.liked)


def _sections(
    papers: tuple[RankedPaper, ...], period: Period, *, has_wishes: bool, layout: Layout
) -> tuple[Section, ...]:
    matched = tuple(paper for paper in papers if paper.matched)
    others = tuple(paper for paper in papers if not paper.matched)
    numbers = counting(1)

    def cards(chosen: tuple[RankedPaper, ...], *, full: bool) -> tuple[Card, ...]:
        made = []
        for ranked in chosen:
            number = next(numbers)
            made.append(make_card(ranked, number, full=full and number <= layout.cards, layout=layout))
        return tuple(made)

    if not has_wishes or not papers:
        heading, lead = "Top papers", "" if papers else f"No papers were listed {_THAT[period.kind]}."
        return (Section(heading=heading, lead=lead, cards=cards(matched + others, full=True)),)
    popular = f"Popular {_THIS[period.kind]}"
    if not matched:
        lead = f"Nothing {_THIS[period.kind]} matched what you follow; these papers got the most attention."
        return (Section(heading=popular, lead=lead, cards=cards(others, full=True)),)
    for_you = Section(heading="For you", lead="", cards=cards(matched, full=True))
    rest = Section(heading=popular, lead="", cards=cards(others, full=False))
    return (for_you, rest) if others else (for_you,)


def _wishes(profile: Profile, titles: Mapping[str, str]) -> tuple[str, ...]:
    topics = [titles.get(name) or name.replace("-", " ").replace("_", " ") for name in profile.topics]
    wishes = [cut(one_line(wish), _WISH_LENGTH) for wish in (*topics, *profile.interests)]
    more = len(wishes) - _WISHES_SHOWN
    return (*wishes[:_WISHES_SHOWN], *((f"{more} more",) if more > 0 else ()))


def _preheader(sections: tuple[Section, ...]) -> str:
    first = sections[0]
    if not first.cards:
        return first.lead
    titles = "; ".join(card.title for card in first.cards[:3])
    lead = f"{count(len(first.cards), 'paper')} for you: " if first.heading == "For you" else ""
    return cut(lead + titles, _PREHEADER_LENGTH)


def _left_out(digest: Digest, shown: int, period: Period) -> str:
    number = digest.left_out + len(digest.papers) - shown
    if number <= 0:
        return ""
    verb = "was" if number == 1 else "were"
    return f"{number:,} more {'paper' if number == 1 else 'papers'} {verb} listed {_THAT[period.kind]}."


def _public(site: Site) -> str:
    return f"This is the public edition of {one_line(site.name)}; a subscriber's own is ranked by that reader's topics."


def _reason(digest: Digest, site: Site) -> str:
    often = _OFTEN[digest.subscriber.cadence]
    return f"You get {one_line(site.name)} {often} because {one_line(digest.subscriber.address)} subscribed to it."
