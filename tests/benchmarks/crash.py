"""Crashes in full: `python -m tests.benchmarks.crash [KILLS] [READERS] [DATABASE]`, by default 200 and 60,000.

For each way it prints what the books and the server's own list say; see `tests.crash`. DATABASE is a URL, by default
SQLite; it must be empty, and each way takes a new home only with SQLite.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

from newsletter.model import DeliveryState
from tests.crash import CONNECTIONS, interrupted, prepare, sink

WAYS = (
    ("kill -9, hold", "hold", signal.SIGKILL, 1),
    ("kill -9, resend", "resend", signal.SIGKILL, 1),
    ("SIGTERM, hold", "hold", signal.SIGTERM, 1),
    ("two senders, one killed, hold", "hold", signal.SIGKILL, 2),
)


def main(kills: int, readers: int, database: str, only: str) -> None:
    for name, policy, how, processes in WAYS:
        if only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder, sink(Path(folder)) as (port, log):
            home = Path(folder) / "home"
            prepare(home, port=port, readers=readers, policy=policy, database=database)
            start = time.monotonic()
            found = interrupted(home, log, kills=kills, how=how, processes=processes, seed=kills)
            seconds = time.monotonic() - start
        print(
            f"{name}: {found.kills} times, {CONNECTIONS} connections, {len(found.states):,} readers, {seconds:.0f} s: "
            f"{len(found.lost)} without a mail and not told, {found.duplicates} duplicates "
            f"({len(found.differing)} with another Message-ID), {found.count(DeliveryState.UNCERTAIN)} uncertain, "
            f"{found.count(DeliveryState.ACCEPTED):,} accepted"
        )


if __name__ == "__main__":
    given = [*sys.argv[1:], *["200", "60000", "", ""][len(sys.argv) - 1 :]]
    main(int(given[0]), int(given[1]), given[2], given[3])
