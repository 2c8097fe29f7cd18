"""Digests for the tests of this room: real papers of a recorded date, or hostile ones, put together by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.links import LinkSigner, MailLinks, mail_links
from newsletter.model import Cadence, Digest, Issue, Links, Paper, Profile, RankedPaper, Subscriber
from newsletter.settings import Site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

UNSUBSCRIBE = "mailto:unsubscribe@newsletter.example?subject=unsubscribe%200123456789abcdef"
LINKS = MailLinks(unsubscribe=UNSUBSCRIBE)
WEB = "https://digest.example"
WEB_LINKS = mail_links(LinkSigner([b"k" * 32]), WEB, 7, period="2026-07-14")
DATES = ("2026-06-08", "2026-06-24", "2026-07-02", "2026-07-14")
NOTE = """Two papers lead, and both ask the **same question**.

- Start with [the first](https://papers.example/a?b=1&c=2).
- The second comes with `code`.

> Quoted.

## A heading
"""
HOSTILE_TEXTS = (
    "</td></tr></table><h1>x</h1>",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "<!-- x --> --> <![endif]-->",
    "NUL \x00 and \x1b[31m and \x85",
    "one\u2028two\u2029three\r\nBcc: a@b.example",
    "\u202eright to left\u202c \u200fשלום مرحبا",
    "\U0001f469\u200d\U0001f52c \U0001f600 ﷽",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" \' `',
    "W" * 300,
    "tplmark00001e tplmark99999e <!--tplmark00002e-->",
    "&lt;b&gt; &amp; &#0; &nbsp;",
    "\ud800 lone",
)

SITE = Site(
    name="Daily Digest",
    tagline="Research papers, ranked for you",
    accent="#0b6e5f",
    logo="",
    logo_alt="",
    thumbnails=False,
    web_url="",
    from_name="Daily Digest",
    from_address="digest@newsletter.example",
    reply_to="",
    unsubscribe_address="unsubscribe@newsletter.example",
    postal_address="1 Example Street, Exampletown",
    list_id="digest.newsletter.example",
    feedback_id="",
)


def recorded_papers(shared_data: Path, *dates: str) -> list[Paper]:
    """Return the papers of recorded dates, most upvotes first."""
    found = [
        _paper(item["paper"], item)
        for date in dates
        for item in json.loads((shared_data / "daily_papers" / f"{date}.json").read_text("utf-8"))
    ]
    return sorted(found, key=lambda paper: (-(paper.upvotes or 0), paper.id))


def made_up_papers(number: int) -> list[Paper]:
    """Return papers as rich as real ones are, for machines without the recorded input."""
    return [
        Paper(
            id=f"2607.{n:05d}",
            source="test",
            title=f"Paper number {n}: a title of some ordinary length for a paper of this kind",
            abstract="Some words of an abstract that goes on and on. " * 20,
            authors=("Ada Example", "Ben Example", "Cyd Example", "Dan Example"),
            author_count=16,
            organisation="Example University",
            upvotes=1000 - n,
            comments=n % 5,
            links=Links(
                page=f"https://papers.example/{n:05d}",
                pdf=f"https://papers.example/{n:05d}.pdf",
                code=f"https://code.example/{n:05d}",
                stars=1234,
                project=f"https://project.example/{n:05d}",
            ),
        )
        for n in range(number)
    ]


def hostile_paper(text: str) -> Paper:
    """Return a paper all of whose texts are `text`."""
    return Paper(
        id="test:hostile",
        source="test",
        title=text,
        abstract=text,
        authors=(text, text),
        author_count=9,
        organisation=text,
        upvotes=3,
        comments=1,
        links=Links(page="https://papers.example/1", pdf="javascript:alert(1)", project='https://x.example/"><script>'),
    )


def digest_of(
    papers: Sequence[Paper],
    *,
    matched: int | None = None,
    period: str = "2026-07-14",
    note: str = "",
    left_out: int = 0,
) -> Digest:
    """Return a digest of `papers` in this order, the first `matched` (all, when None) under "For you"."""
    limit = len(papers) if matched is None else matched
    ranked = tuple(
        RankedPaper(
            paper=paper,
            score=1.0 - place / 1000,
            reasons=("matches: agents, memory", f"{paper.upvotes} upvotes") if place < limit else (),
            matched=place < limit,
        )
        for place, paper in enumerate(papers)
    )
    return Digest(
        issue=Issue(period=period, subject=f"Papers of {period}", note=note),
        subscriber=Subscriber(
            address="ada@reader.example",
            profile=Profile(topics=("agents", "kv-cache"), interests=("robot memory",)),
            cadence=Cadence.DAILY,
        ),
        papers=ranked,
        left_out=left_out,
    )


def without_wishes(digest: Digest) -> Digest:
    """Return the digest of the same papers for a reader who asked for nothing."""
    papers = tuple(replace(ranked, matched=False, reasons=()) for ranked in digest.papers)
    return replace(digest, papers=papers, subscriber=replace(digest.subscriber, profile=Profile()))


def _paper(paper: dict[str, object], item: dict[str, object]) -> Paper:
    names = tuple(author["name"] for author in paper["authors"])  # type: ignore[attr-defined]  # recorded JSON
    number = str(paper["id"])
    organisation = paper.get("organization")
    return Paper(
        id=number,
        source="huggingface",
        title=" ".join(str(paper["title"]).split()),
        abstract=" ".join(str(paper["summary"]).split()),
        summary=str(paper.get("ai_summary") or ""),
        authors=names,
        author_count=len(names),
        organisation=str(organisation["fullname"]) if isinstance(organisation, dict) else "",
        upvotes=int(str(paper["upvotes"])),
        comments=int(str(item["numComments"])),
        links=Links(
            page=f"https://huggingface.co/papers/{number}",
            pdf=f"https://arxiv.org/pdf/{number}",
            code=str(paper.get("githubRepo") or ""),
            stars=int(str(paper.get("githubStars") or 0)) or None,
            project=str(paper.get("projectPage") or ""),
        ),
    )
