"""The editor's note: Markdown to the little HTML that a mail can carry.

python-markdown makes HTML, and takes HTML in a note for text; nh3 then keeps a short list of elements and absolute
http, https and mailto links, and drops the rest. A heading becomes a bold paragraph, for the mail has its own order of
headings; an image becomes its alternative text. The text part is written from the same HTML (`notetext`).
"""

from __future__ import annotations

import re

import nh3
from markdown import Markdown

from newsletter.errors import RenderError
from newsletter.render.clean import clean, safe_url
from newsletter.render.notetext import text_of

MAX_NOTE = 20_000
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_KEPT = frozenset({"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "ul"}) | _HEADINGS
_OPENING = re.compile(r"<h[1-6]>")
_CLOSING = re.compile(r"</h[1-6]>")
_IMAGE = re.compile(r'<img\b[^>]*?\balt="([^"]*)"[^>]*>')
_DEAD_LINK = re.compile(r"<a>(.*?)</a>", re.DOTALL)


def note_html(note: str, *, period: str) -> str:
    """Return a note as well-formed HTML, "" for an empty one; nothing in it can run, load or lead astray.

    Raises:
        RenderError: the note is longer than a mail should carry.
    """
    if len(note) > MAX_NOTE:
        raise RenderError(
            f"the note of issue {period} has {len(note)} characters; shorten it to {MAX_NOTE}, a mail must stay small"
        )
    return _DEAD_LINK.sub(r"\1", _CLOSING.sub("</strong></p>", _OPENING.sub("<p><strong>", _kept(note))))


def note_text(note: str) -> str:
    """Return a note as plain text of at most 72 columns, "" for an empty one: what `note_html` shows, without marks."""
    return text_of(_kept(note))


def _kept(note: str) -> str:
    return nh3.clean(
        _IMAGE.sub(r"\1", _converter().convert(clean(note).strip())),
        tags=set(_KEPT),
        attributes={"a": {"href"}},
        attribute_filter=_absolute,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )


def _converter() -> Markdown:
    converter = Markdown(extensions=["sane_lists"], output_format="html")
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    return converter


def _absolute(_tag: str, _name: str, value: str) -> str | None:
    return safe_url(value) or None
