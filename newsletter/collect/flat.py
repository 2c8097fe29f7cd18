"""One paper as a flat JSON object: what this program prints and exports itself, and plainer lists by others.

Only id and title must be there. Where an object names no `source`, it is not ours: its `date` is the day of the list
and its `summary` the abstract. The endpoint's own items are `wire.py`'s.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from newsletter.collect.clean import clean_name, clean_text, http_url, storable
from newsletter.collect.wire import YEARS, Count, Text, Title, Wire, keywords, titled
from newsletter.model import Links, Paper, arxiv_id

FILE_SOURCE = "jsonl"
_SOURCE = r"[a-z0-9][a-z0-9_-]{0,63}"
_KEY = re.compile(_SOURCE + r":[!#-&(-;=?-\[\]-_a-~]{1,300}")  # printable ASCII without quotes, angles, \ and `
_PLAIN_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


def _plausible(day: date) -> date:
    if day.year not in YEARS:
        raise ValueError("no plausible date")
    return day


_Day = Annotated[date, AfterValidator(_plausible)]


class _Links(Wire):
    page: str | None = None
    pdf: str | None = None
    code: str | None = None
    stars: Count | None = None
    project: str | None = None


class _Flat(Wire):
    id: Annotated[str, Field(min_length=1, max_length=400)]
    title: Title
    source: Annotated[str, Field(pattern=rf"^{_SOURCE}$")] | None = None
    abstract: Text | None = None
    summary: Text | None = None
    authors: tuple[Text, ...] | None = None
    author_count: Count | None = None
    organisation: Text | None = None
    published: _Day | None = None
    listed_on: Annotated[_Day | None, Field(validation_alias=AliasChoices("listed_on", "date"))] = None
    upvotes: Count | None = None
    comments: Count | None = None
    keywords: tuple[Text, ...] | None = None
    links: _Links | None = None
    thumbnail: str | None = None


def read_flat(entry: object, *, listed_on: date | None) -> Paper:
    """Return the paper that a flat object describes; `listed_on` (a UTC day) stands in where it names no day.

    Raises:
        ValueError: it is broken; `wire.problem` puts it in words.
    """
    read = _Flat.model_validate(entry)
    source = read.source or FILE_SOURCE
    identity = _identity(read.id, source=source)
    raw_abstract = read.abstract or ("" if read.source else read.summary) or ""
    authors = tuple(name for name in map(clean_name, read.authors or ()) if name)
    return Paper(
        id=identity,
        source=source,
        title=titled(read.title),
        abstract=clean_text(raw_abstract),
        authors=authors,
        author_count=max(read.author_count or 0, len(authors)),
        organisation=clean_name(read.organisation or ""),
        published=read.published,
        listed_on=read.listed_on or listed_on,
        upvotes=read.upvotes,
        comments=read.comments,
        keywords=keywords(read.keywords or ()),
        summary=clean_text(read.summary or "") if read.source or read.abstract else "",
        links=_links(read.links or _Links(), arxiv_id(identity)),
        thumbnail=http_url(read.thumbnail),
        raw_title=storable(read.title),
        raw_abstract=storable(raw_abstract),
    )


def _identity(key: str, *, source: str) -> str:
    if key.isascii() and (arxiv := arxiv_id(key)):
        return arxiv
    if _KEY.fullmatch(key):
        return key
    if _PLAIN_KEY.fullmatch(key):
        return f"{source}:{key}"
    raise ValueError("id: it is no arXiv id, no source:key and no plain key")


def _links(read: _Links, arxiv: str | None) -> Links:
    """Return the links, with arXiv's own pages where none are named."""
    return Links(
        page=http_url(read.page) or (f"https://arxiv.org/abs/{arxiv}" if arxiv else ""),
        pdf=http_url(read.pdf) or (f"https://arxiv.org/pdf/{arxiv}" if arxiv else ""),
        code=http_url(read.code),
        stars=read.stars,
        project=http_url(read.project),
    )
