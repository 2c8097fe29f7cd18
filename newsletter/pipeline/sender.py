"""One sender: takes chunk after chunk of an issue and hands their mails over, keeping the books mail by mail.

A delivery is marked as attempted just before the first byte of its mail leaves, and settled with its answer, most often
in the commit that allows the next one. Whatever ends a sender leaves at most one mail uncertain. It starts no thread.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.deliver.replies import nameless
from newsletter.deliver.retry import Patience, next_attempt
from newsletter.errors import DeliveryError, MailerStoppedError, RelayGoneError, RenderError, StoreError
from newsletter.model import DeliveryState, IssueState, Receipt
from newsletter.pipeline.owner import has_ended
from newsletter.store.ledger import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from newsletter.deliver.base import Mailer
    from newsletter.deliver.pace import Pace
    from newsletter.model import Issue, Message
    from newsletter.settings import DeliverSettings
    from newsletter.store import Store
    from newsletter.store.chunks import Chunk, Due
    from newsletter.store.ledger import Ledger

# So many mails refused for good, one after the other, say that the fault is not the recipients'.
_REFUSED_IN_A_ROW = 20
_LOOKS = 0.25  # seconds between two looks at whether a pause is over, or a mail may leave
_RELAY_LOOKS = 1.0  # seconds between two tries to reach a relay that is gone
_RENEWALS = 100  # of a lease in its time: what is left of it must outlive a mail at any moment
_STORE_TRIES = 4  # to store what has its answer: nobody will be able to tell it again
_SLOW_DOWN = ("421", "451")  # how a server says that mails come too fast


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all senders of a program share. `owner` names the program on its claims.

    `clock` gives aware times, `ticks` seconds of a clock that only goes forward, `chance` numbers from 0 to 1. `write`
    makes the mail of a delivery.
    """

    store: Store
    issue: Issue
    settings: DeliverSettings
    owner: str
    write: Callable[[Due], Message]
    clock: Callable[[], datetime]
    ticks: Callable[[], float]
    chance: Callable[[], float]
    stop: threading.Event

    @property
    def lease(self) -> timedelta:
        """How long a chunk is claimed for."""
        return timedelta(seconds=self.settings.lease_seconds)

    @property
    def patience(self) -> Patience:
        """How long a mail that is refused for now is tried."""
        return Patience.of(self.settings)


@dataclass(slots=True)
class Tally:
    """What the senders have done so far, and how fast they may go on; safe for threads."""

    pace: Pace
    states: Counter[DeliveryState] = field(default_factory=Counter)
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, domain: str, now: float) -> float:
        """Return in how many seconds a mail to `domain` may leave; where that is 0, it is counted as leaving."""
        with self._lock:
            pause = self.pace.wait(domain, now)
            if not pause:
                self.pace.take(domain, now)
            return pause

    def count(self, state: DeliveryState, reply: str, domain: str, now: float) -> int:
        """Note what became of a mail, and return how many in a row were refused for good."""
        with self._lock:
            self.states[state] += 1
            if state is DeliveryState.DEFERRED and reply.startswith(_SLOW_DOWN):
                self.pace.slow_down(domain, now)
            self.refused = self.refused + 1 if state is DeliveryState.FAILED else 0
            return self.refused

    def so_far(self) -> Mapping[DeliveryState, int]:
        """Return how many mails came to which state."""
        with self._lock:
            return dict(self.states)


class Sender:
    """Hands over chunk after chunk, until nothing is due."""

    def __init__(self, terms: Terms, tally: Tally, mailer: Mailer) -> None:
        self._terms = terms
        self._tally = tally
        self._mailer = mailer

    def run(self) -> None:
        """Work until nothing is due, the issue is over or `stop` is set.

        Raises:
            MailerStoppedError: the mailer cannot work, or one mail after the other is refused; what was handed over is
                settled, the rest waits.
            StoreError: the database refused; a mail under way may be uncertain.
        """
        store = self._terms.store
        with self._mailer, store.ledger() as ledger:
            while chunk := self._next():
                try:
                    _Round(self._terms, self._tally, self._mailer, ledger, chunk).run()
                finally:
                    store.chunks.release(chunk, now=self._terms.clock())

    def _next(self) -> Chunk | None:
        """Return the next chunk, waiting while the issue is paused; take over from programs that have ended."""
        terms = self._terms
        chunks, issue = terms.store.chunks, terms.issue.id
        resend = terms.settings.uncertain == "resend"
        while not terms.stop.is_set():
            now = terms.clock()
            paused = terms.store.issues.standing(issue) == (IssueState.SENDING, True)
            if chunk := chunks.claim(issue, owner=terms.owner, now=now, lease=terms.lease, resend=resend):
                return chunk
            if paused:
                terms.stop.wait(_LOOKS)
                continue
            ended = [one for one in chunks.owners(issue, now=now) if has_ended(one)]
            if not ended or not chunks.forsake(issue, ended, now=now):
                return None
        return None


