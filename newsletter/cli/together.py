"""Hands an issue over by several processes of this machine, so that all its cores work; one process sends for one core.

Each is a program of its own to the books: it has its own owner's name, leases and connections, and what one of them
leaves behind when it is killed is told as for any other. They stop when they are told to, or when whoever started them
is gone. It decides nothing about an issue.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Self

from newsletter.app import App
from newsletter.cli.parcel import Parcel, parcel_of
from newsletter.errors import RelayGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from newsletter.model import DeliveryState, Issue
    from newsletter.pipeline.handover import Handover
    from newsletter.settings import DeliverSettings

_WORTH = 8  # chunks that wait: with fewer a process more costs more time than it saves
_LOOKS = 0.2  # seconds between two looks at whether to stop

_States = dict["DeliveryState", int]


def processes_for(settings: DeliverSettings, *, chunks: int, cores: int) -> int:
    """Return by how many processes so many chunks are handed over.

    By one where it writes files, and where mails may leave at a certain rate only: rates are counted in one process.
    """
    limited = settings.per_second or settings.per_domain_second
    if settings.mailer != "smtp" or limited or chunks < _WORTH:
        return 1
    return min(settings.processes or cores, settings.connections)


class Senders:
    """The running processes; a context manager that waits for their end, having told them to stop."""

    def __init__(self, home: Path, environ: Mapping[str, str], period: str, connections: Sequence[int]) -> None:
        """Start a process for each number of connections; no connection to the database may be open here."""
        self._ends: list[Connection] = []
        self._processes: list[BaseProcess] = []
        self._states: list[_States] = [{} for _ in connections]
        self._errors: list[Exception] = []
        for number in connections:
            end, its_end = multiprocessing.Pipe()
            process = multiprocessing.Process(target=_send, args=(home, dict(environ), period, number, its_end))
            process.start()
            its_end.close()
            self._ends.append(end)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()
        for process, end in zip(self._processes, self._ends, strict=True):
            process.join()
            end.close()

    def _stop(self) -> None:
        """Tell all to stop; by pipes, for what processes share in memory is lost with one that is killed."""
        for end in self._ends:
            with suppress(OSError):  # it has ended
                end.send(None)

    def run(self, stop: threading.Event) -> Iterator[Mapping[DeliveryState, int]]:
        """Yield now and then how many mails came to which state, until all processes have ended.

        Raises:
            Exception: what ended one of them, with its traceback as a note; the others have come to their end.
        """
        left = dict(enumerate(self._ends))
        told = False
        while left:
            if stop.is_set() and not told:
                told = True
                self._stop()
            ready = wait(list(left.values()), timeout=_LOOKS)
            for number in [number for number, end in left.items() if end in ready]:
                if not self._hears(number):
                    del left[number]
            yield sum(map(Counter, self._states), Counter())
        self._raise()

    def _hears(self, number: int) -> bool:
        """Take in what one process says; False where it has ended, killed or not: others see to what it left."""
        try:
            said = self._ends[number].recv()
        except (EOFError, OSError):
            return False
        if isinstance(said, Parcel):
            self._errors.append(said.opened())
            if not isinstance(said.error, RelayGoneError):
                self._stop()
        else:
            self._states[number] = said
        return True

    def _raise(self) -> None:
        """Raise what ended the send; that a relay had no room for one more connection ended that process alone."""
        for error in self._errors:
            if not isinstance(error, RelayGoneError) or len(self._errors) == len(self._ends):
                raise error


def handover_of(
    app: App, issue: Issue, *, connections: int, clock: Callable[[], datetime], stop: threading.Event
) -> Handover:
    """Return what hands an issue over in this process, over so many connections, until `stop` is set."""
    from newsletter.pipeline.handover import Handover  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.owner import new_owner  # noqa: PLC0415 - same

    return Handover(
        store=app.store,
        issue=issue,
        press=app.press,
        departure=app.departure,
        mailer=app.mailers(),
        settings=app.config.deliver.model_copy(update={"connections": connections}),
        owner=new_owner(),
        clock=clock,
        stop=stop,
    )


def shares(connections: int, processes: int) -> list[int]:
    """Return how many connections each process has, as equal as can be."""
    whole, more = divmod(connections, processes)
    return [whole + (place < more) for place in range(processes)]


def _send(home: Path, environ: Mapping[str, str], period: str, connections: int, end: Connection) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # whoever started it is told, and tells it
    try:
        with App(home, environ) as app:
            for states in _handed_over(app, period, connections, end):
                end.send(dict(states))
    except Exception as raised:  # noqa: BLE001 - nothing is swallowed: the process that waits raises it
        with suppress(OSError):  # that process is gone
            end.send(parcel_of(raised))


def _handed_over(app: App, period: str, connections: int, end: Connection) -> Iterator[Mapping[DeliveryState, int]]:
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    issue = issue_of(app.store, period)
    sending.check_sendable(app.store, issue, app.shaping)
    own = threading.Event()
    handover = handover_of(app, issue, connections=connections, clock=lambda: datetime.now(UTC), stop=own)
    threading.Thread(target=_watch, args=(end, own), daemon=True).start()
    yield from handover.run()


def _watch(end: Connection, own: threading.Event) -> None:
    """Stop when told to, or when whoever started this process is gone: others may hold its end of the pipe open.

    Where a server forks processes, as Python 3.14 has it, the parent is that server, and it goes with the starter.
    """
    starter, parent = multiprocessing.parent_process(), os.getppid()
    while not end.poll(_LOOKS) and starter and starter.is_alive() and os.getppid() == parent:
        pass
    own.set()
