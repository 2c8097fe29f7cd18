"""A large send by several processes: shared out, stopped, killed in part, and left alone by whoever started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.cli.together import Senders, processes_for, shares
from newsletter.config import load_config
from newsletter.errors import IssueStateError
from newsletter.model import DeliveryState
from tests.crash import CONNECTIONS, PERIOD, ROOT, aftermath, prepare, sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READERS = 4_500  # nine chunks
PATIENCE = 60.0  # seconds, for what takes a moment
children_told = pytest.mark.skipif(
    not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists(), reason="this system tells no children"
)


@pytest.mark.parametrize(
    ("settings", "chunks", "expected"),
    [
        ({"mailer": "smtp"}, 8, 3),
        ({"mailer": "smtp"}, 7, 1),
        ({"mailer": "smtp", "connections": 2}, 100, 2),
        ({"mailer": "smtp", "processes": 2}, 100, 2),
        ({"mailer": "smtp", "processes": 1}, 100, 1),
        ({"mailer": "smtp", "per_second": 10.0}, 100, 1),
        ({"mailer": "smtp", "per_domain_second": 10.0}, 100, 1),
        ({"mailer": "folder"}, 100, 1),
    ],
)
def test_several_processes_send_where_it_is_worth_it(
    tmp_path: Path, settings: dict[str, object], chunks: int, expected: int
) -> None:
    usual = load_config(tmp_path, {}).deliver.model_copy(update={"connections": 4, **settings})
    assert processes_for(usual, chunks=chunks, cores=3) == expected


@pytest.mark.parametrize(
    ("connections", "processes", "expected"), [(4, 2, [2, 2]), (5, 3, [2, 2, 1]), (3, 3, [1, 1, 1])]
)
def test_they_share_the_connections(connections: int, processes: int, expected: list[int]) -> None:
    assert shares(connections, processes) == expected


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Return a home with a frozen issue that two processes will send, and the server's list."""
    with sink(tmp_path) as (port, log):
        home = tmp_path / "home"
        prepare(home, port=port, readers=READERS, policy="hold")
        settings = home / "newsletter.toml"
        own = f"connections = {CONNECTIONS}\n"
        settings.write_text(settings.read_text().replace(own, f"{own}processes = 2\n"))
        yield home, log


def begun(home: Path, log: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a send, and return it with its processes once a mail was taken."""
    command = [sys.executable, "-m", "newsletter", "--home", str(home), "send", PERIOD]
    send = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: log.stat().st_size > 0)
    told = Path(f"/proc/{send.pid}/task/{send.pid}/children").read_text("ascii")
    return send, [int(child) for child in told.split()]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def balanced(home: Path, log: Path) -> dict[DeliveryState, int]:
    """Return the totals, having held them against the server's list: nobody lost, nobody twice."""
    found = aftermath(home, log, kills=0)
    assert found.duplicates == 0
    accepted = {who for who, state in found.states.items() if state is DeliveryState.ACCEPTED}
    uncertain = {who for who, state in found.states.items() if state is DeliveryState.UNCERTAIN}
    assert accepted <= set(found.taken) <= accepted | uncertain
    return {state: found.count(state) for state in DeliveryState if found.count(state)}


@children_told
def test_two_processes_send_an_issue_once(place: tuple[Path, Path]) -> None:
    send, children = begun(*place)
    assert len(children) == 2
    out, err = send.communicate(timeout=PATIENCE)
    assert (send.returncode, err) == (0, "")
    assert out == f"issue {PERIOD}: {READERS} accepted\n"
    assert balanced(*place) == {DeliveryState.ACCEPTED: READERS}


@children_told
def test_a_process_that_is_killed_leaves_a_mail_a_connection_uncertain_and_the_rest_is_sent(
    place: tuple[Path, Path],
) -> None:
    send, children = begun(*place)
    os.kill(children[0], signal.SIGKILL)
    _, err = send.communicate(timeout=PATIENCE)
    totals = balanced(*place)
    uncertain = totals.pop(DeliveryState.UNCERTAIN, 0)
    assert uncertain <= CONNECTIONS / 2
    assert totals == {DeliveryState.ACCEPTED: READERS - uncertain}
    assert send.returncode == (1 if uncertain else 0)
    assert ("uncertain" in err) is bool(uncertain)


@children_told
def test_a_send_that_is_asked_to_end_drains_all_its_processes(place: tuple[Path, Path]) -> None:
    send, children = begun(*place)
    send.send_signal(signal.SIGTERM)
    _, err = send.communicate(timeout=PATIENCE)
    assert send.returncode == 128 + signal.SIGTERM
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    totals = balanced(*place)
    assert totals.keys() == {DeliveryState.ACCEPTED, DeliveryState.QUEUED}
    assert f"{totals[DeliveryState.QUEUED]} wait, since this send was stopped" in err


@children_told
def test_processes_whose_starter_is_killed_finish_their_mails_and_end(place: tuple[Path, Path]) -> None:
    home, log = place
    send, children = begun(home, log)
    send.kill()
    send.communicate(timeout=PATIENCE)
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    totals = balanced(home, log)
    assert totals.keys() == {DeliveryState.ACCEPTED, DeliveryState.QUEUED}


def test_what_one_of_them_refuses_is_raised_with_its_place_and_nothing_is_sent(place: tuple[Path, Path]) -> None:
    home, log = place
    (home / "templates" / "email" / "digest").mkdir(parents=True)
    (home / "templates" / "email" / "digest" / "subject.txt").write_text("Another subject: {{ subject }}\n")
    with Senders(home, {}, PERIOD, [2, 2]) as senders, pytest.raises(IssueStateError, match="its template") as raised:
        list(senders.run(threading.Event()))
    assert "in check_sendable" in "".join(raised.value.__notes__)
    assert balanced(home, log) == {DeliveryState.QUEUED: READERS}


def test_they_send_however_python_starts_processes(place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    server = multiprocessing.get_context("forkserver")  # the default on Linux from Python 3.14 on
    monkeypatch.setattr(multiprocessing, "Process", server.Process)
    with Senders(place[0], {}, PERIOD, [2, 2]) as senders:
        list(senders.run(threading.Event()))
    assert balanced(*place) == {DeliveryState.ACCEPTED: READERS}
