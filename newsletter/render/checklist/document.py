"""Rules about the HTML document itself: what a screen reader, an inbox and a mail client need to find in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newsletter.render.checklist.evidence import Given, Missing, Page
from newsletter.render.checklist.rule import Finding, Rule, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.render.checklist.evidence import Evidence

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # the shape of RFC 5646
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display:\s*none|visibility:\s*hidden)", re.IGNORECASE)
_FILLER = re.compile("[\u034f\u00ad\u200b-\u200f\u2007\u00a0\ufeff\\s]+")  # what pads a preheader and shows nothing
_LAYOUT_ROLES = frozenset({"presentation", "none"})
_TABLE_IN_COMMENT = re.compile(r"<table\b[^>]*>", re.IGNORECASE)
_ROLE = re.compile(r"""\brole=["']?(?:presentation|none)\b""", re.IGNORECASE)
# A mail client drops these or warns of them; a mail has no use for any.
_ACTIVE = frozenset({"applet", "audio", "base", "button", "embed", "form", "frame", "iframe", "input"})
_ACTIVE |= {"link", "object", "script", "video"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsMade:
    """An HTML part, and what is known of its making."""

    page: Page
    given: Given


def page(evidence: Evidence) -> Page | Missing:
    """Return what most rules look at: the HTML part."""
    return evidence.page


def page_as_made(evidence: Evidence) -> PageAsMade | Missing:
    """Return the HTML part together with what is known of its making."""
    found = evidence.page
    return found if isinstance(found, Missing) else PageAsMade(page=found, given=evidence.given)


def place(element: Any) -> str:  # noqa: ANN401 - lxml has no types
    """Return where an element stands, for a finding."""
    return f"line {element.sourceline}, <{element.tag}>"


def elements(page: Page, *tags: str) -> Iterator[Any]:
    """Yield the elements with these tags (all, without any) in document order."""
    return (element for element in page.root.iter(*tags) if isinstance(element.tag, str))


def shown(element: Any) -> str:  # noqa: ANN401 - lxml has no types
    """Return an element's text with white space folded and invisible characters left out."""
    return seen(element.text_content())


def seen(text: str) -> str:
    """Return what is to be seen of a text: white space folded, invisible characters left out."""
    return " ".join(_FILLER.sub(" ", text).split())


def _language(page: Page) -> Iterator[Finding]:
    if not _LANGUAGE.fullmatch(page.root.get("lang") or ""):
        yield Finding(where=place(page.root), what='has no language; write lang="en" or whatever it is')


def _title(page: Page) -> Iterator[Finding]:
    titles = [title for title in elements(page, "title") if shown(title)]
    if len(titles) != 1:
        yield Finding(where="the head", what=f"holds {len(titles)} titles that say something; put one <title>")


def _headings(page: Page) -> Iterator[Finding]:
    found = list(elements(page, *HEADINGS))
    if (number := sum(heading.tag == "h1" for heading in found)) != 1:
        yield Finding(where="the body", what=f"has {number} <h1>; a mail has exactly one")
    level = 0
    for heading in found:
        now = int(heading.tag[1])
        if now > level + 1:
            yield Finding(where=place(heading), what=f"follows a heading of level {level}; do not leave out a level")
        if not shown(heading) and not any(image.get("alt") for image in heading.iter("img")):
            yield Finding(where=place(heading), what="is empty; say something or take it out")
        level = now


def _alternatives(page: Page) -> Iterator[Finding]:
    for image in elements(page, "img"):
        if image.get("alt") is None:
            yield Finding(where=place(image), what='has no alt text; say what it shows, or write alt="" for ornament')


def _tables(page: Page) -> Iterator[Finding]:
    what = 'is read out as data; write role="presentation" on a table that is layout'
    for table in elements(page, "table"):
        if table.get("role") not in _LAYOUT_ROLES and not _holds_data(table):
            yield Finding(where=place(table), what=what)
    for comment in page.comments:
        for table in _TABLE_IN_COMMENT.findall(comment.text):
            if not _ROLE.search(table):
                yield Finding(where=f"line {comment.line}, in a comment: {excerpt(table)}", what=what)


def _holds_data(table: Any) -> bool:  # noqa: ANN401 - lxml has no types
    """Whether a table has header cells of its own, so that it is one for a screen reader, too."""
    return any(next(cell.iterancestors("table")) is table for cell in table.iter("th"))


def _preheader(page: Page) -> Iterator[Finding]:
    body = page.root.find("body")
    first = next((element for element in body.iter() if _own_text(element)), None) if body is not None else None
    if first is None or not any(_HIDDEN.search(one.get("style") or "") for one in (first, *first.iterancestors())):
        what = 'has no preheader; put a sentence before all else in an element with style="display:none"'
        yield Finding(where="the body", what=what)


def _own_text(element: Any) -> str:  # noqa: ANN401 - lxml has no types
    return _FILLER.sub("", element.text or "") if isinstance(element.tag, str) and element.tag != "style" else ""


def _active(page: Page) -> Iterator[Finding]:
    for element in elements(page):
        refresh = element.tag == "meta" and (element.get("http-equiv") or "").lower() == "refresh"
        if element.tag in _ACTIVE or refresh:
            yield Finding(where=place(element), what="is dropped by mail clients, or looks like spam; take it out")
        for name in element.attrib:
            if name.lower().startswith("on"):
                yield Finding(where=place(element), what=f"has a script in its {name} attribute; take it out")


RULES = (
    Rule(name="lang", demand="the document names its language", part=page, look=_language),
    Rule(name="title", demand="the document has one title", part=page, look=_title),
    Rule(name="headings", demand="one h1, and headings in order", part=page, look=_headings),
    Rule(name="alt", demand="every picture has an alt text", part=page, look=_alternatives),
    Rule(name="tables", demand="layout tables say that they are", part=page, look=_tables),
    Rule(name="preheader", demand="a hidden sentence for the inbox comes first", part=page, look=_preheader),
    Rule(name="active", demand="nothing that runs, embeds or submits", part=page, look=_active),
)
