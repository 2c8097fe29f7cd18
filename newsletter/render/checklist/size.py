"""Rules about size: what a mail client clips or drops when there is too much of it, and a subject without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render.checklist.document import elements, page, seen
from newsletter.render.checklist.rule import Finding, Rule
from newsletter.render.layout import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.render.checklist.evidence import Evidence, Missing, Page

# Gmail drops all style sheets of a mail from about 16 KB on (https://developers.google.com/workspace/gmail/design/css).
_STYLE_BYTES = 16_000
_SUBJECT_LENGTH = 90  # characters: more is cut off in every inbox's list


def _html(page: Page) -> Iterator[Finding]:
    size = len(page.html.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        what = f"has {size:,} bytes; Gmail clips from about 102,000, so stay under {MAX_BYTES:,}: show fewer papers"
        yield Finding(where="the HTML", what=what)


def _styles(page: Page) -> Iterator[Finding]:
    size = sum(len((style.text or "").encode()) for style in elements(page, "style"))
    if size > _STYLE_BYTES:
        what = f"hold {size:,} bytes; Gmail drops them all above {_STYLE_BYTES:,}: move rules into the inlined styles"
        yield Finding(where="the <style> elements", what=what)


def _subject_of(evidence: Evidence) -> str | Missing:
    return evidence.mail.subject


def _subject(subject: str) -> Iterator[Finding]:
    if len(subject) > _SUBJECT_LENGTH:
        yield Finding(
            where="the subject", what=f"has {len(subject)} characters; an inbox shows at most {_SUBJECT_LENGTH}"
        )


def _no_subject(subject: str) -> Iterator[Finding]:
    if not seen(subject):
        yield Finding(where="the subject", what="is empty; let email/digest/subject.txt, or the editor, say something")


RULES = (
    Rule(name="html-size", demand="the HTML is under 90 KB", part=page, look=_html),
    Rule(name="style-size", demand="style sheets are under 16 KB", part=page, look=_styles),
    Rule(name="empty-subject", demand="there is a subject", part=_subject_of, look=_no_subject),
    Rule(name="subject", demand="the subject fits an inbox", part=_subject_of, look=_subject, hint=True),
)
