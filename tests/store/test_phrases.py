"""Phrases that another one makes superfluous are left out, and nothing else is: by each database's own stems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.config import load_config
from newsletter.store.phrases import telling

if TYPE_CHECKING:
    from newsletter.store import Store


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["agentic", "agent memory", "multi-agent system", "tool use"], ("agentic", "tool use")),
        (["LLM agents", "llm agent"], ("llm agents",)),
        (["memory agents", "agent memory", "memory"], ("memory",)),
        (["agent memory", "memory agent"], ("agent memory", "memory agent")),
        (["state space", "state", "space state"], ("state",)),
        (["gpu cpu", "cpu ram", "gpu cpu ram"], ("gpu cpu", "cpu ram")),
        (["&&", "-"], ()),
        ([], ()),
    ],
)
def test_a_phrase_that_holds_another_one_adds_nothing(store: Store, given: list[str], left: tuple[str, ...]) -> None:
    with store._database.reading() as connection:
        assert telling(connection, given) == left


def test_stop_words_are_each_databases_own(store: Store) -> None:
    with store._database.reading() as connection:
        kept = telling(connection, ["of the", "memory of agents", "memory"])
    expected = {"sqlite": ("of the", "memory"), "postgresql": ("of the", "memory of agents", "memory")}
    assert kept == expected[connection.dialect.name]  # PostgreSQL takes none for a word, and so lets them alone


def test_a_topic_keeps_what_finds_its_papers(store: Store) -> None:
    with store._database.reading() as connection:
        for topic in load_config(Path("nowhere"), {}).topics:
            kept = telling(connection, topic.phrases)
            assert 0 < len(kept) <= len(topic.phrases)
            assert telling(connection, kept) == kept
