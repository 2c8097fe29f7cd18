"""From a digest to what its templates are given: every sentence of a mail but the papers' own.

Pure: the same digest gives the same page. It chooses headings and lists; templates choose where these stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from newsletter.links import issue_page
from newsletter.model import Cadence, Digest, Issue, Profile, RankedPaper
from newsletter.period import Period, PeriodKind, parse_period
from newsletter.render.cards import Card, CardMaker, CardStyle, make_cards
from newsletter.render.clean import one_line
from newsletter.render.layout import Layout
from newsletter.render.words import count, cut, short_date, written_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from newsletter.links import MailLinks
    from newsletter.settings import Site

_THIS = {PeriodKind.DAY: "today", PeriodKind.WEEK: "this week", PeriodKind.MONTH: "this month"}
_THAT = {PeriodKind.DAY: "that day", PeriodKind.WEEK: "that week", PeriodKind.MONTH: "that month"}
_EDITION = {PeriodKind.DAY: "Daily issue", PeriodKind.WEEK: "Weekly issue", PeriodKind.MONTH: "Monthly issue"}
OFTEN = {
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
OWN_WORDS = frozenset({"reason", "test", "wishes"})  # names of the page that `own_words` fills
_WHOLE = Layout()  # of every paper all that a mail can show


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, a line under it (or ""), and the papers."""

    heading: str
    lead: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """Who the newsletter is; `logo` is an https URL or "", `logo_alt` what stands in its place without pictures."""

    name: str
    tagline: str
    postal_address: str
    logo: str
    logo_alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The names that a digest template knows, besides `note`; templates/README.md explains each to authors."""

    subject: str
    preheader: str
    test: str
    site: Masthead
    edition: str
    date: str
    wishes: tuple[str, ...]
    sections: tuple[Section, ...]
    left_out: str
    shortened: str
    reason: str
    archive: str
    view: str
    preferences: str
    unsubscribe: str
    unsubscribe_by_mail: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What readers who get the same papers have in common; `has_wishes`: they asked for what could match."""

    issue: Issue
    papers: tuple[RankedPaper, ...]
    left_out: int
    has_wishes: bool
    test: bool


def make_page(
    digest: Digest,
    site: Site,
    *,
    links: MailLinks | None,
    titles: Mapping[str, str],
    layout: Layout,
    test: bool = False,
) -> Page:
    """Return what the templates are given. `titles` are the topics' written names by their short ones.

    Without `links` this is the public edition: nobody subscribed to it. With `test` it says that an editor tests it.

    Raises:
        UsageError: the issue's period is none.
    """
    page = shared_page(selection_of(digest, test=test), site, links=links, layout=layout)
    return replace(page, **own_words(digest, site, public=links is None, titles=titles, test=test))


def selection_of(digest: Digest, *, test: bool) -> Selection:
    """Return what a digest shares with those of other readers."""
    wishes = has_wishes(digest.subscriber.profile)
    return Selection(issue=digest.issue, papers=digest.papers, left_out=digest.left_out, has_wishes=wishes, test=test)


def shared_page(
    selection: Selection, site: Site, *, links: MailLinks | None, layout: Layout, cards: CardMaker = make_cards
) -> Page:
    """Return a page but for its `own_words`, which are left empty.

    `cards` makes the cards; it may keep them, since the same arguments make the same card.

    Raises:
        UsageError: the issue's period is none.
    """
    period = parse_period(selection.issue.period)
    shown = selection.papers[: layout.papers]
    feedback = links.feedback if links else ""
    style = CardStyle(layout=layout, feedback=feedback, thumbnails=site.thumbnails)
    sections = _sections(shown, period, has_wishes=selection.has_wishes, cards=partial(cards, style=style))
    return Page(
        subject=("[Test] " if selection.test else "") + _subject(selection, period),
        preheader=_preheader(sections),
        test="",
        site=masthead(site),
        edition=_EDITION[period.kind],
        date=written_date(period),
        wishes=(),
        sections=sections,
        left_out=_left_out(selection, len(shown), period),
        shortened=_shortened(layout),
        reason="",
        archive=issue_page(site.web_url, period.text) if links and site.web_url else "",
        view=links.view if links else "",
        preferences=links.preferences if links else "",
        unsubscribe=links.unsubscribe if links else "",
        unsubscribe_by_mail=links is not None and links.unsubscribe.startswith("mailto:"),
    )


