"""Several relays as one mailer: mails are shared out by weight, and where one relay is gone the others carry on.

Which relay is next is decided by `Roster`, which all senders of a process share; it reads no clock.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from newsletter.deliver.base import at_once, idle
from newsletter.errors import RelayGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from newsletter.deliver.base import Mailer
    from newsletter.model import Message, Receipt

_FIRST_REST, _LONGEST_REST = 5.0, 300.0  # seconds


class Roster:
    """Which relay takes the next connection: by weight, in turn, leaving out those that are resting. Thread-safe.

    `now` is in seconds, of any clock that only goes forward.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self._weights = tuple(weights)
        self._credit = [0.0] * len(self._weights)
        self._rests_until = [0.0] * len(self._weights)
        self._failures = [0] * len(self._weights)
        self._reason = "no relay can be reached; try again later"
        self._lock = threading.Lock()

    @property
    def reason(self) -> str:
        """Why the last relay that could not be reached could not."""
        with self._lock:
            return self._reason

    def choose(self, now: float) -> int | None:
        """Return the number of the relay whose turn it is, or None where all of them rest."""
        with self._lock:
            awake = [number for number, until in enumerate(self._rests_until) if until <= now]
            if not awake:
                return None
            for number in awake:
                self._credit[number] += self._weights[number]
            chosen = max(awake, key=lambda number: (self._credit[number], -number))
            self._credit[chosen] -= sum(self._weights[number] for number in awake)
            return chosen

    def failed(self, number: int, reason: str, now: float) -> None:
        """Let a relay rest that could not be reached, twice as long each time."""
        with self._lock:
            self._reason = reason
            if self._rests_until[number] > now:
                return  # another connection has told it already: one outage is one
            rest = min(_LONGEST_REST, _FIRST_REST * 2 ** min(self._failures[number], 10))
            self._failures[number] += 1
            self._rests_until[number] = now + rest

    def works(self, number: int) -> None:
        """Forget what was held against a relay."""
        with self._lock:
            self._failures[number] = 0
            self._rests_until[number] = 0.0


class RelayedMailer:
    """A `Mailer` over several: one connection at a time, to the relay that the roster names; one thread's own."""

    def __init__(
        self, makers: Sequence[Callable[[], Mailer]], roster: Roster, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._makers = makers
        self._roster = roster
        self._clock = clock
        self._open: tuple[int, Mailer] | None = None

    def __enter__(self) -> Self:
        """Connect to one relay.

        Raises:
            RelayGoneError: none can be reached.
            MailerStoppedError: one refused the login or shows a wrong certificate.
        """
        self._ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it."""
        if self._open:
            self._open[1].__exit__(kind, error, trace)
        self._open = None

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        """Hand one message over to the relay at hand, or where it is gone to the next one that is there.

        Raises:
            RelayGoneError: none can be reached.
            MailerStoppedError: one refused the login or shows a wrong certificate.
        """
        for _ in self._makers:
            number, mailer = self._ready()
            try:
                receipt = mailer.deliver(message, leave=leave, following=following, meanwhile=meanwhile)
            except RelayGoneError as error:
                self._gone(number, error)
            else:
                self._roster.works(number)
                return receipt
        raise RelayGoneError(self._roster.reason)

    def check(self) -> str:
        """Return what each relay says of itself.

        Raises:
            RelayGoneError: none of them can be reached.
            MailerStoppedError: one refused the login or shows a wrong certificate.
        """
        told, gone = [], []
        for make in self._makers:
            try:
                told.append(make().check())
            except RelayGoneError as error:
                gone.append(error)
        if not told:
            raise gone[0]
        return "; ".join([*told, *(f"{error} (the others carry on)" for error in gone)])

    def _ready(self) -> tuple[int, Mailer]:
        for _ in self._makers:  # not until all of them rest: a slow one is longer in failing than another one rests
            if self._open:
                break
            number = self._roster.choose(self._clock())
            if number is None:
                break
            mailer = self._makers[number]()
            try:
                self._open = number, mailer.__enter__()
            except RelayGoneError as error:
                self._gone(number, error)
        if self._open is None:
            raise RelayGoneError(self._roster.reason)
        return self._open

    def _gone(self, number: int, error: RelayGoneError) -> None:
        self._roster.failed(number, str(error), self._clock())
        self._open = None
