"""The handing over of a frozen issue: several senders at once, each with a connection and a thread of its own.

Running it again, twice at once or on two machines sends nothing twice: that is the books' work (`sender`), not this
module's. It chooses and prints nothing.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.deliver.pace import Pace
from newsletter.errors import RelayGoneError
from newsletter.model import DeliveryState, Digest
from newsletter.pipeline.sender import Sender, Tally, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from newsletter.deliver.base import Mailer
    from newsletter.model import Issue, Message, RankedPaper
    from newsletter.pipeline.departure import Departure
    from newsletter.pipeline.digests import Press
    from newsletter.settings import DeliverSettings
    from newsletter.store import Store
    from newsletter.store.chunks import Due

_KEPT_SELECTIONS = 5_000
_LOOKS = 0.2  # seconds between two words on how far it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Everything one program needs to hand over an issue; `owner` names the program on its claims.

    `mailer` makes a mailer for each sender. `stop` may be set at any moment: mails under way are finished, the rest
    waits.
    """

    store: Store
    issue: Issue
    press: Press
    departure: Departure
    mailer: Callable[[], Mailer]
    settings: DeliverSettings
    owner: str
    clock: Callable[[], datetime]
    ticks: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    stop: threading.Event = field(default_factory=threading.Event)
    _selections: dict[int, tuple[tuple[RankedPaper, ...], int]] = field(init=False, repr=False, default_factory=dict)

    def run(self) -> Iterator[Mapping[DeliveryState, int]]:
        """Hand over every mail that waits; yield now and then, and at the end, how many came to which state by it.

        Raises:
            MailerStoppedError: the mailer cannot work, or one mail after the other is refused; what was handed over is
                settled, the rest waits.
            StoreError: the database refused.
        """
        if self.settings.uncertain == "resend":
            self.store.deliveries.requeue(self.issue.id, DeliveryState.UNCERTAIN, now=self.clock())
        tally = Tally(Pace(per_second=self.settings.per_second, per_domain=self.settings.per_domain_second))
        number = max(1, min(self.settings.connections, self.store.chunks.unfinished(self.issue.id)))
        with ThreadPoolExecutor(number, thread_name_prefix="sender") as pool:
            senders = [pool.submit(self._send, tally) for _ in range(number)]
            try:
                yield from self._watched(senders, tally)
            finally:
                self.stop.set()
        yield tally.so_far()
        _raise_what_stopped(senders)

    def _watched(self, senders: list[Future[None]], tally: Tally) -> Iterator[Mapping[DeliveryState, int]]:
        """Yield how far it is until all senders have ended; when one of them fails, let the others come to an end."""
        left = set(senders)
        while left:
            done, left = wait(left, timeout=_LOOKS, return_when=FIRST_EXCEPTION)
            if any(error and not isinstance(error, RelayGoneError) for error in (one.exception() for one in done)):
                self.stop.set()
            yield tally.so_far()

    def _send(self, tally: Tally) -> None:
        terms = Terms(
            store=self.store,
            issue=self.issue,
            settings=self.settings,
            owner=self.owner,
            write=self._message,
            clock=self.clock,
            ticks=self.ticks,
            chance=self.chance,
            stop=self.stop,
        )
        Sender(terms, tally, self.mailer()).run()

    def _message(self, due: Due) -> Message:
        papers, left_out = self._selection(due.digest_id)
        digest = Digest(issue=self.issue, subscriber=due.subscriber, papers=papers, left_out=left_out)
        now = self.clock()
        return self.departure.ready(
            self.press.message(digest, now=now), issue_id=self.issue.id, subscriber_id=due.subscriber.id, now=now
        )

    def _selection(self, digest_id: int) -> tuple[tuple[RankedPaper, ...], int]:
        """Return a digest's papers and how many were left out; many readers share one, so it is looked up once."""
        found = self._selections.get(digest_id)
        if found is None:
            if len(self._selections) >= _KEPT_SELECTIONS:
                self._selections.clear()
            found = self._selections[digest_id] = self.store.deliveries.selection(digest_id, self.issue)
        return found


def _raise_what_stopped(senders: Sequence[Future[None]]) -> None:
    """Raise what ended the send; that a relay had no room for one more connection ended that sender alone."""
    errors = [error for sender in senders if (error := sender.exception())]
    for error in errors:
        if not isinstance(error, RelayGoneError):
            raise error
    if len(errors) == len(senders):
        raise errors[0]
