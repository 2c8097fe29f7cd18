"""Nearness in meaning, with a made embedder: words as chance directions, so that texts that share words are near."""

from __future__ import annotations

import dataclasses
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.model import Paper
from newsletter.rank.meaning import Meaning, from_arrays, learn, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WIDTH = 64
SUBJECTS = ("video generation", "language agents", "protein folding", "speech recognition", "robot grasping")


@dataclasses.dataclass
class Words:
    """An embedder: the sum of a direction for each word. `asked` keeps what it was given."""

    name: str = "words"
    asked: list[str] = dataclasses.field(default_factory=list)

    def papers(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += texts
        return np.array([self.row(text) for text in texts])

    phrases = papers

    def row(self, text: str) -> NDArray[np.float64]:
        directions = [np.random.default_rng(zlib.crc32(word.encode())).normal(size=WIDTH) for word in text.split()]
        return np.asarray(np.sum(directions, axis=0))


class Broken(Words):
    """Gives no number, or one too large, for a text that names it."""

    def row(self, text: str) -> NDArray[np.float64]:
        bad = np.nan if "nan" in text else np.inf if "inf" in text else 0.0 if "zero" in text else 1.0
        return super().row(text) * bad if bad else np.zeros(WIDTH)


def papers(*titles: str) -> list[Paper]:
    return [Paper(id=f"{number:04}", source="t", title=title) for number, title in enumerate(titles)]


def corpus(size: int) -> list[Paper]:
    return papers(*(f"{SUBJECTS[number % 5]} n{number} m{number % 7}" for number in range(size)))


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    return learn(Words(), corpus(400))


def test_what_is_embedded_of_a_paper_is_title_and_abstract_or_summary() -> None:
    paper = Paper(id="a", source="t", title="On Video", abstract="We generate.", summary="Short.")
    assert text_of(paper) == "On Video. We generate."
    assert text_of(dataclasses.replace(paper, abstract="")) == "On Video. Short."
    assert text_of(dataclasses.replace(paper, abstract="", summary="")) == "On Video"


def test_what_a_wish_means_stands_near_one_and_all_else_near_nothing(meaning: Meaning) -> None:
    about = meaning.about(papers(*(f"a {subject} b" for subject in SUBJECTS), "cheese and wine"))
    for row, subject in enumerate(SUBJECTS):
        matches = meaning.match([subject], about)
        assert matches.dtype == np.float32
        assert np.argmax(matches) == row
        assert matches[row] > 0.4
        assert np.delete(matches, row).max() < 0.15


def test_an_embedder_whose_cosines_are_all_high_gives_nearly_the_same() -> None:
    class High(Words):
        def row(self, text: str) -> NDArray[np.float64]:
            return super().row(text) + 30.0

    plain, high = (learn(embedder, corpus(400)) for embedder in (Words(), High()))
    candidates = papers(*SUBJECTS, "cheese and wine")
    for subject in SUBJECTS:
        one, other = (one.match([subject], one.about(candidates)) for one in (plain, high))
        assert np.argmax(one) == np.argmax(other)
        assert np.sort(other)[-2] < other.max() / 2


def test_many_wishes_at_once_are_what_each_is_alone(meaning: Meaning) -> None:
    about = meaning.about(corpus(30))
    wishes = [[f"{one} n{number}", other] for number in range(90) for one in SUBJECTS for other in SUBJECTS]
    together = meaning.matches(wishes, about)
    assert together.shape == (len(wishes), 30)
    assert len(wishes) > 2_000
    for number in range(0, len(wishes), 97):
        assert (together[number] == meaning.match(wishes[number], about)).all()
    assert meaning.matches([], about).shape == (0, 30)


def test_a_phrase_is_embedded_once_however_many_share_it() -> None:
    embedder = Words()
    meaning = learn(embedder, corpus(10))
    about = meaning.about(corpus(3))
    embedder.asked.clear()
    meaning.matches([["video", "agents"], ["agents"], ["video", "video"]], about)
    assert sorted(embedder.asked) == ["agents", "video"]


def test_the_order_of_corpus_phrases_and_candidates_does_not_show() -> None:
    known = corpus(700)
    one, other = learn(Words(), known), learn(Words(), reversed(known))
    assert (one.sample == other.sample).all()
    assert len(one.sample) == 500
    about = one.about(known[:20])
    wish = list(SUBJECTS)
    assert (one.match(wish, about) == other.match([*reversed(wish), wish[0]], about)).all()
    assert (one.match(wish, about)[::-1] == one.match(wish, about[::-1])).all()


def test_the_sample_lasts_while_the_corpus_grows() -> None:
    before, after = learn(Words(), corpus(600)).sample, learn(Words(), corpus(660)).sample
    kept = {row.tobytes() for row in before} & {row.tobytes() for row in after}
    assert len(kept) > 430


@pytest.mark.parametrize("bad", ["nan", "inf", "zero", "", " \n"])
def test_a_text_without_a_meaning_matches_nothing_and_spoils_nothing(bad: str) -> None:
    known = [*corpus(100), Paper(id="bad", source="t", title=bad)]
    meaning = learn(Broken(), known)
    assert np.isfinite(meaning.sample).all()
    assert len(meaning.sample) == 100
    candidates = papers(bad, "video generation")
    matches = meaning.match(["video generation", bad], meaning.about(candidates))
    assert matches[0] == 0
    assert matches[1] == meaning.match(["video generation"], meaning.about(candidates))[1] > 0.3
    assert not meaning.match([bad], meaning.about(candidates)).any()


@pytest.mark.parametrize("size", [0, 1])
def test_with_next_to_no_corpus_it_says_nothing(size: int) -> None:
    meaning = learn(Words(), corpus(size))
    assert not meaning.match(["video generation"], meaning.about(papers("video generation"))).any()
    assert meaning.match(["video"], meaning.about([])).shape == (0,)
    assert meaning.match([], meaning.about(corpus(3))).tolist() == [0, 0, 0]
    assert meaning.match(["video"], meaning.about(papers(""))).tolist() == [0]


def test_a_small_corpus_is_believed_by_its_share(meaning: Meaning) -> None:
    small = learn(Words(), corpus(10))
    one, many = (one.match(["video generation"], one.about(papers("video generation"))) for one in (small, meaning))
    assert 0 < one[0] < many[0] / 2


def test_what_is_saved_comes_back_the_same_unless_the_model_is_another(meaning: Meaning) -> None:
    again = from_arrays(Words(), meaning.arrays())
    assert again is not None
    about = meaning.about(corpus(5))
    assert (again.match(["video generation"], about) == meaning.match(["video generation"], about)).all()
    assert from_arrays(Words(name="another"), meaning.arrays()) is None
    with pytest.raises(ValueError, match="parts of different sizes"):
        from_arrays(Words(), meaning.arrays() | {"meaning_marks": np.array(["one"])})
    empty = from_arrays(Words(), learn(Words(), []).arrays())
    assert empty is not None
    assert empty.match(["video"], about).tolist() == [0] * 5
    assert all(array.dtype != np.object_ for array in meaning.arrays().values()), "saved without pickle"


def test_only_what_is_new_or_changed_is_embedded_again() -> None:
    known = corpus(300)
    before = learn(Words(), known)
    changed = [dataclasses.replace(known[0], title="changed"), *known[1:], Paper(id="new", source="t", title="new")]
    embedder = Words()
    after = learn(embedder, changed, before=before)
    assert sorted(embedder.asked) == ["changed", "new"]
    assert (after.rows == learn(Words(), changed).rows).all()
    other = Words(name="another")
    learn(other, known, before=before)
    assert len(other.asked) == 300


def test_of_two_papers_with_one_id_the_choice_is_always_the_same() -> None:
    twice = [*corpus(3), Paper(id="0001", source="t", title="a text before it")]
    one, other = learn(Words(), twice), learn(Words(), twice[::-1])
    assert one.marks == other.marks
    assert len(one.marks) == 3
    assert (one.rows == other.rows).all()


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.text(max_size=12), max_size=3), max_size=5),
    st.lists(st.text(max_size=20), max_size=6),
    st.integers(0, 60),
)
def test_any_text_gives_numbers_from_nothing_to_two(wishes: list[list[str]], titles: list[str], size: int) -> None:
    meaning = learn(Words(), corpus(size))
    matches = meaning.matches(wishes, meaning.about(papers(*titles)))
    assert matches.shape == (len(wishes), len(titles))
    assert ((matches >= 0) & (matches <= 2)).all()
