from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import UsageError
from newsletter.model import Paper
from newsletter.rank.replay import ReadingList, cut_of, development, replay

START = date(2026, 1, 1)


def day(number: int) -> date:
    return START + timedelta(days=number)


def paper(key: str, listed: int | None) -> Paper:
    return Paper(id=key, source="t", title=key, listed_on=None if listed is None else day(listed))


def reading(**added: int) -> ReadingList:
    return ReadingList(name="mine", added={key: day(number) for key, number in added.items()})


def test_the_cut_is_where_three_fifths_were_added() -> None:
    assert cut_of(reading(a=0, b=1, c=2, d=7, e=9)) == day(7)
    with pytest.raises(UsageError, match="the list mine has no entries"):
        cut_of(reading())


def test_what_was_known_before_the_cut_and_what_came_after_are_kept_apart() -> None:
    papers = [
        paper("a", 0),
        paper("b", 1),
        paper("x", 2),
        paper("y", 8),
        paper("d", 8),
        paper("z", 9),
        paper("n", None),
    ]
    split = replay(papers, reading(a=0, b=3, c=4, d=8, z=5, e=9))
    assert split.cut == day(5)
    assert [one.id for one in split.corpus] == ["a", "b", "x"]
    assert split.liked == ("a", "b")
    assert [(one.day, [two.id for two in one.papers], one.wanted) for one in split.days] == [
        (day(8), ["d", "y"], frozenset({"d"}))
    ]


def test_a_paper_that_was_listed_early_but_added_after_the_cut_is_not_learned_from() -> None:
    papers = [paper("a", 0), paper("late", 0), paper("d", 8), paper("y", 8)]
    assert replay(papers, reading(a=0, b=1, c=2, d=8, late=9)).liked == ("a",)


@pytest.mark.parametrize(
    "papers", [[], [paper("d", 8), paper("y", 8)], [paper("a", 0)], [paper("a", 0), paper("d", 8)]]
)
def test_papers_that_leave_nothing_to_replay_are_refused(papers: list[Paper]) -> None:
    with pytest.raises(UsageError, match="where the list mine is cut; give more papers"):
        replay(papers, reading(a=0, b=1, c=2, d=8, e=9))


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 20), min_size=1),
    st.lists(st.builds(paper, st.sampled_from("abcdefghijkl"), st.integers(0, 20)), max_size=20),
)
def test_nothing_that_is_learned_from_was_known_only_later(added: dict[str, int], papers: list[Paper]) -> None:
    mine = reading(**added)
    try:
        split = replay(papers, mine)
    except UsageError:
        return
    assert all(one.listed_on and one.listed_on < split.cut for one in split.corpus)
    assert all(mine.added[key] < split.cut for key in split.liked)
    for one in split.days:
        assert one.day >= split.cut
        assert one.wanted
        assert all(mine.added[key] >= one.day for key in one.wanted)
    changed = [dataclasses.replace(one, title="changed") if one.listed_on == day(20) else one for one in papers]
    if split.cut < day(20):
        assert replay(changed, mine).corpus == split.corpus


def test_the_development_part_sees_no_day_of_the_whole_replay() -> None:
    mine = reading(a=0, b=1, c=2, d=7, e=9)
    assert set(development(mine).added) == {"a", "b", "c"}
    assert cut_of(development(mine)) < cut_of(mine)
