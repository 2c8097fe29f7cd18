"""One digest to subject, HTML and plain text, by the templates of `email/digest/`.

The only maker of mail texts: preview and send both come here. It decides nothing about which papers are shown or in
which order, builds no MIME and knows no mailer. Templates are read and compiled once, when a renderer is made.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING

from markupsafe import Markup

from newsletter.errors import RenderError, TemplateError
from newsletter.model import Digest, Issue, Pieces, Rendered, Topic
from newsletter.render.clean import safe_url
from newsletter.render.compile import compile_template
from newsletter.render.environment import TemplateSnapshot, environment, template_loader
from newsletter.render.fast import FastPath
from newsletter.render.fragment import check_fragment_place, inline_fragment
from newsletter.render.layout import MAX_BYTES, Layout, first_fitting, utf8_bytes
from newsletter.render.markdown import note_html, note_text
from newsletter.render.page import Page, make_page, own_words, selection_of
from newsletter.render.plain import plain_template
from newsletter.render.tokens import load_tokens
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from newsletter.links import MailLinks
    from newsletter.settings import Site

_FOLDER = "email/digest"
_NOTE = "note"
_PAGE_NAMES = tuple(field.name for field in fields(Page))
_KNOWN = {*_PAGE_NAMES, _NOTE}


class DigestRenderer:
    """Renders digests for one site; templates are looked for in the operator's folders, then in the shipped one.

    `version` is a hash of the templates that were read for it, whatever they are called, and of the site's settings: an
    approval is bound to it, since a change of either changes the mail. Letters are not part of it.
    """

    version: str

    def __init__(
        self,
        site: Site,
        *,
        template_folders: Sequence[Path] = (),
        topics: Sequence[Topic] = (),
        snapshot: TemplateSnapshot | None = None,
    ) -> None:
        """Read, check and compile the templates; `topics` give the written names of what readers follow.

        `snapshot` is given by who wants to know which files were read (`digest_templates`), of the folders or else.

        Raises:
            TemplateError: a template is missing or wrong; the message names it, the line and the reason.
        """
        loader = digest_templates(template_folders) if snapshot is None else snapshot
        html, text = environment(loader, html=True), environment(loader, html=False)
        self._site = site
        self._titles = {topic.name: topic.title for topic in topics}
        self._html = compile_template(html, f"{_FOLDER}/body.html", load_tokens(html, site.accent), _KNOWN)
        check_fragment_place(self._html, _NOTE)
        self._subject = plain_template(text, f"{_FOLDER}/subject.txt", _KNOWN)
        self._text = plain_template(text, f"{_FOLDER}/body.txt", _KNOWN)
        self._last_note: tuple[str, tuple[Markup, str]] | None = None  # all digests of an issue share its note
        self.version = _version(loader, site, self._titles)

    def render(self, digest: Digest, *, links: MailLinks | None, test: bool = False) -> Rendered:
        """Return the three texts of one reader's mail, with that reader's `links`.

        None makes the public edition, to which nobody subscribed. With `test` the mail says that an editor tests it.

        The HTML is at most 90,000 bytes in UTF-8. The same digest gives the same texts.

        Raises:
            RenderError: the note is too long, or the link to unsubscribe is no http, https or mailto URL.
            TemplateError: a template failed on the data.
        """
        if links is not None and not safe_url(links.unsubscribe):
            raise RenderError(
                f"issue {digest.issue.period}: no mail without a way to unsubscribe; check the site's URLs"
            )
        note, note_as_text = self._notes(digest.issue)
        fitting = first_fitting(
            lambda layout: self._html.render(self._names(digest, links, layout, test=test) | {_NOTE: note}), utf8_bytes
        )
        if fitting is None:
            raise RenderError(f"issue {digest.issue.period} does not fit into {MAX_BYTES:,} bytes; shorten its note")
        layout, html = fitting
        names = self._names(digest, links, layout.of_text, test=test)
        names |= {_NOTE: note_as_text}
        return Rendered(subject=self._subject.line(names), html=html, text=self._text.text(names))

    def pieces(self, digest: Digest, *, links: MailLinks | None, nobody: MailLinks, test: bool = False) -> Pieces:
        """Return what `render` returns, in pieces that mails share, and much quicker for the second reader of a paper.

        `nobody` are the links of nobody in this issue, which stand in for a reader's own while pieces are made.

        Raises:
            RenderError: as `render`.
            TemplateError: as `render`.
        """
        made = None
        if links is not None and isinstance(self._fast, FastPath):
            made = self._fast.pieces(
                selection_of(digest, test=test),
                own_words(digest, self._site, public=False, titles=self._titles, test=test),
                links=links,
                nobody=nobody,
                notes=self._notes(digest.issue),
            )
        if made is None:
            whole = self.render(digest, links=links, test=test)
            made = Pieces(subject=whole.subject, html=(whole.html,), text=(whole.text,), own={})
        return made

    @property
    def detour(self) -> str:
        """Why mails are filled in whole, one by one: the place in a template that cannot be taken apart; "" if none."""
        return self._fast if isinstance(self._fast, str) else ""

    @cached_property
    def _fast(self) -> FastPath | str:
        try:
            return FastPath(self._site, self._html, self._text, self._subject)
        except TemplateError as error:
            return str(error)

    def _names(self, digest: Digest, links: MailLinks | None, layout: Layout, *, test: bool) -> dict[str, object]:
        page = make_page(digest, self._site, links=links, titles=self._titles, layout=layout, test=test)
        return {name: getattr(page, name) for name in _PAGE_NAMES}

    def _notes(self, issue: Issue) -> tuple[Markup, str]:
        """Return the issue's note as HTML, its styles inlined, and as text."""
        last = self._last_note  # read once: another issue's may take its place meanwhile
        if last is None or last[0] != issue.note:
            last = self._last_note = issue.note, (self._note_html(issue), note_text(issue.note))
        return last[1]

    def _note_html(self, issue: Issue) -> Markup:
        if not issue.note.strip():
            return Markup("")
        html = note_html(issue.note, period=issue.period)
        try:
            inlined = inline_fragment(self._html, _NOTE, html)
        except TemplateError as error:
            raise RenderError(f"the note of issue {issue.period} cannot be shown: {error}") from None
        return Markup(inlined)  # noqa: S704 - nh3 has cleaned it


def digest_templates(template_folders: Sequence[Path]) -> TemplateSnapshot:
    """Return what reads the templates of digests, from the operator's folders and then from the shipped one."""
    return template_loader([*template_folders, resource("templates")])


def _version(snapshot: TemplateSnapshot, site: Site, titles: dict[str, str]) -> str:
    parts = (site.model_dump_json(), sorted(titles.items()), list(snapshot.texts().items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()
