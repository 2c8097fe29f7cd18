"""A few words of interest, replayed on the development part of real reading lists: nothing past a cut is seen."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import TYPE_CHECKING

from sklearn.feature_extraction.text import TfidfVectorizer

from newsletter.model import Paper, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from newsletter.rank.ranker import Ranker

FITTED_UNTIL = date(2025, 6, 1)
INTERESTS = {
    "llm-safety": "jailbreak alignment safety LLM",
    "world-models": "world model video prediction",
}


def test_a_few_words_beat_a_plain_tfidf_query(
    replayed: tuple[Paper, ...], unfitted: Ranker, shared_data: Path, now: datetime
) -> None:
    past = [paper for paper in replayed if _day(paper) < FITTED_UNTIL]
    fitted = unfitted.fit(past)
    plain = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=20_000, stop_words="english")
    plain.fit(map(_text, past))
    ours, theirs = [], []
    for name, interest in INTERESTS.items():
        for candidates, wanted in _days(replayed, shared_data / "replay" / f"interests-{name}.json"):
            ranked = fitted.rank(candidates, Profile(interests=(interest,)), now=now)
            ours.append(_ndcg([one.paper.id for one in ranked], wanted))
            near = (plain.transform(map(_text, candidates)) @ plain.transform([interest]).T).toarray().ravel()
            order = sorted(range(len(candidates)), key=lambda row: -near[row])
            theirs.append(_ndcg([candidates[row].id for row in order], wanted))
    assert len(ours) > 60
    assert _mean(ours) > _mean(theirs) + 0.03
    assert _mean(ours) > 0.85


def _days(replay: Sequence[Paper], list_file: Path) -> Iterator[tuple[list[Paper], set[str]]]:
    """Yield the papers of each development day after the fit, and which of them the list has."""
    entries = sorted(json.loads(list_file.read_text("utf-8"))["entries"], key=lambda entry: str(entry["added"]))
    cut = date.fromisoformat(entries[len(entries) * 6 // 10]["added"])
    wanted = {entry["id"] for entry in entries if date.fromisoformat(entry["added"]) < cut}
    days: dict[date, list[Paper]] = {}
    for paper in replay:
        if FITTED_UNTIL <= _day(paper) < cut:
            days.setdefault(_day(paper), []).append(paper)
    for papers in days.values():
        if hits := wanted & {paper.id for paper in papers}:
            yield papers, hits


def _ndcg(ids: Sequence[str], wanted: set[str]) -> float:
    gained = sum(1 / math.log2(place + 2) for place, key in enumerate(ids) if key in wanted)
    return gained / sum(1 / math.log2(place + 2) for place in range(len(wanted)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _text(paper: Paper) -> str:
    return f"{paper.title} {paper.abstract}"


def _day(paper: Paper) -> date:
    assert paper.listed_on is not None
    return paper.listed_on
