"""The topics and aliases that ship, held against the 30 recorded days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from newsletter.model import Paper, Profile, Topic
from newsletter.rank.terms import Vocabulary, written_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from newsletter.rank.ranker import Ranker

# For each topic a recorded paper that its readers must find among the first five of the month.
EXPECTED = {
    "llm-inference": "2607.05061",  # KVpop -- Key-Value Cache Compression with Predictive Online Pruning
    "model-compression": "2607.02461",  # OrbitQuant: Data-Agnostic Quantization ...
    "agents": "2606.08348",  # Bayesian-Agent: Posterior-Guided Skill Evolution for LLM Agent Harnesses
    "gui-agents": "2606.29705",  # GUICrafter: Weakly-Supervised GUI Agent ...
    "code-generation": "2606.07297",  # SWE-Explore: Benchmarking How Coding Agents Explore Repositories
    "mathematics": "2606.13473",  # MaxProof: Scaling Mathematical Proof ...
    "reinforcement-learning": "2606.16154",  # A Gradient Perspective on RLVR Stability ...
    "safety": "2606.31227",  # Securing the AI Agent: A Unified Framework for Multi-Layer Agent Red Teaming
    "rag": "2607.10463",  # GRASP: GRanularity-Aware Search Policy for Agentic RAG
    "embeddings-retrieval": "2606.24667",  # DREAM: Dense Retrieval Embeddings ...
    "vision-language": "2606.16122",  # Thinking with Visual Grounding
    "video-understanding": "2606.07433",  # Watch, Remember, Reason: Human-View Video Understanding with MLLMs
    "image-generation": "2606.24888",  # DiffusionBench: On Holistic Evaluation of Diffusion Transformers
    "3d": "2607.03819",  # CGGS: Consistency-Augmented Geometric Gaussian Splatting ...
    "world-models": "2607.14076",  # From Pixels to States: Rethinking Interactive World Models as Game Engines
    "robotics": "2606.14409",  # Hy-Embodied-0.5-VLA: From Vision-Language-Action Models ...
    "interpretability": "2606.18322",  # SAE Interventions are Unreliable ...
    "architectures": "2607.07953",  # Linear Attention Architectures ...
    "long-context": "2606.09659",  # End-to-End Context Compression at Scale
    "diffusion-language-models": "2607.04428",  # dOPSD: On-Policy Self-Distillation for Diffusion Language Models
    "medical": "2606.31292",  # AtomiMed: ... Medical Report ...
    "science": "2606.12736",  # Benchmarking AI Agents for Addressing Scientific Challenges Across Scales
    "document-understanding": "2606.23050",  # Unlimited OCR Works
    "multilingual": "2606.11786",  # Lius: Translation Model ...
    "time-series-tabular": "2606.27282",  # How Good Can Linear Models Be for Time-Series Forecasting?
}


def test_names_titles_and_phrases_are_well_made(
    topics: tuple[Topic, ...], aliases: Mapping[str, Sequence[str]]
) -> None:
    vocabulary = Vocabulary(aliases)
    assert len({topic.title for topic in topics}) == len(topics) >= 25
    for topic in topics:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", topic.name)
        assert topic.description.endswith(".")
        words = [written_out(vocabulary.words(phrase)) for phrase in topic.phrases]
        assert len(set(words)) == len(words) >= 8, topic.name
        assert not {written_out(vocabulary.words(phrase)) for phrase in topic.negative} & set(words)


def test_no_spelling_stands_for_two_things(aliases: Mapping[str, Sequence[str]]) -> None:
    plain = Vocabulary()
    meanings: dict[str, str] = {}
    for full_form, spellings in aliases.items():
        for spelling in {written_out(plain.words(text)) for text in (full_form, *spellings)}:
            assert meanings.setdefault(spelling, full_form) == full_form


@pytest.mark.parametrize(("name", "paper_id"), EXPECTED.items(), ids=EXPECTED.keys())
def test_a_topic_brings_its_papers_first(
    name: str, paper_id: str, ranker: Ranker, month: tuple[Paper, ...], now: datetime
) -> None:
    ranked = ranker.rank(month, Profile(topics=(name,)), now=now)
    assert paper_id in [one.paper.id for one in ranked[:5]]


def test_every_topic_has_papers_and_none_has_them_all(
    ranker: Ranker, month: tuple[Paper, ...], topics: tuple[Topic, ...], now: datetime
) -> None:
    for topic in topics:
        ranked = ranker.rank(month, Profile(topics=(topic.name,)), now=now)
        assert 10 <= sum(one.matched for one in ranked) <= len(month) / 3, topic.name
        assert all(one.reasons[0].startswith("matches: ") for one in ranked[:2]), topic.name


def test_the_papers_of_a_day_go_to_the_readers_of_their_topics(
    ranker: Ranker, days: Mapping[date, tuple[Paper, ...]], now: datetime
) -> None:
    candidates = next(papers for day, papers in days.items() if day.isoformat() == "2026-07-14")
    expected = {
        "robotics": {"2607.10350", "2607.10383"},  # ABot-AgentOS, ABot-N1
        "3d": {"2607.09125", "2607.10623"},  # 4D Human-Scene Reconstruction, LATO.2
        "reinforcement-learning": {"2607.05394"},  # Weak-to-Strong Generalization via ... On-Policy Distillation
        "medical": set(),
    }
    for name, ids in expected.items():
        ranked = ranker.rank(candidates, Profile(topics=(name,)), now=now)
        assert {one.paper.id for one in ranked if one.matched} >= ids
        assert bool(ids) == any(one.matched for one in ranked)


@pytest.mark.parametrize(
    ("interest", "first"),
    [
        ("KV cache compression", {"2502.16886", "2607.05061", "2606.06302"}),
        ("key-value caches, compressed", {"2502.16886", "2607.05061", "2606.06302"}),
        ("diffusion LLMs", {"2607.04428", "2606.19005"}),
        ("text to speech", {"2606.10029"}),
        ("agent memory", {"2607.01071", "2606.24775"}),
    ],
)
def test_a_few_words_are_enough(
    interest: str, first: set[str], ranker: Ranker, month: tuple[Paper, ...], now: datetime
) -> None:
    ranked = ranker.rank(month, Profile(interests=(interest,)), now=now)
    assert first & {one.paper.id for one in ranked[:5]} == first
