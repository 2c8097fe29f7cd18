"""What a mail template may not hold, because the inliner could not carry it or a mail client would misread it.

Each rule raises a TemplateError with template, line and reason; the first break found is the one told. The rules are
listed for authors in templates/README.md. Nothing is mended here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.render.environment import fault
from newsletter.render.markup import MARK, VOID, Event, MarkedDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCTYPE = "<!DOCTYPE html>"
URL_ATTRIBUTES = frozenset({"href", "src"})
_TEXT_ATTRIBUTES = frozenset({"alt", "aria-label", "content", "datetime", "dir", "lang", "title"})
_FRAME = ("html", "head", "body")
_REFUSED_ELEMENTS = frozenset({"applet", "base", "embed", "form", "frame", "iframe", "link", "object", "script"})
_ROW_ELEMENTS = frozenset({"table", "thead", "tbody", "tfoot", "tr", "ul", "ol", "head", "html"})
_OPENERS = frozenset({"if", "for", "with"})
_MIDDLES = {"elif": ("if",), "else": ("if", "for")}
_LOCAL_URL = re.compile(r"\s*(file|javascript|vbscript|data):", re.IGNORECASE)
STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.IGNORECASE | re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
_SIMPLE = r"[.#]?[a-zA-Z][\w-]*(?:[.#][\w-]+)*"
_PLAIN_SELECTOR = re.compile(rf"{_SIMPLE}(?:(?: ?> ?| ){_SIMPLE})*")
_NEVER_IN_CSS = re.compile(r"@import|@charset|\\|expression\s*\(|url\(\s*['\"]?\s*(?!https:)", re.IGNORECASE)
KEPT_STYLE = re.compile(r"""\bdata-premailer\s*=\s*["']?ignore\b""", re.IGNORECASE)


def lint_document(document: MarkedDocument, events: tuple[Event, ...]) -> None:
    """Check the markup and the places of the tags.

    Raises:
        TemplateError: see the module.
    """
    if not document.html.lstrip().startswith(DOCTYPE):
        raise fault(document.place(0), f"the document must begin with {DOCTYPE}, in this spelling")
    for piece in document.pieces:
        if piece.word is None and (found := MARK.search(piece.text)):
            line = piece.line + piece.text[: found.start()].count("\n")
            raise fault((piece.template, line), f"{found[0]} is a word of the compile step; write another")
    for event in events:
        if event.kind == "start" and event.name in _REFUSED_ELEMENTS:
            raise fault(document.place(event.offset), f"<{event.name}> has no place in a mail")
        if event.kind == "attribute":
            _lint_attribute(document, event)
        elif event.kind == "mark":
            _lint_mark(document, event)
        elif event.kind == "text" and event.within in _ROW_ELEMENTS and event.name.strip():
            _lint_stray_text(document, event)
    _lint_comments(document)
    _lint_balance(document, events)
    _lint_frame(document, events)
    _lint_styles(document)


def _lint_attribute(document: MarkedDocument, event: Event) -> None:
    name, _, value = event.name.partition("=")
    if _LOCAL_URL.match(value):
        raise fault(document.place(event.offset), f"{name} may not be a {value.split(':')[0].strip()}: URL")
    if name == "data-premailer" and (value != "ignore" or event.within != "style"):
        raise fault(document.place(event.offset), 'data-premailer takes "ignore", on a <style>')
    if name in URL_ATTRIBUTES and MARK.search(value) and not MARK.fullmatch(value):
        raise fault(document.place(event.offset), f"{name} takes one {{{{ }}}} as its whole value")


def _lint_mark(document: MarkedDocument, event: Event) -> None:
    tag = document.tags[int(event.name)]
    if event.within.startswith("@"):
        name = event.within[1:]
        if tag.word or name not in URL_ATTRIBUTES | _TEXT_ATTRIBUTES:
            raise fault(tag.place, f"{tag.text} stands inside a tag; only {{{{ }}}} in href or a text attribute may")
    if event.within in {"!comment", "!doctype"}:
        raise fault(tag.place, f"{tag.text} stands inside a comment or the doctype")
    if event.within == "title" and tag.word:
        raise fault(tag.place, f"{tag.text} stands inside <title>, which takes {{{{ }}}} only")


