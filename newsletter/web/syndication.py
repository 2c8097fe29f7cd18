"""A feed in three formats: RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1. Pure: it is given finished words and URLs.

XML is built as a tree, so every text is escaped by its writer; what no XML document may hold was taken out before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from lxml import etree

from newsletter.render.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One entry; `url` is also its id, which never changes. `html` is well-formed. Times are aware, UTC."""

    url: str
    title: str
    text: str
    html: str
    published: datetime
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed: `url` is where it is itself in the format that is asked for, `page` the web page of the same content."""

    url: str
    page: str
    title: str
    about: str
    author: str
    updated: datetime
    entries: tuple[FeedEntry, ...]


def rss(feed: Feed) -> str:
    """Return the feed as RSS 2.0 (https://www.rssboard.org/rss-specification)."""
    root = etree.Element("rss", {"version": "2.0"}, nsmap={"atom": _ATOM})
    channel = etree.SubElement(root, "channel")
    _texts(channel, title=feed.title, link=feed.page, description=feed.about, language="en")
    _texts(channel, lastBuildDate=format_datetime(feed.updated, usegmt=True))
    etree.SubElement(
        channel, f"{{{_ATOM}}}link", {"rel": "self", "href": clean(feed.url), "type": "application/rss+xml"}
    )
    for entry in feed.entries:
        item = etree.SubElement(channel, "item")
        _texts(item, title=entry.title, link=entry.url, description=entry.html)
        etree.SubElement(item, "guid", {"isPermaLink": "true"}).text = clean(entry.url)
        _texts(item, pubDate=format_datetime(entry.published, usegmt=True))
    return _written(root)


def atom(feed: Feed) -> str:
    """Return the feed as Atom (RFC 4287)."""
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    _texts(root, id=feed.page, title=feed.title, subtitle=feed.about, updated=_moment(feed.updated))
    _texts(_child(root, "author"), name=feed.author)
    _child(root, "link", rel="self", type="application/atom+xml", href=clean(feed.url))
    _child(root, "link", rel="alternate", type="text/html", href=clean(feed.page))
    for one in feed.entries:
        entry = _child(root, "entry")
        _texts(entry, id=one.url, title=one.title, summary=one.text)
        _texts(entry, published=_moment(one.published), updated=_moment(one.updated))
        _child(entry, "link", rel="alternate", type="text/html", href=clean(one.url))
        _child(entry, "content", type="html").text = clean(one.html)
    return _written(root)


def json_feed(feed: Feed) -> str:
    """Return the feed as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    whole = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.url,
        "description": feed.about,
        "language": "en",
        "authors": [{"name": feed.author}],
        "items": [
            {
                "id": one.url,
                "url": one.url,
                "title": one.title,
                "summary": one.text,
                "content_html": one.html,
                "date_published": _moment(one.published),
                "date_modified": _moment(one.updated),
            }
            for one in feed.entries
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


FORMATS: dict[str, tuple[str, Callable[[Feed], str]]] = {
    "rss": ("application/rss+xml", rss),
    "atom": ("application/atom+xml", atom),
    "json": ("application/feed+json", json_feed),
}


def _child(parent: Any, name: str, **attributes: str) -> Any:  # noqa: ANN401 - lxml ships no types
    """Add an element of the parent's own namespace."""
    space = etree.QName(parent).namespace
    return etree.SubElement(parent, f"{{{space}}}{name}" if space else name, attributes)


def _texts(parent: Any, **texts: str) -> None:  # noqa: ANN401 - lxml ships no types
    for name, text in texts.items():
        _child(parent, name).text = clean(text)


def _moment(when: datetime) -> str:
    """Return a time as RFC 3339 has it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _written(root: Any) -> str:  # noqa: ANN401 - lxml ships no types
    return f'<?xml version="1.0" encoding="utf-8"?>\n{etree.tostring(root, encoding="unicode", pretty_print=True)}'
