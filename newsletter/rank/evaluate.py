"""What an order is worth to readers whose lists are known: ours, parts of it and a plain baseline over the same days.

The orders are made here and measured by `newsletter.rank.metrics`; the days come from `newsletter.rank.replay`. Pure:
the seed of all chance is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from newsletter.model import Profile
from newsletter.rank import metrics
from newsletter.rank.baseline import SvmBaseline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from newsletter.rank.metrics import Estimate
    from newsletter.rank.ranker import Ranker
    from newsletter.rank.replay import Replay, ReplayDay

    Order: TypeAlias = Callable[[ReplayDay], Sequence[str]]

_RECALLED = 5  # places: what a reader sees first


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One way to order over the days of one list: each figure a day, in the order of the days."""

    ndcg: tuple[float, ...]
    auc: tuple[float, ...]
    recall_at_5: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The means over all days."""

    ndcg: Estimate
    auc: Estimate
    recall_at_5: Estimate


def measured(replayed: Replay, ranker: Ranker, interests: Sequence[str], *, seed: int) -> dict[str, Measured]:
    """Return each way to order by its name, measured over the days of one replay.

    `ranker` (its weights count, its corpus does not) is fitted on what was known at the cut. "topic only" and
    "blended" know the liked papers and `interests`, the reader's own words; "words only" is "blended" without liked
    papers and is left out where there are no words, as is the baseline where no paper was liked.
    """
    orders = _orders(replayed, ranker, tuple(interests), seed)
    return {name: _measured(order, replayed.days) for name, order in orders.items()}


def figures(lists: Sequence[Measured], *, seed: int) -> Figures:
    """Return the figures of one way to order over one list, or the mean of its figures over several."""
    return Figures(
        ndcg=metrics.estimate([one.ndcg for one in lists], seed=seed),
        auc=metrics.estimate([one.auc for one in lists], seed=seed),
        recall_at_5=metrics.estimate([one.recall_at_5 for one in lists], seed=seed),
    )


def _orders(replayed: Replay, ranker: Ranker, interests: tuple[str, ...], seed: int) -> Mapping[str, Order]:
    fitted = ranker.fit(replayed.corpus)
    profile = Profile(interests=interests, liked=replayed.liked)
    orders = {
        "random": _by_chance(seed),
        "votes only": _by_ranker(fitted, Profile()),
        "topic only": _by_ranker(replace(fitted, votes_weight=0.0), profile),
        "blended": _by_ranker(fitted, profile),
    }
    if interests:
        orders["words only"] = _by_ranker(fitted, Profile(interests=interests))
    if 0 < len(replayed.liked) < len(replayed.corpus):
        baseline = SvmBaseline(replayed.corpus, frozenset(replayed.liked))
        orders["tf-idf + svm"] = lambda day: baseline.order(day.papers)
    return orders


def _by_chance(seed: int) -> Order:
    chance = np.random.default_rng(seed)
    return lambda day: [day.papers[row].id for row in chance.permutation(len(day.papers))]


def _by_ranker(ranker: Ranker, profile: Profile) -> Order:
    def order(day: ReplayDay) -> list[str]:
        now = datetime.combine(day.day, time.max, tzinfo=UTC)
        return [one.paper.id for one in ranker.rank(day.papers, profile, now=now)]

    return order


def _measured(order: Order, days: Sequence[ReplayDay]) -> Measured:
    hits = [_hits(order(day), day) for day in days]
    return Measured(
        ndcg=tuple(map(metrics.ndcg, hits)),
        auc=tuple(map(metrics.auc, hits)),
        recall_at_5=tuple(metrics.recall(row, at=_RECALLED) for row in hits),
    )


def _hits(ids: Sequence[str], day: ReplayDay) -> list[bool]:
    """Mark the wanted ones; those that an order leaves out (an interest may mute) count as its last."""
    left_out = [paper.id for paper in day.papers if paper.id not in set(ids)]
    return [key in day.wanted for key in (*ids, *sorted(left_out, key=lambda key: (key in day.wanted, key)))]