def _lint_stray_text(document: MarkedDocument, event: Event) -> None:
    numbers = [int(match[1]) for match in MARK.finditer(event.name)]
    if MARK.sub("", event.name).strip():
        raise fault(document.place(event.offset), f"text directly inside <{event.within}>")
    for tag in (document.tags[number] for number in numbers):
        if not tag.word:
            raise fault(tag.place, f"{tag.text} directly inside <{event.within}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What happens to the stack of open things: one of `needs` must be on top, `closes` takes it off, `opens` adds."""

    shown: str
    place: tuple[str, int]
    opens: str = ""
    needs: tuple[str, ...] = ()
    closes: bool = False


def _lint_balance(document: MarkedDocument, events: tuple[Event, ...]) -> None:
    """Elements and `{% %}` must nest in each other, so that every path through the template is well-formed."""
    stack: list[_Step] = []
    for step in _nesting(document, events):
        if step.needs and (not stack or stack[-1].opens not in step.needs):
            before = f"{stack[-1].shown} of line {stack[-1].place[1]} is still open" if stack else "nothing is open"
            raise fault(step.place, f"unbalanced {step.shown}: {before}")
        if step.closes:
            stack.pop()
        if step.opens:
            stack.append(step)
    if stack:
        raise fault(stack[-1].place, f"{stack[-1].shown} is never closed")


def _nesting(document: MarkedDocument, events: tuple[Event, ...]) -> Iterator[_Step]:
    for event in events:
        if event.kind == "start" and event.name not in VOID:
            yield _Step(shown=f"<{event.name}>", place=document.place(event.offset), opens=f"<{event.name}>")
        elif event.kind == "end":
            shown = f"</{event.name}>"
            yield _Step(shown=shown, place=document.place(event.offset), needs=(f"<{event.name}>",), closes=True)
        elif event.kind == "mark" and event.within != "style":
            tag = document.tags[int(event.name)]
            yield _tag_step(tag.word or "", tag.place)


def _tag_step(word: str, place: tuple[str, int]) -> _Step:
    shown = f"{{% {word} %}}"
    if word in _OPENERS:
        return _Step(shown=shown, place=place, opens=word)
    if word in _MIDDLES:
        return _Step(shown=shown, place=place, needs=_MIDDLES[word])
    if word.startswith("end"):
        return _Step(shown=shown, place=place, needs=(word.removeprefix("end"),), closes=True)
    return _Step(shown=shown, place=place)  # `set`, or a `{{ }}`: neither opens nor closes


def _lint_comments(document: MarkedDocument) -> None:
    """A comment without an end swallows all that follows; parsers do not agree on how much."""
    last_end = document.html.rfind("-->")
    begun = document.html.find("<!--", last_end + 1)
    if begun >= 0:
        raise fault(document.place(begun), "a comment begins here and never ends; write --> where it does")


def _lint_frame(document: MarkedDocument, events: tuple[Event, ...]) -> None:
    """A fragment or half a document makes lxml guess, or fail."""
    elements = [event for event in events if event.kind == "start"]
    for name in _FRAME:
        found = [event for event in elements if event.name == name]
        if not found:
            advice = 'write <html>, <head> and <body>, or begin with {% extends "email/_base.html" %}'
            raise fault((document.place(0)[0], None), f"has no <{name}>; {advice}")
        if len(found) > 1:
            raise fault(document.place(found[1].offset), f"a second <{name}>; a mail has one")
        if name != "html" and found[0].within != "html":
            raise fault(document.place(found[0].offset), f"<{name}> must stand directly inside <html>")


def _lint_styles(document: MarkedDocument) -> None:
    for style in STYLE.finditer(document.html):
        css = _CSS_COMMENT.sub(lambda comment: " " * len(comment[0]), style[2])
        if found := _NEVER_IN_CSS.search(css):
            shown = found[0].strip()
            reason = "@import" if "@import" in shown.lower() else f"{shown!r}"
            raise fault(document.place(style.start(2) + found.start()), f"{reason} is not allowed in a style")
        if not KEPT_STYLE.search(style[1]):
            _lint_inlined_style(document, css, style.start(2))


def _lint_inlined_style(document: MarkedDocument, css: str, start: int) -> None:
    """Only rules whose matches are known before the data is: elements, classes, ids, descendants, children."""
    end = 0
    for rule in _CSS_RULE.finditer(css):
        place = document.place(start + end + len(css[end:]) - len(css[end:].lstrip()))
        _lint_selectors(rule[1] if css[end : rule.start()].strip() == "" else css[end : rule.end()], place)
        end = rule.end()
    if css[end:].strip():
        place = document.place(start + end + len(css[end:]) - len(css[end:].lstrip()))
        raise fault(place, f"this is no CSS rule: {css[end:].strip()[:40]}")


def _lint_selectors(selectors: str, place: tuple[str, int]) -> None:
    if selectors.strip().startswith("@"):
        raise fault(place, f'{selectors.split(maxsplit=1)[0]} belongs into a <style data-premailer="ignore">')
    for selector in selectors.split(","):
        folded = " ".join(selector.split())
        if not _PLAIN_SELECTOR.fullmatch(folded):
            raise fault(place, f"the selector {folded[:60]!r} cannot be inlined before the data is known")
