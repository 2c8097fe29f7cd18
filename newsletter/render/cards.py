"""From ranked papers to what a card or a line shows: finished words and checked links, no markup.

Every string is cleaned and bounded here, so templates only place them. Numbers run through both lists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from newsletter.links import Verdict, feedback_page
from newsletter.render.clean import one_line, safe_url
from newsletter.render.words import authors, beginning, count, cut, short_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.model import Links, Paper, RankedPaper
    from newsletter.render.layout import Layout

_REASON_LENGTH = 120
_REASONS_SHOWN = 3
_NAMES_ON_CARD = 3
_NAMES_NEEDED = _NAMES_ON_CARD + 1  # see `words.authors`
_LOOK_AT = 4
# The votes stand in the card's last line already.
_VOTES_ALONE = re.compile(r"[\d,]+ (up)?votes?(, (joint )?\d+(st|nd|rd|th) of \d+ that day)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link with its text."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One paper as it is shown; empty strings where nothing is known.

    `full` is False for a line. `url` is the first of `links`; `short_links` are some of the others, for a line whose
    title is linked already. `more_like_this`, `less_like_this` and `save_for_later` are URLs, `thumbnail` is the https
    URL of a picture.
    """

    number: int
    full: bool
    title: str
    url: str
    authors: str
    organisation: str
    teaser: str
    why: str
    votes: str
    comments: str
    links: tuple[Link, ...]
    short_links: tuple[Link, ...]
    more_like_this: str
    less_like_this: str
    save_for_later: str
    thumbnail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardStyle:
    """What the cards of one mail have in common.

    `feedback` is the beginning of the reader's feedback links (`newsletter.links`), "" where there are none.
    """

    layout: Layout
    feedback: str = ""
    thumbnails: bool = False


class CardMaker(Protocol):
    """Makes cards, as `make_cards` does."""

    def __call__(self, papers: Sequence[RankedPaper], first: int, style: CardStyle, *, full: bool) -> tuple[Card, ...]:
        """Return the cards of papers that stand one after the other."""


def make_cards(papers: Sequence[RankedPaper], first: int, style: CardStyle, *, full: bool) -> tuple[Card, ...]:
    """Return the cards of papers that stand one after the other, the first with the number `first`.

    With `full` they are cards as far as the layout has cards, and lines after that.
    """
    return tuple(
        make_card(ranked, number, style, full=full and number <= style.layout.cards)
        for number, ranked in enumerate(papers, first)
    )


def make_card(ranked: RankedPaper, number: int, style: CardStyle, *, full: bool) -> Card:
    """Return the card, or with `full` False the line, of one paper."""
    layout, feedback = style.layout, style.feedback
    paper = ranked.paper
    names = tuple(_short(name, layout.name) for name in paper.authors[:_NAMES_NEEDED])
    links = _links(paper.links, layout.url)
    url = links[0].url if links else ""
    return Card(
        number=number,
        full=full,
        title=_short(paper.title, layout.title) or "Untitled",
        url=url,
        authors=authors(names, max(paper.author_count, len(paper.authors)), shown=_NAMES_ON_CARD if full else 1),
        organisation=_short(paper.organisation, layout.name),
        teaser=_teaser(paper, layout.teaser),
        why=_why(ranked),
        votes=count(paper.upvotes, "upvote") if paper.upvotes else "",
        comments=count(paper.comments, "comment") if paper.comments else "",
        links=links,
        short_links=links[1:][: layout.links],
        more_like_this=feedback_page(feedback, Verdict.MORE, paper.id) if feedback else "",
        less_like_this=feedback_page(feedback, Verdict.LESS, paper.id) if feedback else "",
        save_for_later=feedback_page(feedback, Verdict.SAVE, paper.id) if feedback else "",
        thumbnail=_picture(paper.thumbnail, layout.url) if style.thumbnails else "",
    )


def _teaser(paper: Paper, limit: int) -> str:
    """Return the summary, which is one sentence, or the beginning of the abstract."""
    return beginning(one_line((paper.summary or paper.abstract)[: _LOOK_AT * limit]), limit)


def _short(text: str, limit: int) -> str:
    """Clean and cut; no more is looked at than could be shown, so that a text of 10 MB costs nothing."""
    return cut(one_line(text[: _LOOK_AT * limit]), limit)


def _why(ranked: RankedPaper) -> str:
    reasons = [_short(reason, _REASON_LENGTH) for reason in ranked.reasons]
    told = [reason for reason in reasons if reason and not _VOTES_ALONE.fullmatch(reason)]
    text = "; ".join(told[:_REASONS_SHOWN])
    return text[:1].upper() + text[1:]


def _picture(url: str, longest: int) -> str:
    """Return the URL of a picture that a mail program would load, else ""."""
    return url if url.startswith("https://") and len(url) <= longest and safe_url(url) else ""


def _links(links: Links, longest: int) -> tuple[Link, ...]:
    code = "Code" if not links.stars else f"Code ★ {short_count(links.stars)}"
    named = (("Page", links.page), ("PDF", links.pdf), (code, links.code), ("Project", links.project))
    return tuple(Link(label=label, url=url) for label, url in named if len(url) <= longest and safe_url(url))
