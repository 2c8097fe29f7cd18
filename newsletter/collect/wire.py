"""The items of the Daily Papers endpoint, typed, and what of them becomes a `Paper`.

`GET /api/daily_papers` answers with a list of items; every shape recorded since 2024-05 is accepted, unknown fields
are passed over. What names, describes or counts a paper must be right, or the item is left out and reported; what
adorns it (links, keywords, organisation, stars) is left empty where it is broken. The people who submitted a paper
are not read at all. Nothing is fetched here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from newsletter.collect.base import Rejected
from newsletter.collect.clean import clean_name, clean_text, clean_title, http_url, storable
from newsletter.errors import BadAnswerError
from newsletter.model import Links, Paper, arxiv_id

if TYPE_CHECKING:
    from datetime import date

SOURCE = "huggingface"
_PAPER_PAGE = "https://huggingface.co/papers/"  # the public site, also where a mirror of the endpoint is asked
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
YEARS = range(1900, 2200)
_MOST_VOTES = 10_000_000
_MOST_KEYWORDS = 50


def _to_utc(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise ValueError("no plausible date")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - pydantic's own signature
    try:
        return handler(value)
    except ValidationError:
        return None


Count = Annotated[int, Field(ge=0, le=_MOST_VOTES, strict=True)]
Title = Annotated[str, Field(max_length=5_000)]
Text = Annotated[str, Field(max_length=200_000)]
Moment = Annotated[datetime, AfterValidator(_to_utc)]
_Adornment = WrapValidator(_or_none)


class Wire(BaseModel):
    """What all models of outside data share: unknown fields are passed over, nothing changes once read."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class _Author(Wire):
    name: Text
    hidden: bool = False


class _Organisation(Wire):
    name: Text = ""
    fullname: Text = ""


class _Paper(Wire):
    id: Annotated[str, Field(min_length=1, max_length=200)]
    title: Title | None = None
    summary: Text | None = None
    authors: Annotated[tuple[_Author, ...], Field(max_length=20_000)] = ()
    published_at: Annotated[Moment | None, Field(alias="publishedAt")] = None
    listed_at: Annotated[Moment | None, Field(alias="submittedOnDailyAt")] = None
    upvotes: Count | None = None
    ai_summary: Annotated[Text | None, _Adornment] = None
    ai_keywords: Annotated[tuple[str, ...] | None, _Adornment] = None
    organization: Annotated[_Organisation | None, _Adornment] = None
    code: Annotated[str | None, _Adornment, Field(alias="githubRepo")] = None
    stars: Annotated[Count | None, _Adornment, Field(alias="githubStars")] = None
    project: Annotated[str | None, _Adornment, Field(alias="projectPage")] = None


class _Item(Wire):
    paper: _Paper
    title: Title | None = None
    summary: Text | None = None
    comments: Annotated[Count | None, Field(alias="numComments")] = None
    thumbnail: Annotated[str | None, _Adornment] = None
    organization: Annotated[_Organisation | None, _Adornment] = None


def read_items(items: object, *, where: str, listed_on: date | None) -> tuple[list[Paper], list[Rejected]]:
    """Return the papers of an answer of the endpoint, in its order, and what had to be left out.

    `listed_on` (a UTC day) stands in where an item does not say when it was listed.

    Raises:
        BadAnswerError: it is no list, or not one of its items can be read.
    """
    papers: list[Paper] = []
    rejected: list[Rejected] = []
    for number, item in enumerate(listed(items, where=where), start=1):
        try:
            papers.append(read_item(item, listed_on=listed_on))
        except ValueError as error:
            rejected.append(Rejected(where=f"{where}, item {number}", reason=problem(error)))
    if rejected and not papers:
        raise BadAnswerError(f"{where}: not one of {len(rejected)} items can be read ({rejected[0].reason})")
    return papers, rejected


def read_item(item: object, *, listed_on: date | None) -> Paper:
    """Return the paper of one item of the endpoint.

    Raises:
        ValueError: it is broken; `problem` puts it in words.
    """
    read = _Item.model_validate(item)
    paper = read.paper
    identity, links = _identified(paper)
    raw_title, raw_abstract = paper.title or read.title or "", paper.summary or read.summary or ""
    named = [(clean_name(author.name), author.hidden) for author in paper.authors]
    organisation = paper.organization or read.organization or _Organisation()
    return Paper(
        id=identity,
        source=SOURCE,
        title=titled(raw_title),
        abstract=clean_text(raw_abstract),
        # A hidden author took the name off the community's page: it is not shown here either, but it counts.
        authors=tuple(name for name, hidden in named if name and not hidden),
        author_count=sum(1 for name, _ in named if name),
        organisation=clean_name(organisation.fullname) or clean_name(organisation.name),
        published=paper.published_at.date() if paper.published_at else None,
        listed_on=paper.listed_at.date() if paper.listed_at else listed_on,
        upvotes=paper.upvotes,
        comments=read.comments,
        keywords=keywords(paper.ai_keywords or ()),
        summary=clean_text(paper.ai_summary or ""),
        links=links,
        thumbnail=http_url(read.thumbnail),
        raw_title=storable(raw_title),
        raw_abstract=storable(raw_abstract),
    )


def listed(items: object, *, where: str) -> list[object]:
    """Return `items` if it is a list.

    Raises:
        BadAnswerError: it is something else; the message says what.
    """
    if isinstance(items, list):
        return items
    if isinstance(items, dict) and isinstance(items.get("error"), str):
        raise BadAnswerError(f"{where} holds an error instead of papers: {clean_name(items['error'])!r}")
    kind = {dict: "an object", str: "a text", type(None): "null"}.get(type(items), "a single value")
    raise BadAnswerError(f"{where} holds {kind} where a list of papers was expected")


def problem(error: ValueError) -> str:
    """Return in one line what was wrong with an item; it quotes no value."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    reason = str(first.get("ctx", {}).get("error", first["msg"]))
    return f"{place}: {reason}" if place else reason


def titled(raw_title: str) -> str:
    """Return the cleaned title.

    Raises:
        ValueError: nothing is left of it.
    """
    title = clean_title(raw_title)
    if not title:
        raise ValueError("title: it is empty")
    return title


def keywords(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return keywords cleaned, each once, in their order; fifty at most."""
    cleaned = (clean_name(name) for name in names[:_MOST_KEYWORDS])
    return tuple(dict.fromkeys(name for name in cleaned if name))


def _identified(paper: _Paper) -> tuple[str, Links]:
    key = arxiv_id(paper.id) if paper.id.isascii() else None
    if key is None and not _SAFE_ID.fullmatch(paper.id):
        raise ValueError("paper.id: it is no arXiv id and no plain key")
    links = Links(
        page=_PAPER_PAGE + (key or paper.id),
        pdf=f"https://arxiv.org/pdf/{key}" if key else "",
        code=http_url(paper.code),
        stars=paper.stars,
        project=http_url(paper.project),
    )
    return key or f"{SOURCE}:{paper.id}", links
