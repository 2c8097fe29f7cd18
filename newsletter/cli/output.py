"""How commands speak: lines, tables, JSON and progress. A terminal gets colour and bars, a pipe plain lines.

Nothing that came from outside reaches the terminal with its control characters. It decides nothing else.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from newsletter.model import DeliveryState, Issue

_GAP = "  "
_BREAKS = "\t\r\n\u2028\u2029"
_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's controls, format characters, stray surrogates and line ends
_Step = TypeVar("_Step")


def say(line: str = "") -> None:
    """Print one line of the result to standard output."""
    typer.echo(printable(line))


def note(line: str) -> None:
    """Print one line for the person, not the result, to standard error."""
    typer.echo(printable(line), err=True)


def complain(message: str, *, code: int) -> int:
    """Print an error as one line to standard error and return its exit code."""
    typer.echo(f"newsletter: {' '.join(printable(message).split())}", err=True)
    return code


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON to standard output: UTF-8, indented, nothing else beside it."""
    typer.echo(json_of(value))


def json_of(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Return a value as indented JSON that steers no terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return "\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n"))


def _escaped(line: str) -> str:
    """Escape what steers a terminal as JSON does, so that the value stays the same (RFC 8259, section 7)."""
    return "".join(json.dumps(c)[1:-1] if unicodedata.category(c) in _STEERING else c for c in line)


def printable(text: str) -> str:
    """Return text without the characters that steer a terminal; line ends and tabs become spaces."""
    return "".join(" " if c in _BREAKS else "" if unicodedata.category(c) in _STEERING else c for c in text)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, `1 paper` or `2 papers`; `many` where the plural is no -s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def standing_of(issue: Issue) -> str:
    """Return an issue's state as a person names it: one that is being sent may be paused."""
    return "paused" if issue.paused_at else issue.state.value


def totals_of(totals: Mapping[DeliveryState, int]) -> str:
    """Return `12 accepted, 1 uncertain`, or `none`."""
    return ", ".join(f"{count} {state}" for state, count in totals.items() if count) or "none"


def say_table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, wide: Collection[int] = ()) -> None:
    """Print rows: a table that fits a terminal, else aligned plain lines.

    Where a terminal is narrow the columns of `wide` (the last, if none is named) wrap; the others stay whole.
    """
    wraps = set(wide) or {len(headers) - 1}
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number, header in enumerate(headers):
            longest = max((len(row[number]) for row in cells), default=0)
            table.add_column(header, min_width=None if number in wraps else max(longest, len(header)))
        for row in cells:
            table.add_row(*row)
        console.print(table)
        return
    widths = [max(len(row[n]) for row in [list(headers), *cells]) for n in range(len(headers) - 1)]
    for row in [list(headers), *cells]:
        padded = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        typer.echo(_GAP.join(padded).rstrip())


def progressing(
    steps: Iterable[_Step], *, total: int, what: str, done: Callable[[_Step], int] | None = None
) -> Iterator[_Step]:
    """Yield the steps, with a progress bar on standard error where that is a terminal.

    Each step is one of `total`; with `done` it tells how many of them are done.
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield from steps
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        for number, step in enumerate(steps, start=1):
            yield step
            progress.update(task, completed=done(step) if done else number)
