"""One entry of a feed, as feedparser gives it, becomes a paper. It fetches nothing.

HTML becomes text: known elements are dropped (scripts and styles with what is in them), anything else in angle brackets
stays as it is written. arXiv's announcement feeds (https://info.arxiv.org/help/rss.html) are known by their ids; their
summaries begin with a line of their own, their authors stand in one field, their categories are no keywords, and the
date is the announcement's, so `published` is left open.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from hashlib import sha256
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import nh3

from newsletter.collect.base import Rejected
from newsletter.collect.clean import MAX_RAW, clean_name, clean_text, clean_title, http_url, storable
from newsletter.model import Links, Paper, arxiv_id, title_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_MOST_AUTHORS = 2_000
_MOST_KEYWORDS = 50
_ANNOUNCED = re.compile(r"\s*arXiv:\S{1,40}\s+Announce Type:\s+\S{1,40}\s+(?:Abstract:\s*)?")

# Elements that part words, elements left out with what is in them, and all others of HTML.
_BREAKING: Final = (
    "address|article|aside|blockquote|body|br|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li|main|nav|ol|p|pre|"
    "section|table|tbody|td|tfoot|th|thead|tr|ul"
)
_SILENT: Final = ("iframe", "noscript", "object", "script", "style", "svg", "template")
_INLINE: Final = (
    "a|abbr|acronym|audio|b|bdi|bdo|big|center|cite|code|del|dfn|em|embed|font|form|head|html|i|img|input|ins|kbd|label|"
    "link|mark|meta|param|picture|q|s|samp|small|source|span|strike|strong|sub|sup|time|title|tt|u|var|video|wbr"
)
_NO_TAG = re.compile(rf"<(?!!--|/?(?:{_BREAKING}|{_INLINE}|{'|'.join(_SILENT)})[\s/>])", re.IGNORECASE)
_BREAK = re.compile(rf"<(?=/?(?:{_BREAKING})[\s/>])", re.IGNORECASE)


def read_entry(entry: Mapping[str, Any], *, source: str, where: str, now: datetime) -> Paper | Rejected:
    """Return the paper that an entry names, or why it names none; `now` bounds the days that are believed."""
    title = clean_title(_text(entry, "title"))
    if not title_key(title):
        return Rejected(where=where, reason="an entry without a title")
    key = _arxiv_key(entry)
    summary = _text(entry, "summary")
    announced = _ANNOUNCED.match(summary) if key else None
    authors = tuple(_authors(entry, split=bool(key)))
    day = _day(entry, now)
    return Paper(
        id=key or f"{source}:{_hash(entry, title)}",
        source=source,
        title=title,
        abstract=clean_text(summary[announced.end() :] if announced else summary),
        authors=authors,
        author_count=len(authors),
        published=None if announced else day,
        listed_on=day,
        keywords=() if key else tuple(_keywords(entry)),
        links=_links(entry, key),
        raw_title=storable(str(entry.get("title") or "")),
        raw_abstract=storable(str(entry.get("summary") or "")),
    )


def html_text(html: str) -> str:
    """Return the text of an HTML fragment, of which 100,000 characters are read, with a space around every block."""
    tagged = _BREAK.sub(" <", _NO_TAG.sub("&lt;", html[:MAX_RAW]))
    return unescape(nh3.clean(tagged, tags=set(), clean_content_tags=set(_SILENT)))


def _text(entry: Mapping[str, Any], name: str) -> str:
    """Return a text of the entry, without its markup if it has any."""
    text = str(entry.get(name) or "")
    kind = (entry.get(f"{name}_detail") or {}).get("type", "")
    return html_text(text) if kind in _HTML_TYPES and not _ANNOUNCED.match(text) else text


def _arxiv_key(entry: Mapping[str, Any]) -> str | None:
    named = (str(entry.get(name) or "") for name in ("id", "link"))
    return next((key for text in named if (key := arxiv_id(text))), None)


def _hash(entry: Mapping[str, Any], title: str) -> str:
    identity = entry.get("id") or entry.get("link") or title_key(title)
    return sha256(str(identity).encode("utf-8", "replace")).hexdigest()[:16]


def _links(entry: Mapping[str, Any], key: str | None) -> Links:
    if key:
        return Links(page=f"https://arxiv.org/abs/{key}", pdf=f"https://arxiv.org/pdf/{key}")
    return Links(page=http_url(entry.get("link")))


def _authors(entry: Mapping[str, Any], *, split: bool) -> Iterable[str]:
    written = [str(author.get("name") or "") for author in entry.get("authors") or []]
    names = [name for text in written for name in (text.split(",") if split else [text])]
    return dict.fromkeys(name for text in names[:_MOST_AUTHORS] if (name := clean_name(html_text(text))))


def _keywords(entry: Mapping[str, Any]) -> Iterable[str]:
    terms = (str(tag.get("term") or "") for tag in (entry.get("tags") or [])[:_MOST_KEYWORDS])
    return dict.fromkeys(name for term in terms if (name := clean_name(term)))


def _day(entry: Mapping[str, Any], now: datetime) -> date | None:
    """Return the UTC day of publication, else of the last change; None if there is none, or one to come."""
    own = dict(entry)  # feedparser's own `get` takes one date for the other, and warns
    moment = own.get("published_parsed") or own.get("updated_parsed")
    try:
        day = date(*moment[:3]) if moment else None
    except ValueError:
        return None
    return day if day and day <= now.date() + timedelta(days=1) else None
