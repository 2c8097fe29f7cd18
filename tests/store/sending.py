"""An approved issue with four readers, and what a test does with its deliveries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from newsletter.model import DeliveryState, Issue, Paper, RankedPaper, Subscriber

if TYPE_CHECKING:
    from newsletter.model import Delivery
    from newsletter.store import Frozen, Store


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

    def claim(self, owner: str = "me", now: datetime = NOW) -> Delivery | None:
        return self.store.deliveries.claim(self.issue.id, owner=owner, now=now, lease=LEASE)

    def settle(
        self, delivery: Delivery, state: DeliveryState, *, owner: str = "me", retry_at: datetime | None = None
    ) -> bool:
        return self.store.deliveries.settle(
            delivery.id, owner=owner, state=state, reply="250 ok", retry_at=retry_at, now=NOW
        )

    def must_claim(self, now: datetime = NOW) -> Delivery:
        delivery = self.claim(now=now)
        assert delivery is not None
        return delivery
