"""The last check on what came from outside, just before it is printed into a mail.

Collecting has cleaned the same texts once; this is the second fence, so that a text that slipped in by another way
(an editor's note, a site name, an old row) can neither break the document nor the header. It escapes nothing: that is
the template engine's work.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from markupsafe import Markup

# What no HTML document may hold (https://html.spec.whatwg.org/#text-content: controls, noncharacters, surrogates), and
# the bidirectional embeddings, overrides and isolates of UAX #9, which would reach beyond their own text. Plain
# right-to-left marks stay, as do tabs and line ends.
_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_SCHEMES = frozenset({"http", "https", "mailto"})
_NOT_IN_URL = re.compile(r"""[\s<>"'`\\{}|^]""")
_MAX_URL = 2_000


def clean(text: str) -> str:
    """Return `text` without characters that no mail may hold; CR, U+2028 and U+2029 become LF."""
    if text.isprintable():  # then it holds neither controls nor line ends, and this is the quicker way to see it
        return text
    return _DROPPED.sub("", _LINE_ENDS.sub("\n", text))


def one_line(text: str) -> str:
    """Return `text` cleaned, with every run of white space as one space and none around it."""
    if text.isprintable() and "  " not in text:  # the space is the one white space that is printable
        return text.strip(" ")
    return " ".join(clean(text).split())


def printable(value: object) -> object:
    """Return a value as a template may print it; used on everything that a template prints (jinja2 `finalize`)."""
    if isinstance(value, Markup):
        return Markup(clean(value))  # noqa: S704 - it was markup before, and only loses characters
    return clean(value) if isinstance(value, str) else value


def safe_url(url: object) -> str:
    """Return `url` if it is an absolute http, https or mailto URL that needs no guessing, else ""."""
    text = str(url)
    if len(text) > _MAX_URL or not text.isprintable() or _NOT_IN_URL.search(text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    has_target = bool(parts.path) if parts.scheme == "mailto" else bool(parts.hostname)
    return text if parts.scheme in _SCHEMES and has_target else ""
