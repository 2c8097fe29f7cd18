"""Which stored paper an incoming one is. Pure: it works on what was loaded and says what has to change.

A paper is known by its id. One without an arXiv id is also known by its title, in papers of another source (within
one source the ids decide); one with an arXiv id takes over every paper of that title that has none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from newsletter.store.codec import title_digest
from newsletter.store.merge import merged, without_votes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from newsletter.model import Paper
    from newsletter.store.snapshots import Counts


@dataclass(slots=True, eq=False)
class Entry:
    """One paper while papers are added; `number` is None until it has a row, `before` what that row holds.

    `listed_on` and `seen_at` date its texts: they are those of the latest listing in its own source, and of that as
    it was answered last. `absorbed` are the numbers of rows that turned out to be this paper and are to go.
    """

    paper: Paper
    seen_at: datetime
    listed_on: date | None = None
    number: int | None = None
    before: Paper | None = None
    seen_before: datetime | None = None
    ids: set[str] = field(default_factory=set)
    listings: set[tuple[str, date]] = field(default_factory=set)
    snapshots: list[tuple[datetime, Counts]] = field(default_factory=list)
    absorbed: list[int] = field(default_factory=list)


class Shelf:
    """The stored papers that a batch may touch, and the batch's own as they are placed."""

    def __init__(self, stored: Iterable[Entry], ids: Mapping[str, Entry]) -> None:
        self._by_id = dict(ids)
        self._by_title: defaultdict[str, list[Entry]] = defaultdict(list)
        self._entries: list[Entry] = []
        for entry in stored:
            self._enter(entry)

    @property
    def entries(self) -> list[Entry]:
        """Every paper on the shelf, stored and new ones."""
        return self._entries

    def place(self, paper: Paper, taken_at: datetime) -> None:
        """Put an incoming paper into the entry it belongs to, or into a new one."""
        known = self._by_id.get(paper.id)
        twins = self._twins(paper, known)
        entry = self._winner(known, twins)
        if entry is None:
            entry = Entry(paper=without_votes(paper), seen_at=taken_at, listed_on=paper.listed_on)
            self._enter(entry)
        else:
            for twin in [*twins, *([known] if known else [])]:
                if twin is not entry:
                    self._absorb(entry, twin)
            self._update(entry, paper, taken_at)
        self._note(entry, paper, taken_at)

    def _twins(self, paper: Paper, known: Entry | None) -> list[Entry]:
        key = title_digest(paper.title)
        same = [entry for entry in self._by_title.get(key or "", ()) if entry is not known]
        if paper.has_own_id:
            twins = [entry for entry in same if not entry.paper.has_own_id]
            return sorted(twins, key=lambda entry: entry.paper.id)
        if known is not None and known.paper.has_own_id:
            return []
        others = [entry for entry in same if entry.paper.source != paper.source]
        # A paper that is already stored by itself is moved only to where an arXiv id is.
        others = [entry for entry in others if known is None or entry.paper.has_own_id]
        return sorted(others, key=lambda entry: (not entry.paper.has_own_id, entry.paper.id))[:1]

    @staticmethod
    def _winner(known: Entry | None, twins: list[Entry]) -> Entry | None:
        candidates = [*([known] if known else []), *twins]
        return min(candidates, key=lambda entry: not entry.paper.has_own_id, default=None)

    def _update(self, entry: Entry, paper: Paper, taken_at: datetime) -> None:
        newer = _moment(paper.listed_on, taken_at) >= _moment(entry.listed_on, entry.seen_at)
        takes_over = paper.has_own_id and not entry.paper.has_own_id
        if takes_over or (newer and paper.source == entry.paper.source):
            entry.listed_on, entry.seen_at = paper.listed_on, taken_at
        self._change(entry, without_votes(merged(entry.paper, paper, newer=newer)))

    def _absorb(self, entry: Entry, twin: Entry) -> None:
        self._leave(twin)
        if entry.number is None:
            entry.number, entry.before, entry.seen_before = twin.number, twin.before, twin.seen_before
        elif twin.number is not None:
            entry.absorbed.append(twin.number)
        entry.ids |= twin.ids
        entry.listings |= twin.listings
        entry.snapshots += twin.snapshots
        entry.absorbed += twin.absorbed
        self._by_id.update((name, entry) for name, other in self._by_id.items() if other is twin)
        self._change(entry, merged(entry.paper, twin.paper, newer=False))

    def _note(self, entry: Entry, paper: Paper, taken_at: datetime) -> None:
        if self._by_id.get(paper.id) is not entry:
            self._by_id[paper.id] = entry
            entry.ids.add(paper.id)
        if paper.listed_on is not None:
            entry.listings.add((paper.source, paper.listed_on))
        entry.snapshots.append((taken_at, (paper.upvotes, paper.comments)))

    def _change(self, entry: Entry, paper: Paper) -> None:
        if paper.title != entry.paper.title:
            self._leave(entry)
            entry.paper = paper
            self._enter(entry)
        entry.paper = paper

    def _enter(self, entry: Entry) -> None:
        self._entries.append(entry)
        if key := title_digest(entry.paper.title):
            self._by_title[key].append(entry)

    def _leave(self, entry: Entry) -> None:
        self._entries.remove(entry)
        if key := title_digest(entry.paper.title):
            self._by_title[key].remove(entry)


def _moment(listed_on: date | None, taken_at: datetime) -> tuple[date, datetime]:
    """Return what texts are compared by: a later listing is newer, and of one listing the later answer."""
    return listed_on or date.min, taken_at