def own_words(digest: Digest, site: Site, *, public: bool, titles: Mapping[str, str], test: bool) -> dict[str, Any]:
    """Return, by their names on the page, the words that are this reader's alone; no other word tells who reads."""
    return {
        "wishes": written_wishes(digest.subscriber.profile, titles),
        "reason": _public(site) if public else _reason(digest, site),
        "test": _test(digest) if test else "",
    }


def masthead(site: Site) -> Masthead:
    """Return who the newsletter is, as every mail's templates are given it."""
    return Masthead(
        name=one_line(site.name),
        tagline=one_line(site.tagline),
        postal_address=one_line(site.postal_address),
        logo=site.logo,
        logo_alt=one_line(site.logo_alt),
    )


def _subject(selection: Selection, period: Period) -> str:
    """Return the editor's subject, or else the reader's own: their first paper, and how many stand beside it."""
    if own := one_line(selection.issue.subject):  # blanks alone say nothing
        return cut(own, _SUBJECT_LENGTH)
    if not selection.papers:
        return f"No papers · {short_date(period)}"
    lead = cut(one_line(selection.papers[0].paper.title), _LEAD_LENGTH)
    more = len(selection.papers) - 1
    return f"{lead} + {more:,} more · {short_date(period)}" if more else f"{lead} · {short_date(period)}"


def has_wishes(profile: Profile) -> bool:
    """Whether a reader asked for anything that could match; without wishes there is one list for all."""
    return bool(profile.topics or profile.interests or profile.authors or profile.organisations or profile.liked)


def _sections(
    papers: tuple[RankedPaper, ...], period: Period, *, has_wishes: bool, cards: Callable[..., tuple[Card, ...]]
) -> tuple[Section, ...]:
    matched = tuple([paper for paper in papers if paper.matched])
    others = tuple([paper for paper in papers if not paper.matched])
    if not has_wishes or not papers:
        heading, lead = "Top papers", "" if papers else f"No papers were listed {_THAT[period.kind]}."
        return (Section(heading=heading, lead=lead, cards=cards(matched + others, 1, full=True)),)
    popular = f"Popular {_THIS[period.kind]}"
    if not matched:
        lead = f"Nothing new {_THIS[period.kind]} matched what you follow; these papers got the most attention."
        return (Section(heading=popular, lead=lead, cards=cards(others, 1, full=True)),)
    for_you = Section(heading="For you", lead="", cards=cards(matched, 1, full=True))
    rest = Section(heading=popular, lead="", cards=cards(others, 1 + len(matched), full=False))
    return (for_you, rest) if others else (for_you,)


def written_wishes(profile: Profile, titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a reader follows, in words: topics by their written names, then interests; a dozen at most."""
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


def _left_out(selection: Selection, shown: int, period: Period) -> str:
    number = selection.left_out + len(selection.papers) - shown
    if number <= 0:
        return ""
    verb = "was" if number == 1 else "were"
    return f"{number:,} more {'paper' if number == 1 else 'papers'} {verb} listed {_THAT[period.kind]}."


def _shortened(layout: Layout) -> str:
    whole = layout == _WHOLE or replace(layout, papers=_WHOLE.papers) == _WHOLE
    return "" if whole else "Papers are shown in brief, so that no inbox cuts the mail off."


def _test(digest: Digest) -> str:
    reader = one_line(digest.subscriber.address) if digest.subscriber.id else "nobody in particular"
    return (
        f"This is a test of issue {digest.issue.period} as made for {reader}. Subscribers have not got it, and its "
        "links to a reader's own pages lead nowhere."
    )


def _public(site: Site) -> str:
    return f"This is the public edition of {one_line(site.name)}; a subscriber's own is ranked by that reader's topics."


def _reason(digest: Digest, site: Site) -> str:
    often = OFTEN[digest.subscriber.cadence]
    return f"You get {one_line(site.name)} {often} because {one_line(digest.subscriber.address)} subscribed to it."
