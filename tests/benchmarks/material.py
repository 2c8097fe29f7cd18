"""What the benchmarks of ranking work on: the replay's real papers, as many as are wanted, and made-up readers."""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from newsletter.collect.files import read_file
from newsletter.config import load_config
from newsletter.model import Paper, Profile
from newsletter.rank.ranker import Ranker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_Result = TypeVar("_Result")

NOW = datetime(2026, 6, 6, tzinfo=UTC)
DATA = Path(os.environ.get("NEWSLETTER_TEST_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")


def replayed_papers() -> list[Paper]:
    """Return the 8,358 papers of the replay, oldest first."""
    path = DATA / "replay" / "papers.jsonl.gz"
    if not path.is_file():
        sys.exit(f"{path} is not there; point NEWSLETTER_TEST_DATA at the recorded input")
    return sorted(read_file(path, now=NOW).papers, key=lambda paper: (paper.listed_on or date.min, paper.id))


def corpus(papers: Sequence[Paper], number: int, *, seed: int = 0) -> list[Paper]:
    """Return `number` papers: the given ones, and before them ones whose sentences are drawn from all of them."""
    chance = random.Random(seed)  # noqa: S311 - made-up texts, no secret
    sentences = [sentence for paper in papers for sentence in paper.abstract.split(". ")]
    titles = [paper.title for paper in papers]
    first = (papers[0].listed_on or date(2024, 1, 1)) - timedelta(days=1)
    made = [
        replace(
            papers[0],
            id=f"made:{row}",
            title=" ".join(chance.choice(titles).split()[:4] + chance.choice(titles).split()[-4:]),
            abstract=". ".join(chance.sample(sentences, 7)),
            listed_on=first,
        )
        for row in range(number - len(papers))
    ]
    return [*made, *papers][:number]


def ranker() -> Ranker:
    """Return the ranker of the default settings, not fitted."""
    config = load_config(Path("nowhere"), {})
    weights = config.rank
    return Ranker(
        config.topics,
        topic_weight=weights.topic_weight,
        votes_weight=weights.votes_weight,
        floor=weights.floor,
        aliases=config.aliases,
    )


def readers(topics: Sequence[str], papers: Sequence[Paper], *, interests: int, seed: int = 0) -> Iterator[Profile]:
    """Yield profiles without end: three named topics and two of `interests` free-text interests of three words."""
    chance = random.Random(seed)  # noqa: S311 - made-up readers, no secret
    phrases = [" ".join(chance.choice(papers).title.split(":")[-1].split()[:3]) for _ in range(interests)]
    while True:
        yield Profile(topics=tuple(chance.sample(topics, 3)), interests=tuple(chance.sample(phrases, 2)))


def memory() -> str:
    """Return what this process holds in memory now, and the most that it ever held."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    held = pages * resource.getpagesize() // 2**20
    return f"{held} MB (at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB)"


def timed(work: Callable[[], _Result]) -> tuple[_Result, float, float]:
    """Return what `work` returns, and the seconds it took, by the clock and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu
