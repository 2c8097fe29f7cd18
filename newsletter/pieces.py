"""A mail in pieces, most of them the same in many mails of an issue, so that work on each is done once.

Only types, and how they are put together again. What a piece says is `newsletter.render`'s to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.model import Rendered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """Pieces that follow each other in many mails: the very same object in each, so that work on it is done once."""

    pieces: tuple[str, ...]


Piece = str | Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A mail's three texts in pieces, most of which are the very same strings in many mails of an issue.

    A piece that is a key of `own` stands for its value, a link of the reader's own. Put together, they are `Rendered`.
    """

    subject: str
    html: Sequence[Piece]
    text: Sequence[Piece]
    own: Mapping[str, str]

    def whole(self) -> Rendered:
        """Return the three texts put together."""
        own = self.own
        html, text = ("".join([own.get(one, one) for one in flat(pieces)]) for pieces in (self.html, self.text))
        return Rendered(subject=self.subject, html=html, text=text)


def flat(pieces: Iterable[Piece]) -> Iterator[str]:
    """Yield pieces one by one, those of passages too."""
    for piece in pieces:
        if isinstance(piece, Passage):
            yield from piece.pieces
        else:
            yield piece
