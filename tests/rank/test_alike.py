"""Near-duplicates do not fill a digest, and nothing changes where there are none."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from newsletter.model import Paper, Profile
from newsletter.rank.candidates import prepare
from newsletter.rank.select import _SAME, ALIKE
from newsletter.rank.terms import Vocabulary
from tests.rank.made_up import NOW, likeness_of, picked_slowly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from newsletter.rank.ranker import Ranker

WISHES = {
    "topic": Profile(topics=("robotics",)),
    "words": Profile(interests=("robot navigation",)),
    "nothing": Profile(),
    "one like": Profile(liked=("2607.09125",)),
    "likes and words": Profile(interests=("3d",), liked=("2607.09125", "2607.10623", "2607.10350")),
    "follow": Profile(organisations=("University", "Lab")),
}
DIFFERENCES = (("", ""), (" again", ""), (" (v2)", " Code is out."), (": A report", ""), ("", " To appear soon."))


@pytest.fixture(scope="module")
def day(days: Mapping[date, tuple[Paper, ...]]) -> tuple[Paper, ...]:
    return next(papers for day, papers in days.items() if day.isoformat() == "2026-07-14")


def copies(paper: Paper) -> list[Paper]:
    """Return five papers that say what `paper` says, with other ids and tiny differences; the last has most votes."""
    return [
        dataclasses.replace(
            paper,
            id=f"{paper.id}{'abcde'[place]}",
            title=paper.title + title,
            abstract=paper.abstract + end,
            upvotes=(paper.upvotes or 0) + place,
        )
        for place, (title, end) in enumerate(DIFFERENCES)
    ]


def of_one(chosen: Iterable[str], paper: Paper) -> list[str]:
    return [key for key in chosen if key.startswith(paper.id)]


@pytest.mark.parametrize("profile", WISHES.values(), ids=WISHES.keys())
@pytest.mark.parametrize("place", [0, 1, 5])
def test_five_copies_take_one_place(profile: Profile, place: int, ranker: Ranker, day: tuple[Paper, ...]) -> None:
    paper = ranker.rank(day, profile, now=NOW)[place].paper
    given = [*(other for other in day if other is not paper), *copies(paper)]
    chosen = ranker.rank_many(given, [profile], now=NOW, size=10).ids(0)
    assert len(of_one(chosen, paper)) == 1
    assert len(chosen) == 10
    assert {*chosen} - {*of_one(chosen, paper)} <= {other.id for other in day}


def test_where_there_is_room_for_all_copies_come_last(ranker: Ranker, day: tuple[Paper, ...]) -> None:
    paper = ranker.rank(day, WISHES["words"], now=NOW)[0].paper
    given = [*(other for other in day if other is not paper), *copies(paper)]
    selected = ranker.rank_many(given, [WISHES["words"]], now=NOW, size=100)
    chosen = selected.ids(0)
    assert sorted(chosen) == sorted(one.id for one in given)
    assert len(of_one(chosen[-4:], paper)) == 4
    assert selected.open_to(0) == len(given)


def test_a_pinned_copy_stays_first_and_the_rest_give_way(ranker: Ranker, day: tuple[Paper, ...]) -> None:
    paper = ranker.rank(day, WISHES["words"], now=NOW)[0].paper
    given = [*day, *copies(paper)]
    pins = (f"{paper.id}b", f"{paper.id}c")
    chosen = ranker.rank_many(given, [WISHES["words"], Profile()], now=NOW, pins=pins, size=8)
    for reader in range(2):
        assert chosen.ids(reader)[:2] == pins  # what the editor wants, even twice
        assert len(of_one(chosen.ids(reader), paper)) == 2


def test_who_was_sent_or_not_open_is_no_reason_to_drop_another(ranker: Ranker, day: tuple[Paper, ...]) -> None:
    paper = ranker.rank(day, WISHES["words"], now=NOW)[0].paper
    hidden = [f"{paper.id}{letter}" for letter in "acde"]
    given = [*(other for other in day if other is not paper), *copies(paper)]
    chosen = ranker.rank_many(given, [WISHES["words"]], now=NOW, hides=hidden).ids(0)
    assert chosen[0] == f"{paper.id}b"


def test_half_a_new_text_loses_places_and_is_not_lost(ranker: Ranker, day: tuple[Paper, ...]) -> None:
    profile = Profile(interests=(day[0].title,))  # so good a match that half of it is still one
    paper = ranker.rank(day, profile, now=NOW)[0].paper
    words = paper.abstract.split()
    own = " ".join(f"new{place}" for place in range(len(words) // 3))
    half = dataclasses.replace(paper, id="half", abstract=f"{' '.join(words[: len(words) * 2 // 3])} {own}", upvotes=0)
    given = [*day, half]
    likeness = likeness_of(ranker._panel(given, NOW).ready)
    row = sorted(one.id for one in given).index(paper.id)
    assert ALIKE < likeness[-1, row] < _SAME
    ranked = [one.paper.id for one in ranker.rank(given, profile, now=NOW)]
    chosen = ranker.rank_many(given, [profile], now=NOW, size=len(given)).ids(0)
    assert chosen.index("half") >= ranked.index("half")
    assert chosen.index(paper.id) < chosen.index("half") < len(given) - 1


@pytest.mark.parametrize("profile", WISHES.values(), ids=WISHES.keys())
def test_without_near_duplicates_nothing_is_thinned_out(
    profile: Profile, ranker: Ranker, days: Mapping[date, tuple[Paper, ...]]
) -> None:
    for given in list(days.values())[::3]:
        ranked = ranker.rank(given, profile, now=NOW)
        assert ranker.rank_many(given, [profile], now=NOW)[0] == picked_slowly(given, ranked, size=10)


def test_no_two_papers_of_a_day_or_week_are_taken_for_the_same_unless_they_are(
    replayed: tuple[Paper, ...], ranker: Ranker, aliases: Mapping[str, Sequence[str]]
) -> None:
    assert ranker.model
    weeks: dict[tuple[int, int], list[Paper]] = {}
    for paper in replayed:
        assert paper.listed_on
        weeks.setdefault(paper.listed_on.isocalendar()[:2], []).append(paper)
    alike, greatest, pairs = [], 0.0, 0
    for papers in weeks.values():
        ready = prepare(papers, Vocabulary(aliases), ranker.model)
        above = np.triu(likeness_of(ready), 1)
        pairs += len(papers) * (len(papers) - 1) // 2
        alike += [{ready.papers[row].id for row in pair} for pair in np.argwhere(above >= ALIKE)]
        greatest = max(greatest, above[above < ALIKE].max())
    assert pairs > 400_000
    assert alike == [{"2512.10739", "2512.10756"}]  # one abstract under two titles
    assert 0.2 < greatest < 0.35


def test_a_text_with_every_tenth_word_another_is_taken_for_the_same(
    replayed: tuple[Paper, ...], ranker: Ranker, aliases: Mapping[str, Sequence[str]]
) -> None:
    assert ranker.model
    sample = replayed[::100]
    tenth, second = ([_changed(paper, other, every) for paper, other in pairwise(sample)] for every in (10, 2))
    ready = prepare(sample[:-1], Vocabulary(aliases), ranker.model)
    likeness = [
        np.asarray(
            ready.vectors.multiply(prepare(papers, Vocabulary(aliases), ranker.model).vectors).sum(axis=1)
        ).ravel()
        for papers in (tenth, second)
    ]
    assert np.median(likeness[0]) > _SAME > ALIKE
    assert np.median(likeness[1]) < _SAME


def _changed(paper: Paper, other: Paper, every: int) -> Paper:
    """Return a paper with every so many words of its abstract those of another one's."""
    foreign = other.abstract.split()
    words = [
        foreign[place % len(foreign)] if place % every == 0 else word
        for place, word in enumerate(paper.abstract.split())
    ]
    return dataclasses.replace(paper, abstract=" ".join(words))
