"""The last step as commands see it: what a send would do, whether it may, pausing it, retrying, and how it ended.

An issue is decided by `freezing` and handed over by `handover`. It renders and prints nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.errors import IssueStateError
from newsletter.model import DeliveryState, IssueState
from newsletter.pipeline.digests import chooser_for, recipients
from newsletter.pipeline.drafting import approval_of, look_of
from newsletter.pipeline.freezing import NOTHING_NEW, changed
from newsletter.pipeline.owner import has_ended, new_owner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from newsletter.model import Issue
    from newsletter.pipeline.drafting import Shaping
    from newsletter.pipeline.fitting import Fits
    from newsletter.store import Store

__all__ = ["NOTHING_NEW", "Plan", "cancel", "check_sendable", "failures", "finish", "pause", "plan", "resume", "retry"]


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
    if issue.paused_at:
        raise IssueStateError(f"issue {period} is paused; let it go on with: newsletter resume {period}")
    if issue.state is IssueState.APPROVED and seal != approval_of(store, issue, shaping):
        raise IssueStateError(changed(issue))
    if issue.state is IssueState.SENDING and seal.partition(".")[0] != look_of(issue, shaping):
        raise IssueStateError(
            f"issue {period} is half sent, and its template or the [site] settings changed since; undo that change, "
            "then send again"
        )


def retry(store: Store, issue: Issue, state: DeliveryState, *, now: datetime) -> int:
    """Let an issue's failed or uncertain mails wait again, as if never tried, and return how many they are.

    Raises:
        IssueStateError: the issue is neither being sent nor sent.
    """
    if issue.state not in (IssueState.SENDING, IssueState.SENT):
        raise IssueStateError(f"issue {issue.period} is {issue.state}; nothing of it was sent that could be retried")
    return store.deliveries.reopen(issue.id, state, now=now)


def pause(store: Store, issue: Issue, *, now: datetime) -> None:
    """Let no further mail of an issue leave until it is resumed, whichever program sends it.

    Raises:
        IssueStateError: it is not being sent, or paused already.
    """
    if not store.deliveries.pause(issue.id, now=now):
        state = "paused already" if issue.paused_at else f"{issue.state}, not being sent"
        raise IssueStateError(f"issue {issue.period} is {state}; nothing was changed")


def resume(store: Store, issue: Issue, *, now: datetime) -> None:
    """Let the mails of a paused issue leave again.

    Raises:
        IssueStateError: it is not paused.
    """
    if not store.deliveries.resume(issue.id, now=now):
        raise IssueStateError(f"issue {issue.period} is {issue.state} and not paused; nothing was changed")


def cancel(store: Store, issue: Issue, *, now: datetime) -> int:
    """Cancel an issue, and return how many mails that waited were skipped; those under way come to their end.

    Raises:
        IssueStateError: it was sent or cancelled before.
    """
    skipped = store.deliveries.cancel(issue.id, now=now)
    _settle_left_behind(store, issue, now=now)
    if skipped is None:
        raise IssueStateError(f"issue {issue.period} is {issue.state}; nothing of it is left to cancel")
    return skipped


def _settle_left_behind(store: Store, issue: Issue, *, now: datetime) -> None:
    """Tell as uncertain what programs that have ended left in flight; no send of the issue will come to do it."""
    store.chunks.forsake(issue.id, [one for one in store.chunks.owners(issue.id, now=now) if has_ended(one)], now=now)
    store.chunks.claim(issue.id, owner=new_owner(), now=now, lease=timedelta(seconds=1))


def finish(store: Store, issue: Issue, *, now: datetime) -> Mapping[DeliveryState, int]:
    """Call the issue sent if every delivery has come to its end, and return the totals by state."""
    store.deliveries.close(issue.id, now=now)
    return store.deliveries.totals(issue.id)


def failures(store: Store, issue: Issue) -> Mapping[str, int]:
    """Return why mails of the issue failed: each reply with how many mails it cost, the commonest first."""
    replies = Counter(delivery.reply for delivery in store.deliveries.all(issue.id, DeliveryState.FAILED))
    return dict(replies.most_common())
