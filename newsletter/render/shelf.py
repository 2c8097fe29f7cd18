"""Cards that are made once: each variant of a paper, for all readers who get it in the same place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.render.cards import Card, CardStyle, make_card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.model import RankedPaper

_KEPT = 20_000
_Variants = tuple["RankedPaper", dict[int, Card]]


class CardShelf:
    """A card maker that makes each variant of a paper's card once; for what is new it asks `make_card`.

    Papers are told apart by identity, which is quick, and safe since a card is kept together with its paper. Cards that
    differ in their number alone share all else. All are forgotten when they become too many.
    """

    def __init__(self) -> None:
        self._kept = 0
        self._shelves: dict[CardStyle, dict[object, _Variants]] = {}

    def __call__(self, papers: Sequence[RankedPaper], first: int, style: CardStyle, *, full: bool) -> tuple[Card, ...]:
        """Return the cards of papers that stand one after the other."""
        shelf = self._shelves.setdefault(style, {})
        cards = []
        for number, ranked in enumerate(papers, first):
            as_card = full and number <= style.layout.cards
            found = shelf.get((id(ranked.paper), ranked.reasons, as_card))
            card = found[1].get(number) if found else None
            if card is None:
                if found:
                    card = replace(next(iter(found[1].values())), number=number)
                else:
                    card = make_card(ranked, number, style, full=as_card)
                self._keep(shelf, ranked, number, card)
            cards.append(card)
        return tuple(cards)

    def _keep(self, shelf: dict[object, _Variants], ranked: RankedPaper, number: int, card: Card) -> None:
        if self._kept >= _KEPT:
            self._kept = 0
            self._shelves.clear()
            shelf.clear()
        self._kept += 1
        shelf.setdefault((id(ranked.paper), ranked.reasons, card.full), (ranked, {}))[1][number] = card
