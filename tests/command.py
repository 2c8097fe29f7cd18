"""Running the command line in a test as a person would: arguments in; exit code and both outputs back."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

from newsletter.cli import run

if TYPE_CHECKING:
    from pathlib import Path


# How people on a list came to be subscribed, which `subscribers import` asks for.
CONSENT = ("--confirmed", "--consent-reason", "signed at our seminar", "--consent-date", "2026-01-31")


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Newsletter:
    """The command on one home; calling it runs one command, `well` demands that it succeeds."""

    home: Path

    def __call__(self, *arguments: str) -> Ran:
        out, err = BytesIO(), BytesIO()
        with redirect_stdout(_text(out)), redirect_stderr(_text(err)):
            code = run(["--home", str(self.home), *arguments])
        return Ran(code, out.getvalue().decode(), err.getvalue().decode())

    def well(self, *arguments: str) -> Ran:
        ran = self(*arguments)
        assert ran.code == 0, f"{arguments}: exit {ran.code}\n{ran.out}{ran.err}"
        return ran

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Demand that the command fails with one line on standard error, and return the line."""
        ran = self(*arguments)
        assert ran.code == code, f"{arguments}: exit {ran.code}\n{ran.out}{ran.err}"
        lines = ran.err.splitlines()
        assert len(lines) == 1, ran.err
        assert "Traceback" not in ran.err
        return lines[0]


def _text(raw: BytesIO) -> TextIOWrapper:
    """Return a stream over `raw` as a shell's would be, one that takes bytes as well; it leaves `raw` open."""
    stream = TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
    stream.close = lambda: None  # type: ignore[method-assign] # what was printed is read after the command
    return stream
