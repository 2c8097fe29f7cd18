"""One step of a send in a process of its own, so that its CPU time and its memory are that step's alone.

`python -m tests.benchmarks.delivery_child fill|freeze|send HOME [READERS]` prints what it measured as a line of JSON.
`send` says that it is ready, and begins with the next line that it reads: so that several of them begin at once.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import text

from newsletter.app import App
from newsletter.deliver.base import at_once, idle
from newsletter.deliver.log import LogMailer
from newsletter.model import Digest
from newsletter.pipeline.digests import recipients
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.handover import Handover
from newsletter.pipeline.owner import new_owner
from newsletter.pipeline.sending import finish
from tests.benchmarks.delivery_home import fill, issue_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from newsletter.deliver.base import Mailer
    from newsletter.model import Message, Receipt

Figures = dict[str, float]
_SAMPLE = 50  # mails whose size is looked at


class Turn:
    """A lock that adds up how long threads waited for it."""

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self._lock = lock
        self.waited = 0.0

    def __enter__(self) -> Self:
        start = time.perf_counter()
        self._lock.__enter__()
        self.waited += time.perf_counter() - start  # done by the one thread that holds it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.__exit__(kind, error, trace)


class Discard(LogMailer):
    """Writes to nowhere, and notes when the first mail of all left, in seconds since the epoch."""

    first = 0.0

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        Discard.first = Discard.first or time.time()
        return super().deliver(message, leave=leave, following=following, meanwhile=meanwhile)


def freezing(app: App) -> Figures:
    """Freeze the issue, and say how many different digests there are and how large their mails."""
    wall, cpu = time.perf_counter(), time.process_time()
    freeze(app.store, issue_in(app), app.fitter, app.press, shaping=app.shaping, now=datetime.now(UTC))
    taken = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rss": peak()}
    return {**taken, "digests": digests(app), **sizes(app)}


def digests(app: App) -> int:
    """Return how many different digests were stored."""
    with app.store._database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM digests")).scalar_one())


def sizes(app: App) -> Figures:
    """Return the mean bytes of the HTML and of the whole mail, unsigned, of the first readers."""
    issue, now = issue_in(app), datetime.now(UTC)
    html = whole = 0
    for reader in islice(recipients(app.store, issue), _SAMPLE):
        delivery = app.store.deliveries.of(issue.id, reader.id)
        assert delivery
        assert delivery.digest_id
        papers, left_out = app.store.deliveries.selection(delivery.digest_id, issue)
        digest = Digest(issue=issue, subscriber=reader, papers=papers, left_out=left_out)
        html += len(app.press.rendered(digest).html.encode())
        whole += len(app.press.message(digest, now=now).content)
    return {"html": html / _SAMPLE, "mail": whole / _SAMPLE}


def sending(app: App) -> Figures:
    """Hand the frozen issue over, once a line says so."""
    handover = handover_of(app)
    turn = app.store._database._turn = Turn(app.store._database._turn)
    print("ready", flush=True)
    sys.stdin.readline()
    wall, cpu = time.perf_counter(), time.process_time()
    *_, states = handover.run()
    finish(app.store, handover.issue, now=datetime.now(UTC))
    return {
        "seconds": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "rss": peak(),
        "waited": turn.waited,
        "first": Discard.first,
        **{str(state): number for state, number in states.items()},
    }


def handover_of(app: App) -> Handover:
    """Return what hands the issue over; the mailer `log` discards."""
    mailer: Callable[[], Mailer] = app.mailers()
    if app.config.deliver.mailer == "log":
        nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - the process's end closes it
        mailer = partial(Discard, nowhere)
    return Handover(
        store=app.store,
        issue=issue_in(app),
        press=app.press,
        departure=app.departure,
        mailer=mailer,
        settings=app.config.deliver,
        owner=new_owner(),
        clock=lambda: datetime.now(UTC),
    )


def peak() -> float:
    """Return the most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(what: str, home: Path, readers: int) -> Figures:
    """Do one step and return its figures."""
    if what == "fill":
        fill(home, readers)
        return {"rss": peak()}
    with App(home, {}) as app:
        return freezing(app) if what == "freeze" else sending(app)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int((*sys.argv, "0")[3]))))
