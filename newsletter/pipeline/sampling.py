"""What a digest would hold for somebody who is not subscribed yet: the newest day's papers, ranked as they would be.

The ranking learns from the newest papers only, and keeps no axes: that is made in about a second and kept in memory
until newer papers are there. Nothing is stored, and no more than one is made at a time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from newsletter.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from newsletter.model import Paper, Profile, RankedPaper
    from newsletter.rank.ranker import Ranker
    from newsletter.store import Store

_CORPUS = 600  # papers that it learns from: enough to tell rare words, and made in less than a second
_CANDIDATES = 300  # papers of one day, the most upvoted ones
_MOST_AT_ONCE = 4  # callers that rank or wait; each holds a thread of the server


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The papers of a digest in their order, the UTC day they were listed on, and how many more that day had."""

    day: date
    papers: tuple[RankedPaper, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class _Ready:
    """What samples are made from, as long as `mark` is the store's. `at` is one moment, so that its work is kept."""

    mark: tuple[date | None, int]
    ranker: Ranker
    papers: tuple[Paper, ...]
    at: datetime


class Sampler:
    """Makes samples with the ranking of `ranker`, but without an embedding model: that would take minutes.

    `ranker` is asked for when the first sample is: its libraries take some 40 MB.
    """

    def __init__(self, store: Store, ranker: Callable[[], Ranker]) -> None:
        self._store = store
        self._ranker = ranker
        self._ready: _Ready | None = None
        self._one = threading.Lock()
        self._few = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def sample(self, profile: Profile, *, size: int, now: datetime) -> Sample | None:
        """Return the digest of these wishes from the newest day's papers; None where there are no papers.

        Raises:
            BusyError: too many ask at once.
        """
        if not self._few.acquire(blocking=False):
            raise BusyError("too many samples are being made; try again in a moment")
        try:
            with self._one:
                return self._made(profile, size, now)
        finally:
            self._few.release()

    def _made(self, profile: Profile, size: int, now: datetime) -> Sample | None:
        ready = self._current(now)
        if ready.mark[0] is None:
            return None
        selections = ready.ranker.rank_many(ready.papers, [profile], now=ready.at, size=size)
        papers = selections[0]
        return Sample(day=ready.mark[0], papers=papers, left_out=selections.open_to(0) - len(papers))

    def _current(self, now: datetime) -> _Ready:
        mark = self._store.catalogue.mark()
        if self._ready is None or self._ready.mark != mark:
            self._ready = None  # the old one's memory is free before the new one is made
            plain = replace(self._ranker(), embedder=None)
            fitted = plain.fit(self._store.catalogue.recent(_CORPUS), with_axes=False)
            self._ready = _Ready(mark, fitted, tuple(self._candidates(mark[0])), now)
        return self._ready

    def _candidates(self, day: date | None) -> Iterator[Paper]:
        if day is not None:
            yield from self._store.catalogue.best(day, day, limit=_CANDIDATES).papers
