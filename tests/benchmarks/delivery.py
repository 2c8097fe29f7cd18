"""What a send costs, end to end, with each delivery accounted for: against django-newsletter, to the same sink.

`python -m tests.benchmarks.delivery [--readers N] [--rounds N] [--reference FOLDER] [--only PART] [--memory N ...]`, by
hand. Needs Postfix's `smtp-sink`; PostgreSQL where NEWSLETTER_TEST_POSTGRESQL says; the package index for the
reference. Each send is a process of its own that begins with the same frozen issue. Of several rounds the best is
told, since whatever else the machine does only adds; the sink and the database work on the same cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.delivery_home import PROFILES, Setup, write_settings
from tests.benchmarks.delivery_machine import Sink, Waits, busy, clean, database, reference_python

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.delivery_child import Figures

ROOT = Path(__file__).resolve().parents[2]
READERS, ROUNDS = 20_000, 2
SUBSCRIBERS, ARTICLES, HTML_BYTES = 2_000, 20, 50_000
ASKED_RATIO, ASKED_US, ASKED_SIGNED_US, ASKED_MIB, ASKED_START = 20, 500, 800, 200, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One send: by the clock, and what its processes, the sink and the whole machine worked, in seconds."""

    mails: int
    seconds: float
    cpu: float
    sink: float
    busy: float
    waited: float
    rss: float
    senders: int

    def line(self) -> str:
        """Return the figures of a mail."""
        return (
            f"{self.mails / self.seconds:6,.0f} mails/s, CPU a mail {self.cpu / self.mails * 1e6:4,.0f} us (sink "
            f"{self.sink / self.mails * 1e6:3,.0f} us), cores busy {self.busy / self.seconds:.2f}, "
            f"waiting for the turn {self.waited / self.seconds / self.senders:5.1%}, {self.rss:,.0f} MiB"
        )


def child(what: str, home: Path, *more: str) -> subprocess.Popen[str]:
    """Start one step."""
    command = [sys.executable, "-m", "tests.benchmarks.delivery_child", what, str(home), *more]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def result(process: subprocess.Popen[str], go: str = "") -> Figures:
    """Wait for a step and return its figures."""
    out, _ = process.communicate(go)
    if process.returncode:
        raise SystemExit(f"a step ended with {process.returncode}")
    figures: Figures = json.loads(out.splitlines()[-1])
    return figures


def frozen(home: Path, setup: Setup, readers: int) -> Figures:
    """Make a home with a frozen issue."""
    write_settings(clean(home), setup)
    result(child("fill", home, str(readers)))
    return result(child("freeze", home))


