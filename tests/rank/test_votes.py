"""What upvotes are worth beside others of other ages, and what is said of them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Paper
from newsletter.rank.votes import day_ranks, ordinal, said, vote_reasons, vote_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

MONDAY = date(2026, 7, 13)
FRIDAY = date(2026, 7, 17)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
SATURDAY_MORNING = datetime(2026, 7, 18, 6, tzinfo=UTC)
_SETTLING_HOURS = 60.0  # gives +85 % in the 18 hours after the first 16, and 94 % of all votes in a week


def paper(upvotes: int | None, day: date | None = MONDAY, *, growth: int | None = None, key: object = "x") -> Paper:
    return Paper(id=str(key), source="test", title="T", listed_on=day, upvotes=upvotes, growth=growth)


def shares(papers: Sequence[Paper], now: datetime = SATURDAY_MORNING) -> list[float]:
    found: list[float] = vote_shares(papers, now=now).tolist()
    return found


def places(papers: Sequence[Paper]) -> dict[str, int]:
    best = sorted(zip(shares(papers), papers, strict=True), key=lambda pair: -pair[0])
    return {one.id: place for place, (_, one) in enumerate(best, start=1)}


counts = st.none() | st.integers(0, 900)
growths = st.none() | st.integers(0, 300)
listed = st.integers(0, 40).map(lambda days: MONDAY - timedelta(days=days))
papers = st.lists(
    st.builds(paper, counts, st.none() | listed, growth=growths, key=st.integers(0, 9)), min_size=1, max_size=40
)


@given(st.lists(st.tuples(counts, growths), min_size=1, max_size=40), st.integers(-3, 40))
def test_papers_of_one_day_get_log1p_over_the_largest_and_no_more(
    given_counts: list[tuple[int | None, int | None]], age: int
) -> None:
    day = [paper(upvotes, growth=growth) for upvotes, growth in given_counts]
    logs = np.log1p(np.array([one.upvotes or 0 for one in day]))
    now = datetime(2026, 7, 13, 9, tzinfo=UTC) + timedelta(days=age)
    assert vote_shares(day, now=now).tolist() == (logs / max(logs.max(), math.log(2))).tolist()


@given(papers, st.data())
def test_shares_are_bounded_and_the_order_of_the_papers_shows_in_none(some: list[Paper], data: st.DataObject) -> None:
    found = shares(some)
    shuffled = data.draw(st.permutations(range(len(some))))
    assert shares([some[row] for row in shuffled]) == [found[row] for row in shuffled]
    assert all(0 <= share <= 1 for share in found)
    assert all((share > 0) == bool(one.upvotes) for share, one in zip(found, some, strict=True))


def test_not_even_the_last_bit_depends_on_the_order_of_many_papers() -> None:
    month = [
        paper(n * 37 % 101, MONDAY - timedelta(days=n % 5), growth=None if n % 3 == 0 else n * 53 % 97)
        for n in range(300)
    ]
    found = shares(month)
    assert shares(month[::-1])[::-1] == found
    assert shares([*month[150:], *month[:150]]) == [*found[150:], *found[:150]]


@given(papers, listed, growths, st.integers(0, 900), st.integers(0, 900))
def test_of_one_age_and_growth_more_upvotes_are_worth_more(
    some: list[Paper], day: date, growth: int | None, one: int, other: int
) -> None:
    fewer, more = shares(
        [paper(min(one, other), day, growth=growth), paper(max(one, other), day, growth=growth), *some]
    )[:2]
    assert fewer <= more
    assert (fewer < more) == (one != other)


@given(papers, listed, st.integers(1, 900), st.integers(0, 300), st.integers(0, 300))
def test_of_one_age_and_count_faster_growth_is_never_worth_less(
    some: list[Paper], day: date, upvotes: int, one: int, other: int
) -> None:
    slower, faster = shares(
        [paper(upvotes, day, growth=min(one, other)), paper(upvotes, day, growth=max(one, other)), *some]
    )[:2]
    assert slower <= faster


@given(papers, listed, listed, st.integers(1, 900), growths)
def test_of_one_count_and_growth_the_younger_paper_is_never_worth_less(
    some: list[Paper], one: date, other: date, upvotes: int, growth: int | None
) -> None:
    pair = [paper(upvotes, max(one, other), growth=growth), paper(upvotes, min(one, other), growth=growth)]
    younger, older = shares([*pair, *some])[:2]
    assert younger >= older


def week() -> list[Paper]:
    """Return five days with the same settled counts, as they stand on Saturday morning and had stood at Friday noon."""
    found = []
    for day in range(5):
        for settled in (200, 120, 80, 50, 30, 20, 12, 8, 5, 3, 2, 1):
            age = (FRIDAY - MONDAY).days * 24 - day * 24
            before, now = (settled * (1 - math.exp(-(age + hours) / _SETTLING_HOURS)) for hours in (12, 30))
            growth = round((now - before) / (18 / 24))
            listed_on = MONDAY + timedelta(days=day)
            found.append(paper(round(now), listed_on, growth=growth, key=f"{listed_on:%a}-{settled}"))
    return found


def test_fridays_best_stands_with_the_best_of_other_days_and_growth_helps_it_further() -> None:
    full = week()
    by_count = sorted(full, key=lambda one: -(one.upvotes or 0))
    assert [one.id for one in by_count].index("Fri-200") == 7
    without = [replace(one, growth=None) for one in full]
    for known in (full, without):
        assert {key for key, place in places(known).items() if place <= 5} == {f"{day}-200" for day in DAYS}
    best = [one.id for one in full].index("Fri-200")
    assert shares(full)[best] > shares(without)[best] + 0.01


def test_where_every_day_was_counted_at_the_same_age_days_are_not_played_against_each_other() -> None:
    rising = [
        paper(n * (1 + day), MONDAY + timedelta(days=day), key=f"{day}-{n}") for day in range(5) for n in (1, 5, 20)
    ]
    plain = vote_shares([replace(one, listed_on=MONDAY) for one in rising], now=SATURDAY_MORNING)
    assert shares(rising) == pytest.approx(plain.tolist())


def test_the_only_paper_of_a_day_is_neither_a_star_nor_plain_for_being_alone() -> None:
    full = [replace(one, growth=None) for one in week()]
    plain, loved = (paper(upvotes, FRIDAY + timedelta(days=1), key="alone") for upvotes in (4, 150))
    assert places([*full, plain])["alone"] > len(full) / 2
    assert places([*full, loved])["alone"] == 1


def test_from_two_weeks_on_papers_are_of_one_age() -> None:
    days = [MONDAY - timedelta(days=days) for days in range(12)]
    old = [paper(100 - 8 * number, day) for number, day in enumerate(reversed(days))]
    later = datetime(2026, 7, 27, 6, tzinfo=UTC)
    plain = [math.log1p(one.upvotes or 0) / math.log1p(100) for one in old]
    assert shares(old, later) == pytest.approx(plain)
    assert shares(old, later - timedelta(days=8)) != pytest.approx(plain)


def test_unknown_growth_is_neutral() -> None:
    growing = [
        paper(40, FRIDAY, growth=30),
        paper(40, FRIDAY, growth=10),
        paper(40, FRIDAY),
        paper(40, MONDAY, growth=0),
    ]
    fast, slow, unknown, still = shares(growing)
    assert fast > unknown > slow > still


def test_a_paper_without_a_day_goes_by_when_it_was_published_or_by_the_middle() -> None:
    full = [replace(one, growth=None) for one in week()]
    published = replace(paper(50, None), published=FRIDAY)
    on_friday, by_published, undated, on_monday = shares(
        [paper(50, FRIDAY), published, paper(50, None), paper(50), *full]
    )[:4]
    assert on_friday == by_published > undated > on_monday


@pytest.mark.parametrize(
    "some", [[], [paper(None)], [paper(0), paper(None, FRIDAY)], [paper(None, None), paper(0, None)]]
)
def test_no_votes_at_all_are_zeros(some: list[Paper]) -> None:
    assert shares(some) == [0.0] * len(some)


def test_absurd_counts_still_give_shares() -> None:
    found = shares(
        [
            paper(2**31 - 1, growth=2**31 - 1),
            paper(-5, FRIDAY, growth=-5),
            paper(1, date(9999, 12, 31)),
            paper(3, date.min),
        ]
    )
    assert found[1] == 0.0
    assert max(found) == 1.0
    assert all(math.isfinite(share) for share in found)


# --- What is said ---------------------------------------------------------------------------------------------------


def test_ranks_are_those_of_the_day_and_ties_share_the_better_one() -> None:
    some = [paper(9), paper(3), paper(9), paper(2), paper(0), paper(None), paper(1, FRIDAY), paper(50, None)]
    assert day_ranks(some) == [1, 3, 1, 4, 0, 0, 1, 0]
    assert day_ranks([]) == []


@given(papers)
def test_a_rank_is_one_more_than_the_papers_of_the_day_with_more_upvotes(some: list[Paper]) -> None:
    for one, rank in zip(some, day_ranks(some), strict=True):
        if one.upvotes and one.listed_on:
            assert rank == 1 + sum((two.upvotes or 0) > one.upvotes for two in some if two.listed_on == one.listed_on)
        else:
            assert rank == 0


def test_the_reason_names_the_first_five_of_a_longer_day() -> None:
    assert said(142, 2, 14) == "142 upvotes, 2nd of 14 that day"
    assert said(142, 2, 14, shared=2) == "142 upvotes, joint 2nd of 14 that day"
    assert said(30, 5, 6) == "30 upvotes, 5th of 6 that day"
    assert said(30, 6, 14) == "30 upvotes"
    assert said(30, 2, 5) == "30 upvotes"
    assert said(30, 0, 0) == "30 upvotes"
    assert said(1, 1, 14, shared=9) == "1 upvote"
    assert said(0, 0, 14) == ""


def test_the_reasons_of_a_period_go_day_by_day() -> None:
    day = [paper(upvotes) for upvotes in (142, 90, 90, 12, 7, 7, 1, 0)]
    assert vote_reasons([*day, paper(200, FRIDAY), paper(8, None), paper(None)]) == [
        "142 upvotes, 1st of 8 that day",
        "90 upvotes, joint 2nd of 8 that day",
        "90 upvotes, joint 2nd of 8 that day",
        "12 upvotes, 4th of 8 that day",
        "7 upvotes",
        "7 upvotes",
        "1 upvote",
        "",
        "200 upvotes",
        "8 upvotes",
        "",
    ]


def test_ordinals_are_english() -> None:
    found = " ".join(ordinal(number) for number in (1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 101, 111, 113, 123))
    assert found == "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 101st 111th 113th 123rd"
