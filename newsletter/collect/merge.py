"""Papers that several sources, pages or lines describe become one. Pure.

The same paper is told by its id (version-less where it is arXiv's). A paper without an arXiv id is also told by its
normalised title, where the other one stands in another source: one source that lists a title twice means two papers.
Entries of one paper with different days stay apart, since each is a listing of its own; they get the same id.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields, replace
from functools import reduce
from typing import TYPE_CHECKING

from newsletter.model import Links, title_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from newsletter.model import Paper


def merge_papers(papers: Iterable[Paper]) -> tuple[Paper, ...]:
    """Return each paper once per day it is listed on, in the order of first sight, with the richest of each field.

    An entry without a day joins the first entry of the same paper that has one. The entry with an arXiv id, else
    the first, gives id, source and title.
    """
    given = tuple(papers)
    known = _canonical(given)
    by_paper: dict[str, dict[date | None, list[Paper]]] = defaultdict(lambda: defaultdict(list))
    order: dict[tuple[str, date | None], None] = {}
    for paper in given:
        identity = known[paper.id]
        by_paper[identity][paper.listed_on].append(paper)
        order.setdefault((identity, paper.listed_on))
    for days in by_paper.values():
        if None in days and len(days) > 1:
            undated = days.pop(None)
            days[next(iter(days))] += undated
    return tuple(_merged(identity, by_paper[identity][day]) for identity, day in order if day in by_paper[identity])


def _canonical(papers: Sequence[Paper]) -> Mapping[str, str]:
    """Return for each id the id under which its paper goes."""
    sources: dict[str, set[str]] = defaultdict(set)
    by_title: dict[str, dict[str, bool]] = defaultdict(dict)  # title -> ids in order, and whether each is arXiv's
    keys: dict[str, str] = {}
    for paper in papers:
        sources[paper.id].add(paper.source)
        key = keys.setdefault(paper.id, title_key(paper.title))
        by_title[key][paper.id] = paper.has_own_id
    known: dict[str, str] = {}
    for identity, key in keys.items():
        twins = by_title[key] if key else {}
        known[identity] = identity if twins.get(identity, True) else _twin(identity, twins, sources, known)
    return known


def _twin(identity: str, twins: Mapping[str, bool], sources: Mapping[str, set[str]], known: Mapping[str, str]) -> str:
    elsewhere = [twin for twin in twins if twin != identity and sources[twin] - sources[identity]]
    arxiv = [twin for twin in elsewhere if twins[twin]]
    if arxiv:
        return arxiv[0] if len(arxiv) == 1 else identity  # two arXiv papers of one title: nobody can tell which
    before = [twin for twin in elsewhere if known.get(twin) == twin]
    return before[0] if before else identity


def _merged(identity: str, entries: Sequence[Paper]) -> Paper:
    base = next((paper for paper in entries if paper.id == identity), entries[0])
    rest = [paper for paper in entries if paper is not base]
    return replace(reduce(_joined, rest, base), id=identity)


def _joined(one: Paper, other: Paper) -> Paper:
    """Return `one` with whatever `other` knows better: longer texts, more names, higher counts, missing links."""
    text = other if len(other.abstract) > len(one.abstract) else one
    return replace(
        one,
        abstract=text.abstract,
        raw_abstract=text.raw_abstract,
        authors=max(one.authors, other.authors, key=len),
        author_count=max(one.author_count, other.author_count),
        organisation=one.organisation or other.organisation,
        published=one.published or other.published,
        listed_on=one.listed_on or other.listed_on,
        upvotes=_higher(one.upvotes, other.upvotes),
        comments=_higher(one.comments, other.comments),
        keywords=max(one.keywords, other.keywords, key=len),
        summary=one.summary or other.summary,
        links=_joined_links(one.links, other.links),
        thumbnail=one.thumbnail or other.thumbnail,
    )


def _joined_links(one: Links, other: Links) -> Links:
    present = {field.name: getattr(one, field.name) or getattr(other, field.name) for field in fields(Links)}
    return Links(**present | {"stars": _higher(one.stars, other.stars)})


def _higher(one: int | None, other: int | None) -> int | None:
    return max((count for count in (one, other) if count is not None), default=None)
