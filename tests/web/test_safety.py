"""Errors without internals, a log without words of readers, forms from our pages only, and a site behind HTTPS."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from newsletter.app import App
from newsletter.config import CONFIG_NAME
from newsletter.errors import TemplateError
from newsletter.web import safety
from newsletter.web.forms import posted
from newsletter.web.pages import Pages
from newsletter.web.refusals import Refusals
from newsletter.web.running import listen
from newsletter.web.safety import Safety, safe_headers
from newsletter.web.server import create_app
from tests.conftest import ROOT
from tests.web.home import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

BASE = "https://digest.example/news"
SECRET = "someone@example.org"


def site(home: Path, settings: str, *templates: tuple[str, str]) -> App:
    (home / CONFIG_NAME).write_text(settings, "utf-8")
    for name, text in templates:
        path = home / "templates" / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return App(home, {})


async def got(made: Starlette, path: str, **request: object) -> httpx.Response:
    transport = httpx.ASGITransport(made, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(str(request.pop("method", "GET")), path, **request)  # type: ignore[arg-type] # any


def make(app: App) -> FastAPI:
    return create_app(app, address="http://127.0.0.1:8000", clock=lambda: NOW, ring=lambda: None)


def acting(app: App) -> Starlette:
    """Return a site with a form, and a page that breaks."""

    def saved(_request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        return PlainTextResponse(repr(dict(form)))

    def broken(_request: Request) -> Response:
        raise ValueError(SECRET)

    pages = Pages(app.config.site, template_folders=(), base=BASE)
    refusals = Refusals(pages)
    return Starlette(
        routes=[
            Route("/form/{token}", posted(saved, base=BASE), methods=["POST"]),
            Route("/click", posted(saved, base=BASE, from_anywhere=True), methods=["POST"]),
            Route("/broken", broken),
            Route("/api/broken", broken),
        ],
        middleware=[
            Middleware(Safety, headers=safe_headers(app.config.site), max_body=1_024, refusals=refusals),
        ],
        exception_handlers=dict.fromkeys((400, 403, 408, 413), refusals.of_http),  # type: ignore[arg-type] # Starlette's own type is too narrow
    )


def run(app: App, path: str, **request: object) -> httpx.Response:
    return asyncio.run(got(acting(app), path, **request))


def test_an_unexpected_error_shows_and_logs_nothing_of_it(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "newsletter.web"):
        answer = run(app, f"/broken?address={SECRET}")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert answer.headers["content-security-policy"]
    (line,) = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    number = line.split()[1]
    assert line.startswith(f"request {number} failed: ValueError at tests.web.test_safety")
    assert number in answer.text
    assert SECRET not in caplog.text + answer.text
    assert run(app, "/api/broken").json()["status"] == 500


def test_the_log_names_the_route_and_no_token(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "newsletter.web"):
        assert httpx_get(app, f"/issues/secret-token?q={SECRET}").status_code == 404
    (line,) = [record.message for record in caplog.records if record.name == "newsletter.web"]
    assert line.startswith("GET /issues/{period} 404 ")


def httpx_get(app: App, path: str) -> httpx.Response:
    return asyncio.run(got(make(app), path))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://digest.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(app: App, headers: dict[str, str], status: int) -> None:
    answer = run(app, "/form/t", method="POST", headers=headers, data={"topic": ["a", "b"], "hour": "7"})
    assert answer.status_code == status
    if status == 200:
        assert answer.text == "{'topic': ['a', 'b'], 'hour': ['7']}"


def test_one_click_comes_from_anywhere_in_either_form(app: App) -> None:
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"}
    for body in ({"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}):
        answer = run(app, "/click", method="POST", headers=cross, **body)
        assert answer.text == "{'List-Unsubscribe': ['One-Click']}"


def test_a_form_that_is_too_large_is_refused_while_it_comes(app: App) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x=" + b"y" * 200 + b"&"

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = run(app, "/form/t", method="POST", headers=headers, content=chunks())
    assert (answer.status_code, "Too large" in answer.text) == (413, True)


def test_a_form_that_does_not_come_to_its_end_is_not_waited_for(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"topic="
        await asyncio.Event().wait()

    monkeypatch.setattr(safety, "BODY_SECONDS", 0.1)
    answer = run(app, "/form/t", method="POST", headers=FORM, content=chunks())
    assert (answer.status_code, "Too slow" in answer.text) == (408, True)


def test_a_form_of_many_fields_or_files_is_refused(app: App) -> None:
    assert run(app, "/form/t", method="POST", content="&".join("a" * 300), headers=FORM).status_code == 400
    assert run(app, "/form/t", method="POST", files={"f": ("f", b"x")}).status_code == 400


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_behind_https_browsers_are_told_to_stay_there_and_links_are_absolute(tmp_path: Path) -> None:
    with site(tmp_path, f'[site]\nweb_url = "{BASE}"\nthumbnails = true\n') as app:
        answer = httpx_get(app, "/issues")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "img-src 'self' https:;" in answer.headers["content-security-policy"]
        assert 'href="/news/topics"' in answer.text
        assert 'href="/news/static/' in answer.text
        assert httpx_get(app, "/feeds/issues.json").json()["feed_url"] == f"{BASE}/feeds/issues.json"
        assert "Disallow: /news/preferences/" in httpx_get(app, "/robots.txt").text


def test_an_empty_newsletter_has_its_pages(tmp_path: Path) -> None:
    with site(tmp_path, "") as app:
        pages = [
            "/",
            "/issues",
            "/papers",
            "/topics",
            "/topics/agents",
            "/search?q=x",
            "/feeds/issues.atom",
            "/healthz",
        ]
        assert {path: httpx_get(app, path).status_code for path in pages} == dict.fromkeys(pages, 200)


def test_an_operators_template_takes_the_place_of_ours_in_the_sandbox(tmp_path: Path) -> None:
    own = '{% extends "web/_base.html" %}{% block content %}<h1>Ours, {{ site.name }}</h1>{% endblock %}'
    with site(tmp_path, "", ("home.html", own)) as app:
        assert "<h1>Ours, Daily Digest</h1>" in httpx_get(app, "/").text
    reaching = "{{ site.__class__.__mro__ }}"
    with site(tmp_path, "", ("home.html", reaching)) as app:
        assert httpx_get(app, "/").status_code == 500


def test_a_template_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    with site(tmp_path, "", ("paper.html", "{% if %}")) as app, pytest.raises(TemplateError, match=r"web/paper\.html"):
        make(app)


def test_a_broken_page_of_errors_is_still_answered(tmp_path: Path) -> None:
    with site(tmp_path, "", ("error.html", "{{ nothing }}")) as app:
        answer = httpx_get(app, "/none")
        assert (answer.status_code, answer.text.split(".")[0]) == (404, "Not found")


def test_serving_needs_a_free_port_and_ends_with_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "newsletter", "--home", str(tmp_path)]
    subprocess.run([*command, "init"], check=True, capture_output=True, cwd=ROOT)
    with listen("127.0.0.1", 0) as taken:
        port = taken.socket.getsockname()[1]
        serve = [*command, "serve", "--port", str(port)]
        refused = subprocess.run(serve, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert f"cannot listen at 127.0.0.1 port {port}" in refused.stderr
    with subprocess.Popen(serve, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert taken.url in running.stderr.readline()
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            assert client.get(f"{taken.url}/healthz").text == "ok\n"
        running.terminate()
        logged = running.stderr.read()
    assert running.returncode == 0
    assert "GET /healthz 200" in logged
    assert "Traceback" not in logged


def test_who_serves_to_others_without_a_web_url_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "newsletter", "--home", str(tmp_path)]
    subprocess.run([*command, "init"], check=True, capture_output=True, cwd=ROOT)
    with listen("127.0.0.1", 0) as free:
        port = free.socket.getsockname()[1]
    for host, told in (("0.0.0.0", True), ("127.0.0.1", False)):  # noqa: S104 - what the line is about
        serve = [*command, "serve", "--host", host, "--port", str(port)]
        with subprocess.Popen(serve, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
            assert running.stderr is not None
            assert ("site.web_url is empty" in running.stderr.readline()) is told
            running.terminate()
