"""One mail of the inbox as bytes, of which only the head is read: its headers, its texts, and its parts.

Whatever a stranger sends comes through here, so every length is bounded before a parser or a pattern sees it. It
decides nothing about what a mail means.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from email.header import decode_header, make_header
from email.message import Message as Mail
from email.parser import BytesHeaderParser, BytesParser, HeaderParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_BYTES = 512 * 1024  # of each mail; what a report says stands before the mail it returns
_DIGEST_BYTES = 256 * 1024  # after line ends are made alike, at least so much of READ_BYTES is there
_HEADER_BYTES = 64 * 1024
_TEXT_BYTES = 64 * 1024  # of a mail that patterns are tried on, in lines of at most _TEXT_LINE octets
_TEXT_LINE = 500
_PARTS = 60  # that hold other parts
_PARSING = 1_000_000  # their number times that of the lines, as which a parser's work grows: about a second
_NESTING = re.compile(rb"content-type:\s*(?:multipart|message)/", re.IGNORECASE)
_END = re.compile(rb"\r?\n\r?\n")  # of the headers
_LINE_LETTERS = 500


def digest(head: bytes) -> str:
    """Return what tells this mail from any other, however its lines end."""
    return hashlib.sha256(head.replace(b"\r\n", b"\n")[:_DIGEST_BYTES]).hexdigest()


def headers_of(head: bytes) -> Mail:
    """Return the headers alone, of the first 64 KB."""
    beginning = head[:_HEADER_BYTES]
    end = _END.search(beginning)
    return BytesHeaderParser().parsebytes(_clean(beginning[: end.start() if end else None]))


def whole(head: bytes) -> Mail | None:
    """Return the mail with its parts, None where they may lie too deep in each other."""
    clean = _clean(head)
    holders = len(_NESTING.findall(clean))
    if holders > _PARTS or holders * clean.count(b"\n") > _PARSING:
        return None
    return BytesParser().parsebytes(clean)


def beginning(head: bytes) -> Mail | None:
    """Return the mail as far as patterns may be tried on it: 64 KB, in short lines."""
    lines = _clean(head[:_TEXT_BYTES]).splitlines()
    return whole(b"\n".join(line[:_TEXT_LINE] for line in lines))


def header(mail: Mail, name: str) -> str:
    """Return a header's first value as one line, "" where there is none."""
    return one_line(str(mail.get(name, "")))


def subject_of(mail: Mail) -> str:
    """Return the subject as a person reads it (RFC 2047 decoded), as one line."""
    raw = header(mail, "Subject")
    return one_line(str(make_header(decode_header(raw)))) if "=?" in raw else raw


def every(mail: Mail, names: tuple[str, ...]) -> list[str]:
    """Return all values of these headers."""
    return [str(value) for name in names for value in mail.get_all(name, [])]


def one_line(text: str) -> str:
    """Return `text` without controls (formatting ones such as text direction included) and bounded."""
    cleaned = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text[: 4 * _LINE_LETTERS])
    return " ".join(cleaned.split())[:_LINE_LETTERS]


def texts(mail: Mail) -> Iterator[str]:
    """Yield the texts of a mail, those of a mail that it holds excepted."""
    if mail.get_content_maintype() == "message":
        return
    if mail.is_multipart():
        for part in mail.get_payload():
            if isinstance(part, Mail):
                yield from texts(part)
    elif mail.get_content_maintype() == "text":
        yield _decoded(mail)


def parsed_headers(text: str) -> Mail:
    """Return the headers that a text consists of."""
    return HeaderParser().parsestr(text)


def content(part: Mail) -> str:
    """Return what a part holds, decoded as it says, whatever its type; the parts of a part as text again."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return "\n".join(one.as_string() for one in payload if isinstance(one, Mail))
    return _decoded(part)


def _decoded(part: Mail) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # a charset that nobody knows, or one with a NUL in its name
        return raw.decode("utf-8", "replace")


def _clean(head: bytes) -> bytes:
    return head.replace(b"\0", b"")
