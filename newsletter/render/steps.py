"""The steps of a template that was taken apart, and how they write a page as pieces.

Each counts what jinja2 would count for the same: turns of loops here, all else where parts are rendered (`parts`). A
card's pieces are kept with the card. What a step is made from is for `program` to know, and what is bound once for many
mails for `settling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from newsletter.render.budget import measured, spend
from newsletter.render.parts import Made, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from newsletter.render.parts import Names, Run
    from newsletter.render.reads import Read, Reads

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


class Step(Protocol):
    """One step of a template."""

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add this step's pieces to `out`."""

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether it reads one of these names of the page."""


def write_all(steps: Iterable[Step], run: Run, names: Names, out: list[str]) -> None:
    """Add the pieces of all steps to `out`."""
    for step in steps:
        step.write(run, names, out)


@dataclass(frozen=True, slots=True)
class Ready:
    """Pieces that are known already, and what their making spent."""

    pieces: tuple[str, ...]
    steps: int = 0
    output: int = 0

    def reads_any(self, own: frozenset[str]) -> bool:
        """Nothing is read any more."""
        del own
        return False

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add them."""
        del run, names
        if self.steps or self.output:
            spend(steps=self.steps, output=self.output)
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
        out += run.part(self.number, self.reads, names).pieces


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
        out.append(shown(value, self.filters, self.finish))


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
        holds = any(run.part(self.condition.number, self.condition.reads, names).pieces)
        write_all(self.then if holds else self.otherwise, run, names, out)


@dataclass(frozen=True, slots=True)
class Sections:
    """A loop over the sections; `weight` is what jinja2 counts for what a turn prints, in characters."""

    target: str
    source: Read
    body: tuple[Step, ...]
    weight: int

    def reads_any(self, own: frozenset[str]) -> bool:
        """Whether a turn reads one of these names."""
        return self.source.name in own or any(step.reads_any(own) for step in self.body)

    def write(self, run: Run, names: Names, out: list[str]) -> None:
        """Add each section."""
        items = _items(self.source, names)
        spend(steps=len(items), output=self.weight * len(items))
        for place, item in enumerate(items):
            turn = Turn(index0=place, length=len(items))
            write_all(self.body, run, {**names, self.target: item, "loop": turn}, out)


@dataclass(frozen=True, slots=True)
class Cards:
    """A loop over a section's cards; each card's pieces are kept under its identity and what else its body reads.

    `weight` is as with `Sections`; `turns` says whether the body asks for `loop`.
    """

    number: int
    target: str
    source: Read
    body: tuple[Step, ...]
    weight: int
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
        taken, output = len(items), self.weight * len(items)
        for place, item in enumerate(items):
            key: object = (id(item), others, place, len(items)) if self.turns else (id(item), others)
            if found := known.get(key):
                made = found[1]
                taken, output = taken + made.steps, output + made.output
            else:
                made = self._made(key, item, Turn(index0=place, length=len(items)), run, names)
            out += made.pieces
        spend(steps=taken, output=output)

    def _made(self, key: object, item: object, turn: Turn, run: Run, names: Names) -> Made:
        pieces: list[str] = []
        with measured() as spent:
            write_all(self.body, run, {**names, self.target: item, "loop": turn}, pieces)
        few = ["".join(pieces)] if run.whole_cards else _joined(pieces, run.stand_ins)
        return run.keep_card(key, item, Made(few, spent.steps, spent.output))


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
