"""What a paper's upvotes are worth beside the other candidates', whatever their ages, and how that is said.

Arithmetic on counts; it reads no text. Votes grow for one to two weeks, fast at first (+82 % in 18 hours is typical),
so in the issue of a week or a month the count alone would bury the papers of the last days.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from newsletter.model import Paper

Row = NDArray[np.float64]

_SETTLED = 14  # days: upvotes settle after one to two weeks, so papers from then on are of one age
# Papers it takes to believe half of how the level of votes rises with age. Chosen on the recorded counts of 97 weeks,
# grown along simulated curves: with 20 to 50 the top ten of the settled counts were found best where ages differ, and
# as well as by plain counts where every day had been counted at the same age.
_DOUBT = 20
# Days' worth of its present growth that a paper is given ahead. On the same weeks one and two did better than a half
# where counts were taken together, and one better than two where each day's were taken on its first evening.
_AHEAD = 1.0
_NAMED = 5  # the ranks of a day that a reason names
_TEENS = range(11, 14)
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def vote_shares(papers: Sequence[Paper], *, now: datetime) -> Row:
    """Return what each paper's upvotes are worth, 0 to 1, as a share of what the best candidate's are.

    Where all candidates were listed on one day that is log1p of the upvotes. Else a paper's growth counts as upvotes
    too, and it is set against papers of its age at `now` (aware): log1p is raised by what the candidates of the oldest
    age have above those of its own. A day has too few papers for a level of its own, where its good papers would make
    each other look plain; so the levels lie on a line over log1p of the age in days, which never falls and is the
    flatter the fewer papers there are. A paper without a day is raised as the mean is, unknown growth counts as the
    mean of the known. Without upvotes a paper is worth nothing.
    """
    upvotes = np.array([max(paper.upvotes or 0, 0) for paper in papers], dtype=np.float64)
    logs = np.log1p(upvotes)
    if len({_day(paper) for paper in papers}) > 1:
        logs += _ahead(papers, upvotes)
        logs += _behind(papers, logs, now=now)
        logs[upvotes == 0] = 0.0
    return np.asarray(logs / max(logs.max(initial=0.0), np.log(2)))


def _ahead(papers: Sequence[Paper], upvotes: Row) -> Row:
    """Return by how much growth raises each paper's log1p of its upvotes."""
    growth = np.array([np.nan if paper.growth is None else max(paper.growth, 0) for paper in papers])
    raised = np.log1p(upvotes + _AHEAD * growth) - np.log1p(upvotes)
    known = np.sort(raised[~np.isnan(raised) & (upvotes > 0)])  # sorted, for a sum depends on its order
    neutral = known.mean() if known.size else 0.0
    return np.where(upvotes > 0, np.where(np.isnan(raised), neutral, raised), 0.0)


def _behind(papers: Sequence[Paper], logs: Row, *, now: datetime) -> Row:
    """Return how far the level of each paper's age lies below that of the oldest."""
    ages = np.log1p(_ages(papers, now=now))
    counted = np.array([paper.upvotes is not None for paper in papers], dtype=np.bool_)
    fitting = counted & ~np.isnan(ages)
    if not fitting.any():
        return np.zeros(len(papers))
    by_age = np.lexsort((logs[fitting], ages[fitting]))  # a sum depends on its order
    x, y = ages[fitting][by_age], logs[fitting][by_age]
    if x[0] == x[-1]:
        return np.zeros(len(papers))
    away = x - x.mean()
    slope = max(float(away @ y / (away @ away)), 0.0)
    believed = slope * x.size / (x.size + _DOUBT)
    return np.asarray(believed * (x[-1] - np.where(np.isnan(ages), x.mean(), ages)))


def _ages(papers: Sequence[Paper], *, now: datetime) -> Row:
    """Return the age of each in whole days, at most that at which votes are settled, NaN where no day is known."""
    today = now.astimezone(UTC).date()
    days = (_day(paper) for paper in papers)
    return np.array([np.nan if day is None else min(max((today - day).days, 0), _SETTLED) for day in days])


def _day(paper: Paper) -> date | None:
    return paper.listed_on or paper.published


def day_ranks(papers: Sequence[Paper]) -> list[int]:
    """Return each paper's rank by upvotes among those listed on the same day; of equal counts all have the better one.

    1 has the most; 0 stands for a paper without upvotes, or that no day lists.
    """
    days: defaultdict[date | None, list[int]] = defaultdict(list)
    for paper in papers:
        days[paper.listed_on].append(paper.upvotes or 0)
    ranks = {day: _ranks(counts) if day else {} for day, counts in days.items()}
    return [ranks[paper.listed_on].get(paper.upvotes or 0, 0) for paper in papers]


def _ranks(counts: list[int]) -> dict[int, int]:
    """Return the rank of each count above 0."""
    falling = sorted(counts, reverse=True)
    return {count: rank for rank, count in reversed(list(enumerate(falling, start=1))) if count > 0}


def vote_reasons(papers: Sequence[Paper]) -> list[str]:
    """Return for each paper what is said of its upvotes, an empty string where it has none (see `said`)."""
    ranks = day_ranks(papers)
    sizes = Counter(paper.listed_on for paper in papers if paper.upvotes is not None)
    sharing = Counter((paper.listed_on, rank) for paper, rank in zip(papers, ranks, strict=True))
    return [
        said(paper.upvotes or 0, rank, sizes[paper.listed_on], shared=sharing[paper.listed_on, rank])
        for paper, rank in zip(papers, ranks, strict=True)
    ]


def said(upvotes: int, rank: int, of: int, *, shared: int = 1) -> str:
    """Return the reason for upvotes, such as "142 upvotes, 2nd of 14 that day"; empty for none.

    `rank` is one of `day_ranks`, `of` how many papers of the day have a known count, `shared` how many have this one.
    A rank is named where the day's first five hold all that share it and the day has more papers than these.
    """
    if upvotes <= 0:
        return ""
    count = f"{upvotes} upvote{'' if upvotes == 1 else 's'}"
    if not 0 < rank <= rank + shared - 1 <= _NAMED < of:
        return count
    return f"{count}, {'joint ' if shared > 1 else ''}{ordinal(rank)} of {of} that day"


def ordinal(number: int) -> str:
    """Return a number as English orders it: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in _TEENS else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"
