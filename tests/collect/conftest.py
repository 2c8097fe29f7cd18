"""The replayed endpoint, and a client that never sleeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from newsletter.collect.http import HttpClient
from tests.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class MakeClient(Protocol):
    """Makes a client whose pauses are only noted."""

    def __call__(self, **settings: Any) -> HttpClient: ...  # noqa: ANN401 - any setting of the client


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Replay]:
    """Return a server whose only recordings are what the test writes to its folder."""
    folder = tmp_path / "recorded"
    folder.mkdir()
    with Replay(folder) as running:
        yield running


@pytest.fixture
def replay(shared_data: Path) -> Iterator[Replay]:
    """Return a server that replays the recorded daily papers."""
    with Replay(shared_data / "daily_papers") as running:
        yield running


@pytest.fixture
def naps() -> list[float]:
    """Return the pauses, in seconds, that the client would have made."""
    return []


@pytest.fixture
def make_client(naps: list[float]) -> Iterator[MakeClient]:
    made: list[HttpClient] = []

    def make(**settings: Any) -> HttpClient:  # noqa: ANN401 - any setting of the client
        defaults: dict[str, Any] = {
            "timeout_seconds": 30.0,
            "attempts": 3,
            "max_wait_seconds": 60.0,
            "max_answer_bytes": 4 << 20,
            "sleep": naps.append,
        }
        made.append(HttpClient(**defaults | settings))
        return made[-1]

    yield make
    for client in made:
        with client:
            pass


@pytest.fixture
def client(make_client: MakeClient) -> HttpClient:
    return make_client()
