"""Everyone's digests at once: which papers each reader gets, held as arrays, and told in words when asked for.

A million readers have a few hundred megabytes of profiles but tens of selections: so equal profiles are ranked once, in
blocks, and reasons are made for a selection that somebody looks at. It renders and stores nothing.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from newsletter.rank.explain import Explanation
from newsletter.rank.score import STEPS
from newsletter.rank.select import picked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from newsletter.model import Profile, RankedPaper
    from newsletter.rank.panel import Panel
    from newsletter.rank.select import Slate

_BLOCK = 1_000  # profiles scored at a time: a few megabytes for each array of them x 200 candidates
_TOLD = 20_000  # selections whose words are kept
_TELLING = 64  # selections told at a time: learning from likes costs less for several


@dataclass(frozen=True, eq=False)
class Selections:
    """The papers of each reader, in the order of the readers.

    `which` (readers) names the row of `picks` (selections x size) that is a reader's: candidates in the order of their
    ids, -1 where there are no more. `number` (selections) is how many candidates were open to the reader.
    """

    panel: Panel
    slate: Slate
    profiles: Sequence[Profile]
    which: NDArray[np.int32]
    picks: NDArray[np.int16] | NDArray[np.int32]
    number: NDArray[np.int32]
    _told: dict[int, tuple[RankedPaper, ...]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return self.which.size

    def __iter__(self) -> Iterator[tuple[RankedPaper, ...]]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, reader: int) -> tuple[RankedPaper, ...]:
        """Return a reader's papers in order, with reasons; equal readers share one tuple."""
        selection = int(self.which[reader])
        if selection not in self._told:
            if len(self._told) >= _TOLD:
                self._told.clear()
            following = range(selection, min(selection + _TELLING, len(self.profiles)))
            self._told.update(self._tell([one for one in following if one not in self._told]))
        return self._told[selection]

    def open_to(self, reader: int) -> int:
        """Return how many candidates could have come to a reader: none that is muted, hidden or was sent before."""
        return int(self.number[self.which[reader]])

    def ids(self, reader: int) -> tuple[str, ...]:
        """Return the ids of a reader's papers in order, without the cost of the reasons."""
        rows = self.picks[self.which[reader]].tolist()
        return tuple(self.panel.ready.papers[row].id for row in rows if row >= 0)

    def _tell(self, selections: Sequence[int]) -> Iterator[tuple[int, tuple[RankedPaper, ...]]]:
        """Yield some selections with their words: whoever asks for one mostly asks for the next ones, too."""
        profiles = [self.profiles[selection] for selection in selections]
        judged = self.panel.scored(profiles)
        for place, selection in enumerate(selections):
            yield selection, self._told_by(Explanation(self.panel, profiles[place], judged, place), selection)

    def _told_by(self, told: Explanation, selection: int) -> tuple[RankedPaper, ...]:
        rows = [row for row in self.picks[selection].tolist() if row >= 0]
        told.prepare(rows)
        papers = [told.picked(row, told.steps[row] / STEPS, pinned=row in self.slate.pins) for row in rows]
        # A matched paper that repeats another one may have fallen behind the popular ones: it stands among them then.
        first = next((place for place, one in enumerate(papers) if not one.matched), len(papers))
        return (*papers[:first], *(replace(one, matched=False) for one in papers[first:]))


def selected(
    panel: Panel,
    slate: Slate,
    profiles: Iterable[Profile],
    *,
    size: int,
    already_sent: Mapping[int, Collection[str]],
) -> Selections:
    """Return the selections of readers; see `newsletter.rank.ranker.Ranker.rank_many`."""
    rows = {paper.id: row for row, paper in enumerate(panel.ready.papers)}
    which, distinct, barred = _distinct(profiles, already_sent, rows)
    width = min(max(size, 0), len(rows))
    kind = np.int16 if len(rows) < np.iinfo(np.int16).max else np.int32
    # Made whole at once: a million selections joined from blocks would be there twice.
    picks = np.empty((len(distinct), width), dtype=kind)
    number = np.empty(len(distinct), dtype=np.int32)
    for first in range(0, len(distinct), _BLOCK):
        block = slice(first, first + _BLOCK)
        picks[block], number[block] = _block(panel, slate, distinct[block], first, barred, width)
    return Selections(panel, slate, distinct, which, picks, number)


def _distinct(
    profiles: Iterable[Profile], already_sent: Mapping[int, Collection[str]], rows: Mapping[str, int]
) -> tuple[NDArray[np.int32], list[Profile], dict[int, list[int]]]:
    """Return which selection is each reader's, the profile of each selection, and the rows barred from some."""
    seen: dict[Profile | tuple[Profile, frozenset[int]], int] = {}
    distinct: list[Profile] = []
    barred: dict[int, list[int]] = {}
    which = array("i")  # four bytes a reader, where a list would take 36
    for reader, profile in enumerate(profiles):
        sent = frozenset(rows[key] for key in already_sent.get(reader, ()) if key in rows) if already_sent else None
        selection = seen.setdefault((profile, sent) if sent else profile, len(distinct))
        if selection == len(distinct):
            distinct.append(profile)
            if sent:
                barred[selection] = sorted(sent)
        which.append(selection)
    return np.frombuffer(which, dtype=np.int32), distinct, barred


def _block(
    panel: Panel, slate: Slate, profiles: Sequence[Profile], first: int, barred: Mapping[int, list[int]], size: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    _, scored, open_ = panel.scored(profiles)
    for row in range(len(profiles)):
        if first + row in barred:
            open_[row, barred[first + row]] = False
    return picked(slate, scored, open_, size=size)