def copied(home: Path, setup: Setup) -> Path:
    """Return a copy of a frozen home that sends in another way."""
    copy = home.with_name(f"{home.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(home, copy)
    write_settings(copy, setup)
    return copy


def send(home: Path, setup: Setup, sink: Sink, processes: int = 1) -> Sent:
    """Send the frozen issue of a home by so many processes at once."""
    copy = copied(home, replace(setup, port=sink.port))
    senders = [child("send", copy) for _ in range(processes)]
    for one in senders:
        assert one.stdout
        one.stdout.readline()
    wall, work, taken = time.perf_counter(), busy(), sink.cpu()
    for one in senders:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    figures = [result(one) for one in senders]
    return Sent(
        mails=int(sum(one["accepted"] for one in figures)),
        seconds=max(one["seconds"] for one in figures),
        cpu=sum(one["cpu"] for one in figures),
        sink=sink.cpu() - taken,
        busy=(busy() - work) / (time.perf_counter() - wall) * max(one["seconds"] for one in figures),
        waited=sum(one["waited"] for one in figures),
        rss=max(one["rss"] for one in figures),
        senders=setup.connections * processes,
    )


def best(runs: Sequence[Sent]) -> Sent:
    """Return the fastest run, with the least CPU of all."""
    return replace(min(runs, key=lambda one: one.seconds), cpu=min(one.cpu for one in runs))


def ours(home: Path, sink: Sink, readers: int, rounds: int) -> dict[str, Sent]:
    """Print and return what our sends on SQLite cost."""
    figures = frozen(home, Setup(), readers)
    print(
        f"ours: {readers:,} readers of {PROFILES} profiles, {figures['digests']:,.0f} different digests, 10 cards, "
        f"{figures['html']:,.0f} bytes of HTML, {figures['mail']:,.0f} bytes of mail unsigned\n"
        f"  freeze {figures['seconds']:.1f} s, {figures['cpu']:.1f} s of CPU, {figures['cpu'] / readers * 1e6:,.0f} us "
        f"a mail; {figures['rss']:,.0f} MiB"
    )
    found: dict[str, Sent] = {"freeze": _freeze_of(figures, readers)}
    for name, (setup, processes) in _ways().items():
        found[name] = best([send(home, setup, sink, processes) for _ in range(rounds)])
        print(f"  {name:24} {found[name].line()}", flush=True)
        assert found[name].mails == readers
    return found


def _freeze_of(figures: Figures, readers: int) -> Sent:
    seconds, cpu, rss = figures["seconds"], figures["cpu"], figures["rss"]
    return Sent(mails=readers, seconds=seconds, cpu=cpu, sink=0, busy=cpu, waited=0, rss=rss, senders=1)


def _ways() -> dict[str, tuple[Setup, int]]:
    """Return how it is sent: processes x connections of each, and whether signed."""
    return {
        f"{'signed' if signed else 'unsigned'}, {processes} x {connections}": (
            Setup(connections=connections, signed=signed),
            processes,
        )
        for signed in (False, True)
        for processes, connections in ((1, 1), (1, 2), (1, 4), (2, 1), (2, 2), (3, 1))
    }


def reference(folder: Path, sink: Sink) -> Figures:
    """Print and return what the reference's send costs."""
    python = reference_python(folder)
    home = clean(folder.with_name(f"{folder.name}-home"))
    sizes = [str(sink.port), str(SUBSCRIBERS), str(ARTICLES), str(HTML_BYTES)]
    script = Path(__file__).with_name("delivery_django.py")
    ran = subprocess.run([python, "-I", script, home, *sizes], check=True, capture_output=True, text=True, cwd=home)
    figures: Figures = json.loads(ran.stdout.splitlines()[-1])
    sent, seconds = figures["sent"], figures["seconds"]
    print(
        f"django-newsletter 1.2.1: {sent:,.0f} mails, {figures['failed']:.0f} failed, {ARTICLES} articles, "
        f"{figures['html']:,.0f} bytes of HTML, {figures['mail']:,.0f} bytes of mail\n"
        f"  {sent / seconds:,.1f} mails/s, CPU a mail {figures['cpu'] / sent * 1e6:,.0f} us",
        flush=True,
    )
    return figures


def compare(found: dict[str, Sent], other: Figures) -> None:
    """Print our figures over the reference's, the freeze counted in and left out."""
    freeze, rate, cpu = found.pop("freeze"), other["sent"] / other["seconds"], other["cpu"] / other["sent"]
    for name, one in found.items():
        ours_us = one.cpu / one.mails * 1e6
        whole = one.mails / (one.seconds + freeze.seconds)
        asked = ASKED_SIGNED_US if "unsigned" not in name else ASKED_US
        print(
            f"  {name:24} {one.mails / one.seconds / rate:5.1f} times the mails/s, with the freeze {whole / rate:5.1f} "
            f"(asked {ASKED_RATIO}, unsigned); 1/{cpu * 1e6 / ours_us:.1f} of the CPU; {ours_us:,.0f} us, "
            f"with the freeze {ours_us + freeze.cpu / freeze.mails * 1e6:,.0f} us (asked {asked})"
        )


def on_postgresql(home: Path, sink: Sink, readers: int, rounds: int) -> None:
    """Print what one and two processes do on PostgreSQL: processes x connections of each."""
    print(f"PostgreSQL, {readers:,} readers; the server's work and its waiting for locks, of all senders' time")
    with database() as template:
        frozen(home, Setup(database=template), readers)
        for processes, connections in ((1, 2), (1, 4), (2, 2)):
            for signed in (False, True):
                setup = Setup(database=template, connections=connections, signed=signed)
                runs = [_one_on_postgresql(home, setup, sink, processes) for _ in range(rounds)]
                one, words = best([run for run, _ in runs]), min(runs, key=lambda run: run[0].seconds)[1]
                name = f"{processes} x {connections}, {'signed' if signed else 'unsigned'}"
                print(f"  {name:24} {one.line()}, {words}", flush=True)


def _one_on_postgresql(home: Path, setup: Setup, sink: Sink, processes: int) -> tuple[Sent, str]:
    """Send from a copy of the setup's database, and say what its server did meanwhile."""
    with database(setup.database) as url, Waits(url) as waits:
        one = send(home, replace(setup, database=url), sink, processes)
    return (
        one,
        f"server {waits.share(waits.active, one.senders):.1%}, locks {waits.share(waits.waiting, one.senders):.1%}",
    )


def memory(home: Path, sizes: Sequence[int]) -> None:
    """Print what freezing and handing over hold in memory, mails discarded, and when the first mail leaves."""
    setup = Setup(mailer="log", connections=4)
    for readers in sizes:
        write_settings(clean(home), setup)
        result(child("fill", home, str(readers)))
        start = time.time()
        freeze = result(child("freeze", home))
        freezing, begun = time.time() - start, time.time()
        sent = result(child("send", home), "\n")
        print(
            f"  {readers:7,} readers, {freeze['digests']:,.0f} digests: freeze {freeze['rss']:,.0f} MiB, "
            f"hand-over {sent['rss']:,.0f} MiB (asked {ASKED_MIB}); first mail after "
            f"{freezing + sent['first'] - begun:.1f} s, the freeze {freeze['seconds']:.1f} s of it, "
            f"{freeze['cpu']:.1f} s of CPU (asked {ASKED_START} "
            f"for 500,000); {sent['accepted'] / sent['seconds']:,.0f} mails/s, CPU a mail "
            f"{sent['cpu'] / sent['accepted'] * 1e6:,.0f} us, waiting for the turn "
            f"{sent['waited'] / sent['seconds'] / setup.connections:.1%}",
            flush=True,
        )


def main(given: argparse.Namespace) -> None:
    """Measure and print everything that was asked for."""
    print(f"{os.cpu_count()} cores, load {', '.join(f'{load:.1f}' for load in os.getloadavg())} before")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if given.memory:
            memory(folder / "home", given.memory)
        else:
            sink = stack.enter_context(Sink())
            if given.only in ("", "sqlite"):
                found = ours(folder / "home", sink, given.readers, given.rounds)
                compare(found, reference(given.reference or folder / "reference", sink))
            if given.only in ("", "postgresql"):
                on_postgresql(folder / "home", sink, given.readers, given.rounds)
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())} after")


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="What a send costs, end to end.")
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each way; the best is told")
    parser.add_argument("--reference", type=Path, help="folder of an environment with the reference; made if not there")
    parser.add_argument("--only", choices=("", "sqlite", "postgresql"), default="")
    parser.add_argument("--memory", type=int, nargs="*", help="only memory, for so many readers")
    given = parser.parse_args()
    if given.memory == []:
        given.memory = [5_000, 50_000, 500_000]
    return given


if __name__ == "__main__":
    main(arguments())
