"""A home with papers and issues, served by the real server on a free loopback port."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from newsletter.app import App
from newsletter.web.running import listen, server
from tests.web.home import NOW, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served(app: App) -> Iterator[str]:
    """Serve a home in a thread; give the URL."""
    with listen("127.0.0.1", 0) as listening:
        running = server(app, listening, clock=lambda: NOW, ring=lambda: None)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening.socket]})
        thread.start()
        try:
            while not running.started:
                assert thread.is_alive(), "the server ended before it began"
                time.sleep(0.01)
            yield listening.url
        finally:
            running.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home: Path = tmp_path_factory.mktemp("home")
    with App(home, {}) as made:
        fill(made)
        yield made


@pytest.fixture(scope="session")
def url(app: App) -> Iterator[str]:
    with served(app) as found:
        yield found


@pytest.fixture
def web(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        yield client
