from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from newsletter.rank.metrics import auc, estimate, ndcg, recall

orders = st.lists(st.booleans(), min_size=2, max_size=30).filter(lambda order: any(order) and not all(order))


@given(orders)
def test_ndcg_and_auc_are_those_of_the_library(order: list[bool]) -> None:
    scores = [-place for place in range(len(order))]
    assert math.isclose(ndcg(order), ndcg_score([order], [scores]))
    assert math.isclose(auc(order), roc_auc_score(order, scores))


def test_recall_is_the_share_of_the_wanted_at_the_top() -> None:
    assert recall([True, False, False, False, False, True], at=5) == 0.5
    assert recall([False, True], at=5) == 1.0


def test_an_order_without_a_choice_is_neither_good_nor_bad() -> None:
    assert (ndcg([]), auc([]), recall([], at=5)) == (1.0, 0.5, 1.0)
    assert auc([True, True]) == 0.5


def test_an_estimate_holds_its_mean_and_is_the_same_for_the_same_seed() -> None:
    values = [place / 40 for place in range(40)]
    one = estimate([values], seed=3)
    assert one == estimate([values], seed=3)
    assert one != estimate([values], seed=4)
    assert one.low < one.mean < one.high
    spread = 1.96 * 0.2886 / math.sqrt(40)
    assert one.high - one.low == pytest.approx(2 * spread, rel=0.1)


def test_the_estimate_of_groups_weighs_them_alike() -> None:
    assert estimate([[1.0] * 90, [0.0] * 10], seed=0).mean == 0.5
