"""How what is stored of a paper and what a source says of it now become one. Pure: no database, no clock.

A field is settled by three rules, in this order: a filled field is never emptied; the text of the source that the
paper stands under wins over other sources', newer over older; a source that knows the arXiv id wins over one that
does not, and gives the paper its id and source. Other sources fill what is still empty.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from newsletter.model import Links, Paper

if TYPE_CHECKING:
    from datetime import date

_F = TypeVar("_F")


def merged(old: Paper, new: Paper, *, newer: bool = True) -> Paper:
    """Return the stored paper `old` with what `new`, the same paper from some source, adds or corrects.

    `newer` is False where `new` is of an earlier listing than `old`, or was taken before it, as by importing an old
    file; then it corrects nothing.
    """
    takes_over = new.has_own_id and not old.has_own_id
    wins = takes_over or (newer and new.source == old.source)
    first, second = (new, old) if wins else (old, new)
    title, raw_title = _text(first.title, first.raw_title, second.title, second.raw_title)
    abstract, raw_abstract = _text(first.abstract, first.raw_abstract, second.abstract, second.raw_abstract)
    return Paper(
        id=new.id if takes_over else old.id,
        source=new.source if takes_over else old.source,
        title=title,
        raw_title=raw_title,
        abstract=abstract,
        raw_abstract=raw_abstract,
        authors=first.authors or second.authors,
        author_count=_author_count(first, second),
        organisation=first.organisation or second.organisation,
        published=first.published or second.published,
        listed_on=_latest(old.listed_on, new.listed_on),
        upvotes=_known(new.upvotes, old.upvotes),
        comments=_known(new.comments, old.comments),
        keywords=first.keywords or second.keywords,
        summary=first.summary or second.summary,
        links=_links(first.links, second.links),
        thumbnail=first.thumbnail or second.thumbnail,
    )


def without_votes(paper: Paper) -> Paper:
    """Return the paper without what is stored as listings and snapshots."""
    return replace(paper, listed_on=None, upvotes=None, comments=None)


def _text(first: str, first_raw: str, second: str, second_raw: str) -> tuple[str, str]:
    """Return a text and what the source gave for it, which must stay a pair."""
    if not first:
        return second, second_raw if second else first_raw or second_raw
    if first_raw or not (second and second_raw):
        return first, first_raw
    return first, second_raw if first == second else first


def _author_count(first: Paper, second: Paper) -> int:
    """Names say how many there are, unless a bare count says more ("A, B et al." against "12 authors")."""
    both_name = bool(first.authors and second.authors)
    if both_name and first.authors != second.authors:
        return max(len(first.authors), first.author_count)
    named = max(len(first.authors), len(second.authors))
    return max(named, first.author_count, second.author_count)


def _links(first: Links, second: Links) -> Links:
    return Links(
        page=first.page or second.page,
        pdf=first.pdf or second.pdf,
        code=first.code or second.code,
        stars=_known(first.stars, second.stars),
        project=first.project or second.project,
    )


def _known(first: _F | None, second: _F | None) -> _F | None:
    return second if first is None else first


def _latest(one: date | None, other: date | None) -> date | None:
    days = [day for day in (one, other) if day is not None]
    return max(days, default=None)
