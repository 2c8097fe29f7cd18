"""Where an issue's selections wait between the choice and the freeze: a file, so that memory stays flat.

Choosing for everybody takes long, and storing must not: the store is held only for the second. It chooses nothing.
"""

from __future__ import annotations

import json
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from newsletter.model import RankedPaper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from newsletter.model import Issue

_BLOCK = 5_000  # readers in a line of the file
_KEPT = 5_000  # selections that later lines may name by their number
_IN_MEMORY = 4_000_000  # bytes; a small issue's selections never see the disk

# What one reader gets: their number, the papers in order, and how many more the issue has.
Chosen = tuple[int, tuple[RankedPaper, ...], int]


class Spool:
    """The selections of one issue; a context manager that removes its file."""

    def __init__(self, issue: Issue) -> None:
        self._papers = issue.papers
        self._places = {paper.id: place for place, paper in enumerate(issue.papers)}
        # By identity, which holds while the selection is held: a selection is written once for all who share the tuple.
        self._written: dict[int, tuple[int, tuple[RankedPaper, ...]]] = {}
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 - this class is one

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def fill(self, chosen: Iterable[Chosen]) -> int:
        """Write down what each reader gets, and return how many readers there are."""
        number = 0
        rest = iter(chosen)
        while block := list(islice(rest, _BLOCK)):
            self._write(block)
            number += len(block)
        return number

    def chosen(self) -> Iterator[Chosen]:
        """Yield what was written, in its order; readers of one selection are handed one tuple."""
        self._file.seek(0)
        selections: list[tuple[RankedPaper, ...]] = []
        for line in self._file:
            held = json.loads(line)
            if held["anew"]:
                selections = []
            selections += [self._read(selection) for selection in held["selections"]]
            for reader, selection, left_out in held["readers"]:
                yield reader, selections[selection], left_out

    def _write(self, block: list[Chosen]) -> None:
        if anew := len(self._written) > _KEPT:
            self._written.clear()
        new: list[list[list[Any]]] = []
        readers = []
        for reader, papers, left_out in block:
            written = self._written.get(id(papers))
            if written is None:
                written = self._written[id(papers)] = len(self._written), papers
                new.append([self._placed(one) for one in papers])
            readers.append((reader, written[0], left_out))
        line = {"anew": anew, "selections": new, "readers": readers}
        self._file.write(f"{json.dumps(line, separators=(',', ':'))}\n")

    def _placed(self, one: RankedPaper) -> list[Any]:
        return [self._places[one.paper.id], float(one.score), bool(one.matched), one.reasons]

    def _read(self, selection: list[list[Any]]) -> tuple[RankedPaper, ...]:
        return tuple(
            RankedPaper(paper=self._papers[place], score=score, matched=matched, reasons=tuple(reasons))
            for place, score, matched, reasons in selection
        )
