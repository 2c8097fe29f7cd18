from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.rank.terms import Vocabulary, holds, paper_terms, stem, wished_terms, written_out

VOCABULARY = Vocabulary(
    {
        "large language model": ["LLM"],
        "key value cache": ["KV cache"],
        "retrieval augmented generation": ["RAG"],
        "mixture of experts": ["MoE"],
        "multimodal large language model": ["MLLM", "multimodal LLM"],
    }
)


def plain(text: str) -> str:
    return written_out(VOCABULARY.words(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KV caches", "key-value cache"),
        ("LLMs", "Large Language Models"),
        ("MoE", "Mixture-of-Experts"),
        ("Multimodal LLMs", "MLLM"),
        ("RAG", "retrieval‑augmented generation"),  # a non-breaking hyphen
        ("ﬁne", "FINE"),
        ("policies", "policy"),
    ],
)
def test_spellings_of_the_same_are_the_same_words(one: str, other: str) -> None:
    assert plain(one) == plain(other) != ""


@pytest.mark.parametrize(("text", "same"), [("gas", "ga"), ("bias", "bia"), ("loss", "los"), ("analysis", "analysi")])
def test_what_is_no_plural_stays(text: str, same: str) -> None:
    assert plain(text) != plain(same)


def test_inflections_share_a_stem() -> None:
    assert stem("quantized") == stem("quantization")
    assert stem("agentic") == stem("agent")


def test_phrases_are_found_word_by_word() -> None:
    text = plain("A survey of KV-cache eviction for LLM agents")
    assert holds(text, plain("key-value caches"))
    assert holds(text, plain("large language model agent"))
    assert not holds(text, plain("cache agents"))
    assert not holds(text, plain("age"))
    assert not holds(text, plain("🤖"))


def test_a_paper_that_says_llm_is_found_by_the_words_it_stands_for() -> None:
    assert set(wished_terms(VOCABULARY.words("language model"))) <= set(paper_terms(VOCABULARY.words("code LLM")))


def test_scripts_without_spaces_are_found_by_their_characters() -> None:
    assert holds(plain("我们研究强化学习。"), plain("强化学习"))


def test_words_that_carry_nothing_make_no_terms() -> None:
    assert wished_terms(VOCABULARY.words("of the")) == []


@given(st.text())
def test_any_text_becomes_words(text: str) -> None:
    words = VOCABULARY.words(text)
    assert all(word and not set(word) & set(" |") for word in words)
    assert VOCABULARY.words(written_out(words)) is not None
    paper_terms(words)
