"""What a template may spend: bounds on its loops, calls, sizes and output, counted and not timed.

jinja2's sandbox bounds `range` alone, and two of those in each other already run for hours. Here every turn of a loop
and every call is counted while a template renders, what is printed has a bound, and nothing may be made much larger
than what it was made from. Who runs a template says template and line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateSyntaxError, Undefined, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from newsletter.render.budget import MAX_OUTPUT, BoundError, spend, spending
from newsletter.render.sizes import LISTS, MAX_SIZE, TEXTS, extent, magnitude

if TYPE_CHECKING:
    from jinja2.runtime import Context

MAX_READ = 1_000_000
_PER_STEP = 100  # characters that are read count as one step
_MADE_PER_STEP = 1_000  # characters that may be made
_MAX_NUMBER = 10**18
_MAX_EXPONENT = 64
_TURNS, _SIZED, _READ = "turns_counted", "size_checked", "reading_counted"
_OWN = frozenset({_TURNS, _SIZED, _READ})
# A width in a format string: long, or computed.
_WIDE = re.compile(r"[%:{][^a-zA-Z]{0,40}?\d{5,}|%[^a-zA-Z%]{0,40}\*|\{[^{}]*:[^{}]*\{")
# Of nodes in each other. Who walks a tree takes up to five calls a node, of the thousand that Python allows.
_DEEPEST_TREE = 120
_TOO_DEEP = "operators, brackets or blocks are nested too deep; take them apart"
_TO_BYTES = frozenset({"encode", "to_bytes"})
_PRINTED = (int, float, Decimal, date, range, Mapping, type(None), *LISTS)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """jinja2's immutable sandbox with bounds on what a template may spend, and without chance."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, *args: Any, filters: dict[str, Callable[..., Any]], **options: Any) -> None:  # noqa: ANN401 - handed on to jinja2 as they are
        """Make a sandbox with jinja2's `options` and, beside its own, our `filters`."""
        super().__init__(*args, **options)
        for chance in ("lipsum", "cycler", "joiner"):  # these two print where in the memory they are
            del self.globals[chance]
        del self.filters["random"]  # chance would make two mails of one digest differ
        self.filters = {name: _bounded(name, one) for name, one in (self.filters | filters).items()}
        self.filters |= {_TURNS: _counted, _SIZED: _size_checked, _READ: _read}
        tests: dict[str, Any] = self.tests
        self.tests = {name: _bounded(name, one) for name, one in tests.items()}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - as jinja2 has it
        """Whether a template may have an attribute: none that makes bytes, which a mail has no use for."""
        return attr not in _TO_BYTES and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - as jinja2 has it
        """Run an operator.

        Raises:
            BoundError: it is one too many, or would make much of little.
        """
        if operator == "**" and not (magnitude(left) <= _MAX_NUMBER and magnitude(right) <= _MAX_EXPONENT):
            raise BoundError(f"the power is larger than {_MAX_NUMBER} ** {_MAX_EXPONENT}")
        if operator == "%" and isinstance(left, str):
            _check_format(left)
        if operator == "*" or isinstance(left, str):
            _charge_growth((left, right))
        else:
            _spend_reading(extent(left) + extent(right), 1)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401, N805, PYI063 - as jinja2 has it
        """Call what a template calls.

        Raises:
            BoundError: it is one call too many, or its result could be too large.
        """
        arguments = (*args, *options.values())
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)  # jinja2 wraps str.format
        if isinstance(owner, str | list | tuple):
            _charge_growth((owner, *arguments))
        else:
            _spend_reading(sum(map(extent, arguments)), 1)
        if isinstance(owner, str) and __obj.__name__ in {"format", "format_map"}:
            _check_format(owner)
        for one in arguments:
            _size_checked(one)
        return super().call(__context, __obj, *args, **options)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse, and refuse what is nested deeper than those who walk the tree can follow."""
        parser = Parser(self, source, name, filename)
        try:
            tree = parser.parse()
        except RecursionError:
            raise TemplateSyntaxError(_TOO_DEEP, parser.stream.current.lineno, name, filename) from None
        depth, line = _deepest(tree)
        if depth > _DEEPEST_TREE:
            raise TemplateSyntaxError(_TOO_DEEP, line, name, filename)
        return tree

    def compile(self, source: Any, name: Any = None, filename: Any = None, *flags: Any, **options: Any) -> Any:  # noqa: ANN401 - as jinja2 has it
        """Compile a template.

        Raises:
            TemplateSyntaxError: it is wrong, or nested deeper than Python takes.
        """
        tree = self._parse(source, name, filename) if isinstance(source, str) else source
        _, line = _deepest(tree)  # before it is compiled, which changes the tree
        try:
            return super().compile(tree, name, filename, *flags, **options)
        except (SyntaxError, RecursionError, MemoryError):  # of the code that jinja2 wrote, not of what it was given
            raise TemplateSyntaxError(_TOO_DEEP, line, name, filename) from None

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        with spending():  # what is constant is worked out now
            return super()._generate(_Counters().visit(source), name, filename, defer_init)


def _deepest(tree: nodes.Node) -> tuple[int, int]:
    """Return how deep a tree is, and the line of what lies deepest."""
    deepest, level, depth = tree, [tree], 0
    while level:
        deepest, depth = level[0], depth + 1
        level = [child for one in level for child in one.iter_child_nodes()]
    return depth, deepest.lineno


class _Counters(NodeTransformer):
    """Puts a counter around what loops run over, comparisons and joins read, and a check around what a name keeps."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - jinja2 looks it up by this name
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _TURNS, nodes.Const(turn_weight(node)))
        return node

    def visit_Assign(self, node: nodes.Assign) -> nodes.Assign:  # noqa: N802 - same
        node.node = _filtered(node.node, _SIZED)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802 - same
        self.generic_visit(node)
        node.expr = _filtered(node.expr, _READ)
        for one in node.ops:
            one.expr = _filtered(one.expr, _READ)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802 - same
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):  # a copy
            node.node = _filtered(node.node, _READ)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Concat:  # noqa: N802 - same
        self.generic_visit(node)
        node.nodes = [_filtered(one, _READ) for one in node.nodes]
        return node


