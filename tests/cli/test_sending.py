"""The way of an issue to its readers by command: who got what, pausing, resuming, cancelling, and a gentle end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.model import DeliveryState
from newsletter.pipeline.freezing import freeze
from newsletter.store.ledger import Outcome
from tests.crash import PERIOD as CRASH_PERIOD
from tests.crash import ROOT, aftermath, prepare, sink

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command import Newsletter

PERIOD = "2026-07-14"


@pytest.fixture
def frozen(newsletter: Newsletter, home: Path) -> Newsletter:
    """Return a home whose issue is decided for two readers, with no mail handed over yet."""
    for address in ("ada@example.org", "bob@example.org"):
        newsletter.well("subscribers", "add", address, "--confirmed")
    newsletter.well("draft", PERIOD)
    newsletter.well("approve", PERIOD)
    with App(home, {}) as app:
        issue = app.store.issues.get(PERIOD)
        assert issue
        freeze(app.store, issue, app.ranker, app.press, shaping=app.shaping, now=datetime.now(UTC))
    return newsletter


def test_each_delivery_is_told_with_its_reader_state_and_reply(frozen: Newsletter) -> None:
    frozen.well("send", PERIOD)
    told = frozen.well("deliveries", PERIOD, "--json").json
    assert told["totals"] == {"accepted": 2}
    assert [(one["address"], one["state"], one["attempts"]) for one in told["deliveries"]] == [
        ("ada@example.org", "accepted", 1),
        ("bob@example.org", "accepted", 1),
    ]
    assert all(one["reply"].startswith("written to ") for one in told["deliveries"])
    listed = frozen.well("deliveries", PERIOD).out
    assert "ada@example.org" in listed
    assert listed.endswith(f"issue {PERIOD} is sent: 2 accepted\n")
    assert frozen.well("deliveries", PERIOD, "--state", "failed", "--json").json["deliveries"] == []


def test_a_paused_issue_is_not_sent_until_it_is_resumed(frozen: Newsletter, home: Path) -> None:
    assert "2 queued" in frozen.well("pause", PERIOD).out
    assert "paused already" in frozen.refused("pause", PERIOD)
    (listed,) = frozen.well("issues", "--json").json
    assert (listed["state"], bool(listed["paused_at"])) == ("sending", True)
    assert "paused" in frozen.well("issues").out
    assert f"newsletter resume {PERIOD}" in frozen.refused("send", PERIOD)
    assert not (home / "outbox").exists()
    frozen.well("resume", PERIOD)
    assert "not paused" in frozen.refused("resume", PERIOD)
    assert "2 accepted" in frozen.well("send", PERIOD).out
    assert "sent, not being sent" in frozen.refused("pause", PERIOD)


def test_a_cancelled_issue_is_never_sent(frozen: Newsletter, home: Path) -> None:
    assert "2 mails skipped" in frozen.well("cancel", PERIOD).out
    assert "cancelled" in frozen.refused("send", PERIOD)
    assert "nothing of it is left to cancel" in frozen.refused("cancel", PERIOD)
    assert not (home / "outbox").exists()
    told = frozen.well("deliveries", PERIOD, "--json").json["deliveries"]
    assert {(one["state"], one["reply"]) for one in told} == {("skipped", "the issue was cancelled")}


def test_a_send_that_is_asked_to_end_finishes_its_mails_and_goes_on_later(tmp_path: Path) -> None:
    with sink(tmp_path) as (port, log):
        prepare(tmp_path / "home", port=port, readers=2_000, policy="hold")
        command = [sys.executable, "-m", "newsletter", "--home", str(tmp_path / "home"), "send", CRASH_PERIOD]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
            while not log.stat().st_size and first.poll() is None:
                time.sleep(0.005)
            first.send_signal(signal.SIGTERM)
            out, err = first.communicate(timeout=60)
        assert first.returncode == 128 + signal.SIGTERM
        assert "queued" in out
        assert f"this send was stopped; go on with: newsletter send {CRASH_PERIOD}" in err
        assert "Traceback" not in err
        again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        assert again.returncode == 0
        found = aftermath(tmp_path / "home", log, kills=0)
    assert found.count(DeliveryState.ACCEPTED) == len(found.taken) == 2_000
    assert found.duplicates == 0


def test_what_waits_and_what_is_uncertain_show_in_the_exit_code(frozen: Newsletter, home: Path) -> None:
    now = datetime.now(UTC)
    later = now + timedelta(hours=1)
    with App(home, {}) as app:
        issue = app.store.issues.get(PERIOD)
        assert issue
        chunk = app.store.chunks.claim(issue.id, owner="elsewhere", now=now, lease=timedelta(hours=1))
        assert chunk
        first, second = chunk.due
        deferred = Outcome(delivery_id=second.id, state=DeliveryState.DEFERRED, reply="450 later", retry_at=later)
        with app.store.ledger() as ledger:
            assert ledger.attempt(chunk, second, now=now)
            ledger.settle(chunk, [deferred], now=now)
            assert ledger.attempt(chunk, first, now=now), "and then its sender dies"
        app.store.chunks.release(chunk, now=now)
    ran = frozen("send", PERIOD)
    assert ran.code == 1, "somebody must look at the uncertain one"
    assert "1 deferred, 1 uncertain" in ran.out
    assert f"from {later:%Y-%m-%d %H:%M} UTC on: newsletter send {PERIOD}" in ran.err
    frozen.well("retry", PERIOD, "--uncertain")
    ran = frozen("send", PERIOD)
    assert ran.code == 75, "another send must follow"
    assert "1 accepted, 1 deferred" in ran.out
