"""Each reader's digest: who gets an issue, which papers, and the finished mail.

Preview and send both come through here, so they cannot differ. It chooses and renders; it hands nothing over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.deliver.identity import message_id_for, unsubscribe_token, unsubscribe_url
from newsletter.deliver.message import build_message
from newsletter.model import Cadence, Digest, Profile, Subscriber, SubscriberStatus
from newsletter.period import PeriodKind, parse_period
from newsletter.rank.select import select

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
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
        return self.renderer.render(digest, unsubscribe=self._unsubscribe(digest))

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
    """Chooses each reader's papers of one issue; equal profiles are ranked once."""

    def __init__(self, issue: Issue, ranker: Ranker, *, sent: dict[int, frozenset[str]]) -> None:
        self._issue = issue
        self._ranker = ranker
        self._sent = sent
        self._ranked: dict[Profile, list[RankedPaper]] = {}

    def choose(self, subscriber: Subscriber) -> tuple[tuple[RankedPaper, ...], int]:
        """Return the papers in order, and how many more the issue has for this reader."""
        return select(
            self._rank(subscriber.profile),
            size=subscriber.size,
            pins=self._issue.pins,
            hides=self._issue.hides,
            already_sent=self._sent.get(subscriber.id, frozenset()),
        )

    def _rank(self, profile: Profile) -> list[RankedPaper]:
        if profile not in self._ranked:
            drafted = self._issue.created_at
            assert drafted is not None, "a stored issue has its date"  # noqa: S101 - narrows the type, never input
            self._ranked[profile] = self._ranker.rank(self._issue.papers, profile, now=drafted)
        return self._ranked[profile]


def chooser_for(store: Store, issue: Issue, ranker: Ranker) -> Chooser:
    """Return the chooser of an issue, fitted on the papers stored up to the period's last day."""
    until = parse_period(issue.period).last
    sent = store.deliveries.already_sent(issue.id, [paper.id for paper in issue.papers])
    return Chooser(issue, ranker.fit(store.papers.corpus(until)), sent=sent)


def digest_for(store: Store, issue: Issue, subscriber: Subscriber, ranker: Ranker) -> Digest:
    """Return one reader's digest: the frozen one where the issue is on its way, else as it would be frozen now."""
    delivery = store.deliveries.of(issue.id, subscriber.id)
    if delivery and delivery.digest_id is not None:
        papers, left_out = store.deliveries.selection(delivery.digest_id, issue)
    else:
        papers, left_out = chooser_for(store, issue, ranker).choose(subscriber)
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
