"""Each reader's digest: who gets an issue, which papers, and the finished mail.

Preview and send both come through here, so they cannot differ. It chooses and renders; it hands nothing over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from newsletter.deliver.identity import message_id_for, unsubscribe_token, unsubscribe_url
from newsletter.deliver.message import build_message
from newsletter.model import Cadence, Digest, Subscriber, SubscriberStatus
from newsletter.period import PeriodKind, parse_period
from newsletter.pipeline.drafting import corpus_of
from newsletter.rank.select import select

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from newsletter.config import Site
    from newsletter.model import Issue, Message, RankedPaper, Rendered
    from newsletter.rank.ranker import Ranker
    from newsletter.render.digest import DigestRenderer
    from newsletter.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What turns a digest into a mail: the renderer, the sender's identity and the secret of this home."""

    renderer: DigestRenderer
    site: Site
    key: bytes = field(repr=False)

    def rendered(self, digest: Digest) -> Rendered:
        """Return the three texts of a digest."""
        public = digest.subscriber.id == 0
        return self.renderer.render(digest, unsubscribe=None if public else self._unsubscribe(digest))

    def message(self, digest: Digest, *, now: datetime) -> Message:
        """Return the finished mail, dated `now`; its Message-ID is the same for every attempt."""
        domain = self.site.from_address.rpartition("@")[2]
        return build_message(
            self.rendered(digest),
            site=self.site,
            recipient=digest.subscriber.address,
            issue_period=digest.issue.period,
            message_id=message_id_for(
                self.key, issue_period=digest.issue.period, subscriber_id=digest.subscriber.id, domain=domain
            ),
            unsubscribe=self._unsubscribe(digest),
            date=now,
        )

    def _unsubscribe(self, digest: Digest) -> str:
        return unsubscribe_url(self.site, unsubscribe_token(self.key, digest.subscriber.id))


class Chooser:
    """Chooses each reader's papers of one issue with a fitted ranker; equal profiles are ranked once."""

    def __init__(self, store: Store, issue: Issue, ranker: Ranker) -> None:
        drafted = issue.created_at
        assert drafted is not None, "a stored issue has its date"  # noqa: S101 - narrows the type, never input
        self._store = store
        self._issue = issue
        self._rank = cache(lambda profile: ranker.rank(issue.papers, profile, now=drafted))

    def for_all(self, subscribers: Iterable[Subscriber]) -> Iterator[tuple[Subscriber, tuple[RankedPaper, ...], int]]:
        """Yield each subscriber with the papers in order and how many more the issue has; none that they already got.

        What they got is looked up when the first one is asked for.
        """
        issue = self._issue
        sent = self._store.deliveries.already_sent(issue.id, [paper.id for paper in issue.papers])
        for subscriber in subscribers:
            papers, left_out = select(
                self._rank(subscriber.profile),
                size=subscriber.size,
                pins=issue.pins,
                hides=issue.hides,
                already_sent=sent.get(subscriber.id, frozenset()),
            )
            yield subscriber, papers, left_out


def chooser_for(store: Store, issue: Issue, ranker: Ranker) -> Chooser:
    """Return the chooser of an issue, fitted on what the issue's ranking learns from."""
    return Chooser(store, issue, ranker.fit(corpus_of(store, issue)))


def digest_for(store: Store, issue: Issue, subscriber: Subscriber, ranker: Ranker) -> Digest:
    """Return one reader's digest: the frozen one where the issue is on its way, else as it would be frozen now."""
    delivery = store.deliveries.of(issue.id, subscriber.id)
    if delivery and delivery.digest_id is not None:
        papers, left_out = store.deliveries.selection(delivery.digest_id, issue)
    else:
        ((_, papers, left_out),) = chooser_for(store, issue, ranker).for_all([subscriber])
    return Digest(issue=issue, subscriber=subscriber, papers=papers, left_out=left_out)


def public_reader(site: Site, *, size: int) -> Subscriber:
    """Return the reader of the public edition: no topics, so the order is the votes'."""
    return Subscriber(address=site.from_address, status=SubscriberStatus.CONFIRMED, size=size)


def recipients(store: Store, issue: Issue) -> Iterator[Subscriber]:
    """Return the confirmed subscribers whose cadence this issue serves, in the order they joined."""
    return store.subscribers.all(statuses=(SubscriberStatus.CONFIRMED,), cadences=cadences_for(issue.period))


def cadences_for(text: str) -> Collection[Cadence]:
    """Return which cadences an issue of this period serves: a week's issue the weekly readers, and so on."""
    period = parse_period(text)
    if period.kind is PeriodKind.WEEK:
        return (Cadence.WEEKLY,)
    if period.kind is PeriodKind.MONTH:
        return (Cadence.MONTHLY,)
    return (Cadence.DAILY,) if period.is_weekend_day else (Cadence.DAILY, Cadence.WEEKDAYS)
