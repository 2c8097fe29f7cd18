"""Sends that are killed at random moments, and what the books and the server's own list say afterwards.

The senders are real ones, each a process of its own with several connections; the server is `tests.sink`. It judges
nothing: tests, and `tests.benchmarks.crash` for the long form, do.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.app import App
from newsletter.model import DeliveryState, Paper, Subscriber, SubscriberStatus
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.handover import Handover
from newsletter.pipeline.owner import new_owner
from newsletter.pipeline.sending import finish

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.process import BaseProcess

    from newsletter.model import Issue

ROOT = Path(__file__).resolve().parents[1]
PERIOD = "2026-07-14"
CONNECTIONS = 4
_FORK = multiprocessing.get_context("fork")  # a sender is there at once; it opens everything anew


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What was found: the books' states by address, and the Message-IDs that the server took for each address."""

    kills: int
    states: Mapping[str, DeliveryState]
    taken: Mapping[str, list[str]]

    @property
    def lost(self) -> set[str]:
        """Readers without a mail who are not told as uncertain."""
        return {who for who, state in self.states.items() if who not in self.taken and not _open(state)}

    @property
    def duplicates(self) -> int:
        """Mails that came once more."""
        return sum(len(ids) - 1 for ids in self.taken.values())

    @property
    def differing(self) -> set[str]:
        """Readers whose mails did not all have one Message-ID."""
        return {who for who, ids in self.taken.items() if len(set(ids)) > 1}

    def count(self, state: DeliveryState) -> int:
        """Return how many deliveries are in a state."""
        return Counter(self.states.values())[state]


def _open(state: DeliveryState) -> bool:
    return state is DeliveryState.UNCERTAIN


@contextmanager
def sink(folder: Path) -> Iterator[tuple[int, Path]]:
    """Run the server; yield its port and its list."""
    log = folder / "taken.txt"
    log.touch()
    command = [sys.executable, "-m", "tests.sink", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield int(server.stdout.readline()), log
        finally:
            server.terminate()


def prepare(home: Path, *, port: int, readers: int, policy: str, database: str = "") -> None:
    """Make a home with an issue that is frozen for so many readers."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "newsletter.toml").write_text(
        f'[store]\nurl = "{database}"\n[deliver]\nmailer = "smtp"\nuncertain = "{policy}"\n'
        f'connections = {CONNECTIONS}\n[deliver.smtp]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n'
    )
    now = datetime.now(UTC)
    papers = [
        Paper(id=f"2607.{n:05}", source="huggingface", title=f"Paper {n}", listed_on=date(2026, 7, 14), upvotes=n)
        for n in range(4)
    ]
    people = (Subscriber(address=f"r{n}@example.org", status=SubscriberStatus.CONFIRMED) for n in range(readers))
    with App(home, {}) as app:
        app.store.papers.add(papers, taken_at=now)
        app.store.subscribers.add(people, now=now)
        draft(app.store, PERIOD, now=now)
        approve(app.store, PERIOD, shaping=app.shaping, now=now)
        freeze(app.store, _issue(app), app.ranker, app.press, shaping=app.shaping, now=now)


def _issue(app: App) -> Issue:
    issue = app.store.issues.get(PERIOD)
    assert issue
    return issue


def _send(home: Path) -> None:
    """Be a sender, until nothing is due or a SIGTERM drains it."""
    with App(home, {}) as app:
        handover = Handover(
            store=app.store,
            issue=_issue(app),
            press=app.press,
            departure=app.departure,
            mailer=app.mailers(),
            settings=app.config.deliver,
            owner=new_owner(),
            clock=lambda: datetime.now(UTC),
        )
        signal.signal(signal.SIGTERM, lambda *_: handover.stop.set())
        for _ in handover.run():
            pass
    os._exit(0)  # a forked process must not run the tests' own endings


def started(home: Path) -> BaseProcess:
    """Start a sender."""
    process = _FORK.Process(target=_send, args=(home,))
    process.start()
    return process


def interrupted(
    home: Path, log: Path, *, kills: int, how: signal.Signals, processes: int = 1, seed: int = 1
) -> Aftermath:
    """Let senders work and end one of them at a random moment, `kills` times, another taking its place.

    The last ones come to their end. It stops earlier where nothing is left to send.
    """
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    senders = [started(home) for _ in range(processes)]
    done = 0
    while done < kills and _ended(senders[0], log, chance, how):
        done += 1
        senders = [*senders[1:], started(home)]
    for sender in senders:
        sender.join()
        assert sender.exitcode == 0
    return aftermath(home, log, kills=done)


def _ended(sender: BaseProcess, log: Path, chance: random.Random, how: signal.Signals) -> bool:
    """End a sender a moment after its first mails; False where it had come to its own end before."""
    before = log.stat().st_size
    while sender.is_alive() and log.stat().st_size == before:
        time.sleep(0.001)
    time.sleep(chance.random() * 0.25)
    alive = sender.is_alive()
    if alive and sender.pid:
        os.kill(sender.pid, how)
    sender.join()
    return alive


def aftermath(home: Path, log: Path, *, kills: int) -> Aftermath:
    """Put the books beside the server's list."""
    taken: dict[str, list[str]] = {}
    for line in log.read_text().splitlines():
        who, message_id = line.split()
        taken.setdefault(who, []).append(message_id)
    with App(home, {}) as app:
        finish(app.store, _issue(app), now=datetime.now(UTC) + timedelta(seconds=1))
        states = {address: one.state for address, one in app.store.deliveries.addressed(_issue(app).id)}
    return Aftermath(kills=kills, states=states, taken=taken)
