"""One digest to subject, HTML and plain text, by the templates of `email/digest/`.

The only maker of mail texts: preview and send both come here. It decides nothing about which papers are shown or in
which order, builds no MIME and knows no mailer. Templates are read and compiled once, when a renderer is made.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import TYPE_CHECKING

from markupsafe import Markup

from newsletter.errors import RenderError, TemplateError
from newsletter.model import Digest, Issue, Rendered, Topic
from newsletter.render.clean import safe_url
from newsletter.render.compile import compile_template
from newsletter.render.environment import environment, load_text, template_loader
from newsletter.render.fragment import check_fragment_place, inline_fragment
from newsletter.render.layout import MAX_BYTES, Layout, first_fitting
from newsletter.render.markdown import note_html, note_text
from newsletter.render.page import Page, make_page
from newsletter.render.plain import plain_template
from newsletter.render.tokens import load_tokens
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jinja2 import BaseLoader
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from newsletter.config import Site

_FOLDER = "email/digest"
_NOTE = "note"
_TEMPLATE_ENDINGS = (".css", ".html", ".toml", ".txt")
_PAGE_NAMES = tuple(field.name for field in fields(Page))
_KNOWN = {*_PAGE_NAMES, _NOTE}


class DigestRenderer:
    """Renders digests for one site; templates are looked for in the operator's folders, then in the shipped one.

    `version` is a hash of all mail templates and of the site's settings: an approval is bound to it, since a change of
    either changes the mail.
    """

    version: str

    def __init__(self, site: Site, *, template_folders: Sequence[Path] = (), topics: Sequence[Topic] = ()) -> None:
        """Read, check and compile the templates; `topics` give the written names of what readers follow.

        Raises:
            TemplateError: a template is missing or wrong; the message names it, the line and the reason.
        """
        loader = template_loader([*template_folders, resource("templates")])
        html, text = environment(loader, html=True), environment(loader, html=False)
        self._site = site
        self._titles = {topic.name: topic.title for topic in topics}
        self._html = compile_template(html, f"{_FOLDER}/body.html", load_tokens(html, site.accent), _KNOWN)
        check_fragment_place(self._html, _NOTE)
        self._subject = plain_template(text, f"{_FOLDER}/subject.txt", _KNOWN)
        self._text = plain_template(text, f"{_FOLDER}/body.txt", _KNOWN)
        self._last_note: tuple[str, Markup] | None = None  # all digests of an issue share its note
        self.version = _version(loader, html, site, self._titles)

    def render(self, digest: Digest, *, unsubscribe: str | None) -> Rendered:
        """Return the three texts of one reader's mail; `unsubscribe` is the URL that List-Unsubscribe names, too.

        None makes the public edition, to which nobody subscribed.

        The HTML is at most 90,000 bytes in UTF-8. The same digest gives the same texts.

        Raises:
            RenderError: the note is too long, or `unsubscribe` is no http, https or mailto URL.
            TemplateError: a template failed on the data.
        """
        if unsubscribe is not None and not safe_url(unsubscribe):
            raise RenderError(
                f"issue {digest.issue.period}: no mail without a way to unsubscribe; check the site's URLs"
            )
        note = self._note(digest.issue)
        fitting = first_fitting(
            lambda layout: self._html.render(self._names(digest, unsubscribe, layout) | {_NOTE: note})
        )
        if fitting is None:
            raise RenderError(f"issue {digest.issue.period} does not fit into {MAX_BYTES:,} bytes; shorten its note")
        layout, html = fitting
        names = self._names(digest, unsubscribe, Layout(papers=layout.papers)) | {_NOTE: note_text(digest.issue.note)}
        return Rendered(subject=self._subject.line(names), html=html, text=self._text.text(names))

    def _names(self, digest: Digest, unsubscribe: str | None, layout: Layout) -> dict[str, object]:
        page = make_page(digest, self._site, unsubscribe=unsubscribe, titles=self._titles, layout=layout)
        return {name: getattr(page, name) for name in _PAGE_NAMES}

    def _note(self, issue: Issue) -> Markup:
        if not issue.note.strip():
            return Markup("")
        if self._last_note is None or self._last_note[0] != issue.note:
            html = note_html(issue.note, period=issue.period)
            try:
                inlined = inline_fragment(self._html, _NOTE, html)
            except TemplateError as error:
                raise RenderError(f"the note of issue {issue.period} cannot be shown: {error}") from None
            self._last_note = issue.note, Markup(inlined)  # noqa: S704 - nh3 has cleaned it
        return self._last_note[1]


def _version(loader: BaseLoader, sandbox: ImmutableSandboxedEnvironment, site: Site, titles: dict[str, str]) -> str:
    parts = [site.model_dump_json(), repr(sorted(titles.items()))]
    for name in sorted(loader.list_templates()):
        if name.startswith("email/") and name.endswith(_TEMPLATE_ENDINGS):
            parts += [name, load_text(sandbox, name)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
