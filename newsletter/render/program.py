"""A template taken apart into steps, so that a mail is a list of pieces, most of them made for an earlier mail.

Put together, the pieces are what the whole template would have rendered: each part is run by jinja2 itself, in the same
sandbox, under the values that it reads (`reads`). Loops over sections and cards are turned by `steps`. A template that
cannot be taken apart raises UnforeseenError, and is then rendered whole. Nothing here knows of mail or bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from jinja2 import Template, TemplateSyntaxError, nodes
from markupsafe import escape

from newsletter.render.bounds import turn_weight
from newsletter.render.budget import spend, spending
from newsletter.render.parts import Run
from newsletter.render.reads import (
    Kind,
    Read,
    Reads,
    Scope,
    UnforeseenError,
    looped,
    page_scope,
    reads_of,
    tested,
    value_read,
)
from newsletter.render.settling import Settled, begun, settled
from newsletter.render.steps import Cards, Choice, Part, Print, Ready, Sections, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from newsletter.pieces import Piece
    from newsletter.render.parts import Cut, Names

_KEPT_ISSUES = 4


class Program:
    """One template's parts in their order. With `whole_cards` a card is one piece, else as many as it has parts."""

    def __init__(self, sandbox: ImmutableSandboxedEnvironment, tree: nodes.Template, *, whole_cards: bool) -> None:
        """Take a parsed template apart, which is used up by it.

        Raises:
            UnforeseenError: it cannot be; the line is that of the parsed source.
        """
        self._parts = _Parts(sandbox)
        self._steps = _steps(tree.body, page_scope(), self._parts)
        if not self._parts.cards:
            raise UnforeseenError(1, "no plain loop over the cards of a section was found")
        self._template = self._parts.compiled()
        self._steady = Reads(self._parts.steady)
        self._whole_cards = whole_cards
        self._begun: dict[object, Begun] = {}

    def begun(self, names: Names, cut: Cut, stand_ins: frozenset[str] = frozenset()) -> Begun:
        """Return the program with all that is steady in this issue rendered; `names` are those of any of its mails.

        `cut` divides what a part rendered at the `stand_ins`, always alike for the same values of links.
        """
        key = (stand_ins, *self._steady.values(names))
        found = self._begun.get(key)
        if found is None:
            if len(self._begun) >= _KEPT_ISSUES:
                self._begun.clear()
            run = Run(self._template, self._whole_cards, cut, stand_ins)
            found = self._begun[key] = Begun(begun(self._steps, run, names), run)
        return found


@dataclass(frozen=True, slots=True)
class Begun:
    """A program some of whose parts are rendered."""

    steps: tuple[Step | Settled, ...]
    run: Run

    def settled(self, names: Names, own: frozenset[str]) -> Begun:
        """Return the program with all rendered but for what reads one of the names `own`; once that is done, itself.

        Raises:
            UnforeseenError: a part fails or spends too much.
            BoundError: the page spends too much.
        """
        open_steps = [step for step in self.steps if not isinstance(step, Settled)]
        if len(open_steps) < len(self.steps):  # two senders may come to the same draft at once
            return self
        return Begun(settled(open_steps, self.run, names, own), self.run)

    def pieces(self, names: Names) -> list[Piece]:
        """Return a page as pieces; what was settled comes as passages.

        Raises:
            UnforeseenError: a part fails or spends too much.
            BoundError: the page spends too much.
        """
        out: list[Piece] = []
        with spending():
            for step in self.steps:
                if isinstance(step, Settled):
                    spend(steps=step.steps, output=step.output)
                    out.append(step.passage)
                else:
                    written: list[str] = []
                    step.write(self.run, names, written)
                    out += written
        return out


@dataclass(slots=True)
class _Parts:
    """The bodies of the parts, compiled together as the blocks of one template."""

    sandbox: ImmutableSandboxedEnvironment
    bodies: list[list[nodes.Node]] = field(default_factory=list)
    steady: set[Read] = field(default_factory=set)
    cards: int = 0

    def part(self, body: list[nodes.Node], reads: frozenset[Read], scope: Scope) -> Part:
        self.bodies.append(body)
        of_page = page_scope()
        steady = all(read.steady and read.name in of_page and scope[read.name] is of_page[read.name] for read in reads)
        if steady:
            self.steady |= reads
        return Part(len(self.bodies) - 1, Reads(reads), steady)

    def compiled(self) -> Template:
        blocks: list[nodes.Node] = [
            nodes.Block(str(number), body, False, False, lineno=1)  # neither scoped nor required
            for number, body in enumerate(self.bodies)
        ]
        tree = nodes.Template(blocks, lineno=1)
        tree.set_environment(self.sandbox)
        try:
            code = self.sandbox.compile(tree)
        except TemplateSyntaxError as error:
            raise UnforeseenError(error.lineno, error.message or "") from None
        return Template.from_code(self.sandbox, code, dict(self.sandbox.globals))


