"""Rules about the mail as it is handed over: its headers, its parts and its lines."""

from __future__ import annotations

import email
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING

from newsletter.render.checklist.evidence import Evidence, Missing, parsed_header
from newsletter.render.checklist.rule import Finding, Rule, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

# RFC 5322 asks for From and Date, MIME for its version; mailbox providers do for the others.
_NEEDED = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
# RFC 5322, section 3.6: at most once; so are the list headers (RFC 2369, section 3.4).
_LIST = ("list-id", "list-unsubscribe", "list-unsubscribe-post", "list-archive")
_ONCE = frozenset({*map(str.lower, _NEEDED), *_LIST, "reply-to", "sender"})
_LINE = 998  # octets without CRLF (RFC 5322, section 2.1.1)
_HEADER = re.compile(rb"([!-9;-~]+):[ \t]?(.*)", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_ADDRESSES = frozenset({"from", "to", "reply-to", "sender"})  # may be UTF-8 (RFC 6532) for an address that is
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
_LIST_ID = re.compile(r"(?:[^<>]*\s)?<[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+>")
_URL = re.compile(r"<([a-z]+):[^<>\s]+>")
_ONE_CLICK = "List-Unsubscribe=One-Click"


@dataclass(frozen=True)
class _Envelope:
    """The bytes of a mail, and its headers as they are written there: unfolded, not decoded."""

    raw: bytes

    @cached_property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        end = b"\r\n" if b"\r\n" in self.raw else b"\n"
        head = self.raw.partition(end + end)[0]
        found = (_HEADER.fullmatch(one) for one in re.sub(end + rb"(?=[ \t])", b"", head).split(end))
        return tuple((match[1].decode("ascii"), match[2]) for match in found if match)

    @cached_property
    def message(self) -> Message:
        return email.message_from_bytes(self.raw)

    def value(self, name: str) -> str:
        """Return the first header with this name, "" without one."""
        values = (value for other, value in self.headers if other.lower() == name.lower())
        return next(values, b"").decode("utf-8", "replace").strip()


def _envelope(evidence: Evidence) -> _Envelope | Missing:
    return evidence.mail.raw if isinstance(evidence.mail.raw, Missing) else _Envelope(evidence.mail.raw)


def _present(envelope: _Envelope) -> Iterator[Finding]:
    names = [name.lower() for name, _ in envelope.headers]
    for name in _NEEDED:
        if name.lower() not in names:
            yield Finding(where="the headers", what=f"lack {name}")
    for name in sorted(_ONCE):
        if names.count(name) > 1:
            yield Finding(where="the headers", what=f"hold {name} {names.count(name)} times; once is right")


def _clean(envelope: _Envelope) -> Iterator[Finding]:
    for name, value in envelope.headers:
        if _CONTROL.search(value):
            yield Finding(where=f"the header {name}", what="holds a control character; take it out of its text")
        if not value.isascii() and name.lower() not in _ADDRESSES:
            yield Finding(where=f"the header {name}", what="is not ASCII; it takes encoded words (RFC 2047)")
        read = parsed_header(name, value.decode("utf-8", "replace").strip())
        for defect in getattr(read, "defects", ["it cannot be read"]):
            yield Finding(where=f"the header {name}", what=f"is malformed: {defect}")


def _well_formed(envelope: _Envelope) -> Iterator[Finding]:
    if not _is_date(envelope.value("Date")):
        yield Finding(where="the header Date", what="is no date with a time zone (RFC 5322, section 3.3)")
    for name, shape, example in (
        ("Message-ID", _MESSAGE_ID, "<2026-07-14.1@host.example>"),
        ("List-Id", _LIST_ID, "<digest.group.example>"),
    ):
        if ((value := envelope.value(name)) or name == "Message-ID") and not shape.fullmatch(value):
            yield Finding(where=f"the header {name}", what=f"is {excerpt(value)!r}; it looks like {example}")


def _is_date(text: str) -> bool:
    try:
        return parsedate_to_datetime(text).utcoffset() is not None
    except (TypeError, ValueError):
        return False


def _list_mail(evidence: Evidence) -> _Envelope | Missing:
    envelope = _envelope(evidence)
    if isinstance(envelope, Missing) or evidence.given.subscribed or envelope.value("List-Unsubscribe"):
        return envelope
    return Missing(reason="no List-Unsubscribe, and nothing tells whether the reader is subscribed; check the PERIOD")


def _unsubscribe(envelope: _Envelope) -> Iterator[Finding]:
    """RFC 2919 and 2369 for the list, RFC 8058 for the one click: it needs an https address to post to."""
    if not envelope.value("List-Id"):
        yield Finding(where="the headers", what="lack List-Id, by which mail programs file a list's mails")
    where, value = "the header List-Unsubscribe", envelope.value("List-Unsubscribe")
    schemes = set(_URL.findall(value))
    if not schemes or not schemes <= {"https", "mailto"}:
        yield Finding(where=where, what=f"is {excerpt(value)!r}; it takes <https:...> and <mailto:...> addresses")
    post = envelope.value("List-Unsubscribe-Post")
    if post and post != _ONE_CLICK:
        yield Finding(where="the header List-Unsubscribe-Post", what=f"is {excerpt(post)!r}; it reads {_ONE_CLICK}")
    if bool(post) is not ("https" in schemes):
        what = "and List-Unsubscribe-Post belong together: an https address, and that one click is enough"
        yield Finding(where=where, what=what)


def _parts(envelope: _Envelope) -> Iterator[Finding]:
    message = envelope.message
    kinds = [part.get_content_type() for part in message.walk()]
    if kinds != ["multipart/alternative", "text/plain", "text/html"]:
        what = f"is made of {', '.join(kinds)}; a mail is multipart/alternative of text/plain, then text/html"
        yield Finding(where="the mail", what=what)
    for part in message.walk():
        where = f"the part {part.get_content_type()}"
        if not part.is_multipart() and (charset := part.get_content_charset()) != "utf-8":
            yield Finding(where=where, what=f"is in {charset or 'no named charset'}; it must be UTF-8")
        for defect in part.defects:
            yield Finding(where=where, what=f"is malformed: {type(defect).__name__}")


def _lines(envelope: _Envelope) -> Iterator[Finding]:
    for number, line in enumerate(envelope.raw.split(b"\r\n"), 1):
        if len(line) > _LINE:
            yield Finding(where=f"line {number} of the mail", what=f"has {len(line):,} octets, more than {_LINE}")
        if b"\n" in line or b"\r" in line:
            what = "ends in a lone CR or LF; every line must end in CRLF: save the mail as it was sent"
            yield Finding(where=f"line {number} of the mail", what=what)
            return  # one says it all: such a file has them everywhere


RULES = (
    Rule(name="parts", demand="multipart/alternative: text, then HTML, in UTF-8", part=_envelope, look=_parts),
    Rule(name="lines", demand="lines are under 998 octets and end in CRLF", part=_envelope, look=_lines),
    Rule(name="headers", demand="every header a mail needs, once", part=_envelope, look=_present),
    Rule(name="clean-headers", demand="headers hold no control characters", part=_envelope, look=_clean),
    Rule(name="header-values", demand="Date, Message-ID, List-Id are well-formed", part=_envelope, look=_well_formed),
    Rule(name="unsubscribe", demand="the list is named, and can be left", part=_list_mail, look=_unsubscribe),
)
