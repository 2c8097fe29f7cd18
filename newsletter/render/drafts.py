"""What is kept of one issue's mails: what readers of the same papers have in common, and how large pieces are.

All of it was made with the links of one nobody, which stand in for a reader's own. It is dropped when it becomes too
much. What a mail is put together from is decided in `fast`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.model import Passage
from newsletter.render.layout import utf8_bytes
from newsletter.render.page import OWN_WORDS
from newsletter.render.reads import UnforeseenError
from newsletter.render.stand_ins import StandIns
from newsletter.render.tidy import Tidier

if TYPE_CHECKING:
    from newsletter.links import MailLinks
    from newsletter.model import Paper, Piece
    from newsletter.render.page import Selection
    from newsletter.render.parts import Names
    from newsletter.render.program import Begun

_KEPT = 20_000  # of papers, and of pieces' lengths
_KEPT_DRAFTS = 2_000
_SETTLES = 2  # at which reader's mail a draft is made quicker
_COPIED = "a link of nobody's, as tests of an issue have them, stands in the issue itself"


class Kept:
    """All that was made with the links of one nobody, which is one issue's.

    A call looks it up once: another call, of another issue and at the same time, can so never change it meanwhile.
    """

    def __init__(self, nobody: MailLinks, fixed: str) -> None:
        """Begin with nothing; `fixed` is what no issue changes, the words of the templates and the site's."""
        self.stand_ins = StandIns(nobody)
        self.tidier = Tidier()
        self.sizes = Sizes(self.stand_ins)
        self._drafts: dict[object, Draft] = {}
        self._looked_at: dict[int, Paper] = {}  # by identity, and kept since that is the key
        self._last_words: tuple[str, ...] = ()  # that hold no stand-in: most often those of the only issue
        self._fixed_holds_one = self.stand_ins.in_text(fixed)

    def check(self, selection: Selection, notes: tuple[str, str]) -> None:
        """Look whether a stand-in stands in the issue's own words, where no reader's link must take its place.

        Raises:
            UnforeseenError: it does.
        """
        reasons = [reason for one in selection.papers for reason in one.reasons]
        words = (*notes, selection.issue.subject)
        known = words == self._last_words
        if self._fixed_holds_one or self.stand_ins.in_text(*reasons) or not (known or self._plain(words)):
            raise UnforeseenError(1, _COPIED)
        for one in selection.papers:
            if self._looked_at.get(id(one.paper)) is None:
                if self.stand_ins.in_record(one.paper):
                    raise UnforeseenError(1, _COPIED)
                if len(self._looked_at) >= _KEPT:
                    self._looked_at.clear()
                self._looked_at[id(one.paper)] = one.paper

    def draft(self, key: object) -> Draft | None:
        """Return a draft that is kept."""
        return self._drafts.get(key)

    def keep(self, key: object, draft: Draft) -> Draft:
        """Keep a draft."""
        if len(self._drafts) >= _KEPT_DRAFTS:
            self._drafts.clear()
        self._drafts[key] = draft
        return draft

    def html(self, draft: Draft, own_words: Names) -> list[Piece]:
        """Return one more reader's HTML in pieces.

        Raises:
            UnforeseenError: a part fails or spends too much.
            BoundError: the page spends too much.
        """
        draft.readers += 1
        if draft.readers == _SETTLES:
            draft.settle()
        return draft.html_program.pieces({**draft.of_html, **own_words})

    def text(self, draft: Draft, own_words: Names) -> list[Piece]:
        """Return the text of the same reader in pieces; each stand-in was cut out of it.

        Raises:
            UnforeseenError: a part fails or spends too much.
            BoundError: the page spends too much.
        """
        raw = draft.text_program.pieces({**draft.of_text, **own_words})
        return self.tidier.pieces(raw, self.stand_ins.cut)

    def _plain(self, words: tuple[str, ...]) -> bool:
        if self.stand_ins.in_text(*words):
            return False
        self._last_words = words
        return True


@dataclass(slots=True)
class Draft:
    """What readers of the same papers have in common, in one layout.

    The selection is kept, since its papers' identities are in its key.
    """

    selection: Selection
    of_html: Names
    of_text: Names
    html_program: Begun
    text_program: Begun
    readers: int = 0

    def settle(self) -> None:
        """Render all but what reads a reader's own words."""
        self.html_program = self.html_program.settled(self.of_html, OWN_WORDS)
        self.text_program = self.text_program.settled(self.of_text, OWN_WORDS)


class Sizes(dict["Piece", int]):
    """How many bytes pieces have in UTF-8; each is counted once, and looked at."""

    def __init__(self, stand_ins: StandIns) -> None:
        super().__init__()
        self._stand_ins = stand_ins

    def of(self, pieces: list[Piece]) -> int:
        """Return the bytes of all.

        Raises:
            UnforeseenError: a stand-in is not a piece of its own, so that nobody's link would be sent.
        """
        return sum(map(self.__getitem__, pieces))

    def __missing__(self, piece: Piece) -> int:
        if isinstance(piece, Passage):
            size = sum(map(self.__getitem__, piece.pieces))
            self[piece] = size
            return size
        if piece not in self._stand_ins.present and self._stand_ins.stand_in(piece):
            raise UnforeseenError(1, "a link was not cut out")
        if len(self) >= _KEPT:
            self.clear()
        size = self[piece] = utf8_bytes(piece)
        return size
