"""Many readers at once: each gets what they would get alone, whoever is asked for beside them."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Paper, Profile
from newsletter.rank import matching, panel, selections
from tests.rank import made_up
from tests.rank.made_up import NOW, fitted, picked_slowly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from newsletter.model import Topic
    from newsletter.rank.ranker import Ranker

thorough = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
READERS = 300


@pytest.fixture(scope="module")
def last_day(days: Mapping[date, tuple[Paper, ...]]) -> tuple[Paper, ...]:
    return list(days.values())[-1]


@pytest.fixture(scope="module")
def readers(month: Sequence[Paper], topics: tuple[Topic, ...]) -> list[Profile]:
    """Readers of every kind, drawn with a fixed seed: with and without words, follows, mutes, likes and dislikes."""
    chance = random.Random(7)  # noqa: S311 - a draw of readers, no secret
    return [_reader(chance, month, [topic.name for topic in topics]) for _ in range(READERS)]


def _reader(chance: random.Random, month: Sequence[Paper], topics: Sequence[str]) -> Profile:
    def some(most: int) -> list[Paper]:
        return chance.sample(month, chance.choice([0, 0, 1, most]))

    words = [" ".join(paper.title.split()[:3]).replace("-", " ") for paper in some(3)]
    return Profile(
        topics=tuple(chance.sample(topics, chance.choice([0, 1, 5]))),
        interests=tuple(chance.choice(['{} -"tool use"', '"{}"', "{}", "{} -agents"]).format(text) for text in words),
        muted=chance.choice([(), (), ("robot",), ("LLM", "🤖")]),
        authors=tuple(paper.authors[0] for paper in some(2) if paper.authors),
        organisations=tuple(paper.organisation for paper in some(2)),
        liked=tuple(paper.id for paper in some(chance.choice([2, 10, 60]))),
        disliked=tuple(paper.id for paper in some(5)),
    )


def test_nobody_gets_another_list_or_score_for_who_is_asked_for_beside_them(
    ranker: Ranker, last_day: tuple[Paper, ...], readers: list[Profile]
) -> None:
    together = ranker.rank_many(last_day, readers, now=NOW)
    backwards = ranker.rank_many(last_day, readers[::-1], now=NOW)
    for reader, profile in enumerate(readers):
        assert together[reader] == backwards[READERS - 1 - reader]
        assert together.open_to(reader) == backwards.open_to(READERS - 1 - reader)
        if reader % 10 == 0:
            alone = dataclasses.replace(ranker).rank_many(last_day, [profile], now=NOW)
            assert alone[0] == together[reader]
    assert len({together.ids(reader) for reader in range(READERS)}) > READERS / 2


def test_small_blocks_of_any_kind_change_nothing(
    ranker: Ranker, last_day: tuple[Paper, ...], readers: list[Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = list(ranker.rank_many(last_day, readers, now=NOW))
    monkeypatch.setattr(selections, "_BLOCK", 7)
    monkeypatch.setattr(selections, "_TOLD", 3)
    monkeypatch.setattr(panel, "_LEARNING_AT_ONCE", 2)
    monkeypatch.setattr(matching, "_REMEMBERED", 20)
    assert list(dataclasses.replace(ranker).rank_many(last_day, readers, now=NOW)) == at_once


def test_everyone_gets_what_a_plain_picker_takes_from_the_order_for_them_alone(
    ranker: Ranker, last_day: tuple[Paper, ...], readers: list[Profile]
) -> None:
    pins, hides = (last_day[4].id, last_day[2].id), {last_day[0].id}
    selected = ranker.rank_many(last_day, iter(readers), now=NOW, size=5, pins=pins, hides=hides)
    for reader, profile in enumerate(readers):
        ranked = ranker.rank(last_day, profile, now=NOW)
        assert selected[reader] == picked_slowly(last_day, ranked, size=5, pins=pins, barred=hides)


@thorough
@given(
    candidates=made_up.candidates,
    profiles=st.lists(made_up.profiles, min_size=1, max_size=6),
    corpus=st.sampled_from([120, 320]),
    size=st.integers(0, 8),
)
def test_equal_profiles_share_one_list_and_others_do_not_touch_it(
    candidates: list[Paper], profiles: list[Profile], corpus: int, size: int
) -> None:
    ranker = fitted(corpus)
    twice = [*profiles, *map(dataclasses.replace, reversed(profiles))]
    selected = ranker.rank_many(candidates, twice, now=NOW, size=size)
    for reader, profile in enumerate(profiles):
        assert selected[reader] is selected[len(twice) - 1 - reader]
        alone = dataclasses.replace(ranker).rank_many(candidates, [profile], now=NOW, size=size)
        assert alone[0] == selected[reader]
        assert alone.ids(0) == selected.ids(reader)
        assert alone.open_to(0) == selected.open_to(reader)


@thorough
@given(
    candidates=made_up.candidates,
    profile=made_up.profiles,
    sent=st.dictionaries(st.sampled_from([1, 3, 9]), made_up.some_ids),
    pins=made_up.some_ids,
    size=st.integers(0, 8),
)
def test_what_a_reader_was_sent_never_comes_again_and_stays_with_all_others(
    candidates: list[Paper], profile: Profile, sent: dict[int, tuple[str, ...]], pins: tuple[str, ...], size: int
) -> None:
    ranker = fitted(320)
    selected = ranker.rank_many(candidates, [profile] * 5, now=NOW, size=size, pins=pins, already_sent=sent)
    plain = ranker.rank_many(candidates, [profile], now=NOW, size=size, pins=pins)
    open_ids = {one.paper.id for one in ranker.rank(candidates, profile, now=NOW)}
    for reader in range(5):
        got = sent.get(reader, ())
        assert not {*selected.ids(reader)} & {*got}
        assert selected.open_to(reader) == len(open_ids - {*got})
        assert len(selected[reader]) == min(size, selected.open_to(reader))
        if not open_ids & {*got}:
            assert selected[reader] == plain[0]
        else:
            hidden = ranker.rank_many(candidates, [profile], now=NOW, size=size, pins=pins, hides=got)
            assert selected[reader] == hidden[0]
    assert selected[0] is selected[2] is selected[4]


def test_a_selection_is_told_the_same_again_and_after_other_candidates_were_ranked(
    ranker: Ranker, last_day: tuple[Paper, ...], readers: list[Profile]
) -> None:
    selected = ranker.rank_many(last_day, readers[:20], now=NOW)
    first = selected[3]
    ranker.rank_many(last_day[:3], readers, now=NOW)
    ranker.rank(last_day, readers[50], now=NOW)
    later = [selected[reader] for reader in range(20)]
    assert later[3] is first
    assert later == list(dataclasses.replace(ranker).rank_many(last_day, readers[:20], now=NOW))
    with pytest.raises(IndexError):
        selected[20]


def test_readers_of_one_profile_who_got_the_same_paper_before_share_one_selection(
    ranker: Ranker, last_day: tuple[Paper, ...]
) -> None:
    sent = {reader: {last_day[reader % 2].id} for reader in range(6)}
    selected = ranker.rank_many(last_day, [Profile(interests=("video",))] * 8, now=NOW, already_sent=sent)
    assert len(selected.profiles) == 3
    assert selected[0] is selected[2]
    assert selected[6] is selected[7]
    assert last_day[0].id not in selected.ids(0)
    assert last_day[1].id not in selected.ids(1)


def test_a_smaller_digest_is_the_beginning_of_a_larger_one_also_among_copies(ranker: Ranker) -> None:
    text = "video diffusion of camera motion over many frames, with a memory of what was seen before"
    copies = [
        Paper(id=f"2600.{number:05d}", source="test", title="Video diffusion", abstract=f"{text} {number}", upvotes=9)
        for number in range(60)
    ]
    others = [
        Paper(
            id=f"2700.{number:05d}", source="test", title=f"Video {word}", abstract=f"Of video and {word}.", upvotes=1
        )
        for number, word in enumerate(("editing", "depth", "speech", "robots", "memory"))
    ]
    reader = [Profile(interests=("video diffusion",))]
    whole = ranker.rank_many([*copies, *others], reader, now=NOW, size=30).ids(0)
    for size in (1, 3, 10):
        assert ranker.rank_many([*copies, *others], reader, now=NOW, size=size).ids(0) == whole[:size]
    assert sum(key.startswith("2600.") for key in whole[:6]) == 1


def test_no_reader_has_more_wishes_than_a_table_bears(ranker: Ranker, last_day: tuple[Paper, ...]) -> None:
    many = Profile(interests=(", ".join(f"word{number}" for number in range(1_500)),))
    ranker.rank_many(last_day, [many], now=NOW)
    assert len(ranker._panel(last_day, NOW).table.wishes) <= 101


def test_a_paper_that_a_reader_dislikes_fills_no_digest_while_there_is_another(
    ranker: Ranker, last_day: tuple[Paper, ...]
) -> None:
    favourite = max(last_day, key=lambda paper: (paper.upvotes or 0, paper.id))
    reader = Profile(disliked=(favourite.id,))
    plain = ranker.rank_many(last_day, [Profile()], now=NOW, size=5).ids(0)
    chosen = ranker.rank_many(last_day, [reader], now=NOW, size=len(last_day)).ids(0)
    assert plain[0] == favourite.id
    assert favourite.id not in chosen[:5]
