"""Senders killed at random moments, in short; `python -m tests.benchmarks.crash` is the long form."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from newsletter.model import DeliveryState
from tests.crash import CONNECTIONS, interrupted, prepare, sink

if TYPE_CHECKING:
    from pathlib import Path

READERS, KILLS = 1_500, 3


@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_sender_leaves_a_mail_a_connection_uncertain_and_doubles_and_loses_none(
    tmp_path: Path, processes: int
) -> None:
    with sink(tmp_path) as (port, log):
        prepare(tmp_path / "home", port=port, readers=READERS, policy="hold")
        found = interrupted(tmp_path / "home", log, kills=KILLS, how=signal.SIGKILL, processes=processes)
    assert found.lost == set()
    assert found.duplicates == 0
    uncertain = found.count(DeliveryState.UNCERTAIN)
    assert uncertain <= found.kills * CONNECTIONS
    assert found.count(DeliveryState.ACCEPTED) == READERS - uncertain


def test_with_resend_a_kill_doubles_at_most_a_mail_a_connection_and_all_have_one(tmp_path: Path) -> None:
    with sink(tmp_path) as (port, log):
        prepare(tmp_path / "home", port=port, readers=READERS, policy="resend")
        found = interrupted(tmp_path / "home", log, kills=KILLS, how=signal.SIGKILL)
    assert len(found.taken) == READERS
    assert found.count(DeliveryState.ACCEPTED) == READERS
    assert found.duplicates <= found.kills * CONNECTIONS
    assert found.differing == set()


def test_a_sender_that_is_asked_to_end_leaves_nothing_uncertain(tmp_path: Path) -> None:
    with sink(tmp_path) as (port, log):
        prepare(tmp_path / "home", port=port, readers=READERS, policy="hold")
        found = interrupted(tmp_path / "home", log, kills=1, how=signal.SIGTERM)
    assert found.count(DeliveryState.ACCEPTED) == len(found.taken) == READERS
    assert found.duplicates == 0
