"""Fits the text model on 75,000 papers and finds it again, beside scikit-learn's own TF-IDF on the same texts.

Run by hand: python -m tests.benchmarks.rank_fit [PAPERS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from newsletter.pipeline.fitting import Fitter
from newsletter.rank.baseline import vectors_of
from tests.benchmarks.material import corpus, memory, ranker, replayed_papers, timed


def main(number: int) -> None:
    """Print what fitting, keeping and loading take."""
    papers = corpus(replayed_papers(), number)
    print(f"{len(papers):,} papers in memory: {memory()}")
    with tempfile.TemporaryDirectory() as folder:
        _, wall, cpu = timed(lambda: ranker().fit(papers))
        print(f"fitting: {wall:.1f} s ({cpu:.1f} s CPU); {memory()}")
        fitter = Fitter(ranker(), Path(folder))
        fitter.fit(papers)
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) // 2**20
        _, wall, cpu = timed(lambda: Fitter(ranker(), Path(folder)).fit(papers))
        print(f"finding what was kept, {size} MB, by the digest of all papers: {wall:.2f} s ({cpu:.2f} s CPU)")
        (file,) = Path(folder).iterdir()
        _, wall, cpu = timed(lambda: fitter.kept(file))
        print(f"    of it loading: {wall:.2f} s ({cpu:.2f} s CPU)")
    _, wall, reference = timed(lambda: vectors_of(papers))
    print(f"reference, scikit-learn's TF-IDF of 1-2-grams with 20,000 features: {wall:.1f} s ({reference:.1f} s CPU)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 75_000)
