"""One page of arXiv's query API, checked before the `arxiv` package reads it.

The package skips entries that it cannot read without saying so, stops at a date that is none, and reads an error feed,
a cut-off feed or an HTML page as an empty list. Here those become errors; a broken entry is reported and replaced by a
placeholder, so that the package's count of entries, by which it turns pages, stays right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lxml import etree

from newsletter.collect.base import Rejected
from newsletter.collect.clean import clean_name, clean_title
from newsletter.errors import BadAnswerError, SourceRefusedError
from newsletter.model import arxiv_id

if TYPE_CHECKING:
    from collections.abc import Iterable

BROKEN: Final = "urn:newsletter:broken"  # the id of a placeholder

_ATOM = "{http://www.w3.org/2005/Atom}"
_TOTAL = "{http://a9.com/-/spec/opensearch/1.1/}totalResults"
_PLACEHOLDER = {"id": BROKEN, "title": "-", "published": "1970-01-01T00:00:00Z", "updated": "1970-01-01T00:00:00Z"}
_SHOWN = 120  # characters of an outside text in a message


@dataclass(frozen=True, slots=True)
class Page:
    """A page that the package can read, the entries that it could not, and how many results the query has in all."""

    body: bytes
    rejected: tuple[Rejected, ...]
    total: int


def checked(body: bytes, *, where: str) -> Page:
    """Return the page in `body`.

    Raises:
        SourceRefusedError: it is arXiv's error feed; the message has its reason.
        BadAnswerError: it is no whole Atom feed of arXiv's.
    """
    root = _feed(body, where)
    found = list(root.iterfind(f"{_ATOM}entry"))
    for entry in found:
        if "/api/errors" in _text(entry, "id"):
            reason = clean_title(_text(entry, "summary"))[:_SHOWN]
            raise SourceRefusedError(f"{where}: arXiv refuses the query: {reason}; check collect.arxiv")
    rejected = tuple(_mended(found, where))
    total = (root.findtext(_TOTAL) or "").strip()
    if not total.isdecimal():
        raise BadAnswerError(f"{where}: arXiv's answer does not say how many papers there are; try again later")
    return Page(etree.tostring(root, encoding="utf-8") if rejected else body, rejected, int(total))


def _feed(body: bytes, where: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadAnswerError(f"{where}: arXiv's answer is not XML ({clean_name(str(error))[:_SHOWN]})") from None
    if root.tag != f"{_ATOM}feed":
        raise BadAnswerError(f"{where}: the answer is no Atom feed; check the address")
    return root


def _mended(entries: Iterable[etree._Element], where: str) -> Iterable[Rejected]:
    for number, entry in enumerate(entries, start=1):
        problem = _problem(entry)
        if not problem:
            continue
        shown = clean_name(_text(entry, "id"))[:_SHOWN] or f"entry {number}"
        yield Rejected(where=f"{where}, {shown}", reason=problem)
        for child in list(entry):
            entry.remove(child)
        for name, text in _PLACEHOLDER.items():
            etree.SubElement(entry, f"{_ATOM}{name}").text = text


def _problem(entry: etree._Element) -> str:
    if arxiv_id(_text(entry, "id")) is None:
        return "its id is not arXiv's"
    if not clean_title(_text(entry, "title")):
        return "no title"
    dates = (_text(entry, "published"), _text(entry, "updated"))
    return "" if all(map(_is_moment, dates)) else "no date that can be read"


def _is_moment(text: str) -> bool:
    try:  # as the package reads it
        moment = datetime.fromisoformat(text.strip())
        moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _text(entry: etree._Element, name: str) -> str:
    return entry.findtext(f"{_ATOM}{name}") or ""
