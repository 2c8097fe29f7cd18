"""A real HTTP server on loopback that plays the Daily Papers endpoint from recorded files, and fails to order.

`GET /api/daily_papers?date=&limit=&p=` answers with the slice of `<folder>/<date>.json`, `[]` where there is no such
file, and 400 for what is no date. Ordered replies come first, one a request, each once.
"""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections import deque
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LIMIT = 50  # the endpoint's own default, at which it cuts off silently
_MOST = 100


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer: `cut` leaves out all but so many bytes of the body and closes; `silent` never answers at all."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"[]"
    cut: int | None = None
    silent: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def packed(content: bytes) -> Reply:
    """Return an answer packed with gzip."""
    return Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(content, mtime=0))


def bomb(megabytes: int) -> Reply:
    """Return an answer of a few kilobytes that unpacks to so many megabytes of zeros."""
    deflate = zlib.compressobj(9, wbits=31)
    body = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(megabytes)) + deflate.flush()
    return Reply(headers={"Content-Encoding": "gzip"}, body=body)


def redirect(to: str) -> Reply:
    """Return a redirect to a URL or a path."""
    return Reply(status=302, headers={"Location": to}, body=b"moved")


class Replay:
    """The server; a context manager. `asked` keeps every request; `order` sets the replies to the next ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[Asked] = []
        self._ordered: deque[Reply] = deque()
        self._always: Reply | None = None
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """The base URL, for `HF_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def list_url(self) -> str:
        """The URL of the list itself."""
        return f"{self.url}/api/daily_papers"

    @property
    def host(self) -> str:
        """Host and port, as messages show them."""
        return self.url.removeprefix("http://")

    def order(self, *replies: Reply) -> None:
        """Answer the next requests with these, in turn; after them as recorded."""
        self._ordered.extend(replies)

    def always(self, reply: Reply | None) -> None:
        """Answer every request with this one, until told otherwise (None: as recorded)."""
        self._always = reply

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply_to(self, asked: Asked) -> Reply:
        """Return what the next request gets."""
        self.asked.append(asked)
        if self._ordered:
            return self._ordered.popleft()
        return self._always or self._recorded(asked)

    def wait_for_the_end(self) -> None:
        """Hold a silent connection until the server closes."""
        self._closing.wait()

    def _recorded(self, asked: Asked) -> Reply:
        if asked.path != "/api/daily_papers":
            return Reply(status=404, body=b'{"error":"Not found"}')
        try:
            day = date.fromisoformat(asked.query["date"]) if "date" in asked.query else None
        except ValueError:
            return Reply(status=400, body=b'{"error":"Invalid date"}')
        path = self.folder / f"{day}.json"
        items = json.loads(path.read_bytes()) if path.is_file() else []
        limit = min(int(asked.query.get("limit", _LIMIT)), _MOST)
        first = int(asked.query.get("p", 0)) * limit
        return Reply(
            headers={"Content-Type": "application/json"}, body=json.dumps(items[first : first + limit]).encode()
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for every handler, so that no socket outlives its test

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = Asked(path=parts.path, query=dict(parse_qsl(parts.query)), headers=dict(self.headers))
        reply = self.server.replay.reply_to(asked)
        self.close_connection = True
        if reply.silent:
            self.server.replay.wait_for_the_end()
            return
        self.send_response_only(reply.status, HTTPStatus(reply.status).phrase)  # no Date but the ordered one
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body[: reply.cut])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method it replaces
        """Say nothing."""
