"""Finished mails as trees, so that tests compare what a mail client sees and not how it is spelt."""

from __future__ import annotations

from typing import Any

from lxml import html

Node = tuple[str, tuple[tuple[str, str], ...], str, str]


def tree(document: str) -> Any:  # noqa: ANN401 - lxml has no types
    """Return the parsed document."""
    return html.document_fromstring(document)


def nodes(document: str) -> list[Node]:
    """Return (tag, attributes, text, tail) of every element in order, white space folded, comments left out."""
    return [
        (element.tag, tuple(sorted(element.attrib.items())), _folded(element.text), _folded(element.tail))
        for element in tree(document).iter()
        if isinstance(element.tag, str)
    ]


def texts(document: str, css: str) -> list[str]:
    """Return the folded text of every element that a CSS selector finds."""
    return [_folded(element.text_content()) for element in tree(document).cssselect(css)]


def _folded(text: str | None) -> str:
    return " ".join((text or "").split())
