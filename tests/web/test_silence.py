"""Who opens connections and says nothing, or says it letter by letter, is hung up on; whoever asks is not."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from newsletter.web import silence
from tests.web.conftest import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.app import App

_WAIT = 30  # seconds; only a fault takes so long
ASKING = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def impatient(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(silence, "HEAD_SECONDS", 0.1)
    with served(app) as url:
        yield url


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=_WAIT)


def all_of(connection: socket.socket) -> bytes:
    """Return what comes until the server hangs up."""
    got = b""
    while more := connection.recv(65_536):
        got += more
    return got


@pytest.mark.parametrize("said", [b"", b"G", ASKING, b"GET / HTTP/1.1\r\nX-Slow: "])
def test_half_a_head_is_not_waited_for(impatient: str, said: bytes) -> None:
    with connected(impatient) as connection:
        connection.sendall(said)
        assert all_of(connection) == b""


def test_half_a_second_head_is_not_waited_for(impatient: str) -> None:
    with connected(impatient) as connection:
        connection.sendall(ASKING + b"\r\n")
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(ASKING)
        assert b"HTTP/1.1" not in all_of(connection)


def test_a_head_that_has_come_ends_the_wait(app: App) -> None:
    with served(app) as url, connected(url) as connection:
        connection.sendall(ASKING)
        connection.sendall(b"\r\n")
        answer = b""
        while not answer.endswith(b"ok\n"):  # its head and its body may come one after the other
            more = connection.recv(65_536)
            assert more
            answer += more
        assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(ASKING + b"Connection: close\r\n\r\n")
        assert all_of(connection).startswith(b"HTTP/1.1 200")
