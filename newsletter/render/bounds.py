"""What a template may spend: bounds on its loops, calls, sizes and output, counted and not timed.

jinja2's sandbox bounds `range` alone, and two of those in each other already run for hours. Here every turn of a loop
and every call is counted while a template renders, what is printed has a bound, and nothing may be made much larger
than what it was made from. Counting gives the same answer on every machine. The bounds lie far above what a mail
needs: one of a hundred papers takes some two thousand turns and 90 KB. Who runs a template says template and line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sized, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from jinja2.runtime import Context

MAX_STEPS = 100_000
MAX_OUTPUT = 10_000_000
MAX_SIZE = 10_000_000
MAX_READ = 1_000_000
_PER_STEP = 100  # characters that are read count as one step
_MADE_PER_STEP = 1_000  # characters that may be made
_ITEM = 10  # what a place in a list counts as, in characters
_DEEPEST = 20
_MAX_NUMBER = 10**18
_MAX_EXPONENT = 64
_TURNS, _SIZED, _READ = "turns_counted", "size_checked", "reading_counted"
_OWN = frozenset({_TURNS, _SIZED, _READ})
# A width in a format string: long, or computed.
_WIDE = re.compile(r"[%:{][^a-zA-Z]{0,40}?\d{5,}|%[^a-zA-Z%]{0,40}\*|\{[^{}]*:[^{}]*\{")
_TO_BYTES = frozenset({"encode", "to_bytes"})
_TEXTS = (str, bytes, bytearray)
_LISTS = (list, tuple, set, frozenset, KeysView, ValuesView, ItemsView)
# They print an address in memory, another in each run.
_UNCALLED = (BuiltinMethodType, FunctionType, MethodType, MethodWrapperType)
_PRINTED = (int, float, Decimal, date, range, Mapping, type(None), *_LISTS)


class BoundError(Exception):
    """A template went beyond a bound."""


@dataclass(slots=True)
class Spending:
    """What was spent: turns and calls, and printed characters."""

    steps: int = 0
    output: int = 0


_SPENDING: ContextVar[Spending | None] = ContextVar("_SPENDING", default=None)


@contextmanager
def spending() -> Iterator[Spending]:
    """Count what the templates that are run inside spend; inside of another `spending` it counts on."""
    if (spent := _SPENDING.get()) is not None:
        yield spent
        return
    spent = Spending()
    token = _SPENDING.set(spent)
    try:
        yield spent
    finally:
        _SPENDING.reset(token)


@contextmanager
def small_spending() -> Iterator[None]:
    """Count as `spending`, and let one part of a page spend no more than a hundredth of what a page may.

    Raises:
        BoundError: it spent more.
    """
    with spending() as spent:
        before = spent.steps, spent.output
        yield
        if spent.steps - before[0] > MAX_STEPS // 100 or spent.output - before[1] > MAX_OUTPUT // 100:
            raise BoundError("one part of the page spends more than a hundredth of what all may")


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
        if operator == "**" and not (_magnitude(left) <= _MAX_NUMBER and _magnitude(right) <= _MAX_EXPONENT):
            raise BoundError(f"the power is larger than {_MAX_NUMBER} ** {_MAX_EXPONENT}")
        if operator == "%" and isinstance(left, str):
            _check_format(left)
        if operator == "*" or isinstance(left, str):
            _charge_growth((left, right))
        else:
            _spend_reading(_extent(left) + _extent(right), 1)
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
            _spend_reading(sum(map(_extent, arguments)), 1)
        if isinstance(owner, str) and __obj.__name__ in {"format", "format_map"}:
            _check_format(owner)
        for one in arguments:
            _size_checked(one)
        return super().call(__context, __obj, *args, **options)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        with spending():  # what is constant is worked out now
            return super()._generate(_Counters().visit(source), name, filename, defer_init)


class _Counters(NodeTransformer):
    """Puts a counter around what loops run over, comparisons and joins read, and a check around what a name keeps."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - jinja2 looks it up by this name
        self.generic_visit(node)
        weight = sum(len(data.data) for part in node.body for data in part.find_all(nodes.TemplateData))
        node.iter = _filtered(node.iter, _TURNS, nodes.Const(weight))
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
    _spend_reading(_extent(value), 0)
    return value


def _spend_reading(size: int, steps: int) -> None:
    if size > MAX_READ:
        raise BoundError(f"it would read something larger than {MAX_READ:,}")
    spend(steps=steps + size // _PER_STEP)


def _size_checked(value: Any) -> Any:  # noqa: ANN401 - a template keeps anything
    limit = _MAX_NUMBER if isinstance(value, int) else MAX_SIZE
    if _magnitude(value) > limit:
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
    if _extent(value) > MAX_OUTPUT:
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
        size = _magnitude(value)
        if size > 1:
            product *= size
        if not isinstance(value, int):
            read += size
            if isinstance(value, (*_TEXTS, *_LISTS, range, Mapping)):
                limit = MAX_SIZE
    if product > limit:
        raise BoundError(f"it would make something larger than {limit:,}")
    _spend_reading(read, 1 + (product // _MADE_PER_STEP if limit == MAX_SIZE else 0))


def _check_format(text: object) -> None:
    if _WIDE.search(str(text).replace("%%", "")):
        raise BoundError("a width in a format is computed or has five digits or more")


def _magnitude(value: object) -> int:
    """Return how many times a number may repeat, or how large anything else is."""
    return abs(value) if isinstance(value, int) else _extent(value)


def _extent(value: object, depth: int = 0) -> int:
    """Return about how many characters a value prints, each part as often as it stands in it.

    Beyond `MAX_SIZE` it stops counting.

    Raises:
        BoundError: it is too deep, or a method that is not called.
    """
    if isinstance(value, _TEXTS):
        return len(value)
    if isinstance(value, int):
        return value.bit_length() // 3 + 1
    if isinstance(value, range):
        return _ITEM * len(value)
    if isinstance(value, _UNCALLED):
        raise BoundError("a method is used without a call")
    if depth > _DEEPEST:
        raise BoundError(f"it is more than {_DEEPEST} lists deep")
    total = 1
    for part in _parts_of(value):
        total += _ITEM + _extent(part, depth + 1)
        if total > MAX_SIZE:
            break
    return total


def _parts_of(value: object) -> Iterable[object]:
    if isinstance(value, _LISTS):
        return value
    if isinstance(value, Mapping):
        return (*value.keys(), *value.values())
    if isinstance(value, Namespace):
        return (object.__getattribute__(value, "_Namespace__attrs"),)
    if is_dataclass(value) and not isinstance(value, type):
        return (getattr(value, one.name) for one in fields(value))
    return ()
