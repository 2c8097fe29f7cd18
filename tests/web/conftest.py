"""A home with papers and issues, served by the real server on a free loopback port, and a browser that looks at it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from newsletter.app import App
from newsletter.render.checklist.evidence import Missing
from newsletter.web.running import listen, server
from tests.conftest import require
from tests.tools import TOOLS
from tests.web.home import NOW, fill
from tests.web.place import Place, placed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


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


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with placed(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")  # its event loop must not outlive the module: other tests run loops of their own
def browser() -> Iterator[Browser]:
    for name, tool in (("Chromium", TOOLS.chromium), ("axe-core", TOOLS.axe)):
        if isinstance(tool, Missing):
            require(name, tool.reason)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of an extra

    options = ["--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as running:
        started = running.chromium.launch(executable_path=str(TOOLS.chromium), args=options)
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def looking(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Page, list[str]]]:
    """Give a page that notes every request and every word of the console."""
    context = browser.new_context(color_scheme=request.param, bypass_csp=False)
    page = context.new_page()
    noted: list[str] = []
    page.on("request", lambda asked: noted.append(asked.url))
    page.on("console", lambda said: noted.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: noted.append(f"error: {error}"))
    yield page, noted
    context.close()
