"""The entries of a saved Daily Papers page: which of its lines are a title, an abstract, authors and a date.

It finds where an entry begins and ends and reads nothing into it: `saved_page.py` makes papers of what is found here.

Paragraphs are parted by empty lines and their own lines are joined. After an entry's paragraphs most pages have a foot:
authors or an organisation, a dot, a date. Between two feet the paragraphs are titles and abstracts in turn; where one
is missing or one too many, titles (none of 9,218 recorded ones is longer than 175 characters or ends with a full stop)
and abstracts (none is shorter than 165 characters) are told apart by their looks, so that one broken entry costs no
other one. A long paragraph where a title should stand belongs to the abstract before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from newsletter.collect.base import Rejected
from newsletter.collect.clean import MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LONGEST_TITLE = 250
_AUTHORS = re.compile(r"[•*-]\s*(\d{1,3}(?:,\d{3})?|\d{4,6})\s+authors?")
# who (authors or organisation), a dot, a date; or the authors alone
_FOOT = re.compile(rf"(?:^(.{{1,120}})\n)?^·$(?:\n(.*)$)?|^({_AUTHORS.pattern.replace('(', '(?:', 1)})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph and the number (from 1) of its first line."""

    line: int
    text: str

    @property
    def is_long(self) -> bool:
        """Whether it is too long for a title."""
        return len(self.text) > _LONGEST_TITLE

    def with_more(self, more: Paragraph) -> Paragraph:
        """Return it with another one joined to it, unless it is longer than any abstract already."""
        return self if len(self.text) > MAX_TEXT else replace(self, text=f"{self.text} {more.text}")

    @property
    def looks_like_abstract(self) -> bool:
        """Whether it is too long for a title or ends as a sentence does."""
        return self.is_long or self.text.endswith(".")


@dataclass(frozen=True, slots=True)
class Foot:
    """What stands below an abstract: line number, author count or organisation, and the date; both texts as written."""

    line: int
    author_count: int = 0
    organisation: str = ""
    published: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper of the page as its lines give it."""

    title: Paragraph
    abstract: Paragraph
    foot: Foot | None = None


def rejected(where: str, line: int, reason: str) -> Rejected:
    """Return what is said of an entry that was left out."""
    return Rejected(where=f"{where}, line {line}", reason=reason)


def entries(lines: Sequence[tuple[int, str]], *, where: str) -> Iterator[Entry | Rejected]:
    """Yield the entries among the page's numbered lines, in their order, and what is none."""
    paragraphs: list[Paragraph] = []
    for line, block in _blocks(lines):
        for part in _parts(line, block):
            if isinstance(part, Paragraph):
                paragraphs.append(part)
            else:
                yield from _pair(paragraphs, part, where)
                paragraphs = []
    yield from _pair(paragraphs, None, where)


def _blocks(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield runs of lines with no empty one among them, as one text, each with the number of its first line."""
    for is_empty, run in groupby(lines, key=lambda line: not line[1].strip()):
        if not is_empty:
            block = list(run)
            yield block[0][0], "\n".join(text.strip() for _, text in block)


def _parts(line: int, block: str) -> Iterator[Paragraph | Foot]:
    """Split a block into paragraphs and feet; mostly it is one of either."""
    at = 0
    for match in _FOOT.finditer(block):
        if between := block[at : match.start()].strip():
            yield Paragraph(line, " ".join(between.split("\n")))
        line += block.count("\n", at, match.start())
        yield _foot(line, match)
        line += block.count("\n", match.start(), match.end())
        at = match.end()
    if left := block[at:].strip():
        yield Paragraph(line, " ".join(left.split("\n")))


def _foot(line: int, match: re.Match[str]) -> Foot:
    who, published, alone = (group or "" for group in match.groups())
    authors = _AUTHORS.fullmatch(who or alone)
    count = int(authors[1].replace(",", "")) if authors else 0
    return Foot(line, author_count=count, organisation="" if authors else who, published=published)


def _pair(paragraphs: Sequence[Paragraph], foot: Foot | None, where: str) -> Iterator[Entry | Rejected]:
    """Yield what stands between two feet; the foot belongs to the last entry."""
    if foot and not paragraphs:
        yield rejected(where, foot.line, "authors and a date without a paper")
    found: list[Entry | Rejected] = []
    at = 0
    while at < len(paragraphs):
        here, rest = paragraphs[at], paragraphs[at + 1 : at + 4]
        before = found[-1] if found else None
        if here.is_long and isinstance(before, Entry):
            found[-1] = replace(before, abstract=before.abstract.with_more(here))
        elif here.is_long:
            found.append(rejected(where, here.line, "an abstract without a title"))
        elif not _is_abstract(rest, foot):
            found.append(rejected(where, here.line, f"no abstract after {here.text[:60]!r}"))
        else:
            found.append(Entry(here, rest[0]))
            at += 1
        at += 1
    if found and isinstance(found[-1], Entry):
        found[-1] = replace(found[-1], foot=foot)
    yield from found


def _is_abstract(rest: Sequence[Paragraph], foot: Foot | None) -> bool:
    """Whether the first of `rest` is the abstract of the title before it, and not the next title."""
    if not rest:
        return False
    if rest[0].looks_like_abstract:
        return True
    if len(rest) == 1:
        return foot is not None
    # A short one: it is an abstract if behind it title and abstract follow in turn; else it is a title itself.
    return not rest[1].looks_like_abstract and len(rest) > 2 and rest[2].looks_like_abstract  # noqa: PLR2004 - in turn
