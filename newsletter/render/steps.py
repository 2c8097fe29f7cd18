"""The steps of a template that was taken apart, and how they write a page as pieces.

A part is rendered by jinja2 in its sandbox and kept under the values that it read; what is the same in all mails of an
issue is bound once; a card's pieces are kept with the card. Everything kept is dropped when it becomes too much, so
that memory stays flat. What a step is made from is for `program` to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from newsletter.render.environment import fill

if TYPE_CHECKING:
    from jinja2 import Template

    from newsletter.render.reads import Read, Reads

Names = Mapping[str, object]
Cut = Callable[[str], tuple[str, ...]]

_KEPT_CHARACTERS = 16_000_000
_KEPT_CARDS = 20_000
_SMALL = 600  # characters: what varies from mail to mail is joined up to it, what is larger stays one shared string


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a template may ask of `loop` where a loop is turned here; as jinja2 counts."""

    index0: int
    length: int

    @property
    def index(self) -> int:
        """The number of the turn, from 1."""
        return self.index0 + 1

    @property
    def revindex(self) -> int:
        """How many turns are left, this one included."""
        return self.length - self.index0

    @property
    def revindex0(self) -> int:
        """How many turns are left after this one."""
        return self.length - self.index0 - 1

    @property
    def first(self) -> bool:
        """Whether this is the first turn."""
        return self.index0 == 0

    @property
    def last(self) -> bool:
        """Whether this is the last turn."""
        return self.index0 == self.length - 1


@dataclass(slots=True)
class Run:
    """What the steps of one program share: the compiled parts, what was kept of them, and how a text is cut.

    `cut` divides a text at the `stand_ins` that it holds, which become pieces of their own.
    """

    template: Template
    whole_cards: bool
    cut: Cut
    stand_ins: frozenset[str]
    parts: dict[object, tuple[str, ...]] = field(default_factory=dict)
    cards: dict[object, tuple[object, Sequence[str]]] = field(default_factory=dict)
    characters: int = 0

    def part(self, number: int, reads: Reads, names: Names) -> tuple[str, ...]:
        """Return a part, rendered now or for an earlier mail."""
        key = (number, *reads.values(names))
        found = self.parts.get(key)
        if found is None:
            found = self.cut(fill(self.template, str(number), {name: names[name] for name in reads.names}))
            self._make_room(sum(map(len, found)))
            self.parts[key] = found
        return found

    def keep_card(self, key: object, card: object, pieces: Sequence[str]) -> Sequence[str]:
        """Keep the pieces of a card, and the card, since its identity is in the key."""
        self._make_room(sum(map(len, pieces)) if self.whole_cards else 0)
        self.cards[key] = card, pieces
        return pieces

    def _make_room(self, characters: int) -> None:
        self.characters += characters
        if self.characters > _KEPT_CHARACTERS or len(self.cards) >= _KEPT_CARDS:
            self.parts.clear()
            self.cards.clear()
            self.characters = 0


class Step(Protocol):
    """One step of a template."""

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add this step's pieces to `out`."""

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether it reads one of these names of the page."""


def write_all(steps: Sequence[Step], run: Run, names: Names, out: list[str]) -> None:
    """Add the pieces of all steps to `out`."""
    for step in steps:
        step.write(run, names, out)


@dataclass(frozen=True, slots=True)
class Ready:
    """Pieces that are known already."""

    pieces: tuple[str, ...]

    def reads_any(self, own: frozenset[str]) -> bool:
        """Nothing is read any more."""
        del own
        return False

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add them."""
        del run, names
        out += self.pieces


@dataclass(frozen=True, slots=True)
class Part:
    """What jinja2 renders; `steady` where it is the same in all mails of an issue."""

    number: int
    reads: Reads
    steady: bool

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether it reads one of these names."""
        return not own.isdisjoint(self.reads.names)

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add it."""
        out += run.part(self.number, self.reads, names)


@dataclass(frozen=True, slots=True)
class Print:
    """A value that is printed as it is, or through filters; as jinja2 prints it, without a call of jinja2."""

    name: str
    field: str
    filters: tuple[Callable[[object], object], ...]
    finish: Callable[[object], str]

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether it prints one of these names."""
        return self.name in own

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add it."""
        del run
        value = getattr(names[self.name], self.field) if self.field else names[self.name]
        for one in self.filters:
            value = one(value)
        out.append(self.finish(value))


