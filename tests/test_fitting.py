"""The models that a home keeps: found again by what they were learned from, and never trusted beyond that."""

from __future__ import annotations

import dataclasses
import os
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from newsletter.model import Issue, Paper, Profile
from newsletter.pipeline.drafting import Shaping, seal_of
from newsletter.pipeline.fitting import Fitter
from newsletter.rank.ranker import Ranker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RANKER = Ranker((), topic_weight=1.0, votes_weight=0.1, floor=0.2)
SUBJECTS = ("cache eviction latency", "robot arm grasp", "protein folding residue", "speech phoneme voice")


def papers(number: int) -> list[Paper]:
    return [
        Paper(
            id=f"2601.{row:05d}",
            source="test",
            title=f"{SUBJECTS[row % len(SUBJECTS)]} {row}",
            abstract=f"On {SUBJECTS[row % len(SUBJECTS)]}, with {SUBJECTS[(row // 7) % len(SUBJECTS)]}.",
            listed_on=date(2026, 1, 1) + timedelta(days=row % 40),
            upvotes=row % 13,
        )
        for row in range(number)
    ]


CORPUS = papers(400)
CANDIDATES = CORPUS[-40:]
READER = Profile(interests=("robot grasp",), liked=(CORPUS[0].id, CORPUS[8].id), disliked=(CORPUS[2].id,))


class Words:
    """An embedder that counts what it is asked for: a row of letter counts a text."""

    def __init__(self, name: str = "letters") -> None:
        self.name = name
        self.asked = 0

    def papers(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += len(texts)
        return np.array([[text.count(letter) + 0.01 for letter in "abcdefghij"] for text in texts])

    phrases = papers


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_kept_model_ranks_exactly_as_the_fitted_one(tmp_path: Path) -> None:
    fitter = Fitter(RANKER, tmp_path / "models")
    fitted = fitter.fit(CORPUS)
    (name,) = kept(tmp_path / "models")
    found = fitter.kept(tmp_path / "models" / name)
    assert found is not None
    for profile in (READER, Profile(interests=("cache latency, speech",)), Profile()):
        assert found.rank(CANDIDATES, profile, now=NOW) == fitted.rank(CANDIDATES, profile, now=NOW)


def test_the_corpus_is_learned_from_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Fitter(RANKER, tmp_path).fit(CORPUS)
    monkeypatch.setattr(Ranker, "fit", None)
    again = Fitter(RANKER, tmp_path).fit(iter(CORPUS))
    assert again.model is not None
    assert again.model.documents == len(CORPUS)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((RANKER, CORPUS[1:]), id="a paper less"),
        pytest.param((RANKER, [dataclasses.replace(CORPUS[0], abstract="changed"), *CORPUS[1:]]), id="another text"),
        pytest.param((RANKER, [dataclasses.replace(CORPUS[0], listed_on=None), *CORPUS[1:]]), id="another day"),
        pytest.param((dataclasses.replace(RANKER, aliases={"robot arm": ["manipulator"]}), CORPUS), id="an alias"),
        pytest.param((dataclasses.replace(RANKER, embedder=Words()), CORPUS), id="an embedder"),
    ],
)
def test_what_goes_into_a_model_makes_another_one(tmp_path: Path, other: tuple[Ranker, list[Paper]]) -> None:
    Fitter(RANKER, tmp_path).fit(CORPUS)
    Fitter(other[0], tmp_path).fit(other[1])
    assert len(kept(tmp_path)) == 2


def test_votes_are_no_part_of_it(tmp_path: Path) -> None:
    Fitter(RANKER, tmp_path).fit(CORPUS)
    Fitter(RANKER, tmp_path).fit([dataclasses.replace(paper, upvotes=99) for paper in CORPUS])
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    "damage",
    ["cut", "empty", "text", "other format", "pickled", "missing part", "wrong shape", "no number", "bare array"],
)
def test_a_file_that_cannot_be_used_is_made_anew(tmp_path: Path, damage: str) -> None:
    fitter = Fitter(RANKER, tmp_path)
    whole = fitter.fit(CORPUS)
    (name,) = kept(tmp_path)
    _damage(tmp_path / name, damage)
    assert fitter.kept(tmp_path / name) is None
    again = fitter.fit(CORPUS)
    assert again.rank(CANDIDATES, READER, now=NOW) == whole.rank(CANDIDATES, READER, now=NOW)
    assert fitter.kept(tmp_path / name) is not None


