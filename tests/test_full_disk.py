"""A disk that is full at the commit: the send says so and stops, and with room again it goes on; no reader is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from newsletter.model import DeliveryState
from tests.conftest import require
from tests.crash import CONNECTIONS, PERIOD, ROOT, aftermath, prepare, sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READERS = 4_000
SIZE = 64_000_000  # bytes of the disk
PATIENCE = 120  # seconds, for a send whose tries to store are far apart


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small disk that is nobody else's."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    ran = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, check=False
    )
    if not ran or ran.returncode or not unmount:
        require("A small disk", "mounting one needs a Linux and its root")
    yield folder
    subprocess.run([unmount, folder], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on the disk, and return the file that takes it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        while True:
            try:
                if not out.write(b"x" * 4096):
                    return filler
            except OSError:
                return filler


def start(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "newsletter", "--home", str(home), "send", PERIOD]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_full_disk_stops_a_send_which_goes_on_when_there_is_room(tmp_path: Path, disk: Path) -> None:
    with sink(tmp_path) as (port, log):
        home = disk / "home"
        prepare(home, port=port, readers=READERS, policy="hold")
        send = start(home)
        while send.poll() is None and not log.stat().st_size:
            time.sleep(0.001)
        filler = fill(disk)
        _, told = send.communicate(timeout=PATIENCE)
        before = len(log.read_text().splitlines())
        assert 0 < before < READERS
        check_told(send.returncode, told)
        again = start(home)
        _, told = again.communicate(timeout=PATIENCE)
        check_told(again.returncode, told)
        assert len(log.read_text().splitlines()) <= before + CONNECTIONS
        filler.unlink()
        last = start(home)
        last.communicate(timeout=PATIENCE)
        found = aftermath(home, log, kills=1)
    uncertain = found.count(DeliveryState.UNCERTAIN)
    assert uncertain <= 2 * CONNECTIONS
    assert last.returncode == (1 if uncertain else 0)
    assert found.count(DeliveryState.ACCEPTED) == READERS - uncertain
    assert found.lost == set()
    assert found.duplicates == 0


def check_told(code: int, told: str) -> None:
    assert code == 1
    assert "the disk is full" in told
    assert len(told.splitlines()) == 1
