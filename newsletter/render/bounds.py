"""What a template may spend: bounds on its loops, calls, sizes and output, counted and not timed.

jinja2's sandbox bounds `range` alone, and two of those in each other already run for hours. Here every turn of a loop
and every call is counted while a template renders, what is printed has a bound, and nothing may be made much larger
than what it was made from. Counting gives the same answer on every machine. The bounds lie far above what a mail
needs: one of a hundred papers takes some two thousand turns and 90 KB. Who runs a template says template and line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from jinja2.runtime import Context

MAX_STEPS = 100_000
MAX_OUTPUT = 10_000_000
MAX_SIZE = 10_000_000
_MAX_NUMBER = 10**18
_MAX_EXPONENT = 64
_TURNS, _SIZED = "turns_counted", "size_checked"
_OWN = frozenset({_TURNS, _SIZED})
_WIDE = re.compile(r"[%:{][^a-zA-Z]{0,40}?\d{5,}")  # a width in a format string


class BoundError(Exception):
    """A template went beyond a bound."""


@dataclass(slots=True)
class _Spending:
    steps: int = 0
    output: int = 0


_SPENDING: ContextVar[_Spending | None] = ContextVar("_SPENDING", default=None)


@contextmanager
def spending() -> Iterator[None]:
    """Count anew what the templates that are run inside spend."""
    token = _SPENDING.set(_Spending())
    try:
        yield
    finally:
        _SPENDING.reset(token)


def spend(*, steps: int = 0, output: int = 0) -> None:
    """Count turns of loops and calls, and characters that are printed.

    Raises:
        BoundError: they are too many.
    """
    if (spent := _SPENDING.get()) is None:
        return
    spent.steps += steps
    spent.output += output
    if spent.steps > MAX_STEPS:
        raise BoundError(f"it takes more than {MAX_STEPS:,} turns of loops and calls; does every loop end?")
    if spent.output > MAX_OUTPUT:
        raise BoundError(f"it prints more than {MAX_OUTPUT:,} characters; does every loop end?")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """jinja2's immutable sandbox with bounds on what a template may spend, and without chance."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, *args: Any, filters: dict[str, Callable[..., Any]], **options: Any) -> None:  # noqa: ANN401 - handed on to jinja2 as they are
        """Make a sandbox with jinja2's `options` and, beside its own, our `filters`."""
        super().__init__(*args, **options)
        del self.filters["random"], self.globals["lipsum"]  # chance would make two mails of one digest differ
        self.filters = {name: _bounded(name, one) for name, one in (self.filters | filters).items()}
        self.filters |= {_TURNS: _counted, _SIZED: _size_checked}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - as jinja2 has it
        """Run an operator that can make much of little.

        Raises:
            BoundError: it would.
        """
        if operator == "**" and not (_size(left) <= _MAX_NUMBER and _size(right) <= _MAX_EXPONENT):
            raise BoundError(f"the power is larger than {_MAX_NUMBER} ** {_MAX_EXPONENT}")
        if operator == "%" and isinstance(left, str):
            _check_format(left)
        if operator == "*" or isinstance(left, str):
            _check_growth((left, right))
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401, N805, PYI063 - as jinja2 has it
        """Call what a template calls.

        Raises:
            BoundError: it is one call too many, or its result could be too large.
        """
        spend(steps=1)
        arguments = (*args, *options.values())
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)  # jinja2 wraps str.format
        if isinstance(owner, str | list | tuple):
            _check_growth((owner, *arguments))
        if isinstance(owner, str) and __obj.__name__ in {"format", "format_map"}:
            _check_format(owner)
        for one in arguments:
            _size_checked(one)
        return super().call(__context, __obj, *args, **options)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(_Counters().visit(source), name, filename, defer_init)


class _Counters(NodeTransformer):
    """Puts a counter around what each loop runs over, and a check around what is kept under a name."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - jinja2 looks it up by this name
        self.generic_visit(node)
        weight = sum(len(data.data) for part in node.body for data in part.find_all(nodes.TemplateData))
        node.iter = _filtered(node.iter, _TURNS, nodes.Const(weight))
        return node

    def visit_Assign(self, node: nodes.Assign) -> nodes.Assign:  # noqa: N802 - same
        node.node = _filtered(node.node, _SIZED)
        return node


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


def _size_checked(value: Any) -> Any:  # noqa: ANN401 - a template keeps anything
    limit = _MAX_NUMBER if isinstance(value, int) else MAX_SIZE
    if _size(value) > limit:
        raise BoundError(f"it would keep something larger than {limit:,}")
    return value


def _bounded(name: str, one: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that counts as a call and makes nothing too large."""
    formats = name == "format"

    @functools.wraps(one)  # jinja2's marks, by which it passes a context first, included
    def bounded(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - filters take and give anything
        spend(steps=1)
        _check_growth((*args, *options.values()) if options else args)
        if formats:
            _check_format(args[0])
        return one(*args, **options)

    return bounded


def _check_growth(values: tuple[object, ...]) -> None:
    """Whatever is multiplied, padded, joined or replaced is at most as large as the product of all sizes."""
    product, limit = 1, _MAX_NUMBER
    for value in values:
        product *= max(1, _size(value))
        if isinstance(value, str | list | tuple):
            limit = MAX_SIZE
    if product > limit:
        raise BoundError(f"it would make something larger than {limit:,}")


def _check_format(text: object) -> None:
    if _WIDE.search(str(text)):
        raise BoundError("a width in a format has five digits or more")


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple):
        return sum(len(one) if isinstance(one, str) else 1 for one in value)
    return abs(value) if isinstance(value, int) else 1
