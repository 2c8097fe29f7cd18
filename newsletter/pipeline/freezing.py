"""The moment of decision: what each reader gets is chosen, proven to render, and stored before the first mail leaves.

The choice takes long for many readers and holds nobody up; it is stored in one transaction, unless another issue was
frozen meanwhile, whose papers these readers must not get again: then it is made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import IssueStateError
from newsletter.model import Digest, IssueState
from newsletter.pauses import pause_reason
from newsletter.pipeline.digests import Chooser, recipients
from newsletter.pipeline.drafting import corpus_of, seal_of
from newsletter.pipeline.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from newsletter.model import Issue, RankedPaper, Subscriber
    from newsletter.pipeline.digests import Press
    from newsletter.pipeline.drafting import Shaping
    from newsletter.pipeline.fitting import Fits
    from newsletter.pipeline.spool import Chosen
    from newsletter.store import Store

    _Choice = tuple[Subscriber, tuple[RankedPaper, ...], int]

NOTHING_NEW = "nothing new: this reader got, liked or disliked every paper of the issue before"
_PROVEN = 200  # different selections that are rendered before anything is stored, and all that bring another paper
_TRIES = 10


def freeze(store: Store, issue: Issue, ranker: Fits, press: Press, *, shaping: Shaping, now: datetime) -> None:
    """Decide and store what each reader gets, all or nothing; an issue already frozen stays as it is.

    Every paper, and the first 200 different selections, are rendered once, so that a mistake in a template is found
    before the first mail leaves.

    Raises:
        IssueStateError: nobody wants the issue, or it changed in the meantime.
        RenderError: a digest cannot be rendered; nothing was stored.
    """
    if issue.state is not IssueState.APPROVED:
        return
    # The very papers that the choice learns from are held against the approval: the store may have changed just now.
    corpus = list(corpus_of(store, issue))
    if seal_of(issue, shaping, corpus) != issue.approved_hash:
        raise IssueStateError(changed(issue))
    chooser = Chooser(store, issue, ranker.fit(corpus))
    if not any(_frozen(store, issue, chooser, press, now) for _ in range(_TRIES)):
        raise IssueStateError(f"other issues are frozen all the time, so {issue.period} could not be; send it again")


def changed(issue: Issue) -> str:
    """Return the line that refuses an issue whose approval does not hold any more."""
    return (
        f"issue {issue.period}, its template, its ranking or what that learns from changed after the approval; "
        "look at it and approve it again"
    )


def _frozen(store: Store, issue: Issue, chooser: Chooser, press: Press, now: datetime) -> bool:
    """Choose and store; False where another issue was frozen meanwhile, and nothing was stored."""
    newest = store.deliveries.newest_digest()
    nothing_new: list[int] = []
    paused: list[tuple[int, str]] = []
    with Spool(issue) as spool:
        readers = _awake(recipients(store, issue), paused, now)
        choices = _proven(issue, chooser.for_all(readers), press)
        if not spool.fill(_parted(choices, nothing_new)) and not nothing_new and not paused:
            raise IssueStateError(
                f"issue {issue.period} has no reader: no confirmed subscriber wants it; see: newsletter subscribers "
                "list"
            )
        frozen = store.deliveries.freeze(
            issue.id,
            spool.chosen(),
            skipped=(*paused, *((reader, NOTHING_NEW) for reader in nothing_new)),
            content_hash=issue.approved_hash,
            now=now,
            after=newest,
        )
    return not frozen.stale


def _awake(readers: Iterable[Subscriber], paused: list[tuple[int, str]], now: datetime) -> Iterator[Subscriber]:
    """Yield those who do not pause on this day, and note the numbers of the others, each with the reason."""
    for one in readers:
        if reason := pause_reason(one.paused_until, one.timezone, now):
            paused.append((one.id, reason))
        else:
            yield one


def _parted(chosen: Iterable[_Choice], nothing_new: list[int]) -> Iterator[Chosen]:
    """Yield what each reader gets, and note the numbers of those who get nothing."""
    for subscriber, papers, left_out in chosen:
        if papers:
            yield subscriber.id, papers, left_out
        else:
            nothing_new.append(subscriber.id)


def _proven(issue: Issue, chosen: Iterable[_Choice], press: Press) -> Iterator[_Choice]:
    """Yield what was chosen, having rendered what shows a paper for the first time, and some more."""
    shown: set[str] = set()
    selections: set[tuple[str, ...]] = set()
    last: tuple[RankedPaper, ...] = ()
    for subscriber, papers, left_out in chosen:
        if papers is not last and papers:
            last = papers
            selection = tuple(one.paper.id for one in papers)
            new = len(selections) < _PROVEN and selection not in selections
            if new or not shown.issuperset(selection):
                press.rendered(Digest(issue=issue, subscriber=subscriber, papers=papers, left_out=left_out))
                shown.update(selection)
                selections.add(selection)
        yield subscriber, papers, left_out