def _steps(body: Sequence[nodes.Node], scope: Scope, parts: _Parts) -> tuple[Step, ...]:
    steps: list[Step] = []
    steady: list[nodes.Node] = []  # neighbours whose output is the same in many mails: one part, or plain text

    def flush() -> None:
        if steady:
            steps.append(_joined(steady, scope, parts))
            steady.clear()

    for node in _flat(body):
        if _leaks(node):
            raise UnforeseenError(node.lineno, "{% set %} outside of a loop is not taken apart")
        loop = _loop(node, scope, parts) if isinstance(node, nodes.For) else None
        if loop is None and not _holds_loop(node, scope) and all(read.steady for read in reads_of(node, scope)):
            steady.append(node)
            continue
        flush()
        steps.append(loop or _varying(node, scope, parts))
    flush()
    return tuple(steps)


def _flat(body: Sequence[nodes.Node]) -> list[nodes.Node]:
    """Give each thing that is printed an Output of its own."""
    flat: list[nodes.Node] = []
    for node in body:
        if isinstance(node, nodes.Output):
            flat += [nodes.Output([part], lineno=part.lineno) for part in node.nodes]
        else:
            flat.append(node)
    return flat


def _joined(steady: list[nodes.Node], scope: Scope, parts: _Parts) -> Step:
    data = [_data(node) for node in steady]
    if None not in data:
        return Ready(("".join(text for text in data if text is not None),))
    reads = frozenset[Read]().union(*(reads_of(node, scope) for node in steady))
    return parts.part(list(steady), reads, scope)


def _data(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Output) and all(isinstance(part, nodes.TemplateData) for part in node.nodes):
        return "".join(part.data for part in node.nodes if isinstance(part, nodes.TemplateData))
    return None


def _varying(node: nodes.Node, scope: Scope, parts: _Parts) -> Step:
    """Take an `{% if %}` apart that holds a loop or stands on a card; anything else that varies is one part."""
    if not isinstance(node, nodes.If) or not (_holds_loop(node, scope) or Kind.CARD in scope.values()):
        return _print(node, scope, parts.sandbox) or parts.part([node], reads_of(node, scope), scope)
    shown = nodes.Output([nodes.TemplateData("1")], lineno=node.lineno)
    condition = parts.part([nodes.If(node.test, [shown], [], [], lineno=node.lineno)], tested(node.test, scope), scope)
    otherwise: Sequence[nodes.Node] = node.else_
    if node.elif_:
        first, *rest = node.elif_
        otherwise = [nodes.If(first.test, first.body, rest, node.else_, lineno=first.lineno)]
    return Choice(condition, _steps(node.body, scope, parts), _steps(otherwise, scope, parts))


def _print(node: nodes.Node, scope: Scope, sandbox: ImmutableSandboxedEnvironment) -> Print | None:
    """Return the step of a bare `{{ name }}` or `{{ name.field | filter }}`, None for anything else."""
    if not isinstance(node, nodes.Output):
        return None
    (shown,) = node.nodes
    filters: list[Callable[[object], object]] = []
    while isinstance(shown, nodes.Filter) and shown.node is not None:
        plain = sandbox.filters.get(shown.name)
        if plain is None or hasattr(plain, "jinja_pass_arg") or shown.args or shown.kwargs or shown.dyn_args:
            return None
        filters.insert(0, plain)
        shown = shown.node
    if (read := value_read(shown, scope)) is None:
        return None
    finish = partial(_finished, sandbox.finalize or str, escape if sandbox.autoescape else str)
    return Print(read.name, read.field, tuple(filters), finish)


def _finished(finalize: Callable[[object], object], escaped: Callable[[object], str], value: object) -> str:
    """Return a value as jinja2 writes it."""
    return str(escaped(finalize(value)))


def _loop(node: nodes.For, scope: Scope, parts: _Parts) -> Step | None:
    kind = looped(node, scope)
    if kind is None or not isinstance(node.target, nodes.Name):
        return None
    target = node.target.name
    (source,) = tested(node.iter, scope)
    inner = {**scope, target: kind, "loop": Kind.LOOP}
    if kind is Kind.SECTION:
        return Sections(target, source, _steps(node.body, inner, parts), turn_weight(node))
    parts.cards += 1
    number = parts.cards
    body = _steps(node.body, inner, parts)
    read = frozenset[Read]().union(*(reads_of(one, inner) for one in node.body))
    others = Reads(one for one in read if one.name not in {target, "loop"})
    return Cards(number, target, source, body, turn_weight(node), others, any(one.name == "loop" for one in read))


def _holds_loop(node: nodes.Node, scope: Scope) -> bool:
    """Whether a loop that is turned here stands inside: then the node cannot be one part."""
    if isinstance(node, nodes.For):
        kind = looped(node, scope)
        return kind is not None
    if not isinstance(node, nodes.If):
        return False
    return any(_holds_loop(one, scope) for one in (*node.body, *node.elif_, *node.else_))


def _leaks(node: nodes.Node) -> bool:
    """Whether a name set here is known after it."""
    if isinstance(node, nodes.Assign | nodes.AssignBlock):
        return True
    return isinstance(node, nodes.If) and any(_leaks(one) for one in (*node.body, *node.elif_, *node.else_))
