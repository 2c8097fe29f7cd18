"""Listening, and serving until a signal: uvicorn with one worker and our own log.

What is served is for `server` to know.
"""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from newsletter.errors import UsageError
from newsletter.web.post import Post
from newsletter.web.safety import MAX_HEADERS, MAX_TARGET
from newsletter.web.server import create_app
from newsletter.web.silence import Hearing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from newsletter.app import App

_BACKLOG = 128
_GRACE_SECONDS = 10  # for answers under way when it is told to stop
# Ours alone: uvicorn's access log would show paths, and so tokens.
_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "newsletter.web": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that listens, and its URL."""

    socket: socket.socket
    url: str


@contextmanager
def listen(host: str, port: int) -> Iterator[Listening]:
    """Listen at an address; 0 is any free port.

    Raises:
        UsageError: it is taken, is none of this machine's, or may not be used.
    """
    try:
        kind, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        opened = socket.create_server(place[:2], family=kind, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"cannot listen at {host} port {port}: {reason}; stop what listens there, or choose another with --port"
        ) from None
    with opened:
        # asyncio does so only for sockets that it made itself; without it an answer's second packet waits 40 ms
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"[{host}]" if kind is socket.AF_INET6 else host
        yield Listening(opened, f"http://{name}:{opened.getsockname()[1]}")


def run_server(app: App, listening: Listening, *, clock: Callable[[], datetime]) -> None:
    """Serve a home's pages until SIGINT or SIGTERM, and finish the answers under way; send letters beside it.

    Raises:
        TemplateError: a page's template is wrong.
        StoreError: the store cannot be opened.
    """
    post = Post(app=app, clock=clock, pages=listening.url)
    serving = server(app, listening, clock=clock, ring=post.ring)  # opens what the two threads share
    with post.running():
        serving.run(sockets=[listening.socket])


def server(
    app: App, listening: Listening, *, clock: Callable[[], datetime], ring: Callable[[], None]
) -> uvicorn.Server:
    """Return the server of a home's pages, not running yet; `ring` is called when a letter may wait."""
    config = uvicorn.Config(
        create_app(app, address=listening.url, clock=clock, ring=ring),
        http=Hearing,  # over h11, which bounds the head of a request while it reads it
        h11_max_incomplete_event_size=MAX_HEADERS + MAX_TARGET,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=_LOGGING,
        server_header=False,
        proxy_headers=False,  # `client` reads them
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """Ends when a signal asks for it, and does no more: uvicorn's own then dies of it, and the store is left open."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while it serves; in another thread than the first there are none to take."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
