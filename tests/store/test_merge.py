from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Links, Paper
from newsletter.store.merge import merged
from newsletter.store.snapshots import Counts, kept

FULL = Paper(
    id="2607.00001",
    source="huggingface",
    title="A Title",
    raw_title="A $Title$",
    abstract="Words.",
    raw_abstract="Words.\n",
    authors=("Ada Lovelace", "Alan Turing"),
    author_count=2,
    organisation="Lab",
    published=date(2026, 7, 1),
    keywords=("caching",),
    summary="Short.",
    links=Links(page="https://p.example", pdf="https://d.example", code="https://c.example", stars=7, project="x"),
    thumbnail="https://t.example",
)
BARE = Paper(id="page:a-title", source="saved_page", title="A title")

EMPTY = ("", (), None)
texts = st.sampled_from(["", "one", "two", "three"])
names = st.lists(st.sampled_from(["A", "B", "C"]), unique=True, max_size=3).map(tuple)
sources = st.sampled_from([("2607.00001", "huggingface"), ("2607.00001", "arxiv"), ("page:x", "saved_page")])


@st.composite
def papers(draw: st.DrawFn) -> Paper:
    paper_id, source = draw(sources)
    authors = draw(names)
    return Paper(
        id=paper_id,
        source=source,
        title=draw(st.sampled_from(["One", "one!", "ONE"])),
        raw_title=draw(texts),
        abstract=draw(texts),
        raw_abstract=draw(texts),
        authors=authors,
        author_count=draw(st.integers(len(authors), 9)),
        organisation=draw(texts),
        published=draw(st.none() | st.just(date(2026, 7, 1))),
        keywords=draw(names),
        summary=draw(texts),
        links=Links(page=draw(texts), stars=draw(st.none() | st.integers(0, 9))),
        thumbnail=draw(texts),
        upvotes=draw(st.none() | st.integers(0, 9)),
    )


@given(papers(), papers(), st.booleans())
def test_a_filled_field_is_never_emptied(old: Paper, new: Paper, newer: bool) -> None:
    result = merged(old, new, newer=newer)
    for field in fields(Paper):
        if field.name.startswith("raw_") and not getattr(old, field.name.removeprefix("raw_")):
            continue  # the raw text of a text that was not there
        if field.name != "links" and getattr(old, field.name) not in EMPTY:
            assert getattr(result, field.name) not in EMPTY, field.name
    assert bool(result.links.page) == bool(old.links.page or new.links.page)


@given(papers(), papers(), st.booleans())
def test_merging_the_same_again_changes_nothing(old: Paper, new: Paper, newer: bool) -> None:
    once = merged(old, new, newer=newer)
    assert merged(once, new, newer=newer) == once
    assert merged(old, old) == old
    assert once.author_count >= len(once.authors)


@given(papers(), papers())
def test_an_arxiv_id_is_never_given_up(old: Paper, new: Paper) -> None:
    result = merged(old, new)
    assert result.has_own_id == (old.has_own_id or new.has_own_id)


def test_a_saved_page_without_authors_or_abstract_takes_nothing_away() -> None:
    assert merged(FULL, BARE) == FULL


def test_an_arxiv_paper_takes_over_id_source_and_text_and_keeps_what_it_lacks() -> None:
    page = replace(BARE, abstract="From the page.", organisation="Lab", author_count=12, comments=3)
    arxiv = Paper(id="2607.00001", source="arxiv", title="A Title", authors=("Ada Lovelace",), author_count=1)
    result = merged(page, arxiv)
    assert (result.id, result.source, result.title) == ("2607.00001", "arxiv", "A Title")
    assert (result.abstract, result.organisation, result.comments) == ("From the page.", "Lab", 3)
    assert (result.authors, result.author_count) == (("Ada Lovelace",), 12)


def test_another_source_fills_gaps_and_corrects_nothing() -> None:
    stored = replace(FULL, summary="", keywords=())
    other = replace(FULL, source="arxiv", title="Another", summary="New.", keywords=("k",), authors=("X",))
    assert merged(stored, other) == replace(FULL, summary="New.", keywords=("k",))


def test_the_same_source_corrects_when_it_is_newer() -> None:
    again = replace(FULL, title="A Better Title", raw_title="A Better Title", authors=("Ada Lovelace",), author_count=1)
    assert merged(FULL, again) == again
    assert merged(FULL, again, newer=False) == FULL


def test_a_raw_text_stays_with_its_text() -> None:
    assert merged(FULL, replace(FULL, raw_title="")).raw_title == "A $Title$"
    assert merged(FULL, replace(FULL, title="New", raw_title="")).raw_title == "New"
    assert merged(replace(FULL, abstract="", raw_abstract=""), replace(FULL, source="arxiv")).raw_abstract == "Words.\n"


def test_names_beat_a_bare_count_and_fewer_names_of_the_same_source_correct_it() -> None:
    counted = replace(FULL, authors=(), author_count=2)
    assert merged(counted, FULL).authors == FULL.authors
    assert merged(FULL, counted) == FULL
    assert merged(FULL, replace(FULL, authors=("Ada Lovelace",), author_count=1)).author_count == 1


START = datetime(2026, 7, 14, tzinfo=UTC)
counts = st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(0, 2))
moments = st.integers(0, 20).map(lambda hours: START + timedelta(hours=hours))
snapshots = st.lists(st.tuples(moments, counts), max_size=12)


@given(snapshots)
def test_kept_snapshots_each_say_something_new_and_adding_again_changes_nothing(
    taken: list[tuple[datetime, Counts]],
) -> None:
    result = kept({}, taken)
    values = list(result.values())
    assert list(result) == sorted(result)
    assert (None, None) not in values
    assert all(one != next_one for one, next_one in pairwise(values))
    assert kept(result, []) == result
    assert kept(result, result.items()) == result


@given(st.lists(moments, unique=True), st.data())
def test_votes_that_only_grow_are_kept_alike_in_any_order_and_any_pieces(
    times: list[datetime], data: st.DataObject
) -> None:
    grown = sorted(data.draw(st.lists(st.integers(0, 4), min_size=len(times), max_size=len(times))))
    taken: list[tuple[datetime, Counts]] = [
        (moment, (votes, 0)) for moment, votes in zip(sorted(times), grown, strict=True)
    ]
    shuffled = data.draw(st.permutations(taken))
    at_once = kept({}, taken)
    piecewise: dict[datetime, Counts] = {}
    for one in shuffled:
        piecewise = kept(piecewise, [one])
    assert piecewise == at_once


def test_two_of_one_moment_become_one() -> None:
    assert kept({}, [(START, (10, None)), (START, (8, 3))]) == {START: (10, 3)}
