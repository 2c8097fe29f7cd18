"""Any RSS or Atom feed as a source. feedparser reads the bytes that `HttpClient` fetched and fetches nothing itself.

A feed is no list by date: it holds its latest entries, so an answer holds all of them, each on the UTC day on which it
was published (else updated), and says how far back it reaches. An entry without a day, or with one to come, is kept
with `listed_on` None, and a note says how many there are. Asked again, the feed is fetched conditionally (RFC 9110,
section 13.1). `feed_entry.py` makes papers of entries.
"""

from __future__ import annotations

import re
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from xml.sax import SAXException

import feedparser

from newsletter.collect.base import Batch, Rejected, Validators
from newsletter.collect.clean import clean_name
from newsletter.collect.feed_entry import read_entry
from newsletter.collect.merge import merge_papers
from newsletter.errors import BadAnswerError
from newsletter.model import Paper

if TYPE_CHECKING:
    from datetime import date, datetime

    from newsletter.collect.http import Answer, HttpClient

_NOT_MODIFIED = 304
_ACCEPT: Final = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.1"
# No feed needs entities of its own; a few lines of them unpack to gigabytes. NULs are dropped first, for UTF-16.
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
# Encodings in which `<!ENTITY` would not be seen as such.
_HIDING = re.compile(rb"encoding\s*=\s*[\"'](?:utf-?7|cp037|ibm|ebcdic)|^Lo\xa7\x94", re.IGNORECASE)
# A reference to no character stops feedparser (6.0.14), whatever else the feed holds.
_REFERENCE = re.compile(rb"&#(?:x([0-9a-f]+)|(\d+));", re.IGNORECASE)
_SURROGATES = range(0xD800, 0xE000)
# What it raises on feeds that are broken in other ways.
_STOPPED = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_END = re.compile(rb"(?:</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>|/>)(?:\s|<!--[^>]*-->)*$", re.IGNORECASE)
_HEAD = 300  # bytes in which an XML declaration is looked for
_TAIL = 4_000  # bytes in which the end of a feed is looked for


class Feed:
    """One configured feed; `name` is the one in the settings, `url` where it is."""

    def __init__(self, name: str, url: str, http: HttpClient) -> None:
        self._name = name
        self._url = url
        self._http = http

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._name

    def on(self, day: date, *, now: datetime, validators: Validators | None = None) -> Batch:
        """Return everything that the feed holds, whatever the `day`; `unchanged` if the server says so.

        Raises:
            SourceUnreachableError, SourceRefusedError: from `HttpClient.get`.
            BadAnswerError: it is no whole feed.
        """
        answer = self._http.get(self._url, headers=_conditions(validators), about=self._name)
        if answer.status == _NOT_MODIFIED:
            return Batch(source=self._name, papers=(), entries=0, taken_at=now, unchanged=True, validators=validators)
        parsed = self._parsed(answer)
        results = [
            read_entry(entry, source=self._name, where=f"{self._where}, entry {number}", now=now)
            for number, entry in enumerate(parsed.entries, start=1)
        ]
        papers = merge_papers(result for result in results if isinstance(result, Paper))
        return Batch(
            source=self._name,
            papers=papers,
            entries=len(results),
            taken_at=now,
            rejected=tuple(result for result in results if isinstance(result, Rejected)),
            reaches_back_to=_oldest(papers, now.date()) if results else None,
            validators=_validators(answer),
            notes=self._notes(parsed, papers),
        )

    def check(self) -> str:
        """Ask once.

        Raises:
            CollectError: it cannot be reached, or is no feed.
        """
        parsed = self._parsed(self._http.get(self._url, headers=_conditions(None), about=self._name, attempts=1))
        return f"feed {self._name} answers at {self._where} with {len(parsed.entries)} entries"

    @property
    def _where(self) -> str:
        """Host and path, which may be shown; a query can hold a token."""
        parts = urlsplit(self._url)
        return f"{parts.hostname or ''}{parts.path}"

    def _parsed(self, answer: Answer) -> Any:  # noqa: ANN401 - feedparser ships no types
        plain = answer.body.replace(b"\0", b"")
        if _ENTITY.search(plain) or _HIDING.search(plain[:_HEAD]):
            raise BadAnswerError(
                f"{self._where} ({self._name}) declares entities, which no feed needs; it was not read"
            )
        headers = {"content-type": answer.headers.get("content-type", "")}
        body = BytesIO(_REFERENCE.sub(_possible, answer.body))
        try:
            # its own tag filter is left out: here no tag is kept, see `feed_entry.py`
            parsed = feedparser.parse(body, response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
        except _STOPPED as fault:
            kind = type(fault).__name__
            raise BadAnswerError(f"{self._where} ({self._name}) is a broken feed ({kind}); try again later") from None
        if not parsed.get("version"):
            raise BadAnswerError(f"{self._where} ({self._name}) is no RSS or Atom feed; check its address")
        if not _END.search(plain[-_TAIL:]):
            raise BadAnswerError(f"{self._where} ({self._name}) is a cut-off feed; try again later")
        return parsed

    def _notes(self, parsed: Any, papers: tuple[Paper, ...]) -> tuple[str, ...]:  # noqa: ANN401 - as above
        notes = []
        if isinstance(parsed.get("bozo_exception"), SAXException):
            problem = clean_name(str(parsed.bozo_exception))
            notes.append(f"{self._name}: the feed is not well-formed ({problem}); what could be read was kept")
        if undated := sum(paper.listed_on is None for paper in papers):
            notes.append(
                f"{self._name}: entries without a day, or with one to come: {undated}; they were kept without one"
            )
        return tuple(notes)


def _possible(match: re.Match[bytes]) -> bytes:
    hexadecimal, decimal = match.groups()
    digits = (hexadecimal or decimal).lstrip(b"0") or b"0"
    code = int(digits, 16 if hexadecimal else 10) if len(digits) <= len(str(sys.maxunicode)) else sys.maxunicode + 1
    return match[0] if code <= sys.maxunicode and code not in _SURROGATES else b"&#xFFFD;"


def _conditions(validators: Validators | None) -> dict[str, str]:
    headers = {"Accept": _ACCEPT}
    if validators and validators.etag:
        headers["If-None-Match"] = validators.etag
    if validators and validators.last_modified:
        headers["If-Modified-Since"] = validators.last_modified
    return headers


def _validators(answer: Answer) -> Validators | None:
    etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
    return Validators(etag=etag, last_modified=modified) if etag or modified else None


def _oldest(papers: tuple[Paper, ...], today: date) -> date:
    """Return how far back the entries reach: today, where none has a day."""
    return min((paper.listed_on for paper in papers if paper.listed_on), default=today)