@dataclass(frozen=True, slots=True)
class Choice:
    """An `{% if %}`; its condition is a part that renders nothing where it does not hold."""

    condition: Part
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether the condition or a branch reads one of these names."""
        return any(step.reads_any(own) for step in (self.condition, *self.then, *self.otherwise))

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add one branch."""
        holds = any(run.part(self.condition.number, self.condition.reads, names))
        write_all(self.then if holds else self.otherwise, run, names, out)


@dataclass(frozen=True, slots=True)
class Sections:
    """A loop over the sections."""

    target: str
    source: Read
    body: tuple[Step, ...]

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether a turn reads one of these names."""
        return self.source.name in own or any(step.reads_any(own) for step in self.body)

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add each section."""
        items = _items(self.source, names)
        for place, item in enumerate(items):
            turn = Turn(index0=place, length=len(items))
            write_all(self.body, run, {**names, self.target: item, "loop": turn}, out)


@dataclass(frozen=True, slots=True)
class Cards:
    """A loop over a section's cards; each card's pieces are kept under its identity and what else its body reads."""

    number: int
    target: str
    source: Read
    body: tuple[Step, ...]
    others: Reads
    turns: bool

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether a turn reads one of these names."""
        return self.source.name in own or any(step.reads_any(own) for step in self.body)

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add each card."""
        items = _items(self.source, names)
        others = (self.number, *self.others.values(names))
        known = run.cards
        for place, item in enumerate(items):
            key: object = (id(item), others, place, len(items)) if self.turns else (id(item), others)
            found = known.get(key)
            out += found[1] if found else self._made(key, item, Turn(index0=place, length=len(items)), run, names)

    def _made(self, key: object, item: object, turn: Turn, run: Run, names: Names) -> Sequence[str]:
        pieces: list[str] = []
        write_all(self.body, run, {**names, self.target: item, "loop": turn}, pieces)
        return run.keep_card(key, item, ["".join(pieces)] if run.whole_cards else _joined(pieces, run.stand_ins))


def begun(steps: Sequence[Step], run: Run, names: Names) -> tuple[Step, ...]:
    """Return the steps with all that is steady in an issue rendered for `names`, and neighbours put together."""
    made: list[Step] = []
    for step in steps:
        one = _begun(step, run, names)
        if isinstance(one, Ready) and made and isinstance(made[-1], Ready):
            made[-1] = Ready(run.cut("".join((*made[-1].pieces, *one.pieces))))
        else:
            made.append(one)
    return tuple(made)


def _begun(step: Step, run: Run, names: Names) -> Step:
    if isinstance(step, Part) and step.steady:
        try:
            return Ready(run.part(step.number, step.reads, names))
        except Exception:  # noqa: BLE001 - an operator's template can raise anything, perhaps in a branch not taken
            return step
    if isinstance(step, Choice):
        return Choice(step.condition, begun(step.then, run, names), begun(step.otherwise, run, names))
    if isinstance(step, Sections):
        return Sections(step.target, step.source, begun(step.body, run, names))
    return step


def settled(steps: Sequence[Step], run: Run, names: Names, own: frozenset[str]) -> tuple[Step, ...]:
    """Return the steps with all rendered but for those that read one of the names `own`."""
    made: list[Step] = []
    for step in steps:
        if step.reads_any(own):
            made.append(step)
        else:
            pieces: list[str] = []
            step.write(run, names, pieces)
            made.append(Ready(tuple(pieces)))
    return tuple(made)


def _joined(pieces: Sequence[str], stand_ins: frozenset[str]) -> list[str]:
    """Join neighbours that are small; a stand-in stays a piece of its own."""
    out: list[str] = []
    run: list[str] = []
    size = 0
    for piece in pieces:
        large = len(piece) >= _SMALL or piece in stand_ins
        if run and (large or size >= _SMALL):
            out.append("".join(run))
            run, size = [], 0
        if large:
            out.append(piece)
        else:
            run.append(piece)
            size += len(piece)
    return [*out, "".join(run)] if run else out


def _items(source: Read, names: Names) -> Sequence[object]:
    found = names[source.name]
    items: Sequence[object] = getattr(found, source.field) if source.field else found  # type: ignore[assignment]  # by its kind
    return items
