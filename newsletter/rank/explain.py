"""One reader's scores taken apart: the reasons why each candidate stands where it does.

It picks nothing. What it says follows from the parts of the score alone, so that a reason names only what raised it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.model import RankedPaper, title_key
from newsletter.rank.likes import behind
from newsletter.rank.reasons import EDITORS_PICK, LIKES, for_like, for_likeness, for_terms, said
from newsletter.rank.score import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from newsletter.model import Profile
    from newsletter.rank.panel import Judged, Panel
    from newsletter.rank.score import Scores

_LIKENESS = 0.2  # a smaller gain from likes is chance, and no reason


class Explanation:
    """A profile over the candidates of a panel. It is good until the panel scores other profiles."""

    def __init__(self, panel: Panel, profile: Profile, judged: Judged, place: int = 0) -> None:
        """Take the profile's row, `place`, out of what the panel said of several."""
        parts, scored, open_ = judged
        self.steps: NDArray[np.int64] = scored.steps[place]
        self._matched, self._open = scored.matched[place], open_[place]
        self._panel, self._profile = panel, profile
        self._wishes = [int(row) for row in parts.wishes[place] if row]
        self._topic, self._votes = parts.topic[place], scored.votes[place]
        self._lift, self._gains = _row(parts.lift, place, self._topic), _row(parts.gains, place, self._topic)
        self._weight = panel.weights.topic
        self._for_wish, self._for_like = float(parts.shares.wishes[place, 0]), float(parts.shares.likes[place, 0])
        self._behind: dict[int, str] = {}

    def is_open(self, row: int) -> bool:
        """Whether the profile does not mute the candidate of `row`."""
        return bool(self._open[row])

    def ranked(self, row: int, score: float) -> RankedPaper:
        """Return the candidate of `row` with its score, as it is ranked."""
        paper = self._panel.ready.papers[row]
        return RankedPaper(paper=paper, score=score, reasons=self._told(row), matched=bool(self._matched[row]))

    def picked(self, row: int, score: float, *, pinned: bool) -> RankedPaper:
        """Return the same as it stands in a digest: a pin says so, and what is there for its votes names them first."""
        paper, reasons = self._panel.ready.papers[row], self._told(row)
        if pinned:
            return RankedPaper(paper=paper, score=score, reasons=(EDITORS_PICK, *reasons), matched=True)
        if self._matched[row]:
            return RankedPaper(paper=paper, score=score, reasons=reasons, matched=True)
        votes = self._panel.vote_reasons[row]
        return RankedPaper(
            paper=paper, score=score, reasons=tuple(dict.fromkeys(filter(None, (votes, *reasons)))), matched=False
        )

    def prepare(self, rows: Sequence[int]) -> None:
        """Find the liked papers behind these candidates all at once, which is quicker than one by one."""
        asked = [row for row in rows if self._matched[row] or self._gains[row] >= _LIKENESS]
        raised = [row for row in asked if self._gains[row] > 0 and row not in self._behind]
        ready = self._panel.ready
        liked, _ = self._panel.known_tastes(self._profile) if raised else ([], [])
        found = behind(ready.model.space, ready.learned_from, ready.known, liked, raised)
        self._behind |= {row: self._titled(row, one) for row, one in zip(raised, found, strict=True)}

    def _titled(self, row: int, liked: int) -> str:
        """Return the title of a liked paper; none where it is the candidate's own, under the id of before a merge."""
        ready = self._panel.ready
        title = ready.title(liked) if liked >= 0 else ""
        return "" if title_key(title) == title_key(ready.papers[row].title) else title

    def _told(self, row: int) -> tuple[str, ...]:
        """Return the reasons; of a matched paper at least one that is no vote, unless the reader liked it before."""
        votes = (float(self._votes[row]), self._panel.vote_reasons[row])
        reasons = [*self._reasons(row)]
        if self._matched[row] and not said(reasons) and self._panel.ready.papers[row].id not in self._profile.liked:
            reasons.append(self._nearest(row))
        return said([*reasons, votes])

    def _nearest(self, row: int) -> tuple[float, str]:
        """Name the wish or the liked paper that a paper stands for, where each by itself is too little to be named."""
        by_wish = self._weight * self._for_wish * float(self._topic[row])
        by_like = self._weight * self._for_like * float(self._gains[row])
        table = self._panel.table
        if by_wish >= by_like and self._wishes:
            best = max(self._wishes, key=lambda wish: float(table.matches[wish, row]))
            return by_wish, for_likeness(table.wishes[best].label)
        self.prepare([row])
        return by_like, for_like(self._behind.get(row, "")) or LIKES

    def _reasons(self, row: int) -> Iterator[tuple[float, str]]:
        topic, lift, gain = float(self._topic[row]), float(self._lift[row]), float(self._gains[row])
        if lift > 0:
            yield self._weight * lift, self._panel.follows.reason(row, self._profile)
        if topic > 0:
            yield self._weight * self._for_wish * topic, self._for_wishes(row, topic)
        if gain >= _LIKENESS:
            self.prepare([row])
            yield self._weight * self._for_like * gain, for_like(self._behind[row])

    def _for_wishes(self, row: int, topic: float) -> str:
        """Name the words found, those of the best wish first; or what the paper is close to, if it is close enough."""
        table = self._panel.table
        matches = {wish: float(table.matches[wish, row]) for wish in self._wishes}
        raising = sorted((wish for wish in self._wishes if matches[wish] > 0), key=lambda wish: -matches[wish])
        ready = self._panel.ready
        terms = [term for wish in raising for term in ready.named(table.wishes[wish]).get(row, ())]
        if terms or topic < self._panel.weights.floor:
            return for_terms(terms)
        return for_likeness(table.wishes[raising[0]].label)


def _row(part: Scores, place: int, like: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a row of a part that may be `NOTHING`."""
    return like * 0 if part is NOTHING else part[place]