def _damage(path: Path, how: str) -> None:
    if how in {"cut", "empty", "text"}:
        content = path.read_bytes()
        path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"no model"}[how])
        return
    with np.load(path) as file:
        arrays = dict(file)
    changed = {
        "other format": {"format": np.array(-1)},
        "pickled": {"documents": np.array([{"a": 1}], dtype=object)},
        "missing part": {},
        "wrong shape": {"latents": arrays["latents"][:-1]},
        "no number": {"latents": arrays["latents"] * np.nan},
        "bare array": {},
    }[how]
    if how == "bare array":
        with path.open("wb") as out:
            np.save(out, arrays["data"])
        return
    if how == "missing part":
        del arrays["axes"]
    np.savez(path, allow_pickle=True, **(arrays | changed))


def test_no_damage_to_a_file_is_an_error(tmp_path: Path) -> None:
    Fitter(RANKER, tmp_path).fit(CORPUS[:120])
    (name,) = kept(tmp_path)
    path = tmp_path / name
    as_kept = Fitter(RANKER, tmp_path).kept(path)
    assert as_kept
    expected = as_kept.rank(CANDIDATES, READER, now=NOW)
    found = Counter[bool]()
    whole, chance = path.read_bytes(), random.Random(7)  # noqa: S311 - the same damage every time
    heads = [place for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6") for place in _places(whole, mark)]
    for number in range(600):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):  # mostly where zipfile and numpy read what the rest is
            at = min(chance.choice(heads) + chance.randrange(200), len(whole) - 1)
            damaged[at : at + 1] = chance.choice([b"", b"\0" * 9, b"(", b"\xff\xff", bytes([whole[at] ^ 1])])
        path.write_bytes(damaged[: at if number % 5 == 0 else None])
        read = Fitter(RANKER, tmp_path).kept(path)
        found[read is None] += 1
        assert read is None or read.rank(CANDIDATES, READER, now=NOW) == expected, "another model than was kept"
    assert found[True] > 300, "the damage is none"


def _places(content: bytes, mark: bytes) -> list[int]:
    return [at for at in range(len(content)) if content.startswith(mark, at)]


@pytest.mark.parametrize("broken", ["newsletter.rank.saving.model_from", "newsletter.rank.meaning.from_arrays"])
def test_a_mistake_of_our_own_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    ranker = dataclasses.replace(RANKER, embedder=Words())
    Fitter(ranker, tmp_path).fit(CORPUS)

    def mistaken(*_: object) -> None:
        raise AttributeError("a slip of the pen")

    monkeypatch.setattr(broken, mistaken)
    with pytest.raises(AttributeError, match="slip of the pen"):
        Fitter(ranker, tmp_path).fit(CORPUS)
    if "meaning" in broken:  # asked for another corpus, too, for what the embedder said before
        with pytest.raises(AttributeError, match="slip of the pen"):
            Fitter(ranker, tmp_path).fit(CORPUS[:200])


def test_only_the_newest_models_stay(tmp_path: Path) -> None:
    for number in range(110, 160, 10):
        Fitter(RANKER, tmp_path).fit(CORPUS[:number])
        for age, name in enumerate(kept(tmp_path)):
            os.utime(tmp_path / name, (1_000 + age, 1_000 + age))
    assert len(kept(tmp_path)) == 3


def test_a_tiny_corpus_is_not_worth_a_file(tmp_path: Path) -> None:
    fitted = Fitter(RANKER, tmp_path / "models").fit(CORPUS[:99])
    assert fitted.model is None
    assert not (tmp_path / "models").exists()


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file is in the way")
    fitted = Fitter(RANKER, tmp_path / "models").fit(CORPUS)
    assert fitted.model is not None


