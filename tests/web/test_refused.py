"""What an attacker tries: it ends in 4xx or in text, never in an error of the server."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from newsletter.app import App

FIELDS = ["q", "from", "until", "topic", "page", "by"]
PATHS = ["/search?q=model&", "/issues?", "/papers?", "/days/2026-07-14?", "/topics/agents?", "/?"]
WORDS = [
    "' OR 1=1 --",
    '"; DROP TABLE papers; --',
    "{{7*7}}",
    "{% include 'email/tokens.toml' %}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\x00",
    "\ud7ff\U0010ffff",
    "9" * 400,
    "-1",
    "1e9",
    "٣",
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "20260714",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("field", FIELDS)
def test_no_field_breaks_a_page(web: httpx.Client, path: str, field: str) -> None:
    for words in WORDS:
        answer = web.get(f"{path}{field}={quote(words)}")
        assert answer.status_code in {200, 404, 422}, (path, field, words)
        assert ">49<" not in answer.text
        assert "<script>alert" not in answer.text
    assert web.get("/search?q=model").status_code == 200  # and everything is still there


@pytest.mark.parametrize("beginning", ["/issues/", "/papers/", "/days/", "/weeks/", "/months/", "/topics/", "/static/"])
def test_no_path_breaks_a_page(web: httpx.Client, beginning: str) -> None:
    for words in [*WORDS, "..%2f..%2fsecret.key", "%00", "%ff%fe", "a/b/c", ""]:
        for tail in (quote(words), words.replace("\x00", "%00") if words.isascii() and "?" not in words else ""):
            assert web.get(f"{beginning}{tail}").status_code in {200, 404}, (beginning, tail)


def raw(url: str, request: bytes) -> bytes:
    """Send bytes that no client library would, and return all that comes back."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as connection:
        got = b""
        with suppress(ConnectionError):  # it may be refused before all of it has left
            connection.sendall(request)
        with suppress(ConnectionError):
            while more := connection.recv(65_536):
                got += more
    return got


def test_dots_in_a_path_lead_nowhere(url: str) -> None:
    for path in (
        b"/static/../../secret.key",
        b"/../newsletter.db",
        b"/static/..%2f..%2fsecret.key",
        b"//evil.example/",
    ):
        assert raw(url, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 404"
        )


def test_a_host_that_is_made_up_reaches_no_page(web: httpx.Client) -> None:
    for path in ("/", "/issues/", "/papers/2607.09003", "/feeds/issues.rss", "//evil.example"):
        answer = web.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert "evil.example" not in answer.text + answer.headers.get("location", "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_no_page_takes_another_method(web: httpx.Client, method: str) -> None:
    for path in ("/", "/issues", "/search?q=x", "/papers/2607.09003", "/feeds/issues.rss", "/healthz"):
        answer = web.request(method, path)
        assert answer.status_code == 405
        assert "content-security-policy" in answer.headers


def test_a_large_body_is_refused_by_its_length(web: httpx.Client) -> None:
    answer = web.post("/search", content=b"x" * 100_000)
    assert answer.status_code == 413
    assert "Too large" in answer.text


def test_fifty_megabytes_in_chunks_are_not_taken(url: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"POST /search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        for _ in range(50):
            yield b"100000\r\n" + b"x" * 0x100000 + b"\r\n"

    got = raw(url, b"".join(chunks()))
    assert got == b"" or got.startswith((b"HTTP/1.1 405", b"HTTP/1.1 413"))


@pytest.mark.parametrize("length", ["-1", "1e3", "999999999999999999999"])
def test_a_length_that_is_none_is_refused(url: str, length: str) -> None:
    got = raw(url, f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode())
    assert got.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))


def test_a_long_address_and_large_headers_are_refused(web: httpx.Client) -> None:
    assert web.get(f"/search?q={'x' * 5_000}").status_code == 414
    assert web.get("/", headers={"X-Large": "x" * 17_000}).status_code in {400, 431}


def test_the_store_is_as_it_was(web: httpx.Client, app: App) -> None:
    before = app.store.papers.count()
    for path in PATHS:
        web.get(path)
        web.head(path)
    assert app.store.papers.count() == before > 40
