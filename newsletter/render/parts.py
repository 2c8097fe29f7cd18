"""The parts of a template that was taken apart, each rendered by jinja2 in its sandbox and kept for the next mail.

A part is kept under the values that it read, together with what it spent, so that a mail made of kept parts is held to
the very bounds of one that is rendered whole. Everything kept is dropped when it becomes too much, so that memory stays
flat. Here alone does the fast path run an operator's code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.render.budget import MAX_OUTPUT, MAX_STEPS, measured, spend
from newsletter.render.reads import UnforeseenError

if TYPE_CHECKING:
    from jinja2 import Template

    from newsletter.render.reads import Reads

Names = Mapping[str, object]
Cut = Callable[[str], tuple[str, ...]]

_KEPT_CHARACTERS = 16_000_000
_KEPT_PARTS = 20_000  # of parts, many of them one reader's words, and of cards
_SHARE = 100  # of what a page may spend, one part may spend a hundredth


@dataclass(frozen=True, slots=True)
class Made:
    """Pieces, and what their making spent."""

    pieces: Sequence[str]
    steps: int
    output: int


@dataclass(slots=True)
class Run:
    """What the steps of one program share: the compiled parts, what was kept of them, and how a text is cut.

    `cut` divides a text at the `stand_ins` that it holds, which become pieces of their own.
    """

    template: Template
    whole_cards: bool
    cut: Cut
    stand_ins: frozenset[str]
    parts: dict[object, Made] = field(default_factory=dict)
    cards: dict[object, tuple[object, Made]] = field(default_factory=dict)
    characters: int = 0

    def part(self, number: int, reads: Reads, names: Names) -> Made:
        """Return a part, rendered now or for an earlier mail, and count what it spends.

        Raises:
            UnforeseenError: it fails or spends too much.
            BoundError: all parts together do.
        """
        key = (number, *reads.values(names))
        found = self.parts.get(key)
        if found is not None:
            if found.steps or found.output:
                spend(steps=found.steps, output=found.output)
            return found
        text, steps, output = _filled(self.template, str(number), {name: names[name] for name in reads.names})
        found = Made(self.cut(text), steps, output)
        self._make_room(sum(map(len, found.pieces)))
        self.parts[key] = found
        return found

    def keep_card(self, key: object, card: object, made: Made) -> Made:
        """Keep what was made of a card, and the card, since its identity is in the key."""
        self._make_room(sum(map(len, made.pieces)) if self.whole_cards else 0)
        self.cards[key] = card, made
        return made

    def _make_room(self, characters: int) -> None:
        self.characters += characters
        if self.characters > _KEPT_CHARACTERS or max(len(self.parts), len(self.cards)) >= _KEPT_PARTS:
            self.parts.clear()
            self.cards.clear()
            self.characters = 0


def _filled(template: Template, block: str, context: Names) -> tuple[str, int, int]:
    """Render one block of a template; return its text, and what it spent."""
    sandbox = template.environment
    # a block that calls no other needs no others in its context, which would be built anew for each
    known = sandbox.context_class(sandbox, {**template.globals, **context}, template.name, {})
    with measured() as spent:
        try:
            text = "".join(template.blocks[block](known))
        except Exception as error:
            raise UnforeseenError(1, f"a part of it fails: {error}") from error
    if spent.steps > MAX_STEPS // _SHARE or spent.output > MAX_OUTPUT // _SHARE:
        raise UnforeseenError(1, "one part of the page spends more than a hundredth of what all may")
    return text, spent.steps, spent.output


def shown(value: object, filters: Sequence[Callable[[object], object]], finish: Callable[[object], str]) -> str:
    """Return a value as a template prints it through filters.

    Raises:
        UnforeseenError: a filter fails or spends too much.
    """
    try:
        for one in filters:
            value = one(value)
        return finish(value)
    except Exception as error:
        raise UnforeseenError(1, f"a part of it fails: {error}") from error
