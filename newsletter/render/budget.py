"""What a template may spend in one rendering: turns of loops, calls and printed characters, counted and not timed.

Counting gives the same answer on every machine. The bounds lie far above what a mail needs: one of a hundred papers
takes some two thousand turns and 90 KB. What is counted, and where, is for `bounds` to know; nothing is rendered here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_STEPS = 100_000
MAX_OUTPUT = 10_000_000


class BoundError(Exception):
    """A template went beyond a bound."""


@dataclass(slots=True)
class Spending:
    """What was spent: turns and calls, and printed characters."""

    steps: int = 0
    output: int = 0


_SPENDING: ContextVar[Spending | None] = ContextVar("_SPENDING", default=None)


class _Account:
    """Counts on the account that is open; where there is none, or it is `apart`, on one of its own."""

    __slots__ = ("_apart", "_token")

    def __init__(self, *, apart: bool) -> None:
        self._apart = apart
        self._token: Token[Spending | None] | None = None

    def __enter__(self) -> Spending:
        spent = None if self._apart else _SPENDING.get()
        if spent is None:
            spent = Spending()
            self._token = _SPENDING.set(spent)
        return spent

    def __exit__(self, *error: object) -> None:
        if self._token is not None:
            _SPENDING.reset(self._token)


def spending() -> AbstractContextManager[Spending]:
    """Count what the templates that are run inside spend; inside of another `spending` it counts on."""
    return _Account(apart=False)


def spending_apart() -> AbstractContextManager[Spending]:
    """Count as `spending`, but on an account of its own: for what is made once and kept for many renderings."""
    return _Account(apart=True)


@contextmanager
def measured() -> Iterator[Spending]:
    """Count as `spending`, and tell, once it is over, what was spent inside alone."""
    with spending() as spent:
        alone = Spending(-spent.steps, -spent.output)
        yield alone
        alone.steps += spent.steps
        alone.output += spent.output


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
