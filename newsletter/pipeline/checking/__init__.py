"""The check-list over real mails: those of an issue as its readers get them, or one file.

Mails are made by the functions that preview and send go through. It measures with a browser and a validator where the
machine has them, and lets `newsletter.render.checklist` judge; it changes nothing and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from newsletter.errors import RenderError, UsageError
from newsletter.model import Digest, IssueState
from newsletter.pipeline.checking.browser import viewer
from newsletter.pipeline.checking.sample import sample
from newsletter.pipeline.checking.validator import complaints
from newsletter.pipeline.digests import chooser_for, digest_for, recipients
from newsletter.render.checklist.evidence import Evidence, Given, Mail, Missing, mail_from_bytes, mail_from_html
from newsletter.render.checklist.outlook import conditionals
from newsletter.render.environment import environment, template_loader
from newsletter.render.flatten import flatten
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from newsletter.model import Issue, Paper, Subscriber, Topic
    from newsletter.pipeline.checking.browser import Viewer
    from newsletter.pipeline.checking.tools import Tools
    from newsletter.pipeline.digests import Press
    from newsletter.pipeline.fitting import Fits
    from newsletter.render.checklist.evidence import Complaint, Conditional, Looks
    from newsletter.settings import Site
    from newsletter.store import Store

__all__ = ["SUFFIXES", "Checked", "evidence", "given_of", "mails_of_file", "mails_of_issue", "template_conditionals"]

SUFFIXES = (".eml", ".html", ".htm")
_LARGEST = 200_000  # characters of HTML: twice what Gmail clips at; a browser needs minutes beyond
_TOO_LARGE = Missing(reason=f"too large to show: the HTML has more than {_LARGEST:,} characters")
_ON_ITS_WAY = (IssueState.SENDING, IssueState.SENT)
_NO_MAIL = Missing(reason="the public edition is a page; nobody is mailed it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A mail to look at, and what is known of its making."""

    mail: Mail
    given: Given


def mails_of_issue(
    store: Store,
    issue: Issue,
    ranker: Fits,
    press: Press,
    *,
    public: Subscriber,
    topics: Sequence[Topic],
    comments: tuple[Conditional, ...],
    most: int,
    now: datetime,
) -> tuple[Checked, ...]:
    """Return the public edition and a sample of readers' mails (see `sample`), dated `now` (aware).

    `topics` are what readers may follow, `comments` the template's conditional ones.

    Raises:
        RenderError: a mail cannot be rendered.
    """
    page = press.rendered(digest_for(store, issue, public, ranker))
    edition = Mail(name="public edition", raw=_NO_MAIL, subject=page.subject, html=page.html, text=page.text)
    found = [Checked(mail=edition, given=given_of(issue, public, press.site, topics, comments, subscribed=False))]
    for digest in _sampled(store, issue, ranker, most=most):
        reader = digest.subscriber
        mail = mail_from_bytes(press.message(digest, now=now).content, name=reader.address)
        given = given_of(issue, reader, press.site, topics, comments, subscribed=True)
        found.append(Checked(mail=mail, given=given))
    return tuple(found)


def mails_of_file(path: Path, site: Site) -> tuple[Checked, ...]:
    """Return the one mail in a file; `site` tells which pictures may be loaded.

    Raises:
        UsageError: it cannot be read, is neither an .eml nor an .html file, or holds parts inside parts without an end.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is neither a period nor a file that ends in .eml or .html; name one of these")
    try:
        content = path.read_bytes()
        if path.suffix.lower() == ".eml":
            mail = mail_from_bytes(content, name=path.name)
        else:
            mail = mail_from_html(content.decode("utf-8-sig"), name=path.name)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 and try again") from None
    pictures = None if site.thumbnails else frozenset({site.logo} - {""})
    return (Checked(mail=mail, given=Given(images=pictures)),)


def evidence(checked: Sequence[Checked], tools: Tools) -> Iterator[Evidence]:
    """Yield what can be known of each mail, in order; the validator runs once for all.

    A tool that fails on a mail costs no more than the rules that need it. HTML of more than 200,000 characters is
    shown to none.
    """
    said = _complaints(checked, tools)
    with viewer(tools) as eyes:
        for one, invalid in zip(checked, said, strict=True):
            yield Evidence(mail=one.mail, given=one.given, looks=_looks(one.mail, eyes), complaints=invalid)


def template_conditionals(folders: Sequence[Path]) -> tuple[Conditional, ...]:
    """Return the conditional comments of the digest's template; `folders` stand before the shipped one.

    Raises:
        TemplateError: it is missing or wrong.
    """
    sandbox = environment(template_loader([*folders, resource("templates")]), html=True)
    return conditionals(flatten(sandbox, "email/digest/body.html"))


def _shown(mail: Mail) -> str | Missing:
    return _TOO_LARGE if isinstance(mail.html, str) and len(mail.html) > _LARGEST else mail.html


def _looks(mail: Mail, eyes: Viewer | Missing) -> Looks | Missing:
    html = _shown(mail)
    if isinstance(html, Missing):
        return html
    try:
        return eyes if isinstance(eyes, Missing) else eyes.look(html)
    except RenderError as error:
        return Missing(reason=str(error), failed=True)


def _complaints(checked: Sequence[Checked], tools: Tools) -> list[tuple[Complaint, ...] | Missing]:
    htmls = [_shown(one.mail) for one in checked]
    said: tuple[tuple[Complaint, ...], ...] | Missing
    try:
        said = complaints([html for html in htmls if isinstance(html, str)], tools)
    except RenderError as error:
        said = Missing(reason=str(error), failed=True)
    answers: Iterator[tuple[Complaint, ...] | Missing]
    answers = repeat(said) if isinstance(said, Missing) else iter(said)
    return [html if isinstance(html, Missing) else next(answers) for html in htmls]


def _sampled(store: Store, issue: Issue, ranker: Fits, *, most: int) -> Iterator[Digest]:
    """Yield digests as they would be frozen now; those of an issue on its way as they were."""
    chosen = chooser_for(store, issue, ranker).for_all(recipients(store, issue))
    digests = (
        Digest(issue=issue, subscriber=subscriber, papers=papers, left_out=left_out)
        for subscriber, papers, left_out in chosen
    )
    for digest in sample(digests, most=most):
        frozen = issue.state in _ON_ITS_WAY
        yield digest_for(store, issue, digest.subscriber, ranker) if frozen else digest


def given_of(
    issue: Issue,
    reader: Subscriber,
    site: Site,
    topics: Sequence[Topic],
    comments: tuple[Conditional, ...],
    *,
    subscribed: bool,
) -> Given:
    """Return what is known of a mail of this issue to this reader: all that may be printed into it."""
    wishes = (*reader.profile.topics, *reader.profile.interests, *reader.profile.authors, *reader.profile.organisations)
    own = (issue.subject, issue.note, reader.address, *wishes, site.name, site.tagline, site.postal_address)
    texts = (*own, *(topic.title for topic in topics), *(text for paper in issue.papers for text in _texts(paper)))
    pictures = {paper.thumbnail for paper in issue.papers} if site.thumbnails else set()
    return Given(
        texts=texts,
        images=frozenset({site.logo, *pictures} - {""}),
        conditionals=comments,
        subscribed=subscribed,
    )


def _texts(paper: Paper) -> tuple[str, ...]:
    links = (paper.links.page, paper.links.pdf, paper.links.code, paper.links.project)
    own = (paper.id, paper.title, paper.abstract, paper.summary, paper.organisation)
    return (*own, *links, *paper.authors, *paper.keywords)
