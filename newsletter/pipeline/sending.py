"""The last step: an approved issue is frozen for every reader, then handed over mail by mail.

What each reader gets is stored before the first mail leaves; a delivery is claimed durably before it is handed over
and settled after. Running it again, or twice at once, sends nothing twice. It renders and prints nothing itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.deliver.retry import next_attempt
from newsletter.errors import DeliveryError, IssueStateError, MailerStoppedError, RenderError
from newsletter.model import DeliveryState, Digest, IssueState, Receipt
from newsletter.pipeline.digests import Chooser, chooser_for, recipients
from newsletter.pipeline.drafting import approval_of, corpus_of, look_of, seal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from newsletter.config import DeliverSettings
    from newsletter.deliver.base import Mailer
    from newsletter.model import Delivery, Issue, Message, RankedPaper, Subscriber
    from newsletter.pipeline.digests import Press
    from newsletter.pipeline.drafting import Shaping
    from newsletter.pipeline.fitting import Fits
    from newsletter.store import Store

    _Chosen = tuple[Subscriber, tuple[RankedPaper, ...], int]

NOTHING_NEW = "nothing new: this reader already got every paper of the issue"
# So many mails refused for good, one after the other, say that the fault is not the recipients'.
_REFUSED_IN_A_ROW = 20
_KEPT_SELECTIONS = 5_000
_WAITS = Receipt(state=DeliveryState.QUEUED, reply="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a send would do now: how many mails, how many different selections, how many readers are skipped."""

    mails: int
    distinct: int
    skipped: int


def plan(store: Store, issue: Issue, ranker: Fits) -> Plan:
    """Return what sending this issue would do; changes nothing."""
    mails = skipped = 0
    distinct = set()
    for _, papers, _ in chooser_for(store, issue, ranker).for_all(recipients(store, issue)):
        mails += bool(papers)
        skipped += not papers
        distinct.add(tuple(one.paper.id for one in papers))
    return Plan(mails=mails, distinct=len(distinct - {()}), skipped=skipped)


def check_sendable(store: Store, issue: Issue, shaping: Shaping) -> None:
    """Refuse an issue that must not leave.

    Raises:
        IssueStateError: not approved, edited since its approval, or cancelled; or half sent and edited since.
    """
    period, seal = issue.period, issue.approved_hash
    if issue.state is IssueState.DRAFT:
        raise IssueStateError(f"issue {period} is not approved; approve it with: newsletter approve {period}")
    if issue.state is IssueState.CANCELLED:
        raise IssueStateError(f"issue {period} is cancelled and is never sent")
    if issue.state is IssueState.APPROVED and seal != approval_of(store, issue, shaping):
        raise IssueStateError(_changed(issue))
    if issue.state is IssueState.SENDING and seal.partition(".")[0] != look_of(issue, shaping):
        raise IssueStateError(
            f"issue {period} is half sent, and its template or the [site] settings changed since; undo that change, "
            "then send again"
        )


def _changed(issue: Issue) -> str:
    return (
        f"issue {issue.period}, its template, its ranking or what that learns from changed after the approval; "
        "look at it and approve it again"
    )


def freeze(store: Store, issue: Issue, ranker: Fits, press: Press, *, shaping: Shaping, now: datetime) -> None:
    """Decide and store what each reader gets, all in one transaction; an issue already frozen stays as it is.

    Each different selection is rendered once, so that a mistake in a template is found before the first mail leaves.

    Raises:
        IssueStateError: nobody wants the issue, or it changed in the meantime.
        RenderError: a digest cannot be rendered; nothing was stored.
    """
    if issue.state is not IssueState.APPROVED:
        return
    # The very papers that the choice learns from are held against the approval: the store may have changed just now.
    corpus = list(corpus_of(store, issue))
    if seal_of(issue, shaping, corpus) != issue.approved_hash:
        raise IssueStateError(_changed(issue))
    chooser = Chooser(store, issue, ranker.fit(corpus))
    chosen = list(_proven(issue, chooser.for_all(recipients(store, issue)), press))
    if not chosen:
        raise IssueStateError(
            f"issue {issue.period} has no reader: no confirmed subscriber wants it; see: newsletter subscribers list"
        )
    nothing_new: list[tuple[int, str]] = []
    store.deliveries.freeze(
        issue.id,
        _settled(store, issue, chooser, chosen, nothing_new),
        skipped=nothing_new,  # read after the selections, when it is full
        content_hash=issue.approved_hash,
        now=now,
    )


