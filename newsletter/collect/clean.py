"""Plain text and plain URLs out of whatever a source gave: the one place where outside strings are tidied.

White space is folded, invisible and control characters are dropped, TeX is turned into plain text (by `tex.py`),
lengths are bounded. What is left is text: `<think>` or `&amp;` in a title stay as they are (not one of the 9,218
recorded titles and abstracts of Daily Papers holds an HTML entity), since escaping is the renderer's work; feeds,
whose summaries are HTML, strip their tags themselves.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby, islice
from urllib.parse import urlsplit

from newsletter.collect.tex import plain_tex

MAX_TITLE = 500
MAX_TEXT = 20_000
MAX_NAME = 200
MAX_URL = 2_000
MAX_RAW = 100_000

_ELLIPSIS = "…"
# Only so much of a field is looked at, in multiples of its bound, so that a 10 MB title costs no more than a long one.
_LOOK_AT = 4
# Control, format (bidi overrides and isolates, zero-width, soft hyphen, tags), surrogates, private use.
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co"})
# Stream-Safe Text (UAX #15, section 13): no writing needs more combining marks in a row, and NFC sorts each run in
# quadratic time.
_MARKS_IN_A_ROW = 30
_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")
# What RFC 3986 allows in no URL and a browser or a mail client may read in its own way.
_NO_URL = re.compile(r"""[\s<>"'`\\]""")


def clean_title(raw: str) -> str:
    """Return `raw` as one line of at most 500 characters; a longer one ends with an ellipsis at a word border."""
    return _clean(raw, MAX_TITLE)


def clean_text(raw: str) -> str:
    """Return an abstract or summary as one paragraph of at most 20,000 characters."""
    return _clean(raw, MAX_TEXT)


def clean_name(raw: str) -> str:
    """Return the name of an author or organisation, or a keyword, as one line of at most 200 characters."""
    return _clean(raw, MAX_NAME)


def storable(raw: str) -> str:
    """Return what a source gave as a database can keep it: no NUL, no lone surrogate, at most 100,000 characters."""
    return _NOT_STORABLE.sub("", raw[:MAX_RAW])


def http_url(raw: str | None) -> str:
    """Return `raw` if it is a plain absolute http(s) URL, else "".

    Plain means: a host, no user or password, a possible port, no white space, quotes, backslashes, control or
    invisible characters, and at most 2,000 characters. White space around it is taken off.
    """
    if raw is None or len(raw) > _LOOK_AT * MAX_URL:
        return ""
    url = raw.strip()
    if len(url) > MAX_URL or not url.isprintable() or _NO_URL.search(url):
        return ""
    return url if _has_plain_host(url) else ""


def _has_plain_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # `port` checks itself when it is read
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "@" not in parts.netloc and "%" not in parts.netloc


def _clean(raw: str, limit: int) -> str:
    folded = _fold(raw.lstrip()[: _LOOK_AT * limit])
    text = plain_tex(folded)
    return _shorten(text if text is folded else _fold(text), limit)


def _fold(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", _bound_marks(text))
    if not text.isprintable():
        text = "".join(character for character in text if character.isspace() or _is_wanted(character))
    return " ".join(text.split())


def _is_wanted(character: str) -> bool:
    # U+FDD0..U+FDEF and the last two of every plane are noncharacters; other unassigned ones may be new emoji.
    code = ord(character)
    if 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE:  # noqa: PLR2004 - Unicode's own constants
        return False
    return unicodedata.category(character) not in _DROPPED


def _bound_marks(text: str) -> str:
    runs = groupby(text, key=lambda character: unicodedata.combining(character) != 0)
    return "".join("".join(islice(run, _MARKS_IN_A_ROW if is_mark else None)) for is_mark, run in runs)


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[: limit - len(_ELLIPSIS)]
    if text[len(head)] != " ":  # the cut falls inside a word: go back to its start, unless that loses half the text
        border = head.rfind(" ")
        head = head[:border] if border >= limit // 2 else head
    return head.rstrip() + _ELLIPSIS
