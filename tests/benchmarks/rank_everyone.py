"""Ranks 200 candidates for up to a million readers, and prints time, memory and the ratio to one reader at a time.

The model is fitted and kept by a process of its own first, as it is for every send but the first. Profiles are made
before the clock starts, and their memory counts.

Run by hand: python -m tests.benchmarks.rank_everyone [READERS]
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.pipeline.fitting import Fitter
from tests.benchmarks.material import NOW, memory, ranker, readers, replayed_papers, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.model import Paper, Profile
    from newsletter.rank.ranker import Ranker

_CANDIDATES = 200
_INTERESTS = 500
_ALONE = 200  # readers ranked one at a time, as the reference


def main(number: int) -> None:
    """Print one line for each size."""
    fitted, candidates, made = _prepared()
    print(f"{len(candidates)} candidates, profiles of 3 topics and 2 of {_INTERESTS} interests, all before: {memory()}")
    small = list(islice(made, 1_000))
    _run("1,000 readers, nothing known before", fitted, candidates, small)
    alone = _reference(fitted, candidates, small)
    _run("1,000 readers, again", fitted, candidates, list(small), alone)
    distinct = list(islice(made, 20_000))
    _run(f"{number:,} of 20,000", fitted, candidates, [replace(distinct[row % 20_000]) for row in range(number)], alone)
    del distinct
    _run(f"{number:,} of as many", fitted, candidates, list(islice(made, number)), alone)


def _prepared() -> tuple[Ranker, list[Paper], Iterator[Profile]]:
    papers = replayed_papers()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=_keep, args=(folder,))
        process.start()
        process.join()
        fitted = Fitter(ranker(), Path(folder)).fit(papers)
    print(f"{len(papers):,} papers known")
    return fitted, papers[-_CANDIDATES:], readers([topic.name for topic in fitted.topics], papers, interests=_INTERESTS)


def _keep(folder: str) -> None:
    Fitter(ranker(), Path(folder)).fit(replayed_papers())


def _run(
    what: str, fitted: Ranker, candidates: list[Paper], profiles: list[Profile], alone: float | None = None
) -> None:
    with_profiles = memory()
    selections, wall, cpu = timed(lambda: fitted.rank_many(candidates, profiles, now=NOW))
    ratio = f", {alone / (cpu / len(selections)):,.0f} times as fast as one at a time" if alone else ""
    print(f"{what}: {wall:.3f} s ({cpu:.3f} s CPU){ratio}; {len(selections.profiles):,} ranked;")
    print(f"    with the profiles before {with_profiles}, after {memory()}")


def _reference(fitted: Ranker, candidates: list[Paper], profiles: list[Profile]) -> float:
    """Return the CPU seconds a reader takes by `Ranker.rank`, the wishes being known."""
    _, _, cpu = timed(lambda: [fitted.rank(candidates, profile, now=NOW) for profile in profiles[:_ALONE]])
    print(f"one reader at a time, with all reasons: {cpu / _ALONE * 1000:.2f} ms a reader")
    return cpu / _ALONE


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
