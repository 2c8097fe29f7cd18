"""Terms as numbers: places by hashing, and rows of length 1."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction import FeatureHasher

from newsletter.rank.vectors import PLACES, count, few, place_of, rows_of, weighed

IDF = np.ones(PLACES, dtype=np.float32)
terms = st.lists(st.text(min_size=1, max_size=6), max_size=6)


@pytest.mark.parametrize("term", ["cache", "cache evict", "größe", "强 化", "x" * 400])
def test_one_term_has_the_place_that_counting_gives_it(term: str) -> None:
    assert count([[term]]).indices.tolist() == [place_of(term)]


@given(st.lists(terms, max_size=4))
def test_a_few_short_texts_weigh_as_counting_all_of_them_would(texts: list[list[str]]) -> None:
    rows = rows_of([few([text], [1.0], IDF) for text in texts])
    plain = weighed(count(texts), IDF)
    assert rows.shape == plain.shape == (len(texts), PLACES)
    assert abs(rows - plain).max() < 1e-5 if texts else rows.nnz == 0


def test_the_parts_of_a_wish_count_as_much_as_their_weights_say() -> None:
    wish = few([["robot"], ["arm", "grasp"], []], [1.0, 0.3, 1.0], IDF)
    half = 0.3 / 2**0.5
    assert wish == pytest.approx({place_of("robot"): 1.0, place_of("arm"): half, place_of("grasp"): half})


def test_rows_have_length_one_or_nothing() -> None:
    rows = rows_of([{1: 3.0, 2: 4.0}, {}, {5: 0.1}])
    assert np.allclose(np.sqrt(rows.multiply(rows).sum(axis=1)).ravel(), [1, 0, 1])


def test_terms_are_counted_as_scikit_learn_hashes_them() -> None:
    texts = [["cache", "größe", "cache", ""], [], ["强 化", "x" * 400, "cache"]]
    hasher = FeatureHasher(PLACES, input_type="string", alternate_sign=False, dtype=np.float32)
    theirs, ours = hasher.transform(texts), count(texts)
    for part in ("indptr", "indices", "data"):
        assert getattr(ours, part).tolist() == getattr(theirs, part).tolist()
        assert getattr(ours, part).dtype == getattr(theirs, part).dtype


def test_ranking_with_a_kept_model_does_not_import_scikit_learn() -> None:
    script = "import sys, newsletter.pipeline.fitting, newsletter.rank.ranker; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
