"""What the tests of ranking share: the recorded papers, and the topics and aliases that ship."""

from __future__ import annotations

import gzip
import json
import tomllib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.model import Paper, Topic
from newsletter.rank.ranker import Ranker
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NOW = datetime(2026, 7, 18, 6, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def days(shared_data: Path) -> dict[date, tuple[Paper, ...]]:
    """The 30 recorded days, read by the fields that ranking uses."""
    return {
        date.fromisoformat(path.stem): _papers(path) for path in sorted((shared_data / "daily_papers").glob("*.json"))
    }


@pytest.fixture(scope="session")
def month(days: dict[date, tuple[Paper, ...]]) -> tuple[Paper, ...]:
    return tuple(paper for papers in days.values() for paper in papers)


@pytest.fixture(scope="session")
def replayed(shared_data: Path) -> tuple[Paper, ...]:
    """Two years of listed papers."""
    with gzip.open(shared_data / "replay" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        return tuple(_replayed(json.loads(line)) for line in lines)


@pytest.fixture(scope="session")
def topics() -> tuple[Topic, ...]:
    tables = tomllib.loads(resource("config", "topics.toml").read_text("utf-8"))
    return tuple(
        Topic(
            name=name,
            title=table["title"],
            description=table["description"],
            phrases=tuple(table["phrases"]),
            negative=tuple(table.get("negative", ())),
        )
        for name, table in tables.items()
    )


@pytest.fixture(scope="session")
def aliases() -> Mapping[str, Sequence[str]]:
    return tomllib.loads(resource("config", "aliases.toml").read_text("utf-8"))


@pytest.fixture(scope="session")
def unfitted(topics: tuple[Topic, ...], aliases: Mapping[str, Sequence[str]]) -> Ranker:
    return Ranker(topics, topic_weight=1.0, votes_weight=0.1, floor=0.2, aliases=aliases)


@pytest.fixture(scope="session")
def ranker(unfitted: Ranker, month: tuple[Paper, ...]) -> Ranker:
    return unfitted.fit(month)


def _replayed(item: Mapping[str, str]) -> Paper:
    return Paper(
        id=item["id"],
        source="huggingface",
        title=item["title"],
        abstract=item["summary"],
        listed_on=date.fromisoformat(item["date"]),
        upvotes=int(item["upvotes"]),
    )


def _papers(path: Path) -> tuple[Paper, ...]:
    return tuple(_paper(item["paper"], date.fromisoformat(path.stem)) for item in json.loads(path.read_text("utf-8")))


def _paper(item: dict[str, Any], day: date) -> Paper:
    return Paper(
        id=item["id"],
        source="huggingface",
        title=" ".join(item["title"].split()),
        abstract=item["summary"],
        authors=tuple(author["name"] for author in item["authors"]),
        organisation=(item.get("organization") or {}).get("fullname", ""),
        listed_on=day,
        upvotes=item["upvotes"],
        keywords=tuple(item.get("ai_keywords") or ()),
    )
