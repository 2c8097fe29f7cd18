"""Finished mails for the check-list: of every recorded date and week, of 1, 10 and 100 papers, hostile, and letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from newsletter.links import LinkSigner
from newsletter.model import Issue, Letter, Profile
from newsletter.pipeline.checking import Checked, given_of, template_conditionals
from newsletter.pipeline.digests import Press
from newsletter.pipeline.letters import LetterPress
from newsletter.render.checklist.evidence import Given, mail_from_bytes
from newsletter.render.digest import DigestRenderer
from newsletter.render.letters import LetterRenderer
from tests.render.digests import (
    HOSTILE_TEXTS,
    NOTE,
    SITE,
    WEB,
    digest_of,
    hostile_paper,
    made_up_papers,
    recorded_papers,
    without_wishes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from newsletter.model import Digest
    from newsletter.settings import Site

KEY = b"k" * 32
NOW = datetime(2026, 7, 15, 6, tzinfo=UTC)
_LOGO = "https://digest.example/logo.png"
PICTURE = "https://pictures.example/paper.png"
WEB_SITE = SITE.model_copy(
    update={"web_url": WEB, "logo": _LOGO, "logo_alt": "Digest", "thumbnails": True, "feedback_id": "digest"}
)


@cache
def _press(site: Site) -> Press:
    return Press(renderer=DigestRenderer(site), site=site, key=KEY, signer=LinkSigner([KEY]))


@cache
def _letters(site: Site) -> LetterPress:
    return LetterPress(renderer=LetterRenderer(site), site=site, key=KEY, signer=LinkSigner([KEY]))


def finished(name: str, digest: Digest, *, site: Site = SITE) -> Checked:
    """Return a digest as one subscriber's mail, and what is known of it."""
    reader = replace(digest.subscriber, id=7)
    issue = replace(digest.issue, papers=tuple(one.paper for one in digest.papers))
    message = _press(site).message(replace(digest, subscriber=reader, issue=issue), now=NOW)
    comments = template_conditionals([])
    given = given_of(issue, reader, site, topics=(), comments=comments, subscribed=True)
    return Checked(mail=mail_from_bytes(message.content, name=name), given=given)


@cache
def usual() -> Checked:
    """Return the mail that tests break: ten papers, a note, everything that a digest may have."""
    papers = [replace(paper, thumbnail=PICTURE) for paper in made_up_papers(10)]
    return finished("usual", digest_of(papers, matched=6, note=NOTE, left_out=3), site=WEB_SITE)


@cache
def made_up() -> Mapping[str, Checked]:
    """Return mails that need no recorded input."""
    hostile = [hostile_paper(text) for text in (*HOSTILE_TEXTS, "α" * 2_000, "None of {{ it }}")]
    mails = [finished(f"{number} papers", digest_of(made_up_papers(number))) for number in (1, 10, 100)]
    mails += [
        usual(),
        finished("hostile", digest_of(hostile, matched=len(hostile) // 2, note="W" * 300 + " None {{ x }}")),
        finished("no papers matched", digest_of(made_up_papers(5), matched=0)),
        finished("no wishes", without_wishes(digest_of(made_up_papers(5)))),
        *(_letter(letter) for letter in Letter),
    ]
    return {one.mail.name: one for one in mails}


@cache
def recorded(shared_data: Path) -> Mapping[str, Checked]:
    """Return a mail of every recorded date and one of every week that holds any, with all papers of the week."""
    dates = sorted(date.fromisoformat(path.stem) for path in (shared_data / "daily_papers").glob("*.json"))
    periods = {day.isoformat(): [day] for day in dates}
    for (year, week), days in groupby(dates, key=lambda day: day.isocalendar()[:2]):
        periods[f"{year}-W{week:02}"] = list(days)
    return {period: _recorded(shared_data, period, days) for period, days in periods.items()}


def _recorded(shared_data: Path, period: str, days: list[date]) -> Checked:
    papers = recorded_papers(shared_data, *(day.isoformat() for day in days))
    return finished(period, digest_of(papers, matched=len(papers) // 2, period=period, note=NOTE, left_out=14))


def _letter(letter: Letter) -> Checked:
    reader = replace(digest_of([]).subscriber, id=7, profile=Profile(topics=("agents",)))
    message = _letters(WEB_SITE).message(letter, reader, now=NOW)
    texts = given_of(Issue(period="2026-07"), reader, WEB_SITE, topics=(), comments=(), subscribed=False).texts
    given = Given(texts=texts, images=frozenset({_LOGO}))
    return Checked(mail=mail_from_bytes(message.content, name=f"letter {letter}"), given=given)
