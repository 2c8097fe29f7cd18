"""What an embedding model says of wishes and papers: how near they are in meaning, where no word is shared.

The lexical match (`newsletter.rank.text`) needs nothing but numpy; this one needs a model that somebody else loads and
hands in as an `Embedder`. A cosine by itself says little, for each model has its own usual height: so each is measured
by how it stands above the cosines of a sample of the corpus. Nothing here loads a model, reads a file or knows votes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from newsletter.model import Paper

# One row a text, of length 1; of length 0 for a text that says nothing.
Rows = NDArray[np.float32]
Matches = NDArray[np.float32]

_SAMPLED = 500  # papers of the corpus that cosines are measured by: their mean is then known to a 20th of a deviation
_BELIEVED = 50  # from so many on; of fewer papers the deviation is a guess, and a match keeps only its share
_FULL_MATCH = 4.0  # deviations above the corpus that count as a very good match, 1.0; chosen on the development replay
_STEEPNESS = 2.0  # of the bend between below and above the mean of the corpus
_MOST_MATCH = 2.0
_BLOCK = 1_000  # wishes compared at a time, so that memory stays flat
_KEPT_AS = "meaning_"  # begins the names of arrays, which are kept beside others
_DIGITS = 5  # matches are rounded, so that the order in which a machine adds does not show


class Embedder(Protocol):
    """A model that turns texts into vectors. A text's row does not depend on the texts beside it."""

    @property
    def name(self) -> str:
        """What tells the model from every other: two with one name give the same rows."""

    def papers(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return one row of numbers for each text that papers hold."""

    def phrases(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return the same for what readers wish for: some models tell questions from documents."""


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """An embedder, and a sample of a corpus that it was asked about. Made by `learn`."""

    embedder: Embedder
    marks: tuple[str, ...]  # SHA-256 (hex) of what was embedded of each paper
    rows: Rows  # one for each of them

    @property
    def sample(self) -> Rows:
        """The rows that cosines are measured by: those of papers that say something."""
        return self.rows[self.rows.any(axis=1)]

    def about(self, papers: Sequence[Paper]) -> Rows:
        """Return what each paper is about, one row a paper, to be handed to `match` and `matches`."""
        return _rows(self.embedder.papers, [text_of(paper) for paper in papers], self.sample.shape[1])

    def match(self, phrases: Sequence[str], candidates: Rows) -> Matches:
        """Return how near each candidate is to a wish, the mean of its phrases: 0 not at all, about 1 very near."""
        return np.asarray(self.matches([phrases], candidates)[0])

    def matches(self, wishes: Sequence[Sequence[str]], candidates: Rows) -> Matches:
        """Return the same for many wishes at once, one row a wish. Phrases that wishes share are embedded once."""
        if not self.sample.size or not candidates.size:  # nothing to measure by, or nothing to measure
            return np.zeros((len(wishes), len(candidates)), dtype=np.float32)
        phrases = sorted({phrase for wish in wishes for phrase in wish})
        rows = dict(zip(phrases, _rows(self.embedder.phrases, phrases, self.sample.shape[1]), strict=True))
        centres = [_centre([rows[phrase] for phrase in sorted(set(wish))], self.sample.shape[1]) for wish in wishes]
        blocks = (np.array(centres[start : start + _BLOCK]) for start in range(0, len(centres), _BLOCK))
        none = np.zeros((0, len(candidates)), dtype=np.float32)
        return np.concatenate([none, *(self._standing(block, candidates) for block in blocks)])

    def _standing(self, centres: Rows, candidates: Rows) -> Matches:
        """Return how far the cosines stand above those of the sample, by a smooth ramp that is almost 0 below them."""
        wanted = centres.astype(np.float64)  # whose sums do not depend on their order in any digit that is kept
        usual = wanted @ self.sample.T
        spread = usual.std(axis=1, keepdims=True)
        above = (wanted @ candidates.T - usual.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
        ramp = np.logaddexp(0, _STEEPNESS * above) / (_STEEPNESS * _FULL_MATCH)
        ramp *= min(1.0, len(self.sample) / _BELIEVED) * (spread > 0) * candidates.any(axis=1)
        return np.asarray(np.round(np.minimum(ramp, _MOST_MATCH), _DIGITS), dtype=np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is to be saved beside the text model: numbers and plain text, nothing that needs pickle."""
        arrays = {"rows": self.rows, "marks": np.array(self.marks), "embedder": np.array([self.embedder.name])}
        return {f"{_KEPT_AS}{name}": array for name, array in arrays.items()}


def from_arrays(embedder: Embedder, arrays: Mapping[str, NDArray[Any]]) -> Meaning | None:
    """Return what `Meaning.arrays` gave; None where another model made it, so that it must be learned anew.

    Raises:
        KeyError: an array is missing.
        ValueError: the arrays do not fit together.
    """
    name, marks = (tuple(map(str, arrays[f"{_KEPT_AS}{of}"].tolist())) for of in ("embedder", "marks"))
    rows = np.asarray(arrays[f"{_KEPT_AS}rows"], dtype=np.float32)
    if rows.ndim != 2 or len(rows) != len(marks):  # noqa: PLR2004 - texts x numbers
        raise ValueError("what was kept of meanings has parts of different sizes")
    return Meaning(embedder, marks, rows) if name == (embedder.name,) else None


def learn(embedder: Embedder, corpus: Iterable[Paper], *, before: Meaning | None = None) -> Meaning:
    """Return the meaning of wishes over a corpus, which may be empty; its order does not matter.

    Embedded are at most 500 papers, those whose ids have the least SHA-256: an even and lasting choice. What `before`
    has of them, made with the same model, is not embedded again.
    """
    chosen = nsmallest(_SAMPLED, _unique(corpus), key=_lot)
    marks = tuple(hashlib.sha256(text_of(paper).encode()).hexdigest() for paper in chosen)
    return Meaning(embedder, marks, _learned(embedder, chosen, marks, before))


def _learned(embedder: Embedder, papers: Sequence[Paper], marks: Sequence[str], before: Meaning | None) -> Rows:
    """Return a row for each paper, whose marks are those of its text, from `before` where that has the same text."""
    had = dict(zip(before.marks, before.rows, strict=True)) if before and before.embedder.name == embedder.name else {}
    fresh = [row for row, mark in enumerate(marks) if mark not in had]
    made = _rows(embedder.papers, [text_of(papers[row]) for row in fresh], 0)
    found = had | dict(zip((marks[row] for row in fresh), made, strict=True))
    width = max((row.size for row in found.values()), default=0)
    rows = np.zeros((len(marks), width), dtype=np.float32)
    for row, mark in enumerate(marks):
        rows[row, : found[mark].size] = found[mark]  # a text that says nothing may have a row of no columns
    return rows


def text_of(paper: Paper) -> str:
    """Return what of a paper is embedded: its title, and the abstract or, without one, the summary."""
    return ". ".join(filter(None, (paper.title.strip(), (paper.abstract or paper.summary).strip())))


def _unique(corpus: Iterable[Paper]) -> Iterable[Paper]:
    """Return one paper for each id, of several always the same."""
    kept: dict[str, Paper] = {}
    for paper in corpus:
        other = kept.setdefault(paper.id, paper)
        if text_of(paper) < text_of(other):
            kept[paper.id] = paper
    return kept.values()


def _lot(paper: Paper) -> bytes:
    return hashlib.sha256(paper.id.encode()).digest()


def _rows(embed: Callable[[Sequence[str]], NDArray[Any]], texts: Sequence[str], width: int) -> Rows:
    """Return one row of length 1 a text, or of length 0 where it is empty or the model gives no numbers for it.

    `width` is the number of columns where no text says anything.
    """
    held = [row for row, text in enumerate(texts) if text.strip()]
    if not held:
        return np.zeros((len(texts), width), dtype=np.float32)
    given = np.array(embed([texts[row] for row in held]), dtype=np.float64)
    given[~np.isfinite(given).all(axis=1)] = 0.0
    rows = np.zeros((len(texts), given.shape[1]), dtype=np.float32)
    rows[held] = given / (np.linalg.norm(given, axis=1, keepdims=True) + (~given.any(axis=1, keepdims=True)))
    return rows


def _centre(rows: Sequence[Rows], width: int) -> Rows:
    """Return the mean of some rows at length 1; length 0 where there is none that says anything."""
    total = np.sum(rows, axis=0, dtype=np.float64) if rows else np.zeros(width)
    return np.asarray(total / (np.linalg.norm(total) or 1.0), dtype=np.float32)
