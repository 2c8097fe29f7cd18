"""Ranks one day for readers with liked papers, beside TF-IDF and one linear SVM for each reader, in the same run.

The corpus is that of the replay up to a list's cut, filled up to 20,000 papers with made-up ones; the readers like
random halves of what the three recorded lists had by then, and want what the whole list added later. Both know the
same papers and judge the same days. Texts become numbers once for everyone on both sides and are not counted; what is
counted is what one more reader costs: there fitting the SVM and scoring the day, here the reader's share of
`rank_many` over the same day.

Run by hand: python -m tests.benchmarks.rank_likes
"""

from __future__ import annotations

import random
import time

import numpy as np

from newsletter.collect.reading_list import read_reading_list
from newsletter.model import Paper, Profile
from newsletter.rank import metrics
from newsletter.rank.baseline import plane_of, texts_of, vectors_of
from newsletter.rank.replay import ReadingList, Replay, replay
from tests.benchmarks.material import DATA, NOW, corpus, ranker, replayed_papers

_PAPERS = 20_000
_READERS = 102


def main() -> None:
    """Print what a reader costs on both sides, and what the orders are worth."""
    papers = replayed_papers()
    ours, theirs = 0.0, 0.0
    our_ndcg: list[float] = []
    their_ndcg: list[float] = []
    chance = random.Random(0)  # noqa: S311 - made-up readers, no secret
    for path in sorted((DATA / "replay").glob("interests-*.json")):
        name, added = read_reading_list(path.read_text("utf-8"), where=path.name)
        replayed = replay(papers, ReadingList(name=name, added=added))
        known = corpus(list(replayed.corpus), _PAPERS)
        likes = [tuple(chance.sample(replayed.liked, len(replayed.liked) // 2)) for _ in range(_READERS // 3)]
        took, ndcg = _ours(known, replayed, likes)
        ours, our_ndcg = ours + took, [*our_ndcg, float(np.mean(ndcg))]
        took, ndcg = _theirs(known, replayed, likes)
        theirs, their_ndcg = theirs + took, [*their_ndcg, float(np.mean(ndcg))]
        print(
            f"{name}: {len(known):,} papers, {len(likes)} readers with {len(likes[0])} liked papers each, "
            f"{len(replayed.days)} days: nDCG {our_ndcg[-1]:.4f}, SVM {their_ndcg[-1]:.4f}"
        )
    print(f"TF-IDF + linear SVM: {theirs / _READERS * 1000:.1f} ms CPU a reader, nDCG {np.mean(their_ndcg):.4f}")
    print(f"rank_many:           {ours / _READERS * 1000:.3f} ms CPU a reader, nDCG {np.mean(our_ndcg):.4f}")
    print(f"ratio: {theirs / ours:,.0f}")


def _ours(known: list[Paper], replayed: Replay, likes: list[tuple[str, ...]]) -> tuple[float, list[float]]:
    fitted = ranker().fit(known)
    profiles = [Profile(liked=liked) for liked in likes]
    ndcg, took = [], []
    for one in replayed.days:
        fitted.rank_many(one.papers, [Profile(liked=likes[0])], now=NOW, size=len(one.papers))  # the day made ready
        start = time.process_time()
        selections = fitted.rank_many(one.papers, profiles, now=NOW, size=len(one.papers))
        took.append(time.process_time() - start)
        for profile in profiles:
            order = [ranked.paper.id for ranked in fitted.rank(one.papers, profile, now=NOW)]
            ndcg.append(metrics.ndcg([key in one.wanted for key in order]))
        assert len(selections) == len(profiles)
    return float(np.mean(took)), ndcg


def _theirs(known: list[Paper], replayed: Replay, likes: list[tuple[str, ...]]) -> tuple[float, list[float]]:
    vectors, words = vectors_of(known)
    days = [(day, words.transform(texts_of(day.papers))) for day in replayed.days]
    ndcg, took = [], 0.0
    for liked in likes:
        wanted = set(liked)
        start = time.process_time()
        plane = plane_of(vectors, [paper.id in wanted for paper in known])
        plane.decision_function(days[0][1])
        took += time.process_time() - start
        for day, rows in days:
            order = np.argsort(-plane.decision_function(rows), kind="stable")
            ndcg.append(metrics.ndcg([day.papers[row].id in day.wanted for row in order]))
    return took, ndcg


if __name__ == "__main__":
    main()
