"""The space that tastes are learned in: the same corpus gives the same axes, and a small one has none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from newsletter.rank.space import space_from, space_of
from newsletter.rank.terms import Vocabulary
from newsletter.rank.text import TextModel, fit
from newsletter.rank.vectors import PLACES
from tests.rank.made_up import corpus


@pytest.fixture(scope="module")
def model() -> TextModel:
    return fit(Vocabulary(), corpus(320))


def test_the_same_corpus_gives_the_same_axes_whatever_its_order(model: TextModel) -> None:
    again = fit(Vocabulary(), reversed(corpus(320))).space
    assert again.axes.shape == (again.places.size, 128)
    for name in ("places", "mean", "variance", "axes", "latents", "centre", "spread", "sharpened"):
        assert np.array_equal(getattr(again, name), getattr(model.space, name)), name


def test_papers_of_one_subject_are_near_along_the_axes(model: TextModel) -> None:
    latents = model.space.latents - model.space.centre
    latents /= np.linalg.norm(latents, axis=1)[:, None]
    subjects = np.array([int(key.removeprefix("p")) % 5 for key in model.rows])
    near = latents @ latents.T
    same = subjects[:, None] == subjects
    assert near[same].mean() > 0.2
    assert near[~same].mean() < 0


@pytest.mark.parametrize("number", [0, 1, 2, 5, 100, 299])
def test_a_small_corpus_has_no_axes(number: int) -> None:
    space = fit(Vocabulary(), corpus(number)).space
    assert space.axes.shape == (space.places.size, 0)
    assert space.latents.shape == (number, 0)
    assert space.sharpened.shape == (0, 0)
    assert space.papers.shape == (number, space.places.size)
    assert (space.places.size > 0) == (number > 2)
    assert np.isfinite(space.mean).all()
    assert (space.variance >= 0).all()


def test_terms_of_fewer_than_three_papers_are_left_out() -> None:
    rows = csr_array(([1.0, 0.6, 0.6, 1.0, 0.8, 0.8], [7, 7, 9, 7, 9, 3], [0, 1, 3, 4, 6]), shape=(4, PLACES))
    space = space_of(rows.astype(np.float32))
    assert space.places.tolist() == [7]
    assert space.mean.tolist() == pytest.approx([0.65])
    assert space.terms(rows).toarray().ravel().tolist() == pytest.approx([1.0, 0.6, 1.0, 0.0])


def test_a_space_is_put_together_again_from_its_parts(model: TextModel) -> None:
    space = model.space
    again = space_from(space.places, space.papers, space.axes, space.latents)
    for name in ("mean", "variance", "centre", "spread", "sharpened"):
        assert np.array_equal(getattr(again, name), getattr(space, name)), name
    assert np.allclose(space.along_axes(space.papers), space.latents)


def test_axes_are_left_out_where_nobody_asks_for_them(model: TextModel) -> None:
    plain = fit(Vocabulary(), corpus(320), with_axes=False)
    assert plain.space.axes.shape == (plain.space.places.size, 0)
    assert np.array_equal(plain.space.places, model.space.places)
    assert np.array_equal(plain.frequency, model.frequency)
