from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.model import Paper
from newsletter.store.search import words

if TYPE_CHECKING:
    from newsletter.store import Store

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)


def paper(number: int, title: str, *, abstract: str = "", authors: tuple[str, ...] = (), keywords: str = "") -> Paper:
    return Paper(
        id=f"2607.0000{number}",
        source="huggingface",
        title=title,
        abstract=abstract,
        authors=authors,
        author_count=len(authors),
        keywords=tuple(filter(None, [keywords])),
        listed_on=date(2026, 7, 14),
        upvotes=number,
    )


PAPERS = [
    paper(0, "A Transformer for Proteins", abstract="Folding with attention.", authors=("Zoë Müller",)),
    paper(1, "Folding Laundry", abstract="A robot that uses a transformer, another transformer and more attention."),
    paper(2, "Key-Value Cache Quantization", abstract="Small caches.", keywords="kv cache"),
    paper(3, "GPT-4 and Its Critics", abstract="State-of-the-art in cs.AI, on path/to/file.", authors=("李 明",)),
    paper(4, "Graphs", abstract="Nothing else.", authors=("Ada Lovelace", "J. O'Neill")),
]


@pytest.fixture
def full(store: Store) -> Store:
    store.papers.add(PAPERS, taken_at=NOW)
    return store


def found(store: Store, query: str, limit: int = 20) -> list[int]:
    return [int(one.id[-1]) for one in store.papers.search(query, limit=limit)]


EXPECTED = {
    "transformers": [0, 1],  # the title weighs most, and the plural finds the singular
    "folding proteins": [0],
    "muller": [0],
    "MÜLLER": [0],
    "kv cache": [2],
    "key value": [2],
    "key-value": [2],
    "quantiz": [2],  # the beginning of the last word
    "gpt-4": [3],
    "GPT 4": [3],
    "cs.ai": [3],
    "path/to/file": [3],
    "state-of-the-art": [3],
    "李": [3],
    "o'neill": [4],
    "lovelace ada": [4],
    "nowhere": [],
}
WORDLESS = ["", "   ", *"-*\"'()&^\\%_😀\x00\ud800", "& | !", "<->", '""']
OPERATORS = ["laundry AND", "NOT laundry", 'laundry"', "laundry*", "laundry:*", "(laundry", "^laundry", "title:laundry"]


def test_words_find_papers(full: Store) -> None:
    assert {query: found(full, query) for query in EXPECTED} == EXPECTED


def test_a_paper_with_all_words_comes_alone_else_any_word_will_do(full: Store) -> None:
    assert sorted(found(full, "folding attention")) == [0, 1]
    assert sorted(found(full, "laundry graphs")) == [1, 4]


def test_a_query_without_words_finds_nothing(full: Store) -> None:
    assert {query: found(full, query) for query in WORDLESS} == {query: [] for query in WORDLESS}


def test_operators_are_only_words(full: Store) -> None:
    assert {query: found(full, query)[:1] for query in OPERATORS} == {query: [1] for query in OPERATORS}


operators = st.lists(st.sampled_from(["AND", "NOT", "NEAR", "a", '"', "*", "-", "(", "ß", "4"])).map(" ".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=40) | operators)
def test_no_query_fails(full: Store, query: str) -> None:
    answer = [paper.id for paper in full.papers.search(query)]
    assert len(answer) == len(set(answer))
    assert set(answer) <= {paper.id for paper in full.papers.all()}


def test_a_very_long_query_is_answered(full: Store) -> None:
    assert found(full, " ".join(["transformer", *(f"word{n}" for n in range(5000)), "x" * 100_000])) == [0, 1]


def test_the_limit_holds(full: Store) -> None:
    assert len(found(full, "transformer", limit=1)) == 1
    assert found(full, "transformer", limit=0) == []
    assert found(full, "transformer", limit=-1) == []


def test_the_index_keeps_step_with_the_texts(full: Store) -> None:
    full.papers.add([replace(PAPERS[4], title="Trees")], taken_at=NOW)
    assert found(full, "trees") == [4]
    assert found(full, "graphs") == []


def test_found_papers_are_whole(full: Store) -> None:
    assert full.papers.search("lovelace") == [PAPERS[4]]


@given(st.text())
def test_words_are_letters_and_digits_parted_by_single_spaces(text: str) -> None:
    folded = words(text)
    assert folded == " ".join(folded.split())
    assert all(part.isalnum() for part in folded.split())
    assert words(folded) == folded
