"""What a part of a template reads of a page: on that alone its output depends.

A template runs in a sandbox without clock, chance or memory, so a part of it gives the same output for the same values
read. What is one reader's own link is told apart: a part that only prints it, or asks whether it is there, can be
printed once with a stand-in. Any other use, and any use of a paper or a list as a whole, is unforeseen here, which is
no mistake of the template's; it only has to be filled in by the slow way. Nothing is rendered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from itertools import chain

from jinja2 import nodes

from newsletter.render.cards import Card
from newsletter.render.page import Masthead, Page, Section


class Kind(Enum):
    """What a name of a template stands for."""

    VALUE = "a value"
    LINK = "a reader's own link"
    SITE = "the site"
    SECTIONS = "the sections"
    SECTION = "a section"
    CARDS = "a section's cards"
    CARD = "a card"
    LOOP = "the loop"


Scope = Mapping[str, Kind]

LINKS = frozenset({"unsubscribe", "preferences", "view"})
_LOOP = ("first", "index", "index0", "last", "length", "revindex", "revindex0")


def _names(record: type, special: Mapping[str, Kind]) -> dict[str, Kind]:
    return {field.name: special.get(field.name, Kind.VALUE) for field in fields(record)}


_FIELDS: Mapping[Kind, Mapping[str, Kind]] = {
    Kind.SITE: _names(Masthead, {}),
    Kind.SECTION: _names(Section, {"cards": Kind.CARDS}),
    Kind.CARD: _names(Card, dict.fromkeys(("more_like_this", "less_like_this", "save_for_later"), Kind.LINK)),
    Kind.LOOP: dict.fromkeys(_LOOP, Kind.VALUE),
}
_ELEMENTS = {Kind.SECTIONS: Kind.SECTION, Kind.CARDS: Kind.CARD}
# The same in every mail of an issue; a link is, while nobody's stands in for it. None of these may be of `OWN_WORDS`.
_STEADY = LINKS | {"archive", "date", "edition", "note", "shortened", "site", "unsubscribe_by_mail"}
_VARIES_ON_A_CARD = frozenset({"number", "why"})
# Filters that do the same to two texts without spaces of one length.
_OPAQUE = frozenset({"e", "escape", "wrap"})
_SIZES = frozenset({"count", "length"})
_JINJAS_OWN = frozenset({"caller", "kwargs", "self", "super", "varargs"})
_KNOWN_STATEMENTS = (nodes.Output, nodes.If, nodes.For, nodes.With, nodes.Assign)


class UnforeseenError(Exception):
    """A use of a page that cannot be taken apart; `line` is the line in the source that was read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True, order=True)
class Read:
    """A name, or one field of the record that a name stands for (`field` is "" for the name itself)."""

    name: str
    field: str
    steady: bool
    sized: bool


class Reads:
    """Several reads, and their values at once."""

    def __init__(self, reads: Iterable[Read]) -> None:
        ordered = sorted(reads)
        self.names = tuple(sorted({read.name for read in ordered}))
        self._whole = tuple(read.name for read in ordered if not (read.field or read.sized))
        self._fields = tuple((read.name, read.field) for read in ordered if read.field and not read.sized)
        self._sized = tuple((read.name, read.field) for read in ordered if read.sized)

    def values(self, names: Mapping[str, object]) -> list[object]:
        """Return what is read, always in one order; of a list its length, since no more may be asked of it."""
        found = [names[name] for name in self._whole]
        if self._fields:
            found += [getattr(names[name], field) for name, field in self._fields]
        for name, field in self._sized:
            found.append(len(getattr(names[name], field) if field else names[name]))  # type: ignore[arg-type]  # a tuple
        return found


def page_scope() -> Scope:
    """Return what the names of a digest template stand for."""
    special = dict.fromkeys(LINKS, Kind.LINK) | {"site": Kind.SITE, "sections": Kind.SECTIONS}
    return _names(Page, special) | {"note": Kind.VALUE}


def looped(loop: nodes.For, scope: Scope) -> Kind | None:
    """Return what one turn of a loop is about, where it is a plain loop over the sections or over a section's cards."""
    if loop.else_ or loop.test or loop.recursive or not isinstance(loop.target, nodes.Name):
        return None
    kind = _kind(loop.iter, scope)
    return _ELEMENTS.get(kind) if kind else None


def reads_of(node: nodes.Node, scope: Scope) -> frozenset[Read]:
    """Return everything that a part of a template reads; a name that the part sets for itself may be among it.

    Raises:
        UnforeseenError: it uses a link, a paper or a list in a way that cannot be foreseen.
    """
    return frozenset(_used(node, scope))


def tested(test: nodes.Node, scope: Scope) -> frozenset[Read]:
    """Return what the condition of an `{% if %}` reads.

    Raises:
        UnforeseenError: as `reads_of`.
    """
    return frozenset(_asked(test, scope))


def value_read(node: nodes.Node, scope: Scope) -> Read | None:
    """Return the read that an expression is where it is a value of the page and nothing more."""
    return _read(node, scope) if _kind(node, scope) is Kind.VALUE else None


