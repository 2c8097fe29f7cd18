"""From an inbox to the store: every mail that waits is read, recorded where it tells something, and then settled.

A mail is marked or deleted only after what it tells is stored for good; one that a crash left unmarked is read again,
and known by its digest. One that cannot be understood never holds up the next. It prints nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from newsletter.deliver.bounce_rules import verdict
from newsletter.deliver.bounces import Notice, Useless
from newsletter.deliver.inbox.base import Fate
from newsletter.deliver.incoming import digest
from newsletter.model import Bounce, BounceKind
from newsletter.store import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from newsletter.deliver.bounces import NoticeReader
    from newsletter.deliver.inbox.base import Inbox, Item
    from newsletter.settings import BounceSettings
    from newsletter.store import Store

_SETTLED_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many mails were read, by what they were: a kind of bounce, `repeated`, `nobody`, or why of no use.

    `ended` counts the readers whose mail ended by them.
    """

    mails: Mapping[str, int]
    ended: int

    @property
    def read(self) -> int:
        """How many mails were read."""
        return sum(self.mails.values())

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(mails=Counter(self.mails) + Counter(other.mails), ended=self.ended + other.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What bounces are recorded with: the store, the rules, what reads a mail, what hashes an address, the clock."""

    store: Store
    settings: BounceSettings
    reader: NoticeReader
    seal: Callable[[str], str] = field(repr=False)
    clock: Callable[[], datetime]

    def take(self, head: bytes | None) -> tuple[str, Fate, bool]:
        """Record one mail; return what it was, what shall become of it, and whether it ended a reader's mail.

        Raises:
            StoreError: the database refused; nothing of this mail was kept.
        """
        now = self.clock()
        told = Useless.BROKEN if head is None else self.reader.read(head, now=now)
        if isinstance(told, Useless) or head is None:
            # a person's wish that nothing signed proves is for a person to look at, so it stays
            deletes = self.settings.junk == "delete" and told is Useless.JUNK
            return str(told), Fate.DELETE if deletes else Fate.SEEN, False
        done = Fate.DELETE if self.settings.handled == "delete" else Fate.SEEN
        if told.kind is BounceKind.DELAYED:
            return told.kind, done, False
        bounce = self._bounce(told, digest(head), now)
        recorded = self.store.bounces.record(
            bounce, decide=partial(verdict, rules=self.settings, now=now), seal=self.seal
        )
        known = recorded in (Recorded.REPEATED, Recorded.NOBODY)
        return recorded if known else told.kind, done, recorded is Recorded.ENDED

    def _bounce(self, told: Notice, mail: str, now: datetime) -> Bounce:
        issue = self.store.issues.get(told.period) if told.period else None
        return Bounce(
            subscriber_id=told.subscriber_id,
            kind=told.kind,
            mail=mail,
            at=now,
            issue_id=issue.id if issue else told.issue_id or None,
            status=told.status,
            diagnostic=told.diagnostic,
        )


def take_in(items: Iterable[Item], inbox: Inbox, ledger: Ledger) -> Tally:
    """Read, record and settle the mails of an open inbox; `items` are those that it gives out.

    Raises:
        InboxError: the inbox broke off; what was recorded is kept, and what was not settled waits.
        StoreError: the database refused; the same.
    """
    mails: Counter[str] = Counter()
    fates: dict[str, Fate] = {}
    ended = 0
    for item in items:
        what, fates[item.key], ends = ledger.take(item.head)
        mails[what] += 1
        ended += ends
        if len(fates) >= _SETTLED_AT_ONCE:
            inbox.settle(fates)
            fates.clear()
    inbox.settle(fates)
    return Tally(mails=mails, ended=ended)
