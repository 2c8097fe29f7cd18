"""How large a value is that a template reads, keeps or makes: about how many characters it would print.

Nothing is printed to find out, and a size beyond all bounds is not counted to its end.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, KeysView, Mapping, ValuesView
from dataclasses import fields, is_dataclass
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType

from jinja2.utils import Namespace

from newsletter.render.budget import BoundError

MAX_SIZE = 10_000_000
_ITEM = 10  # what a place in a list counts as, in characters
_DEEPEST = 20
TEXTS = (str, bytes, bytearray)
LISTS = (list, tuple, set, frozenset, KeysView, ValuesView, ItemsView)
# They print an address in memory, another in each run.
_UNCALLED = (BuiltinMethodType, FunctionType, MethodType, MethodWrapperType)


def magnitude(value: object) -> int:
    """Return how many times a number may repeat, or how large anything else is."""
    return abs(value) if isinstance(value, int) else extent(value)


def extent(value: object, depth: int = 0) -> int:
    """Return about how many characters a value prints, each part as often as it stands in it.

    Beyond `MAX_SIZE` it stops counting.

    Raises:
        BoundError: it is too deep, or a method that is not called.
    """
    if isinstance(value, TEXTS):
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
        total += _ITEM + extent(part, depth + 1)
        if total > MAX_SIZE:
            break
    return total


def _parts_of(value: object) -> Iterable[object]:
    if isinstance(value, LISTS):
        return value
    if isinstance(value, Mapping):
        return (*value.keys(), *value.values())
    if isinstance(value, Namespace):
        return (object.__getattribute__(value, "_Namespace__attrs"),)
    if is_dataclass(value) and not isinstance(value, type):
        return (getattr(value, one.name) for one in fields(value))
    return ()
