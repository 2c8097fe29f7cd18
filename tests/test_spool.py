"""What is read from a spool is what was chosen, however many selections there are, and whoever shares one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from newsletter.model import Issue, Paper, RankedPaper
from newsletter.pipeline import spool
from newsletter.pipeline.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.pipeline.spool import Chosen

PAPERS = tuple(Paper(id=f"2607.{number:05}", source="huggingface", title=f"Paper {number}") for number in range(20))


def told(one: Chosen) -> tuple[object, ...]:
    """Return what a reader gets as plain values, so that no selection lives on because a test holds it."""
    reader, papers, left_out = one
    return reader, [(each.paper.id, each.score, each.matched, each.reasons) for each in papers], left_out


def chosen(readers: int, seed: int, written: list[tuple[object, ...]]) -> Iterator[Chosen]:
    """Yield readers of whom some share a selection, soon or much later; every other selection is a new one."""
    chance = random.Random(seed)  # noqa: S311 - the same readers every time
    shared: list[tuple[RankedPaper, ...]] = [()]
    for reader in range(1, readers + 1):
        if chance.random() < 0.5:
            some = chance.sample(PAPERS, chance.randint(1, 3))
            new = tuple(
                RankedPaper(paper=one, score=chance.random(), matched=chance.random() < 0.5, reasons=(f"of {reader}",))
                for one in some
            )
            shared = [*shared[-9:], new]
        one = reader, chance.choice(shared), chance.randint(0, 9)
        written.append(told(one))
        yield one


@pytest.mark.parametrize("kept", [5_000, 0, 3])
def test_what_is_read_is_what_was_chosen(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(spool, "_KEPT", kept)
    written: list[tuple[object, ...]] = []
    with Spool(Issue(period="2026-07-14", papers=PAPERS)) as spooled:
        assert spooled.fill(chosen(22_000, kept, written)) == 22_000
        assert [told(one) for one in spooled.chosen()] == written
