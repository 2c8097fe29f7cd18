"""The last step: an approved issue is frozen for every reader, then handed over mail by mail.

What each reader gets is stored before the first mail leaves; a delivery is claimed durably before it is handed over
and settled after. Running it again, or twice at once, sends nothing twice. It renders and prints nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.deliver.retry import next_attempt
from newsletter.errors import DeliveryError, IssueStateError, MailerStoppedError, RenderError
from newsletter.model import DeliveryState, Digest, IssueState, Receipt
from newsletter.pipeline.digests import chooser_for, recipients
from newsletter.pipeline.drafting import content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from newsletter.config import DeliverSettings
    from newsletter.deliver.base import Mailer
    from newsletter.model import Delivery, Issue, Message, RankedPaper
    from newsletter.pipeline.digests import Press
    from newsletter.rank.ranker import Ranker
    from newsletter.store import Store

NOTHING_NEW = "nothing new: this reader already got every paper of the issue"
_WAITS = Receipt(state=DeliveryState.QUEUED, reply="")
_FINAL = (DeliveryState.ACCEPTED, DeliveryState.FAILED, DeliveryState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a send would do now: how many mails, how many different selections, how many readers are skipped."""

    mails: int
    distinct: int
    skipped: int


def plan(store: Store, issue: Issue, ranker: Ranker) -> Plan:
    """Return what sending this issue would do; changes nothing."""
    mails = skipped = 0
    distinct = set()
    for _, papers, _ in _selections(store, issue, ranker):
        mails += bool(papers)
        skipped += not papers
        distinct.add(tuple(one.paper.id for one in papers))
    return Plan(mails=mails, distinct=len(distinct - {()}), skipped=skipped)


def check_sendable(issue: Issue, *, version: str) -> None:
    """Refuse an issue that must not leave.

    Raises:
        IssueStateError: not approved, edited since its approval, or cancelled.
    """
    period = issue.period
    if issue.state is IssueState.DRAFT:
        raise IssueStateError(f"issue {period} is not approved; approve it with: newsletter approve {period}")
    if issue.state is IssueState.CANCELLED:
        raise IssueStateError(f"issue {period} is cancelled and is never sent")
    if issue.state is IssueState.APPROVED and issue.approved_hash != content_hash(issue, version=version):
        raise IssueStateError(
            f"issue {period} or its template changed after the approval; look at it and approve it again"
        )


def freeze(store: Store, issue: Issue, ranker: Ranker, *, now: datetime) -> None:
    """Decide and store what each reader gets, all in one transaction; an issue already frozen stays as it is.

    Raises:
        IssueStateError: nobody wants the issue, or it changed in the meantime.
    """
    if issue.state is not IssueState.APPROVED:
        return
    chosen = list(_selections(store, issue, ranker))
    if not chosen:
        raise IssueStateError(
            f"issue {issue.period} has no reader: no confirmed subscriber wants it; see: newsletter subscribers list"
        )
    store.deliveries.freeze(
        issue.id,
        [one for one in chosen if one[1]],
        skipped=[(subscriber, NOTHING_NEW) for subscriber, papers, _ in chosen if not papers],
        content_hash=issue.approved_hash,
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Everything one process needs to hand over an issue; `owner` names the process on its claims."""

    store: Store
    issue: Issue
    press: Press
    mailer: Mailer
    settings: DeliverSettings
    owner: str
    clock: Callable[[], datetime]

    def run(self) -> Iterator[Receipt]:
        """Hand over every mail that waits, and yield what became of each.

        Raises:
            MailerStoppedError: the mailer cannot work; what was handed over is settled, the rest waits.
        """
        self._settle_left_behind()
        with self.mailer:
            while delivery := self._claim():
                yield self._deliver(delivery)

    def _settle_left_behind(self) -> None:
        """What a crash left in flight becomes uncertain; under the policy `resend` the uncertain ones wait again."""
        self.store.deliveries.lapse(self.issue.id, now=self.clock())
        if self.settings.uncertain == "resend":
            self.store.deliveries.requeue(self.issue.id, DeliveryState.UNCERTAIN, now=self.clock())

    def _claim(self) -> Delivery | None:
        lease = timedelta(seconds=self.settings.lease_seconds)
        return self.store.deliveries.claim(self.issue.id, owner=self.owner, now=self.clock(), lease=lease)

    def _deliver(self, delivery: Delivery) -> Receipt:
        try:
            message = self._message(delivery)
        except (RenderError, DeliveryError) as error:
            return self._settled(delivery, Receipt(state=DeliveryState.FAILED, reply=str(error)))
        except BaseException:
            self._settled(delivery, _WAITS)  # nothing left this process: the mail simply waits again
            raise
        try:
            receipt = self.mailer.deliver(message)
        except MailerStoppedError:
            self._settled(delivery, _WAITS)
            raise
        return self._settled(delivery, receipt)

    def _message(self, delivery: Delivery) -> Message:
        subscriber = self.store.subscribers.get(delivery.subscriber_id)
        if subscriber is None or delivery.digest_id is None:
            raise DeliveryError(f"delivery {delivery.id} has no subscriber or no digest any more")
        papers, left_out = self.store.deliveries.selection(delivery.digest_id, self.issue)
        digest = Digest(issue=self.issue, subscriber=subscriber, papers=papers, left_out=left_out)
        return self.press.message(digest, now=self.clock())

    def _settled(self, delivery: Delivery, receipt: Receipt) -> Receipt:
        state, retry_at = receipt.state, None
        if state is DeliveryState.DEFERRED:
            pauses = [timedelta(minutes=minutes) for minutes in self.settings.retry_minutes]
            retry_at = next_attempt(delivery.attempts, pauses=pauses, now=self.clock())
            state = DeliveryState.DEFERRED if retry_at else DeliveryState.FAILED
        self.store.deliveries.settle(
            delivery.id, owner=self.owner, state=state, reply=receipt.reply, retry_at=retry_at, now=self.clock()
        )
        return Receipt(state=state, reply=receipt.reply)


def finish(store: Store, issue: Issue, *, now: datetime) -> Mapping[DeliveryState, int]:
    """Call the issue sent if every delivery has come to its end, and return the totals by state."""
    totals = store.deliveries.totals(issue.id)
    fresh = store.issues.by_id(issue.id)
    unfinished = sum(count for state, count in totals.items() if state not in _FINAL)
    if fresh and fresh.state is IssueState.SENDING and not unfinished:
        store.issues.move(issue.period, frm=(IssueState.SENDING,), to=IssueState.SENT, now=now)
    return totals


def _selections(store: Store, issue: Issue, ranker: Ranker) -> Iterable[tuple[int, tuple[RankedPaper, ...], int]]:
    chooser = chooser_for(store, issue, ranker)
    for subscriber in recipients(store, issue):
        papers, left_out = chooser.choose(subscriber)
        yield subscriber.id, papers, left_out