def turn_weight(loop: nodes.For) -> int:
    """Return how many characters each turn of a loop prints at most beside what it is given."""
    return sum(len(data.data) for part in loop.body for data in part.find_all(nodes.TemplateData))


def _filtered(value: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    if isinstance(value, nodes.Filter) and value.name in _OWN:  # a tree that is compiled a second time
        return value
    assert isinstance(value, nodes.Expr)  # noqa: S101 - the parser gives nothing else; this tells the type checker
    return nodes.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)


def _counted(items: Iterable[Any], weight: int) -> Iterable[Any]:
    """Count what has a length at once, so that `loop` can still ask for it; the rest one by one."""
    if isinstance(items, Sized):
        spend(steps=len(items), output=weight * len(items))
        return items
    return _one_by_one(items, weight)


def _one_by_one(items: Iterable[Any], weight: int) -> Iterator[Any]:
    for item in items:
        spend(steps=1, output=weight)
        yield item


def _read(value: Any) -> Any:  # noqa: ANN401 - a template reads anything
    """Count what is read and handed on as it is."""
    _spend_reading(extent(value), 0)
    return value


def _spend_reading(size: int, steps: int) -> None:
    if size > MAX_READ:
        raise BoundError(f"it would read something larger than {MAX_READ:,}")
    spend(steps=steps + size // _PER_STEP)


def _size_checked(value: Any) -> Any:  # noqa: ANN401 - a template keeps anything
    limit = _MAX_NUMBER if isinstance(value, int) else MAX_SIZE
    if magnitude(value) > limit:
        raise BoundError(f"it would keep something larger than {limit:,}")
    return value


def printed(value: object) -> str:
    """Return what a template prints as text, counted.

    Raises:
        BoundError: it is too much, or of a kind that does not print alike in each run.
    """
    if isinstance(value, str):
        spend(output=len(value))
        return value
    if extent(value) > MAX_OUTPUT:
        raise BoundError(f"it prints more than {MAX_OUTPUT:,} characters")
    if not (isinstance(value, (*_PRINTED, Undefined)) or is_dataclass(value)):
        raise BoundError(f"a {type(value).__name__} is nothing to print")
    text = str(value)
    spend(output=len(text))
    return text


def _bounded(name: str, one: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter or test that counts by what it is given, makes nothing too large and leaves nothing for later."""
    formats = name == "format"
    own = 1 if hasattr(one, "jinja_pass_arg") else 0  # of the arguments, the first is then jinja2's

    @functools.wraps(one)  # jinja2's marks, by which it passes a context first, included
    def bounded(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - filters take and give anything
        _charge_growth((*args[own:], *options.values()))
        if formats:
            _check_format(args[0])
        made = one(*args, **options)
        return list(_one_by_one(made, 0)) if isinstance(made, Iterator) else made

    return bounded


def _charge_growth(values: tuple[object, ...]) -> None:
    """Whatever is multiplied, padded, joined or replaced is at most as large as the product of all sizes."""
    product, limit, read = 1, _MAX_NUMBER, 0
    for value in values:
        size = magnitude(value)
        if size > 1:
            product *= size
        if not isinstance(value, int):
            read += size
            if isinstance(value, (*TEXTS, *LISTS, range, Mapping)):
                limit = MAX_SIZE
    if product > limit:
        raise BoundError(f"it would make something larger than {limit:,}")
    _spend_reading(read, 1 + (product // _MADE_PER_STEP if limit == MAX_SIZE else 0))


def _check_format(text: object) -> None:
    if _WIDE.search(str(text).replace("%%", "")):
        raise BoundError("a width in a format is computed or has five digits or more")
