"""What a reader likes and dislikes: references matched with a store, and the profile that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.reference import Reference
from newsletter.errors import UsageError
from newsletter.model import Paper, Profile
from newsletter.pipeline.tastes import (
    MOST_PAPERS,
    Taste,
    check_tastes,
    match,
    settled,
    with_taste,
    without_taste,
)
from newsletter.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
ARXIV = Paper(id="1706.03762", source="huggingface", title="Attention Is All You Need")
FEED = Paper(id="blog:1f", source="blog", title="Notes on Attention")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'newsletter.db'}") as opened:
        opened.papers.add([ARXIV, FEED], taken_at=NOW)
        yield opened


def named(paper: str = "", title: str = "") -> Reference:
    return Reference(name="it", id=paper, title=title)


def test_a_paper_is_matched_by_id_else_by_title(store: Store) -> None:
    found = match(
        store,
        [
            named("2001.00001", "Something Else"),
            named("blog:1f"),
            named(title="Attention is all you need!"),
            named("1706.03762"),
            named("2001.00001"),
        ],
    )
    assert found.ids == ("2001.00001", "blog:1f", "1706.03762")
    assert (found.waiting, found.stored, found.problems) == (("2001.00001",), 2, ())


def test_an_id_that_is_not_stored_means_its_twin_only_where_that_has_no_id_of_its_own(store: Store) -> None:
    assert match(store, [named("2001.00001", FEED.title)]).ids == (FEED.id,)
    assert match(store, [named("2001.00001", ARXIV.title)]).ids == ("2001.00001",)


def test_what_means_no_paper_or_several_is_named_and_left_out(store: Store) -> None:
    twins = [replace(ARXIV, id=f"2001.0000{number}", title="Introduction") for number in range(5)]
    store.papers.add(twins, taken_at=NOW)
    found = match(store, [named(title="Introduction"), named(title="Unheard of"), named("blog:2", "blog:2"), named()])
    assert found.ids == ()
    several, *none = found.problems
    assert several == (
        "it: 5 stored papers have this title (2001.00000, 2001.00001, 2001.00002 and 2 more); name the id"
    )
    assert none == ["it: no arXiv id, and no stored paper has this id or title"]


def test_a_merged_papers_old_id_means_the_new_one(store: Store) -> None:
    store.papers.add([replace(ARXIV, id="2001.00009", title=FEED.title)], taken_at=NOW)
    assert match(store, [named(FEED.id), named("2001.00009")]).ids == ("2001.00009",)
    before = Profile(topics=("agents",), liked=(FEED.id, "2001.00009", "x:1"), disliked=("1706.03762",))
    after = settled(before, store.lookup.former())
    assert after == Profile(topics=("agents",), liked=("2001.00009", "x:1"), disliked=("1706.03762",))
    assert settled(Profile(liked=("2001.00009",), disliked=(FEED.id,)), store.lookup.former()).disliked == ()


def test_what_a_profile_holds_can_be_named_without_being_stored(store: Store) -> None:
    assert match(store, [named("other:7", "other:7")]).ids == ()
    assert match(store, [named("other:7", "other:7")], held=["other:7"]).ids == ("other:7",)


def test_the_newer_word_wins_and_the_order_stays() -> None:
    profile = with_taste(Profile(interests=("bees",)), Taste.LIKED, ["a", "b", "c", "a"])
    assert profile == Profile(interests=("bees",), liked=("a", "b", "c"))
    profile = with_taste(profile, Taste.DISLIKED, ["d", "b"])
    assert (profile.liked, profile.disliked) == (("a", "c"), ("d", "b"))
    profile = with_taste(profile, Taste.LIKED, ["b", "a"])
    assert (profile.liked, profile.disliked) == (("a", "c", "b"), ("d",))
    assert without_taste(profile, ["d", "c", "z"]) == Profile(interests=("bees",), liked=("a", "b"))


words = st.lists(st.tuples(st.sampled_from(Taste), st.lists(st.sampled_from("abcdef"), max_size=4)), max_size=8)


@given(words)
def test_each_paper_is_where_its_last_word_put_it(said: list[tuple[Taste, list[str]]]) -> None:
    profile = Profile()
    last: dict[str, Taste] = {}
    for taste, papers in said:
        profile = with_taste(profile, taste, papers)
        last |= dict.fromkeys(papers, taste)
    for taste in Taste:
        held: tuple[str, ...] = getattr(profile, taste)
        assert sorted(held) == sorted(paper for paper, word in last.items() if word is taste)


def test_a_profile_holds_so_many_and_no_more() -> None:
    full = with_taste(Profile(disliked=("x",)), Taste.LIKED, (f"2001.{number:05}" for number in range(MOST_PAPERS - 1)))
    assert len(full.liked) == MOST_PAPERS - 1
    with pytest.raises(UsageError, match="5,001 liked and disliked papers; 5,000 are the most"):
        with_taste(full, Taste.DISLIKED, ["y"])
    assert len(with_taste(full, Taste.LIKED, ["x"]).liked) == MOST_PAPERS
    with pytest.raises(UsageError, match="100,000 are the most"):
        with_taste(Profile(), Taste.LIKED, (f"blog:{number:0300}" for number in range(400)))


def test_a_paper_on_both_lists_is_named() -> None:
    with pytest.raises(UsageError, match="both liked and disliked: b, c"):
        check_tastes(Profile(liked=("a", "b", "c"), disliked=("c", "b")))
