"""Serves a home of 100,000 papers and 100,000 subscribers, asks for its pages at a steady pace, and times the answers.

Run by hand: python -m tests.benchmarks.web_pages [FOLDER]

`newsletter serve` runs as its own process with its one worker. Each group of pages is asked for 50 times a second, for
20 seconds, each time on a new connection. A request's time counts from the instant at which it was due, not from when
it could be sent, so that one slow answer is not hidden by those that had to wait for it. Beside it, in the same run, a
bare uvicorn application that says "hello" gets the same requests: what that one takes is the machine's and the
client's. A folder that is named is kept, and filled only where it holds no home.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.app import App
from newsletter.model import Issue, IssueState, Profile, Subscriber, SubscriberStatus
from tests.benchmarks.material import NOW, readers
from tests.benchmarks.web_search import QUERIES, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence
    from typing import Any

PAPERS = SUBSCRIBERS = 100_000
PACE = 50  # requests a second
SECONDS = 20
ISSUES = 60
GROUPS = {
    "archive": ["/", "/issues", "/issues/{issue}", "/feeds/issues.atom", "/papers", "/weeks/{week}", "/months/{month}"],
    "topics": ["/topics", "/topics/agents", "/topics/reasoning", "/feeds/topics/agents.rss", "/papers/{paper}"],
    "search": [f"/search?q={query.replace(' ', '+')}" for query in QUERIES.values()]
    + ["/search?q=robot&topic=agents", "/search?q=language+models&from={first}", "/search?q=com&page=3"],
    "subscribe": ["/subscribe"],
}
_ASKED_MS, _ASKED_MB = 100, 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds that answers took, and how many were not what was asked for."""

    taken: Sequence[float]
    failed: int

    def at(self, percent: int) -> float:
        """Return the time that so many percent took at most."""
        return statistics.quantiles(self.taken, n=100)[percent - 1]


def build(folder: Path) -> dict[str, str]:
    """Fill a home where none is there, and return what the addresses of its pages need."""
    with App(folder, {}) as app:
        store = app.store
        if not store.papers.count():
            fill(store, PAPERS)
            names = [topic.name for topic in app.config.topics]
            newest = store.catalogue.newest_day()
            assert newest
            papers = store.catalogue.best(newest, newest, limit=50).papers
            wishes = islice(readers(names, papers, interests=500, seed=6), SUBSCRIBERS)
            store.subscribers.add((_reader(row, wish) for row, wish in enumerate(wishes)), now=NOW)
            _publish(app)
        newest = store.catalogue.newest_day()
        assert newest
        year, week, _ = newest.isocalendar()
        best = store.catalogue.best(newest, newest, limit=1).papers[0]
        return {
            "issue": newest.isoformat(),
            "week": f"{year:04}-W{week:02}",
            "month": f"{newest:%Y-%m}",
            "paper": best.id,
            "first": newest.replace(year=newest.year - 1, day=1).isoformat(),
        }


def _reader(row: int, wish: Profile) -> Subscriber:
    return Subscriber(address=f"reader{row}@made-up.example", status=SubscriberStatus.CONFIRMED, profile=wish)


def _publish(app: App) -> None:
    """Publish the issues of the last days that have papers."""
    day = app.store.catalogue.newest_day()
    for _ in range(ISSUES):
        if day is None:
            return
        period = day.isoformat()
        papers = app.store.catalogue.best(day, day, limit=100).papers
        app.store.issues.create(Issue(period=period, subject=f"The best of {period}", papers=papers), now=NOW)
        app.store.issues.approve(period, "made-up", now=NOW)
        app.store.issues.move(period, frm=[IssueState.APPROVED], to=IssueState.SENDING, now=NOW)
        day, _ = app.store.catalogue.beside(day, day)


async def hello(_scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401 - an ASGI application's own
    """Answer hello."""
    headers: MutableMapping[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}
    await send(headers)
    await send({"type": "http.response.body", "body": b"hello"})


@contextmanager
def running(*command: str, port: int) -> Iterator[int]:
    """Run a server until it is no longer needed; give its process's number when it answers."""
    with subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.DEVNULL) as process:
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if process.poll() is not None:
                    sys.exit(f"{command[0]} ended")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port: int = opened.getsockname()[1]
        return port


async def load(port: int, paths: Sequence[str]) -> Times:
    """Ask for the paths by turns at the steady pace, however long the answers take."""
    began = time.perf_counter()
    tasks = []
    for number, path in enumerate(islice(cycle(paths), PACE * SECONDS)):
        due = began + number / PACE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(_timed(port, path, due)))
    taken = await asyncio.gather(*tasks)
    return Times(taken=[ms for ms, _ in taken], failed=sum(status != 200 for _, status in taken))


async def _timed(port: int, path: str, due: float) -> tuple[float, int]:
    status = await ask(port, path)
    return (time.perf_counter() - due) * 1000, status


async def ask(port: int, path: str) -> int:
    """Return the status of a page, all of which was read; 0 where the connection failed."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    except OSError:
        return 0
    return int(answer[9:12] or b"0")


def memory_of(process: int) -> tuple[int, int]:
    """Return the megabytes that a process holds, and the most that it ever held."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    found = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return int(found["VmRSS"].split()[0]) // 1024, int(found["VmHWM"].split()[0]) // 1024


def main(folder: Path) -> None:
    """Build, serve, ask and print."""
    places = build(folder)
    groups = {name: [path.format(**places) for path in paths] for name, paths in GROUPS.items()}
    print(f"load of the machine before: {_machine()}")
    port = free_port()
    with running(
        "uvicorn",
        "tests.benchmarks.web_pages:hello",
        "--port",
        str(port),
        "--http",
        "h11",
        "--no-access-log",
        port=port,
    ):
        usual = asyncio.run(load(port, ["/"]))
    _tell("hello (reference)", usual, usual)
    port = free_port()
    with running("newsletter", "--home", str(folder), "serve", "--port", str(port), port=port) as process:
        print(f"memory of the server at first: {memory_of(process)[0]} MB")
        for name, paths in groups.items():
            there = [path for path in paths if asyncio.run(ask(port, path)) == 200]  # and so each was asked for once
            for path in sorted(set(paths) - set(there)):
                print(f"{name}: {path} is not there, and left out")
            if there:
                _tell(name, asyncio.run(load(port, there)), usual)
        held, most = memory_of(process)
    print(f"memory of the server: {held} MB, at most {most} MB (asked: {_ASKED_MB})")
    print(f"load of the machine after: {_machine()}")


def _tell(name: str, times: Times, usual: Times) -> None:
    print(
        f"{name}: {len(times.taken):,} requests at {PACE}/s, p50 {times.at(50):.1f} ms, p99 {times.at(99):.1f} ms "
        f"(asked: {_ASKED_MS}), at most {max(times.taken):.1f} ms, {times.failed} failed; "
        f"{times.at(50) / usual.at(50):.1f} and {times.at(99) / usual.at(99):.1f} times the reference"
    )


def _machine() -> str:
    return f"{os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else made))
