"""One paper as somebody names it: by an arXiv id in any of its usual forms, by the id it is stored under, by its title.

Text in, a reference out: it opens no file, asks no server and looks nothing up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from newsletter.collect.clean import clean_title
from newsletter.model import arxiv_id

_LONGEST = 500  # characters of a name that are looked at
_SHOWN = 80  # and that a message shows
# arXiv's pages and those of the sites that carry its ids; DOIs as in https://info.arxiv.org/help/doi.html.
_PREFIX = re.compile(
    r"(?:https?://)?(?:"
    r"(?:[a-z0-9-]+\.)*(?:arxiv|ar5iv|alphaxiv)\.org/(?:abs|pdf|html|format|overview)/"
    r"|(?:www\.)?(?:huggingface\.co|hf\.co)/papers/"
    r"|(?:www\.|dx\.)?doi\.org/10\.48550/arxiv\."
    r")|(?:doi:\s*)?10\.48550/arxiv\.|(?:oai:)?arxiv(?:\.org)?:\s*",
    re.IGNORECASE,
)
_PARTING = re.compile(r"[\s,;]+")
_END = re.compile(r"[\s?#,;\[\](){}<>\"]")  # what no id holds: a note, a query or a subject class follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One paper as it was named.

    `id` is a version-less arXiv id, else what may be the id of a stored paper, else "". `title` is plain text, "" where
    none is named. `name` is what messages call it: its place (file and line or key) and its words, in one line.
    """

    name: str
    id: str = ""
    title: str = ""


def named_id(text: str) -> str | None:
    """Return the version-less arXiv id that `text` names: bare, as `arXiv:`, as a DOI, or as the URL of a page of it.

    What follows the id (a note, `[cs.CL]`, a query) is passed over.
    """
    return mentioned_id(text) or arxiv_id(_first_word(text))


def mentioned_id(text: str) -> str | None:
    """Return the arXiv id that `text` begins with, if something before it says that it is one of arXiv."""
    start = text.lstrip()[:_LONGEST]
    prefix = _PREFIX.match(start)
    if prefix is None:
        return None
    word = _first_word(start[prefix.end() :]).strip("/")
    return arxiv_id(word[:-4] if word.lower().endswith(".pdf") else word)


def reference(text: str, *, where: str = "") -> Reference:
    """Return what a line of text names: an arXiv id, else the id of a stored paper (one word) or a title."""
    if found := named_id(text):
        return Reference(name=name_of(text, where=where), id=found)
    title = clean_title(text)
    return Reference(name=name_of(text, where=where), id="" if " " in title else title, title=title)


def references(line: str, *, where: str = "") -> tuple[Reference, ...]:
    """Return what a line names: several arXiv ids parted by spaces, commas or semicolons, else one paper."""
    parts = [part for part in _PARTING.split(line) if part]
    several = len(parts) > 1 and all(map(named_id, parts))
    return tuple(reference(part, where=where) for part in (parts if several else [line]))


def name_of(words: str, *, where: str = "") -> str:
    """Return what a message calls a reference: its place, if it has one, and its words, shortened."""
    shown = clean_title(words)
    shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
    return f"{where}: {shown}" if where else shown


def _first_word(text: str) -> str:
    return _END.split(text.strip()[:_LONGEST], maxsplit=1)[0]
