"""An approved issue with four readers, and what a test does with its deliveries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select, update

from newsletter.model import DeliveryState, Issue, Paper, RankedPaper, Subscriber
from newsletter.store.ledger import Outcome
from newsletter.store.schema import chunks, deliveries

if TYPE_CHECKING:
    from sqlalchemy import Row

    from newsletter.model import Delivery
    from newsletter.store import Frozen, Store
    from newsletter.store.chunks import Chunk, Due


NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
LEASE = timedelta(minutes=15)
PAPERS = tuple(
    Paper(id=f"2607.0000{n}", source="huggingface", title=f"Paper {n}", listed_on=date(2026, 7, 14)) for n in range(5)
)


def ranked(*numbers: int) -> tuple[RankedPaper, ...]:
    return tuple(
        RankedPaper(paper=PAPERS[n], score=1 / (n + 3), reasons=(f"{n} upvotes", "matches: ünï"), matched=n < 2)
        for n in numbers
    )


class Sending(NamedTuple):
    """A store with an approved issue and four confirmed readers."""

    store: Store
    issue: Issue
    readers: tuple[Subscriber, ...]

    def freeze(self, content_hash: str = "hash") -> Frozen:
        first, second, third, _ = (reader.id for reader in self.readers)
        selections = [(first, ranked(0, 1), 3), (second, ranked(0, 1), 3), (third, ranked(2), 4)]
        skipped = [(self.readers[3].id, "nothing new")]
        return self.store.deliveries.freeze(self.issue.id, selections, skipped, content_hash=content_hash, now=NOW)

    def claim(self, owner: str = "me", now: datetime = NOW, *, resend: bool = False) -> Chunk | None:
        return self.store.chunks.claim(self.issue.id, owner=owner, now=now, lease=LEASE, resend=resend)

    def must_claim(self, owner: str = "me", now: datetime = NOW, *, resend: bool = False) -> Chunk:
        chunk = self.claim(owner, now, resend=resend)
        assert chunk is not None
        return chunk

    def release(self, chunk: Chunk, now: datetime = NOW) -> None:
        self.store.chunks.release(chunk, now=now)

    def attempt(self, chunk: Chunk, due: Due, *settled: Outcome, now: datetime = NOW) -> bool:
        with self.store.ledger() as ledger:
            return ledger.attempt(chunk, due, settled=settled, now=now)

    def must_attempt(self, chunk: Chunk, due: Due, now: datetime = NOW) -> None:
        assert self.attempt(chunk, due, now=now)

    def settle(
        self,
        chunk: Chunk,
        due: Due,
        state: DeliveryState,
        *,
        retry_at: datetime | None = None,
        now: datetime = NOW,
    ) -> None:
        with self.store.ledger() as ledger:
            ledger.settle(chunk, [outcome(due, state, retry_at)], now=now)

    def end(self, chunk: Chunk, due: Due, state: DeliveryState, *, retry_at: datetime | None = None) -> None:
        """Attempt a mail and settle it."""
        self.must_attempt(chunk, due)
        self.settle(chunk, due, state, retry_at=retry_at)

    def of(self, reader: int) -> Delivery:
        delivery = self.store.deliveries.of(self.issue.id, self.readers[reader].id)
        assert delivery is not None
        return delivery

    def states(self) -> list[DeliveryState]:
        return [delivery.state for delivery in self.store.deliveries.all(self.issue.id)]

    def put(self, reader: int, state: DeliveryState, fence: int) -> None:
        """Bring a delivery into any state, past every rule."""
        values = {"state": state.value, "fence": fence, "attempts": 1, "reply": "as it was"}
        of_reader = (deliveries.c.issue_id == self.issue.id, deliveries.c.subscriber_id == self.readers[reader].id)
        with self.store._database.writing() as connection:
            connection.execute(update(deliveries).where(*of_reader).values(values))

    def chunk_rows(self) -> list[Row[tuple[Any, ...]]]:
        with self.store._database.reading() as connection:
            return list(connection.execute(select(chunks).order_by(chunks.c.id)))

    def due_at(self) -> datetime | None:
        """Return when the only chunk is due."""
        (row,) = self.chunk_rows()
        found: datetime | None = row.due_at
        return found

    def issue_now(self) -> Issue:
        issue = self.store.issues.by_id(self.issue.id)
        assert issue is not None
        return issue


def outcome(due: Due, state: DeliveryState, retry_at: datetime | None = None, reply: str = "250 ok") -> Outcome:
    return Outcome(delivery_id=due.id, state=state, reply=reply, retry_at=retry_at)