def _used(node: nodes.Node, scope: Scope) -> Iterator[Read]:
    if isinstance(node, nodes.Stmt):
        yield from _done(node, scope)
    elif isinstance(node, nodes.Name) and node.name in _JINJAS_OWN:
        raise UnforeseenError(node.lineno, f"{node.name} is not taken apart")
    elif (read := _read(node, scope)) is not None:
        yield _allowed(read, node, scope)
    elif isinstance(node, nodes.Filter) and node.name in _SIZES and node.node and _kind(node.node, scope) in _ELEMENTS:
        yield from _asked(node.node, scope)
    else:
        yield from _all_used(node.iter_child_nodes(), scope)


def _done(node: nodes.Stmt, scope: Scope) -> Iterator[Read]:
    """A statement that is known here; in a loop that is not turned here, `loop` is that loop's own."""
    if not isinstance(node, _KNOWN_STATEMENTS):
        raise UnforeseenError(node.lineno, f"{{% {type(node).__name__.lower()} %}} is not taken apart")
    if isinstance(node, nodes.Output):
        yield from chain.from_iterable(_printed(part, scope) for part in node.nodes)
    elif isinstance(node, nodes.If):
        yield from _asked(node.test, scope)
        yield from _all_used((*node.body, *node.elif_, *node.else_), scope)
    elif isinstance(node, nodes.For):
        inner = {name: kind for name, kind in scope.items() if name != "loop"}
        yield from _used(node.iter, scope)
        yield from _all_used((*node.body, *node.else_, *([node.test] if node.test else [])), inner)
    else:
        yield from _all_used(node.iter_child_nodes(), scope)


def _all_used(parts: Iterable[nodes.Node], scope: Scope) -> Iterator[Read]:
    return chain.from_iterable(_used(part, scope) for part in parts)


def _asked(test: nodes.Node, scope: Scope) -> Iterator[Read]:
    """A link or a list may be asked whether it is there."""
    if isinstance(test, nodes.And | nodes.Or):
        yield from _asked(test.left, scope)
        yield from _asked(test.right, scope)
    elif isinstance(test, nodes.Not):
        yield from _asked(test.node, scope)
    elif _kind(test, scope) in {Kind.LINK, *_ELEMENTS} and (read := _read(test, scope)) is not None:
        yield read
    else:
        yield from _used(test, scope)


def _printed(node: nodes.Node, scope: Scope) -> Iterator[Read]:
    """A link may be printed: as it is, checked once more, or wrapped together with other words."""
    if isinstance(node, nodes.Filter) and node.node is not None and not (node.kwargs or node.dyn_args):
        constant = all(isinstance(argument, nodes.Const) for argument in node.args)
        if constant and (node.name in _OPAQUE or (node.name == "safe_url" and not isinstance(node.node, nodes.Concat))):
            yield from _printed(node.node, scope)
            return
    if isinstance(node, nodes.Concat):
        for part in node.nodes:
            yield from _printed(part, scope)
    elif _kind(node, scope) is Kind.LINK and (read := _read(node, scope)) is not None:
        yield read
    else:
        yield from _used(node, scope)


def _allowed(read: Read, node: nodes.Node, scope: Scope) -> Read:
    kind = _kind(node, scope)
    if kind in {Kind.VALUE, Kind.SITE}:
        return read
    what = f"{_written(node)}, {kind.value}," if kind else _written(node)
    raise UnforeseenError(node.lineno, f"{what} is used in a way that depends on more than it shows")


def _read(node: nodes.Node, scope: Scope) -> Read | None:
    """Return the read that a name or a field of a name is; None for any other expression, and for a name of its own."""
    sized = _kind(node, scope) in _ELEMENTS
    if isinstance(node, nodes.Name):
        steady = node.name in _STEADY
        return Read(node.name, "", steady, sized) if node.name in scope and node.ctx == "load" else None
    if (name := _field(node, scope)) is None:
        return None
    base, field = name
    steady = base in _STEADY or (scope[base] is Kind.CARD and field not in _VARIES_ON_A_CARD)
    return Read(base, field, steady, sized)


def _kind(node: nodes.Node, scope: Scope) -> Kind | None:
    if isinstance(node, nodes.Name):
        return scope.get(node.name) if node.ctx == "load" else None
    name = _field(node, scope)
    return _FIELDS[scope[name[0]]][name[1]] if name else None


def _field(node: nodes.Node, scope: Scope) -> tuple[str, str] | None:
    """Return name and field where `node` is `name.field` or `name["field"]` of a record that is known here."""
    if isinstance(node, nodes.Getattr):
        field = node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        field = str(node.arg.value)
    else:
        return None
    base = node.node
    if not isinstance(base, nodes.Name) or base.ctx != "load":
        return None
    kind = scope.get(base.name)
    return (base.name, field) if kind and field in _FIELDS.get(kind, {}) else None


def _written(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    return f"{_written(node.node)}.{node.attr}" if isinstance(node, nodes.Getattr) else "a value"
