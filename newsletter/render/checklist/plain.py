"""Rules about the plain text part: the same papers in the same order, every link, and lines that fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.model import title_key
from newsletter.render.checklist.document import HEADINGS, elements, place, shown
from newsletter.render.checklist.evidence import Evidence, Missing, Page
from newsletter.render.checklist.rule import Finding, Rule, excerpt
from newsletter.render.environment import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

_CUT = "…"
_BEFORE, _AFTER = "(<[\"'", tuple(")>]\"'.,;:!?")
_STOPS = 4  # so many may follow an address, as in (see <https://a.example>).


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    page: Page
    text: str
    subject: str


def _both(evidence: Evidence) -> _Both | Missing:
    page, text = evidence.page, evidence.mail.text
    if isinstance(page, Missing):
        return page
    subject = "" if isinstance(evidence.mail.subject, Missing) else evidence.mail.subject
    return text if isinstance(text, Missing) else _Both(page=page, text=text, subject=subject)


def _text_of(evidence: Evidence) -> str | Missing:
    return evidence.mail.text


def _papers(both: _Both) -> Iterator[Finding]:
    """Every heading of the HTML, the papers' titles above all, stands in the text, one after the other.

    Only letters and digits are compared: the text wraps, writes headings in capitals and has no markup. The first
    heading may stand in the subject, which its reader has just read.
    """
    text, subject = f" {title_key(both.text)} ", f" {title_key(both.subject)} "
    end = 0
    for heading in elements(both.page, *HEADINGS):
        key = _key(shown(heading))
        if not key.strip() or (heading.tag == "h1" and key in subject):
            continue
        found = text.find(key, end)
        if found >= 0:
            end = found + len(key.rstrip())
        elif key in text:
            what = f"has {excerpt(shown(heading))!r} in another place than the HTML; keep one order"
            yield Finding(where="the text part", what=what)
        else:
            yield Finding(where="the text part", what=f"lacks {excerpt(shown(heading))!r}, which the HTML has")


def _key(heading: str) -> str:
    """Return a heading as it is looked for: as whole words, unless it was cut short."""
    return f" {title_key(heading.removesuffix(_CUT))}" + ("" if heading.endswith(_CUT) else " ")


def _links(both: _Both) -> Iterator[Finding]:
    written = set(_bare(both.text))
    for link in elements(both.page, "a"):
        url = (link.get("href") or "").strip()
        if url and url not in written:
            what = f"lacks {excerpt(url)!r} of {place(link)} of the HTML; write the address out"
            yield Finding(where="the text part", what=what)


def _bare(text: str) -> Iterator[str]:
    """Yield the words of a text as they stand, and without the brackets and stops that may stand around an address."""
    for word in text.split():
        yield word
        inner = word.lstrip(_BEFORE)
        for _ in range(_STOPS + 1):
            yield inner
            if not inner.endswith(_AFTER):
                break
            inner = inner[:-1]


def _columns(text: str) -> Iterator[Finding]:
    """A line may be longer than 72 columns where its last word alone makes it so: an address, a very long word."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line.rpartition(" ")[0]) > COLUMNS:
            what = f"has {len(line)} columns; wrap it at {COLUMNS}: {excerpt(line)}"
            yield Finding(where=f"the text part, line {number}", what=what)


RULES = (
    Rule(name="text-papers", demand="the text has the papers of the HTML in their order", part=_both, look=_papers),
    Rule(name="text-links", demand="the text has every link of the HTML", part=_both, look=_links),
    Rule(name="text-columns", demand="the text is wrapped at 72 columns", part=_text_of, look=_columns),
)
