"""What many readers get chosen together, some of it kept for later ones, is what each would get alone."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from newsletter.app import App
from newsletter.model import Issue, Profile, Subscriber, SubscriberStatus
from newsletter.pipeline import digests
from newsletter.pipeline.collecting import import_files
from newsletter.pipeline.digests import Chooser
from newsletter.resources import resource

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from newsletter.model import RankedPaper

NOW = datetime(2026, 7, 16, 6, 0, tzinfo=UTC)
WORDS = ("cache", "attention", "robot", "diffusion", "agent", "reward", "speech", "video", "protein", "memory")
READERS = 120


def readers(topics: list[str]) -> list[Subscriber]:
    """Return readers of some forty different wishes, which return again and again, each for another number."""
    chance = random.Random(11)  # noqa: S311 - the same readers every time
    profiles = [
        Profile(topics=tuple(chance.sample(topics, 2)), interests=(" ".join(chance.sample(WORDS, 2)),))
        for _ in range(20)
    ]
    return [
        Subscriber(
            id=number,
            address=f"r{number}@x.example",
            status=SubscriberStatus.CONFIRMED,
            profile=chance.choice(profiles),
            size=chance.choice((3, 12)),
        )
        for number in range(1, READERS + 1)
    ]


def test_everybody_gets_what_they_would_get_alone_however_much_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_BLOCK", 9)
    with App(tmp_path, {}) as app:
        sample = resource("config", "demo", "papers.jsonl")
        assert [one.error for one in import_files(app.store, [sample], now=NOW)] == [""]
        papers = tuple(app.store.papers.on(date(2020, 1, 1), date(2027, 1, 1)))
        issue = replace(Issue(period="2026-07-14", papers=papers), created_at=NOW)
        fitted = app.ranker.fit(papers)
        everybody = readers([topic.name for topic in app.config.topics])

        def chosen(*some: Subscriber) -> dict[int, tuple[tuple[RankedPaper, ...], int]]:
            chooser = Chooser(app.store, issue, fitted)
            return {one.id: (selection, left_out) for one, selection, left_out in chooser.for_all(some)}

        alone = {one.id: chosen(one)[one.id] for one in everybody}
        assert len({selection for selection, _ in alone.values()}) > 20
        for kept in (5_000, 12, 4):
            monkeypatch.setattr(digests, "_KEPT_CHOICES", kept)
            assert chosen(*everybody) == alone
