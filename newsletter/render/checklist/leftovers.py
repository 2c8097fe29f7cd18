"""The rule that nothing of the making shows: no template tag, no word of the compile step, no `None`.

A paper's title may hold `{{ x }}` or the word None. Where it is known which texts were put into a mail, what stands in
them is left alone; else a lone None or undefined counts in short texts only, where a value was to stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from newsletter.render.checklist.evidence import Evidence, Missing, Page
from newsletter.render.checklist.rule import Finding, Rule, excerpt
from newsletter.render.clean import one_line
from newsletter.render.markup import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bounded, and anchored at a word, so that no text makes either run in squares.
_TAG = re.compile(
    rf"\{{\{{.{{0,200}}?\}}\}}|\{{%.{{0,200}}?%\}}|\{{#.{{0,200}}?#\}}|\{{\{{|\{{%|%\}}|{MARK.pattern}", re.DOTALL
)
_VALUE = re.compile(r"(?:\b\w+\W)?\b(?:None|undefined|Undefined|NaN|nan)\b(?:\W\w+)?")
_SHORT = 40  # characters: a count, a name, a byline


@dataclass(frozen=True)
class _Known:
    """The texts that were put in, as a mail prints them."""

    texts: tuple[str, ...] | None

    @cached_property
    def joined(self) -> str:
        return "\n".join(one_line(text) for text in self.texts or ())

    def holds(self, found: str) -> bool:
        return one_line(found) in self.joined


def _leftovers(evidence: Evidence) -> Iterator[Finding]:
    known = _Known(evidence.given.texts)
    for where, text in _texts(evidence):
        for match in _TAG.finditer(text):
            if not known.holds(match[0]):
                what = f"shows {excerpt(match[0])!r}, which a template should have filled in; mend the template"
                yield Finding(where=where, what=what)
        for match in _VALUE.finditer(text):
            if not (known.holds(match[0]) or (known.texts is None and len(one_line(text)) > _SHORT)):
                what = f"shows {excerpt(match[0])!r}: a value is missing; let the template ask before it prints it"
                yield Finding(where=where, what=what)


def _texts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    mail = evidence.mail
    if isinstance(mail.subject, str):
        yield "the subject", mail.subject
    if isinstance(mail.text, str):
        yield from ((f"the text part, line {n}", line) for n, line in enumerate(mail.text.split("\n"), 1))
    if isinstance(evidence.page, Page):
        yield from _of_page(evidence.page)


def _of_page(page: Page) -> Iterator[tuple[str, str]]:
    for element in page.root.iter():
        line = f"line {element.sourceline}"
        if element.text:
            yield f"{line}, <{element.tag}>" if isinstance(element.tag, str) else f"{line}, a comment", element.text
        if element.tail:
            yield f"after {line}", element.tail
        for name, value in element.attrib.items() if isinstance(element.tag, str) else ():
            yield f"{line}, <{element.tag} {name}>", value


def _anything(evidence: Evidence) -> Evidence | Missing:
    nothing = isinstance(evidence.page, Missing) and isinstance(evidence.mail.text, Missing)
    return Missing(reason="the mail has neither an HTML nor a text part") if nothing else evidence


RULES = (Rule(name="leftovers", demand="no placeholder is left", part=_anything, look=_leftovers),)
