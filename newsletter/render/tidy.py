"""A plain text in pieces, tidied as the whole would be: no trailing white space, one empty line at most.

What is cut off at a piece's end depends on the piece after it, so line ends and blanks at the ends of pieces are held
back until that is known. Pieces that are the same in many mails are looked at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
EMPTY_LINES = re.compile(r"\n{3,}")
_KEPT = 20_000


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


@dataclass(slots=True)
class Tidier:
    """Tidies texts in pieces; it remembers pieces, and forgets all when they become too many."""

    _known: dict[str, _Piece] = field(default_factory=dict)

    def pieces(self, raw: Iterable[str], cut: Callable[[str], tuple[str, ...]]) -> list[str]:
        """Return pieces that, put together, are what `tidied` makes of the raw ones put together.

        `cut` divides a piece further, each time at the same places, and at none with a blank or a line end.
        """
        out: list[str] = []
        ends = ("", "\n", "\n")  # of the words before
        line_ends, blanks = 0, ""
        for text in raw:
            piece = self._known.get(text) or self._read(text, cut)
            if piece.before:
                line_ends, blanks = line_ends + piece.before, ""
            if not piece.words:
                blanks += piece.blanks
                continue
            if line_ends and out:
                out[-1] = ends[min(line_ends, 2)]
            if blanks:
                out.append(blanks)
            out += piece.words
            line_ends, blanks, ends = piece.after, piece.blanks, piece.ends
        if out:
            out[-1] = ends[1]
        return out or ["\n"]

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
