"""What the benchmark of delivery starts and stops: the load sink, an environment with the reference, databases.

The sink is Postfix's `smtp-sink`, which takes mails and forgets them. What is started here is ended here.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Self

from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SINK = "/usr/sbin/smtp-sink"
SERVER = os.environ.get("NEWSLETTER_TEST_POSTGRESQL") or "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
_BACKLOG = "1000"
_NEEDED = ("django-newsletter==1.2.1", "sorl-thumbnail")  # the second is what its manual names for pictures
_LOOKS = 0.01  # seconds between two looks at who waits for a lock
_TICKS = os.sysconf("SC_CLK_TCK")


class Sink:
    """A running sink; a context manager that ends it."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        rights = ["-u", "postfix"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen([SINK, *rights, f"127.0.0.1:{self.port}", _BACKLOG])

    def __enter__(self) -> Self:
        for _ in range(500):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.01)
        raise SystemExit(f"{SINK} does not answer")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def cpu(self) -> float:
        """Return the CPU seconds that it took so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def busy() -> float:
    """Return how many seconds the machine's cores have worked so far, for whomever."""
    fields = [int(field) for field in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS


def reference_python(folder: Path) -> Path:
    """Return the Python of an environment with the reference, made in `folder` unless it is there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *_NEEDED], check=True)
    return python


def clean(folder: Path) -> Path:
    """Return the folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def database(template: str = "") -> Iterator[str]:
    """Make a database on the PostgreSQL server, a copy of `template` if named, yield its URL and drop it."""
    name = f"newsletter_bench_{token_hex(4)}"
    copied = f' TEMPLATE "{make_url(template).database}"' if template else ""
    _run(f'CREATE DATABASE "{name}"{copied}')
    try:
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(statement: str) -> None:
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


class Waits:
    """Looks again and again who of a database's connections works, and who waits for a lock of another."""

    _QUERY = text(
        "SELECT count(*) FILTER (WHERE state = 'active'),"
        " count(*) FILTER (WHERE state = 'active' AND wait_event_type IN ('Lock', 'LWLock', 'BufferPin'))"
        " FROM pg_stat_activity WHERE datname = :name"
    )

    def __init__(self, url: str) -> None:
        self._name = make_url(url).database
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.looks = self.active = self.waiting = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def share(self, seen: int, senders: int) -> float:
        """Return what part of so many senders' time that is which was seen so often."""
        return seen / max(1, self.looks) / senders

    def _watch(self) -> None:
        engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            while not self._over.wait(_LOOKS):
                active, waiting = connection.execute(self._QUERY, {"name": self._name}).one()
                self.looks += 1
                self.active += active
                self.waiting += waiting
        engine.dispose()
