"""Fitted rankers, kept in files: a corpus is learned from once, and the model found again by what it was learned from.

A file's name is the digest of all that goes into the model, so a new paper, another alias or another version of the
program makes a new one, and a file can be removed at any time. It decides nothing about what a corpus holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import numpy as np

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
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


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
        """Return the ranker with the model of a file; None where there is none that can be read."""
        try:
            # Opened here, since numpy leaves a file open that is no archive.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                sense = self._sense(arrays)
                if self.ranker.embedder and sense is None:
                    return None
                model = saving.model_from(arrays)
        except _UNREADABLE:
            return None
        with suppress(OSError):
            path.touch()  # the newest are kept
        return self.ranker.fitted(model, sense)

    def _sense(self, arrays: Mapping[str, NDArray[Any]]) -> Meaning | None:
        return meaning.from_arrays(self.ranker.embedder, arrays) if self.ranker.embedder else None

    def _sense_before(self) -> Meaning | None:
        """Return what the embedder said last, most of which still holds."""
        for path in self._files() if self.ranker.embedder else ():
            with suppress(*_UNREADABLE), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                if sense := self._sense(arrays):
                    return sense
        return None

    def _files(self) -> list[Path]:
        """Return the kept files, the newest first."""
        found = {path: path.stat().st_mtime for path in self.folder.glob(f"[!.]*{_ENDING}")}
        return sorted(found, key=found.__getitem__, reverse=True)

    def _keep(self, path: Path, fitted: Ranker) -> None:
        assert fitted.model is not None, "asked only where there is one"  # noqa: S101 - narrows the type, never input
        self.folder.mkdir(exist_ok=True)
        # Two processes may fit the same: each writes a file of its own and the last one's name stands.
        draft = path.with_name(f".{path.stem}.{uuid4().hex}{_ENDING}")
        try:
            arrays = saving.arrays_of(fitted.model) | (fitted.meaning.arrays() if fitted.meaning else {})
            np.savez(draft, allow_pickle=False, **arrays)
            os.replace(draft, path)  # noqa: PTH105 - Path.replace is the same call, but says nothing of being atomic
        finally:
            draft.unlink(missing_ok=True)
        self._clear()

    def _clear(self) -> None:
        """Remove all but the newest models."""
        for old in self._files()[_KEPT:]:
            old.unlink(missing_ok=True)


def _key(ranker: Ranker, papers: Iterable[Paper]) -> str:
    """Return the digest (hex) of all that a model is made of."""
    made = hashlib.sha256(json.dumps([saving.FORMAT, sorted(ranker.aliases.items()), _embedder(ranker)]).encode())
    for paper in papers:
        learned = [paper.id, paper.title, paper.abstract or paper.summary, paper.keywords]
        made.update(json.dumps([*learned, str(paper.listed_on or paper.published)]).encode())
    return made.hexdigest()


def _embedder(ranker: Ranker) -> str:
    return ranker.embedder.name if ranker.embedder else ""