class _Round:
    """The mails of one chunk, in their order but for those whose domain must wait."""

    def __init__(self, terms: Terms, tally: Tally, mailer: Mailer, ledger: Ledger, chunk: Chunk) -> None:
        self._terms = terms
        self._tally = tally
        self._mailer = mailer
        self._ledger = ledger
        self._chunk = chunk
        self._waiting = deque(chunk.due)
        self._ahead: tuple[Due, Message] | None = None
        self._written: tuple[Due, Message | BaseException] | None = None  # while an answer was awaited
        self._settled: tuple[Outcome, ...] = ()  # what became of the last mail, not stored yet
        self._pause = 0.0
        self._renewed = terms.clock()
        self._last_heard = terms.ticks()

    def run(self) -> None:
        try:
            while (self._waiting or self._ahead) and not self._terms.stop.is_set() and self._still_ours():
                if not self._step():
                    break
        finally:
            self._flush()

    def _step(self) -> bool:
        """Hand the next mail over; False where none of this chunk may leave any more."""
        mail = self._ahead or self._pick()
        self._ahead = None
        if mail is None:
            return self._wait()
        due, message = mail
        self._ahead = self._pick()
        attempted = False

        def leave() -> bool:
            nonlocal attempted
            attempted = self._attempt(due)
            return attempted

        try:
            receipt = self._mailer.deliver(
                message, leave=leave, following=self._ahead[1] if self._ahead else None, meanwhile=self._write_ahead
            )
        except RelayGoneError as error:
            return self._relay_gone(due, error)
        except MailerStoppedError:
            if attempted:
                self._settled = (_taken_back(due),)
            raise
        self._last_heard = self._terms.ticks()
        if receipt is None:
            return self._not_left(due)
        if not attempted and not self._attempt(due):
            return self._not_left(due)
        self._became(due, receipt)
        return True

    def _pick(self) -> tuple[Due, Message] | None:
        """Return the next mail that may leave now, written; None where there is none, or all must wait."""
        self._pause = _LOOKS
        for _ in range(len(self._waiting)):
            due = self._waiting.popleft()
            if pause := self._tally.wait(_domain(due), self._terms.ticks()):
                self._pause = min(self._pause, pause)
                self._waiting.append(due)
                continue
            try:
                return due, self._message(due)
            except (RenderError, DeliveryError) as error:
                if self._attempt(due):
                    self._became(due, Receipt(state=DeliveryState.FAILED, reply=str(error)))
        return None

    def _write_ahead(self) -> None:
        """Write the mail after the next one, while the answer to this one is awaited: the relay works meanwhile."""
        if self._waiting:
            due = self._waiting[0]
            try:
                self._written = due, self._terms.write(due)
            except BaseException as error:  # noqa: BLE001 - raised where the mail is taken: here it would lose an answer
                self._written = due, error

    def _message(self, due: Due) -> Message:
        """Return a delivery's mail, written ahead or now."""
        written, self._written = self._written, None
        if written is None or written[0] is not due:
            return self._terms.write(due)
        if isinstance(written[1], BaseException):
            raise written[1]
        return written[1]

    def _wait(self) -> bool:
        """Wait for a moment; nothing may be left unsettled meanwhile."""
        if self._waiting:
            self._flush()
            self._terms.stop.wait(self._pause)
        return True

    def _attempt(self, due: Due) -> bool:
        may = self._ledger.attempt(self._chunk, due, settled=self._settled, now=self._terms.clock())
        self._settled = ()
        return may

    def _became(self, due: Due, receipt: Receipt) -> None:
        """Keep what became of an attempted mail, to be stored with the next commit."""
        now = self._terms.clock()
        state, retry_at = receipt.state, None
        reply = nameless(receipt.reply, due.subscriber.address)
        if state is DeliveryState.DEFERRED:
            retry_at = next_attempt(
                due.attempts + 1,
                patience=self._terms.patience,
                since=self._chunk.opened_at,
                chance=self._terms.chance(),
                now=now,
            )
            state = state if retry_at else DeliveryState.FAILED
        self._settled = (
            *self._settled,
            Outcome(delivery_id=due.id, state=state, reply=reply, retry_at=retry_at),
        )
        refused = self._tally.count(state, reply, _domain(due), self._terms.ticks())
        if refused >= _REFUSED_IN_A_ROW:
            raise MailerStoppedError(
                f"{refused} mails in a row were refused, the last with: {reply}; the rest waits. If the fault "
                f"is here, mend it, then: newsletter retry {self._terms.issue.period} --failed; if it is the "
                "addresses', send again"
            )

    def _not_left(self, due: Due) -> bool:
        """Go on after a mail that was not allowed to leave: its reader left, or nothing of the issue may leave now."""
        if self._ledger.skip(self._chunk, due, now=self._terms.clock()):
            self._tally.count(DeliveryState.SKIPPED, "", _domain(due), self._terms.ticks())
        return self._terms.store.issues.standing(self._terms.issue.id) == (IssueState.SENDING, False)

    def _relay_gone(self, due: Due, error: RelayGoneError) -> bool:
        """Wait for a relay to come back, as long as the settings say; its mail waits.

        Raises:
            RelayGoneError: it did not.
        """
        self._flush()
        self._waiting.appendleft(due)
        if self._terms.ticks() - self._last_heard > self._terms.settings.patience_seconds:
            raise error
        self._terms.stop.wait(_RELAY_LOOKS)
        return True

    def _still_ours(self) -> bool:
        """Keep the chunk's lease alive; False where somebody else has it."""
        now = self._terms.clock()
        if now - self._renewed < self._terms.lease / _RENEWALS:
            return True
        self._renewed = now
        return self._terms.store.chunks.renew(self._chunk, now=now, lease=self._terms.lease)

    def _flush(self) -> None:
        """Store what became of the last mail, patiently.

        Raises:
            StoreError: the database refused each time; the mail will be told as uncertain.
        """
        for tries_left in reversed(range(_STORE_TRIES)):
            try:
                self._ledger.settle(self._chunk, self._settled, now=self._terms.clock())
            except StoreError:
                if not tries_left:
                    raise
                time.sleep(_STORE_TRIES - tries_left)  # also while a send is being stopped: this must be stored
            else:
                self._settled = ()
                return


def _taken_back(due: Due) -> Outcome:
    return Outcome(delivery_id=due.id, state=DeliveryState.QUEUED, reply="")


def _domain(due: Due) -> str:
    return due.subscriber.address.rpartition("@")[2].lower()
