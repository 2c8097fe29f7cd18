"""Fitted rankers, kept in files: a corpus is learned from once, and the model found again by what it was learned from.

A file's name is the digest of all that goes into the model, so a new paper, another alias or another version of the
program makes a new one, and a file can be removed at any time. It decides nothing about what a corpus holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np

from newsletter.pipeline.drafting import learned_of
from newsletter.rank import meaning, saving

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from newsletter.model import Paper
    from newsletter.rank.meaning import Meaning
    from newsletter.rank.ranker import Ranker

_KEPT = 3  # models: those of the last issues; one of 20,000 papers takes 70 MB
_ENDING = ".npz"
_NAME = "key"  # in a file: what it is called, so that another home's file is not taken for it
_LEFT_BEHIND = 3600  # seconds after which a half-written file has no writer any more
# What zipfile, zlib and numpy's own reader raise on an archive that is cut off, overwritten or another program's, as
# trying it on a hundred thousand damaged files showed: a RuntimeError for one that seems to be encrypted or compressed
# in an unknown way, the last three for the text before an array, which is parsed before its checksum is known.
_DAMAGED = (OSError, EOFError, BadZipFile, zlib.error, RuntimeError, ValueError, SyntaxError, TokenError, MemoryError)


class Fits(Protocol):
    """What turns a corpus into a ranker that learned from it."""

    def fit(self, corpus: Iterable[Paper]) -> Ranker:
        """Return a ranker fitted on `corpus`."""


@dataclass(frozen=True, slots=True)
class Fitter:
    """Fits `ranker`, or finds in `folder` what was fitted on the same corpus before.

    A folder that cannot be written to, and a file that cannot be read, cost time and nothing else.
    """

    ranker: Ranker
    folder: Path

    def fit(self, corpus: Iterable[Paper]) -> Ranker:
        """Return the ranker fitted on `corpus`, the same as `Ranker.fit` returns."""
        papers = list(corpus)
        path = self.folder / f"{_key(self.ranker, papers)}{_ENDING}"
        if kept := self.kept(path):
            return kept
        fitted = self.ranker.fit(papers, before=self._sense_before())
        if fitted.model:
            with suppress(OSError):
                self._keep(path, fitted)
        return fitted

    def kept(self, path: Path) -> Ranker | None:
        """Return the ranker with the model of a file; None where there is none, or none that fits its name."""
        arrays = _arrays_in(path)
        if arrays is None or str(arrays.get(_NAME)) != path.stem:
            return None
        try:
            sense, model = self._sense(arrays), saving.model_from(arrays)
        except (KeyError, ValueError):  # whole, but not made by this version of the program
            return None
        if self.ranker.embedder and sense is None:
            return None
        with suppress(OSError):
            os.utime(path)  # the newest are kept
        return self.ranker.fitted(model, sense)

    def _sense(self, arrays: Mapping[str, NDArray[Any]]) -> Meaning | None:
        return meaning.from_arrays(self.ranker.embedder, arrays) if self.ranker.embedder else None

    def _sense_before(self) -> Meaning | None:
        """Return what the embedder said last, most of which still holds."""
        for path, _ in self._files() if self.ranker.embedder else ():
            with suppress(KeyError, ValueError):  # as above, or made without an embedder
                if sense := self._sense(_arrays_in(path) or {}):
                    return sense
        return None

    def _files(self, pattern: str = f"[!.]*{_ENDING}") -> list[tuple[Path, float]]:
        """Return the files and their times, the newest first; another process may remove some meanwhile."""
        found = []
        for path in self.folder.glob(pattern):
            with suppress(OSError):
                found.append((path, path.stat().st_mtime))
        return sorted(found, key=itemgetter(1), reverse=True)

    def _keep(self, path: Path, fitted: Ranker) -> None:
        assert fitted.model is not None, "asked only where there is one"  # noqa: S101 - narrows the type, never input
        self.folder.mkdir(exist_ok=True)
        # Two processes may fit the same: each writes a file of its own and the last one's name stands.
        draft = path.with_name(f".{path.stem}.{uuid4().hex}{_ENDING}")
        try:
            arrays = (
                {_NAME: np.array(path.stem)}
                | saving.arrays_of(fitted.model)
                | (fitted.meaning.arrays() if fitted.meaning else {})
            )
            np.savez(draft, allow_pickle=False, **arrays)
            os.replace(draft, path)  # noqa: PTH105 - Path.replace is the same call, but says nothing of being atomic
        finally:
            draft.unlink(missing_ok=True)
        self._clear()

    def _clear(self) -> None:
        """Remove all but the newest models, and what a process that was killed left half written."""
        kept = self._files()
        drafts = self._files(f".*{_ENDING}")
        newest = max((time for _, time in (*kept, *drafts)), default=0.0)
        dead = [(path, time) for path, time in drafts if newest - time > _LEFT_BEHIND]
        for path, _ in (*kept[_KEPT:], *dead):
            path.unlink(missing_ok=True)


def _arrays_in(path: Path) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of an archive, their checksums verified; None where it is none, or damaged."""
    try:
        # Opened here, since numpy leaves a file open that is no archive.
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            return dict(found) if isinstance(found, np.lib.npyio.NpzFile) else None
    except _DAMAGED:
        return None


def _key(ranker: Ranker, papers: Iterable[Paper]) -> str:
    """Return the digest (hex) of all that a model is made of."""
    made = hashlib.sha256(json.dumps([saving.FORMAT, sorted(ranker.aliases.items()), _embedder(ranker)]).encode())
    for paper in papers:
        made.update(json.dumps(learned_of(paper)).encode())
    return made.hexdigest()


def _embedder(ranker: Ranker) -> str:
    return ranker.embedder.name if ranker.embedder else ""
