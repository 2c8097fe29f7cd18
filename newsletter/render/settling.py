"""What many mails have in common, rendered once: for an issue, and for all who get the same papers.

A step that was rendered stays in its place as `Ready`, with what it spent, and counts that in every mail. The rendering
itself is on an account of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from newsletter.model import Passage
from newsletter.render.budget import measured, spending_apart
from newsletter.render.reads import UnforeseenError
from newsletter.render.steps import Choice, Part, Ready, Sections, write_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.render.parts import Names, Run
    from newsletter.render.steps import Step


def begun(steps: Sequence[Step], run: Run, names: Names) -> tuple[Step, ...]:
    """Return the steps with all that is steady in an issue rendered for `names`, and neighbours put together."""
    made: list[Step] = []
    for step in steps:
        one, last = _begun(step, run, names), made[-1] if made else None
        if isinstance(one, Ready) and isinstance(last, Ready):
            pieces = run.cut("".join((*last.pieces, *one.pieces)))
            made[-1] = Ready(pieces, last.steps + one.steps, last.output + one.output)
        else:
            made.append(one)
    return tuple(made)


def _begun(step: Step, run: Run, names: Names) -> Step:
    if isinstance(step, Part) and step.steady:
        try:
            with spending_apart():
                part = run.part(step.number, step.reads, names)
        except UnforeseenError:  # perhaps it stands in a branch not taken
            return step
        return Ready(tuple(part.pieces), part.steps, part.output)
    if isinstance(step, Choice):
        return Choice(step.condition, begun(step.then, run, names), begun(step.otherwise, run, names))
    if isinstance(step, Sections):
        return replace(step, body=begun(step.body, run, names))
    return step


@dataclass(frozen=True, slots=True)
class Settled:
    """What readers of the same papers have in common, as one passage, and what its making spent."""

    passage: Passage
    steps: int
    output: int


def settled(steps: Sequence[Step], run: Run, names: Names, own: frozenset[str]) -> tuple[Step | Settled, ...]:
    """Return the steps with all rendered but for those that read one of the names `own`.

    Raises:
        UnforeseenError: a part fails or spends too much.
        BoundError: all together do.
    """
    made: list[Step | Settled] = []
    for is_own, some in groupby(steps, lambda step: step.reads_any(own)):
        if is_own:
            made += some
        else:
            pieces: list[str] = []
            with spending_apart(), measured() as spent:
                write_all(some, run, names, pieces)
            made.append(Settled(Passage(tuple(pieces)), spent.steps, spent.output))
    return tuple(made)
