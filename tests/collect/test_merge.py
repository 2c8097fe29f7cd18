"""Papers from several sources become one, and no listing is lost."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.merge import merge_papers
from newsletter.model import Links, Paper, title_key

if TYPE_CHECKING:
    from random import Random

D1, D2 = date(2026, 7, 13), date(2026, 7, 14)


def test_the_same_id_on_the_same_day_is_one_paper_with_the_best_of_each() -> None:
    one = Paper(
        id="2607.1234",
        source="huggingface",
        title="A Title",
        abstract="Short.",
        raw_abstract="Short. ",
        authors=("A", "B"),
        author_count=2,
        listed_on=D1,
        upvotes=3,
        comments=None,
        links=Links(page="https://one.test/", stars=4),
    )
    other = Paper(
        id="2607.1234",
        source="arxiv",
        title="A  title",
        abstract="A longer one.",
        raw_abstract="A longer  one.",
        authors=("A",),
        author_count=5,
        organisation="Lab",
        published=D1,
        listed_on=D1,
        upvotes=2,
        comments=0,
        keywords=("k",),
        summary="S.",
        links=Links(page="https://two.test/", pdf="https://two.test/pdf", stars=9),
        thumbnail="https://two.test/t.png",
    )

    [merged] = merge_papers([one, other])

    assert merged == Paper(
        id="2607.1234",
        source="huggingface",
        title="A Title",
        abstract="A longer one.",
        raw_abstract="A longer  one.",
        authors=("A", "B"),
        author_count=5,
        organisation="Lab",
        published=D1,
        listed_on=D1,
        upvotes=3,
        comments=0,
        keywords=("k",),
        summary="S.",
        links=Links(page="https://one.test/", pdf="https://two.test/pdf", stars=9),
        thumbnail="https://two.test/t.png",
    )


def paper(key: str, source: str = "pages", title: str = "A Title", listed_on: date | None = D1) -> Paper:
    return Paper(id=key, source=source, title=title, listed_on=listed_on)


def ids(*papers: Paper) -> list[tuple[str, date | None]]:
    return [(one.id, one.listed_on) for one in merge_papers(papers)]


def test_two_days_of_one_paper_both_stay() -> None:
    assert ids(paper("2607.1234"), paper("2607.1234", listed_on=D2)) == [("2607.1234", D1), ("2607.1234", D2)]


def test_an_entry_without_a_day_joins_one_that_has_it() -> None:
    assert ids(paper("2607.1234", listed_on=None), paper("2607.1234", listed_on=D2)) == [("2607.1234", D2)]
    assert ids(paper("2607.1234", listed_on=None), paper("2607.1234", listed_on=None)) == [("2607.1234", None)]


def test_a_paper_without_an_id_is_told_by_its_title_in_another_source() -> None:
    page = paper("pages:a", title="A  Title:  of things")

    assert ids(page, paper("2607.1234", "huggingface", "A title of Things")) == [("2607.1234", D1)]
    assert ids(paper("2607.1234", "huggingface", "A title of Things"), page) == [("2607.1234", D1)]
    assert ids(page, paper("feed:b", "feed", "a title of things")) == [("pages:a", D1)]


def test_the_listings_of_a_paper_known_by_title_get_its_id() -> None:
    assert ids(paper("pages:a"), paper("2607.1234", "huggingface", listed_on=D2)) == [
        ("2607.1234", D1),
        ("2607.1234", D2),
    ]


def test_one_title_does_not_make_two_papers_one() -> None:
    assert ids(paper("2607.1234"), paper("2607.5678", "huggingface")) == [("2607.1234", D1), ("2607.5678", D1)]
    assert ids(paper("pages:a"), paper("pages:b")) == [("pages:a", D1), ("pages:b", D1)]
    assert ids(paper("pages:a", title="??"), paper("2607.1", "huggingface", "!!")) == [("pages:a", D1), ("2607.1", D1)]


def test_nobody_guesses_between_two_papers_of_one_title() -> None:
    both = (paper("2607.1234", "huggingface"), paper("2607.5678", "huggingface"))

    assert ids(paper("pages:a"), *both) == [("pages:a", D1), ("2607.1234", D1), ("2607.5678", D1)]


def test_nothing_merges_to_nothing() -> None:
    assert merge_papers([]) == ()


SOURCES = ("huggingface", "arxiv", "pages")
TITLES = ("one", "two", "?", "one")
PAPERS = st.builds(
    lambda number, own, source, day, upvotes: Paper(
        id=f"2607.1000{number}" if own else f"{source}:{number}",
        source=source,
        title=TITLES[number],
        listed_on=day,
        upvotes=upvotes,
    ),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(SOURCES),
    st.sampled_from([None, D1, D2]),
    st.none() | st.integers(0, 9),
)


@given(st.lists(PAPERS, max_size=12))
def test_each_paper_stands_once_a_day_and_no_arxiv_listing_is_lost(papers: list[Paper]) -> None:
    merged = [(one.id, one.listed_on) for one in merge_papers(papers)]

    assert len(merged) == len(set(merged))
    own = {(one.id, one.listed_on) for one in papers if one.has_own_id and one.listed_on}
    assert own <= set(merged)
    assert {one.id for one in papers if one.has_own_id} <= {identity for identity, _ in merged}
    assert {identity for identity, _ in merged} <= {one.id for one in papers}
    days = {(title_key(one.title), one.listed_on) for one in papers if one.listed_on}
    assert {day for _, day in days} == {day for _, day in merged if day}


@given(st.lists(PAPERS, max_size=12))
def test_the_highest_votes_survive(papers: list[Paper]) -> None:
    votes = [one.upvotes for one in papers if one.upvotes is not None]
    left = [one.upvotes for one in merge_papers(papers) if one.upvotes is not None]

    assert max(votes, default=None) == max(left, default=None)


@given(st.lists(PAPERS, max_size=12), st.sampled_from(SOURCES))
def test_papers_of_one_source_are_never_joined_by_title(papers: list[Paper], source: str) -> None:
    mine = [one for one in papers if one.source == source]

    assert {one.id for one in merge_papers(mine)} == {one.id for one in mine}


@given(st.lists(PAPERS, max_size=12))
def test_merging_again_changes_nothing(papers: list[Paper]) -> None:
    # A title is only matched in another source, and a merged paper has but one source left: so the papers with an id
    # come from other sources here than those without, as they do from the sources there are.
    merged = merge_papers(one for one in papers if one.has_own_id != (one.source == "pages"))

    assert merge_papers(merged) == merged


@given(st.lists(PAPERS, max_size=12), st.randoms(use_true_random=False))
def test_the_order_decides_no_listing_of_an_arxiv_paper(papers: list[Paper], random: Random) -> None:
    shuffled = random.sample(papers, len(papers))
    one, other = ({(p.id, p.listed_on) for p in merge_papers(each) if p.has_own_id} for each in (papers, shuffled))

    assert one == other
