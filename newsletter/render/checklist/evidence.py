"""What the check-list judges, all of it plain data: a mail, what was put into it, and what tools measured of it.

Reading a mail is done here; showing it in a browser and validating it are not: `newsletter.pipeline` does both and
hands over what it saw. A part that is not there is `Missing` with the reason, which a report then tells.
"""

from __future__ import annotations

import email
import re
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import HeaderRegistry
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from lxml import etree
from lxml import html as lxml_html

from newsletter.errors import UsageError

if TYPE_CHECKING:
    from email.headerregistry import BaseHeader
    from email.message import Message

_HEADERS = HeaderRegistry()
# What the standard library's header parser (Python 3.11 to 3.13) raises on headers that are cut off, nested without an
# end or hold strange digits, besides its own error: it indexes, converts and reads attributes without looking.
_UNREADABLE = (
    AssertionError,
    AttributeError,
    HeaderParseError,
    IndexError,
    RecursionError,
    TypeError,
    UnboundLocalError,
    ValueError,
)
_DEEPEST = 50  # parts inside parts; a mail has one or two levels, and Python's parser falls at some hundred
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that is not there; the rules that need it are skipped for this reason.

    With `failed` the tool was there and broke on this very mail: the rules that need it then count as broken.
    """

    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """A conditional comment of a template; `always` where no `{% if %}` or `{% for %}` stands around it."""

    text: str
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is known of how a mail was made; None where it is not known.

    `texts` are the data that were printed into it (titles, the note, names): what they hold is no mistake of a
    template. `images` are the URLs that may be loaded (None: any over https). `conditionals` are the template's.
    `subscribed` says that the mail goes to a subscriber, who must be able to leave.
    """

    texts: tuple[str, ...] | None = None
    images: frozenset[str] | None = frozenset()
    conditionals: tuple[Conditional, ...] | None = None
    subscribed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as it was found. `raw` are the bytes that would be handed over, `subject` is decoded."""

    name: str
    raw: bytes | Missing
    subject: str | Missing
    html: str | Missing
    text: str | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLook:
    """How one element's own text is shown: colours as `#rrggbb`; `large` as WCAG 2.2 means it (24 px, or bold 18.7)."""

    where: str
    shown: str
    ink: str
    ground: str
    large: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflow:
    """Something too wide by `pixels` in a window of `width` pixels; `styled` is False with every `<style>` removed."""

    width: int
    styled: bool
    where: str
    pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What axe-core found: its rule, the colour scheme and the element."""

    rule: str
    scheme: str
    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What a browser showed. Every look holds all visible texts in document order.

    `light` and `dark` follow the reader's colour scheme; `bare` is the dark scheme with every `<style>` removed; the
    two forced ones are a light mail that the browser darkens by itself, as it stands and with every `<style>` removed,
    their colours read from the pixels.
    """

    light: tuple[TextLook, ...]
    dark: tuple[TextLook, ...]
    bare: tuple[TextLook, ...]
    forced: tuple[TextLook, ...]
    forced_bare: tuple[TextLook, ...]
    overflows: tuple[Overflow, ...]
    violations: tuple[Violation, ...] | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What the HTML validator says about a line."""

    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """An HTML comment and its line."""

    line: int
    text: str


@dataclass(frozen=True)
class Page:
    """An HTML document and its tree."""

    html: str

    @cached_property
    def root(self) -> Any:  # noqa: ANN401 - lxml has no types
        """The tree; an empty document where the text is none."""
        text = _XML_DECLARATION.sub("", self.html).replace("\0", "")
        try:
            return lxml_html.document_fromstring(text)
        except etree.ParserError:
            return lxml_html.document_fromstring("<html></html>")

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """The comments in document order."""
        return tuple(Comment(line=one.sourceline or 0, text=one.text or "") for one in self.root.iter(etree.Comment))


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of one mail."""

    mail: Mail
    given: Given = field(default_factory=Given)
    looks: Looks | Missing = Missing(reason="the mail was not shown in a browser")
    complaints: tuple[Complaint, ...] | Missing = Missing(reason="the HTML was not validated")

    @cached_property
    def page(self) -> Page | Missing:
        """The HTML part, read."""
        return self.mail.html if isinstance(self.mail.html, Missing) else Page(self.mail.html)


def mail_from_bytes(raw: bytes, *, name: str) -> Mail:
    """Read a mail (RFC 5322) as far as it goes; what is broken in it is for the rules to find.

    Raises:
        UsageError: it holds parts inside parts without an end.
    """
    message = _message(raw, name)
    subject = message["Subject"]
    return Mail(
        name=name,
        raw=raw,
        subject=Missing(reason="the mail has no subject")
        if subject is None
        else str(parsed_header("Subject", subject)),
        html=_body(message, "html"),
        text=_body(message, "plain"),
    )


def mail_from_html(html: str, *, name: str) -> Mail:
    """Return an HTML document as a mail without anything else."""
    alone = Missing(reason="an HTML file holds nothing but the HTML part")
    return Mail(name=name, raw=alone, subject=alone, html=html, text=alone)


def parsed_header(name: str, value: str) -> BaseHeader | str:
    """Return a header's value decoded, with its `defects`; as it is where the standard library fails on it."""
    try:
        return _HEADERS(name, str(value))
    except _UNREADABLE:
        return str(value)


def _message(raw: bytes, name: str) -> Message:
    try:
        message = email.message_from_bytes(raw)
    except RecursionError:
        message = None
    if message is None or _is_too_deep(message):
        raise UsageError(
            f"{name} holds parts inside parts, more than {_DEEPEST} deep; no mail program reads such a mail"
        )
    return message


def _is_too_deep(message: Message) -> bool:
    level = [message]
    for _ in range(_DEEPEST):
        level = [part for one in level if one.is_multipart() for part in cast("list[Message]", one.get_payload())]
    return bool(level)


def _body(message: Message, kind: str) -> str | Missing:
    for part in message.walk():
        if part.get_content_type() == f"text/{kind}" and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            content = payload if isinstance(payload, bytes) else b""
            return _decoded(content, part.get_content_charset() or "utf-8")
    return Missing(reason=f"the mail has no text/{kind} part")


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace").replace("\r\n", "\n")
    except (LookupError, ValueError):  # no charset by that name, or one such as idna that is none of a text
        return content.decode("utf-8", "replace").replace("\r\n", "\n")