def test_what_an_embedder_said_is_kept_and_asked_for_only_where_it_is_new(tmp_path: Path) -> None:
    first = Words()
    whole = Fitter(dataclasses.replace(RANKER, embedder=first), tmp_path).fit(CORPUS)
    assert first.asked == len(CORPUS)
    second = Words()
    found = Fitter(dataclasses.replace(RANKER, embedder=second), tmp_path).fit(CORPUS)
    assert second.asked == 0
    assert found.meaning is not None
    assert whole.meaning is not None
    assert (found.meaning.rows == whole.meaning.rows).all()
    third = Words()
    Fitter(dataclasses.replace(RANKER, embedder=third), tmp_path).fit([*CORPUS, *papers(401)[400:]])
    assert third.asked == 1
    other = Words(name="another model")
    Fitter(dataclasses.replace(RANKER, embedder=other), tmp_path).fit(CORPUS)
    assert other.asked == len(CORPUS)


def test_an_embedder_has_its_say_in_the_match() -> None:
    wish = Profile(interests=("robot grasp",))
    plain = RANKER.fit(CORPUS).rank(CANDIDATES, wish, now=NOW)
    blended = dataclasses.replace(RANKER, embedder=Words(), meaning_weight=0.5).fit(CORPUS)
    assert [one.score for one in blended.rank(CANDIDATES, wish, now=NOW)] != [one.score for one in plain]
    none = dataclasses.replace(RANKER, embedder=Words(), meaning_weight=0.0).fit(CORPUS)
    assert none.rank(CANDIDATES, wish, now=NOW) == plain


SHAPING = Shaping(look="look", ranking="ranking")
ISSUE = Issue(period="2026-02-09", papers=tuple(CANDIDATES))


@pytest.mark.parametrize(
    "corpus",
    [
        pytest.param([*CORPUS[:-1], dataclasses.replace(CORPUS[-1], listed_on=date(2025, 1, 1))], id="an earlier day"),
        pytest.param([*CORPUS[:-1], dataclasses.replace(CORPUS[-1], title="another")], id="another title"),
        pytest.param(CORPUS[:-1], id="a paper less"),
    ],
)
def test_an_approval_binds_all_that_a_model_learns_from(corpus: list[Paper]) -> None:
    assert seal_of(ISSUE, SHAPING, CORPUS) == seal_of(ISSUE, SHAPING, list(CORPUS))
    assert seal_of(ISSUE, SHAPING, corpus) != seal_of(ISSUE, SHAPING, CORPUS)


def test_an_approval_binds_how_fast_votes_grow_but_only_as_a_part_of_the_ranking() -> None:
    grown = dataclasses.replace(ISSUE, papers=(dataclasses.replace(CANDIDATES[0], growth=9), *CANDIDATES[1:]))
    look, _, ranking = seal_of(ISSUE, SHAPING, CORPUS).partition(".")
    assert seal_of(grown, SHAPING, CORPUS).partition(".")[0] == look
    assert seal_of(grown, SHAPING, CORPUS).partition(".")[2] != ranking


def test_what_a_killed_process_left_half_written_goes_after_a_while(tmp_path: Path) -> None:
    for name, age in ((".old.1.npz", 7_200), (".new.2.npz", 60)):
        (tmp_path / name).write_bytes(b"half")
        now = datetime.now(UTC).timestamp()
        os.utime(tmp_path / name, (now - age, now - age))
    Fitter(RANKER, tmp_path).fit(CORPUS)
    assert [name for name in kept(tmp_path) if name.startswith(".")] == [".new.2.npz"]


def test_a_model_of_another_corpus_is_not_taken_for_this_one(tmp_path: Path) -> None:
    Fitter(RANKER, tmp_path / "a").fit(CORPUS)
    Fitter(RANKER, tmp_path / "b").fit(CORPUS[:300])
    (own,), (other,) = kept(tmp_path / "a"), kept(tmp_path / "b")
    (tmp_path / "b" / other).replace(tmp_path / "a" / own)
    fitted = Fitter(RANKER, tmp_path / "a").fit(CORPUS)
    assert fitted.model is not None
    assert fitted.model.documents == len(CORPUS)
