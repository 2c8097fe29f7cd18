"""What a template's markup is made of, read once: elements, placeholders and their places, each with its origin.

The marked document is the flattened template in which every `{{ }}` and `{% %}` is a bare ASCII word, its mark. Reading
tells for each mark whether it stands in text, in an attribute, in a comment, in a style or in the title. It judges
nothing; `lint` does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.render.flatten import Piece

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
MARK = re.compile(r"tplmark(\d{5})e")


def mark(number: int) -> str:
    """Return the word that stands for the tag with this number."""
    return f"tplmark{number:05d}e"


@dataclass(frozen=True)
class MarkedDocument:
    """A flattened template with marks in place of its tags."""

    pieces: tuple[Piece, ...]

    @cached_property
    def tags(self) -> tuple[Piece, ...]:
        """The `{{ }}` and `{% %}` in order; a mark's number is its index here."""
        return tuple(piece for piece in self.pieces if piece.word is not None)

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        numbers = iter(range(len(self.pieces)))
        return tuple(piece.text if piece.word is None else mark(next(numbers)) for piece in self.pieces)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(accumulate((len(text) for text in self._texts), initial=0))

    @property
    def html(self) -> str:
        """The whole document with its marks."""
        return "".join(self._texts)

    def place(self, offset: int) -> tuple[str, int]:
        """Return the template and line that the character at `offset` of the marked document came from."""
        index = min(bisect_right(self._starts, offset) - 1, len(self.pieces) - 1)
        piece = self.pieces[index]
        before = "" if piece.word is not None else piece.text[: offset - self._starts[index]]
        return piece.template, piece.line + before.count("\n")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing in the markup, in document order, at `offset` (characters).

    `kind` is `start`, `end`, `text` (its `name` is the text), `mark` (`name` is its number in digits) or `attribute`
    (`name` is `name=value`). `within` is the innermost open element; for a mark in an attribute it is `@name`, in a
    comment `!comment`.
    """

    kind: str
    name: str
    within: str
    offset: int


def read_markup(html: str) -> tuple[Event, ...]:
    """Return the events of a document; broken markup is read as far as it goes, and `lint` finds the break."""
    reader = _Reader(html)
    reader.feed(html)
    reader.close()
    return tuple(reader.events)


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.events: list[Event] = []
        self._open: list[str] = []
        self._lines = tuple(accumulate((len(line) + 1 for line in html.split("\n")), initial=0))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add("start", tag)
        for name, value in attrs:
            self._add("attribute", f"{name}={value or ''}", tag)
            self._marks(f"{name} {value or ''}" if MARK.search(name) else value or "", f"@{name}")
        self._marks(tag, "@")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._add("end", tag)
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._add("text", data)
        self._marks(data, self._within)

    def handle_comment(self, data: str) -> None:
        self._marks(data, "!comment")

    def handle_decl(self, decl: str) -> None:
        self._marks(decl, "!doctype")

    @property
    def _within(self) -> str:
        return self._open[-1] if self._open else ""

    def _marks(self, text: str, within: str) -> None:
        for match in MARK.finditer(text):
            self._add("mark", match[1], within)

    def _add(self, kind: str, name: str, within: str | None = None) -> None:
        line, column = self.getpos()
        self.events.append(
            Event(kind, name, self._within if within is None else within, self._lines[line - 1] + column)
        )