def retry(store: Store, issue: Issue, state: DeliveryState, *, now: datetime) -> int:
    """Let an issue's failed or uncertain mails wait again, as if never tried, and return how many they are.

    Raises:
        IssueStateError: the issue is neither being sent nor sent.
    """
    if issue.state not in (IssueState.SENDING, IssueState.SENT):
        raise IssueStateError(f"issue {issue.period} is {issue.state}; nothing of it was sent that could be retried")
    return store.deliveries.reopen(issue.id, state, now=now)


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
    _selections: dict[int, tuple[tuple[RankedPaper, ...], int]] = field(init=False, repr=False, default_factory=dict)

    def run(self) -> Iterator[Receipt]:
        """Hand over every mail that waits, and yield what became of each.

        Raises:
            MailerStoppedError: the mailer cannot work, or one mail after the other is refused; what was handed over is
                settled, the rest waits.
        """
        self._settle_left_behind()
        refused = 0
        with self.mailer:
            while delivery := self._claim():
                receipt = self._deliver(delivery)
                yield receipt
                refused = refused + 1 if receipt.state is DeliveryState.FAILED else 0
                if refused >= _REFUSED_IN_A_ROW:
                    raise MailerStoppedError(
                        f"{refused} mails in a row were refused, the last with: {receipt.reply}; the rest waits. If "
                        f"the fault is here, mend it, then: newsletter retry {self.issue.period} --failed; if it is "
                        "the addresses', send again"
                    )

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
        papers, left_out = self._selection(delivery.digest_id)
        digest = Digest(issue=self.issue, subscriber=subscriber, papers=papers, left_out=left_out)
        return self.press.message(digest, now=self.clock())

    def _selection(self, digest_id: int) -> tuple[tuple[RankedPaper, ...], int]:
        """Return a digest's papers and how many were left out; many readers share one, so it is looked up once."""
        found = self._selections.get(digest_id)
        if found is None:
            if len(self._selections) >= _KEPT_SELECTIONS:
                self._selections.clear()
            found = self._selections[digest_id] = self.store.deliveries.selection(digest_id, self.issue)
        return found

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
    store.deliveries.close(issue.id, now=now)
    return store.deliveries.totals(issue.id)


def failures(store: Store, issue: Issue) -> Mapping[str, int]:
    """Return why mails of the issue failed: each reply with how many mails it cost, the commonest first."""
    replies = Counter(delivery.reply for delivery in store.deliveries.all(issue.id, DeliveryState.FAILED))
    return dict(replies.most_common())


def _proven(issue: Issue, chosen: Iterable[_Chosen], press: Press) -> Iterator[_Chosen]:
    """Yield what was chosen, each different selection rendered once."""
    proven: set[tuple[str, ...]] = set()
    for subscriber, papers, left_out in chosen:
        selection = tuple(one.paper.id for one in papers)
        if papers and selection not in proven:
            press.rendered(Digest(issue=issue, subscriber=subscriber, papers=papers, left_out=left_out))
            proven.add(selection)
        yield subscriber, papers, left_out


def _settled(
    store: Store, issue: Issue, chooser: Chooser, chosen: Iterable[_Chosen], nothing_new: list[tuple[int, str]]
) -> Iterator[tuple[int, tuple[RankedPaper, ...], int]]:
    """Yield what each reader gets, and put those who get nothing into `nothing_new`.

    Read inside the transaction, in which no other issue is frozen: who got one of the papers by an issue that was
    frozen since the choice is chosen for again.
    """
    sent = store.deliveries.already_sent(issue.id, [paper.id for paper in issue.papers])
    for subscriber, papers, left_out in chosen:
        reader = (subscriber, papers, left_out)
        if sent.get(subscriber.id, frozenset()) & {one.paper.id for one in papers}:
            (reader,) = chooser.for_all([subscriber])
        if reader[1]:
            yield subscriber.id, reader[1], reader[2]
        else:
            nothing_new.append((subscriber.id, NOTHING_NEW))
