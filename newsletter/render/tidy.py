"""A plain text in pieces, tidied as the whole would be: no trailing white space, one empty line at most.

What is cut off at a piece's end depends on the piece after it, so line ends and blanks at the ends of pieces are held
back until that is known. Pieces that are the same in many mails are looked at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.model import Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from newsletter.model import Piece

TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
EMPTY_LINES = re.compile(r"\n{3,}")
_KEPT = 20_000
_KEPT_PASSAGES = 500


def tidied(text: str) -> str:
    """Return a text without trailing white space, with one empty line at most and one line end at its end."""
    return _clean(text).strip("\n") + "\n"


def _clean(text: str) -> str:
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        text = TRAILING.sub("", text)
    return EMPTY_LINES.sub("\n\n", text) if "\n\n\n" in text else text


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece from its first to its last word, cut, and what stands around: line ends, then blanks that may yet go.

    `ends` is the last cut piece without, with one and with two line ends.
    """

    before: int
    words: tuple[str, ...]
    ends: tuple[str, str, str]
    after: int
    blanks: str


@dataclass(frozen=True, slots=True)
class _End:
    """Where a text stands: the last cut piece without, with one and with two line ends, and what is held back."""

    ends: tuple[str, str, str] = ("", "\n", "\n")
    line_ends: int = 0
    blanks: str = ""


@dataclass(frozen=True, slots=True)
class _Tidied:
    """A passage, tidied after a certain end: what it adds, and which of the ends before it the piece before gets."""

    before: int | None
    added: tuple[Piece, ...]
    end: _End | None  # its own `ends` are those before where nothing is added
    line_ends: int
    blanks: str


_MARKS = ("without a line end", "with one", "with two")  # stand for the piece before a passage


@dataclass(slots=True)
class Tidier:
    """Tidies texts in pieces; it remembers pieces and passages, and forgets all when they become too many."""

    _known: dict[str, _Piece] = field(default_factory=dict)
    _passages: dict[tuple[Passage, int, str, bool], _Tidied] = field(default_factory=dict)

    def pieces(self, raw: Iterable[Piece], cut: Callable[[str], tuple[str, ...]]) -> list[Piece]:
        """Return pieces that, put together, are what `tidied` makes of the raw ones put together.

        `cut` divides a piece further, each time at the same places, and at none with a blank or a line end.
        """
        out: list[Piece] = []
        end = _End()
        for one in raw:
            end = self._passage(out, one, end, cut) if isinstance(one, Passage) else self._piece(out, one, end, cut)
        if out:
            out[-1] = end.ends[1]
        return out or ["\n"]

    def _piece(self, out: list[Piece], text: str, end: _End, cut: Callable[[str], tuple[str, ...]]) -> _End:
        """Add a piece to what ends so, and return where the text stands then."""
        piece = self._known.get(text) or self._read(text, cut)
        line_ends, blanks = (end.line_ends + piece.before, "") if piece.before else (end.line_ends, end.blanks)
        if not piece.words:
            return _End(end.ends, line_ends, blanks + piece.blanks)
        if line_ends and out:
            out[-1] = end.ends[min(line_ends, 2)]
        if blanks:
            out.append(blanks)
        out += piece.words
        return _End(piece.ends, piece.after, piece.blanks)

    def _passage(self, out: list[Piece], passage: Passage, end: _End, cut: Callable[[str], tuple[str, ...]]) -> _End:
        key = (passage, min(end.line_ends, 2), end.blanks, bool(out))
        found = self._passages.get(key)
        if found is None:
            if len(self._passages) >= _KEPT_PASSAGES:
                self._passages.clear()
            found = self._passages[key] = self._tidied(passage, end, cut, first=not out)
        if found.before is not None:
            out[-1] = end.ends[found.before]
        out += found.added
        return found.end or _End(end.ends, found.line_ends, found.blanks)

    def _tidied(self, passage: Passage, end: _End, cut: Callable[[str], tuple[str, ...]], *, first: bool) -> _Tidied:
        """Tidy a passage behind a mark, which tells what became of the piece before it."""
        out: list[Piece] = [] if first else [""]
        now = _End(_MARKS, end.line_ends, end.blanks)
        for text in passage.pieces:
            now = self._piece(out, text, now, cut)
        before = None if first or out[0] not in _MARKS else _MARKS.index(str(out[0]))
        added = [one for one in out[not first :] if isinstance(one, str)]
        if not added:
            return _Tidied(before, (), None, now.line_ends, now.blanks)
        # the last piece stays by itself: its line ends depend on what follows
        whole = (Passage(tuple(added[:-1])), added[-1]) if len(added) > 1 else (added[-1],)
        return _Tidied(before, whole, now, now.line_ends, now.blanks)

    def _read(self, text: str, cut: Callable[[str], tuple[str, ...]]) -> _Piece:
        if text and "\n" not in text and not text.endswith((" ", "\t")):  # one reader's own line, most often
            words = cut(text)
            return _Piece(0, words, (words[-1], words[-1] + "\n", words[-1] + "\n\n"), 0, "")
        rest = text.rstrip(" \t")
        clean = _clean(rest)
        core = clean.strip("\n")
        words = cut(core) if core else ()
        last = words[-1] if words else ""
        piece = _Piece(
            before=len(clean) - len(clean.lstrip("\n")),
            words=words,
            ends=(last, last + "\n", last + "\n\n"),
            after=len(clean) - len(clean.rstrip("\n")) if words else 0,
            blanks=text[len(rest) :],
        )
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[text] = piece
        return piece
