"""Letters to subject, HTML and plain text: the mails about a subscription, by the templates of `email/<letter>/`.

They share the frame, the style and the compile step of the digest. This module decides nothing about who gets one,
builds no MIME and knows no mailer.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from newsletter.errors import RenderError
from newsletter.links import CONFIRM_DAYS, MailLinks, archive_page, subscribe_page
from newsletter.model import Letter, Rendered, Subscriber, Topic
from newsletter.render.clean import one_line, safe_url
from newsletter.render.compile import Compiled, compile_template
from newsletter.render.environment import TemplateSnapshot, environment, template_loader
from newsletter.render.page import OFTEN, Masthead, masthead, written_wishes
from newsletter.render.plain import PlainTemplate, plain_template
from newsletter.render.tokens import load_tokens
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from newsletter.settings import Site


# where the reader is subscribed when the letter comes, so that its footer tells how to leave
SUBSCRIBED = frozenset({Letter.WELCOME, Letter.PREFERENCES})
# what makes no sense without web pages
LEADING_TO_A_PAGE = frozenset({Letter.CONFIRM, Letter.PREFERENCES, Letter.ADDRESS})
# what asks for a click that confirms something
CONFIRMING = frozenset({Letter.CONFIRM, Letter.ADDRESS})


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterPage:
    """The names that a letter's templates know, besides `subject`; templates/README.md explains each to authors."""

    site: Masthead
    sender: str
    address: str
    often: str
    size: int
    wishes: tuple[str, ...]
    days: int
    reason: str
    confirm: str
    preferences: str
    subscribe: str
    archive: str
    view: str
    unsubscribe: str
    unsubscribe_by_mail: bool


_PAGE_NAMES = tuple(field.name for field in fields(LetterPage))
_KNOWN = {*_PAGE_NAMES, "subject"}


@dataclass(frozen=True, slots=True)
class _Templates:
    subject: PlainTemplate
    text: PlainTemplate
    html: Compiled


class LetterRenderer:
    """Renders letters for one site; templates are looked for in the operator's folders, then in the shipped one."""

    def __init__(
        self,
        site: Site,
        *,
        template_folders: Sequence[Path] = (),
        topics: Sequence[Topic] = (),
        snapshot: TemplateSnapshot | None = None,
    ) -> None:
        """Read, check and compile the templates of all letters; `topics` give the written names of what readers follow.

        `snapshot` is given by who wants to know which files were read, of the folders or else.

        Raises:
            TemplateError: a template is missing or wrong; the message names it, the line and the reason.
        """
        loader = template_loader([*template_folders, resource("templates")]) if snapshot is None else snapshot
        html, text = environment(loader, html=True), environment(loader, html=False)
        tokens = load_tokens(html, site.accent)
        self._site = site
        self._titles = {topic.name: topic.title for topic in topics}
        self._templates = {
            letter: _Templates(
                subject=plain_template(text, f"email/{letter}/subject.txt", _KNOWN - {"subject"}),
                text=plain_template(text, f"email/{letter}/body.txt", _KNOWN),
                html=compile_template(html, f"email/{letter}/body.html", tokens, _KNOWN),
            )
            for letter in Letter
        }

    def render(self, letter: Letter, subscriber: Subscriber, *, links: MailLinks) -> Rendered:
        """Return the three texts of a letter to `subscriber`.

        Raises:
            RenderError: there is no page for what the letter asks of its reader.
            TemplateError: a template failed on the data.
        """
        leads_to = links.confirm if letter in CONFIRMING else links.preferences
        if letter in LEADING_TO_A_PAGE and not safe_url(leads_to):
            raise RenderError(
                f"a {letter} letter leads to a web page; set web_url under [site] to where your pages are"
            )
        page = self._page(letter, subscriber, links)
        names: dict[str, object] = {name: getattr(page, name) for name in _PAGE_NAMES}
        templates = self._templates[letter]
        subject = templates.subject.line(names)
        names["subject"] = subject
        return Rendered(subject=subject, html=templates.html.render(names), text=templates.text.text(names))

    def _page(self, letter: Letter, subscriber: Subscriber, links: MailLinks) -> LetterPage:
        site, subscribed = self._site, letter in SUBSCRIBED
        return LetterPage(
            site=masthead(site),
            sender=one_line(site.from_address),
            address=one_line(subscriber.address),
            often=OFTEN[subscriber.cadence],
            size=subscriber.size,
            wishes=written_wishes(subscriber.profile, self._titles),
            days=CONFIRM_DAYS,
            reason=_reason(letter, one_line(subscriber.address), one_line(site.name)),
            confirm=links.confirm,
            preferences=links.preferences if subscribed else "",
            subscribe=subscribe_page(site.web_url) if site.web_url else "",
            archive=archive_page(site.web_url) if site.web_url and subscribed else "",
            view="",
            unsubscribe=links.unsubscribe if subscribed else "",
            unsubscribe_by_mail=subscribed and links.unsubscribe.startswith("mailto:"),
        )


def _reason(letter: Letter, address: str, name: str) -> str:
    if letter is Letter.CONFIRM:
        return f"You get this one mail because {address} was entered where one subscribes to {name}."
    if letter is Letter.GOODBYE:
        return f"You get this last mail because {address} was unsubscribed from {name}."
    if letter is Letter.ADDRESS:
        return f"You get this one mail because {address} was entered as a reader's new address for {name}."
    if letter is Letter.ADDRESS_CHANGED:
        return f"You get this last mail because {address} was a reader's address for {name}."
    return f"You get this mail because {address} is subscribed to {name}."
