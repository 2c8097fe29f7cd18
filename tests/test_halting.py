"""Pausing, resuming, cancelling and leaving while a send is running in another process."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.model import DeliveryState, IssueState, SubscriberStatus
from newsletter.pipeline.sending import cancel, pause, resume
from tests.crash import PERIOD, aftermath, prepare, sink, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from newsletter.model import Issue

READERS = 3_000
PATIENCE = 60.0  # seconds, for what takes a moment


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[App, BaseProcess, Path]]:
    """Return a home whose issue a sender has begun to hand over, that sender, and the server's list."""
    with sink(tmp_path) as (port, log):
        prepare(tmp_path / "home", port=port, readers=READERS, policy="hold")
        sender = started(tmp_path / "home")
        with App(tmp_path / "home", {}) as app:
            until(lambda: log.stat().st_size > 0)
            yield app, sender, log
        sender.kill()
        sender.join()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def issue(app: App) -> Issue:
    found = app.store.issues.get(PERIOD)
    assert found is not None
    return found


def totals(app: App) -> dict[DeliveryState, int]:
    return app.store.deliveries.totals(issue(app).id)


def now() -> datetime:
    return datetime.now(UTC)


def come_to_rest(app: App) -> dict[DeliveryState, int]:
    """Wait for the mails that were under way, and return the totals; nothing may change them any more."""
    until(lambda: not totals(app).get(DeliveryState.IN_FLIGHT))
    return totals(app)


def test_a_pause_stops_a_running_send_and_a_reader_who_leaves_meanwhile_gets_nothing(
    running: tuple[App, BaseProcess, Path],
) -> None:
    app, sender, log = running
    pause(app.store, issue(app), now=now())
    waiting = come_to_rest(app)
    assert waiting[DeliveryState.QUEUED] > 0
    assert len(log.read_text().splitlines()) == waiting[DeliveryState.ACCEPTED]
    gone = next(address for address, _ in app.store.deliveries.addressed(issue(app).id, DeliveryState.QUEUED))
    app.store.subscribers.set_status(gone, SubscriberStatus.UNSUBSCRIBED, now=now())
    assert sender.is_alive(), "it waits for the pause to end"
    resume(app.store, issue(app), now=now())
    sender.join(PATIENCE)
    assert sender.exitcode == 0
    found = aftermath(app.config.home, log, kills=0)
    assert found.states[gone] is DeliveryState.SKIPPED
    assert gone not in found.taken
    assert found.count(DeliveryState.ACCEPTED) == len(found.taken) == READERS - 1
    assert found.duplicates == 0
    assert issue(app).state is IssueState.SENT


def test_a_cancelled_send_ends_and_what_waited_is_skipped(running: tuple[App, BaseProcess, Path]) -> None:
    app, sender, log = running
    skipped = cancel(app.store, issue(app), now=now())
    sender.join(PATIENCE)
    assert sender.exitcode == 0
    found = aftermath(app.config.home, log, kills=0)
    assert found.count(DeliveryState.SKIPPED) == skipped > 0
    assert found.count(DeliveryState.ACCEPTED) == len(found.taken) == READERS - skipped
    assert issue(app).state is IssueState.CANCELLED


def test_a_reader_who_leaves_during_a_send_gets_nothing_unless_it_was_under_way(
    running: tuple[App, BaseProcess, Path],
) -> None:
    app, sender, log = running
    last = f"r{READERS - 1}@example.org"
    app.store.subscribers.set_status(last, SubscriberStatus.UNSUBSCRIBED, now=now())
    assert totals(app).get(DeliveryState.QUEUED), "the send was over before it could be tested"
    sender.join(PATIENCE)
    found = aftermath(app.config.home, log, kills=0)
    assert found.states[last] is DeliveryState.SKIPPED
    assert last not in found.taken
