"""The sample of a digest: ranked as digests are, from the newest day, made again when newer papers come."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.errors import BusyError
from newsletter.model import Paper, Profile
from newsletter.pipeline.sampling import Sampler
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.rank.ranker import Ranker

NOW = datetime(2026, 7, 16, 6, 0, tzinfo=UTC)
DAY = date(2026, 7, 14)
ROBOTS = Profile(interests=("robot manipulation",))


def paper(number: int, title: str, day: date = DAY) -> Paper:
    return Paper(
        id=f"2607.{number:05}", source="huggingface", title=title, abstract=title, listed_on=day, upvotes=number
    )


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with App(tmp_path, {}) as app:
        earlier = [
            paper(n, f"About subject {n % 7} of kind {n % 11}", DAY - timedelta(days=3)) for n in range(100, 500)
        ]
        newest = [paper(1, "Robot manipulation in kitchens"), paper(2, "Bread"), paper(3, "Music of whales")]
        app.store.papers.add([*earlier, *newest], taken_at=NOW)
        yield app


def test_the_newest_days_papers_are_ranked_with_reasons(app: App) -> None:
    sample = Sampler(app.store, lambda: app.ranker).sample(ROBOTS, size=2, now=NOW)
    assert sample
    assert (sample.day, sample.left_out) == (DAY, 1)
    assert [one.paper.title for one in sample.papers] == ["Robot manipulation in kitchens", "Music of whales"]
    assert [one.matched for one in sample.papers] == [True, False]
    assert any("robot manipulation" in reason for reason in sample.papers[0].reasons)


def test_it_is_made_once_until_newer_papers_are_there(app: App) -> None:
    fits: list[int] = []

    def ranker() -> Ranker:
        fits.append(1)
        return app.ranker

    sampler = Sampler(app.store, ranker)
    for _ in range(3):
        sampler.sample(ROBOTS, size=2, now=NOW)
    assert len(fits) == 1
    app.store.papers.add([paper(4, "Robot manipulation at sea", DAY + timedelta(days=1))], taken_at=NOW)
    again = sampler.sample(ROBOTS, size=2, now=NOW)
    assert again
    assert [one.paper.title for one in again.papers] == ["Robot manipulation at sea"]
    assert len(fits) == 2


def test_without_papers_there_is_none(tmp_path: Path) -> None:
    with App(tmp_path, {}) as app:
        assert Sampler(app.store, lambda: app.ranker).sample(ROBOTS, size=2, now=NOW) is None


def test_who_would_wait_behind_many_is_told_to_come_again(app: App) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def ranker() -> Ranker:
        entered.set()
        assert go_on.wait(30)
        return app.ranker

    sampler = Sampler(app.store, ranker)
    refused: list[BaseException] = []
    ended = threading.Semaphore(0)

    def ask() -> None:
        try:
            sampler.sample(ROBOTS, size=2, now=NOW)
        except BusyError as error:
            refused.append(error)
        ended.release()

    threads = [threading.Thread(target=ask) for _ in range(7)]
    for thread in threads:
        thread.start()
    assert entered.wait(30)
    for _ in range(3):
        assert ended.acquire(timeout=30), "three of seven are refused while the others wait"
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(refused) == 3


def test_scikit_learn_is_never_imported_for_it(app: App) -> None:
    program = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path; from newsletter.app import App\n"
        "from newsletter.model import Profile; from newsletter.pipeline.sampling import Sampler\n"
        "with App(Path(sys.argv[1]), {}) as app:\n"
        "    made = Sampler(app.store, lambda: app.ranker).sample(Profile(topics=('agents',)), size=5,"
        " now=datetime(2026, 7, 16, tzinfo=UTC))\n"
        "assert made and len(made.papers) == 3\n"
        "assert 'sklearn' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(app.config.home)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_an_embedding_model_has_no_say(app: App) -> None:
    class Refusing:
        name = "none"

        def embed(self, texts: object) -> object:
            raise AssertionError("a sample must not wait for a model")

    ranker = replace(app.ranker, embedder=Refusing(), meaning_weight=0.5)  # type: ignore[arg-type] # it is never asked
    assert Sampler(app.store, lambda: ranker).sample(ROBOTS, size=2, now=NOW)
