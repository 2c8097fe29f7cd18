"""Searches 100,000 stored papers for rare, usual and very common words, with and without filters, on one connection.

Run by hand: python -m tests.benchmarks.web_search [PAPERS] [DATABASE URL]

The papers are the replay's and ones made of their sentences, listed over four years. A database that is named is kept,
and filled only where it holds no papers.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from newsletter.config import load_config
from newsletter.rank.topics import wish_of_topic
from newsletter.store import Store, open_store
from newsletter.store.finding import Filters
from tests.benchmarks.material import NOW, corpus, memory, replayed_papers

QUERIES = {
    "a rare word": "steganography",
    "two words": "kv cache compression",
    "a usual word": "robot",
    "a very common word": "model",
    "three very common words": "large language models",
    "the beginning of very many words": "com",
    "ten words, no paper with all": "a policy for two arms learns folding from forty demonstrations",
    "a whole common sentence": "we propose a new method that improves the performance of large language models",
    "nothing that any paper holds": "zzyzx qwrtp",
}
_ROUNDS = 15
_DAYS = 1_200


def fill(store: Store, number: int) -> None:
    """Store so many papers, listed over four years, with made-up votes."""
    chance = random.Random(6)  # noqa: S311 - made-up dates and votes, no secret
    papers = corpus(replayed_papers(), number)
    made = [paper for paper in papers if paper.id.startswith("made:")]
    last = min(paper.listed_on or date.max for paper in papers if not paper.id.startswith("made:"))
    for row, paper in enumerate(made):
        day = last - timedelta(days=_DAYS - row * _DAYS // len(made))
        made[row] = replace(paper, listed_on=day, upvotes=int(chance.expovariate(1 / 15)))
    rest = papers[len(made) :]
    for start in range(0, number, 5_000):
        store.papers.add([*made, *rest][start : start + 5_000], taken_at=NOW)


def main(number: int, url: str) -> None:
    """Print the median and the slowest of fifteen searches each, in milliseconds."""
    with open_store(url) as store:
        if not store.papers.count():
            fill(store, number)
        newest = store.catalogue.newest_day() or date.min
        topic = next(wish_of_topic(one) for one in load_config(Path("nowhere"), {}).topics if one.name == "agents")
        filters = {
            "": Filters(),
            ", of a month": Filters(first=newest - timedelta(days=30), last=newest),
            ", of two years": Filters(first=newest - timedelta(days=1_000), last=newest - timedelta(days=270)),
            ", in a topic": Filters(phrases=topic.phrases, negative=topic.negative),
        }
        print(f"{store.papers.count():,} papers")
        for name, query in QUERIES.items():
            for how, one in filters.items():
                _measure(store, f"{name}{how}", query, one)
        print(f"memory: {memory()}")


def _measure(store: Store, name: str, query: str, filters: Filters) -> None:
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        found = store.catalogue.search(query, filters=filters, limit=20)
        times.append((time.perf_counter() - began) * 1000)
    about = "" if found.exact else "more than "
    print(f"{statistics.median(times):7.1f} {max(times):7.1f} ms  {name}: {about}{found.total:,} papers")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        main(count, sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/newsletter.db")
