"""The samples that ship with the program: true in every fact, and in words of our own."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.config import load_config
from newsletter.model import Cadence, SubscriberStatus, arxiv_id
from newsletter.pipeline.audience import Defaults, read_csv
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = 6  # words in a row that no two texts may share
FIELDS = {"id", "source", "title", "abstract", "author_count", "organisation", "published", "listed_on"} | {
    "upvotes",
    "comments",
    "keywords",
    "links",
}
Item = dict[str, Any]


@pytest.fixture(scope="module")
def samples() -> list[Item]:
    text = resource("config", "demo", "papers.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> list[Item]:
    """Return every recorded item of the endpoint, whatever the date and the shape."""
    folders = ("daily_papers", "daily_papers_variants", "daily_papers_series")
    files = [path for folder in folders for path in sorted((shared_data / folder).glob("*.json"))]
    assert len(files) >= 40
    return [item for path in files for item in json.loads(path.read_text("utf-8"))]


def test_forty_papers_stand_on_five_weekdays(samples: list[Item]) -> None:
    days = Counter(date.fromisoformat(sample["listed_on"]) for sample in samples)

    assert len(samples) == 40
    assert len(days) == 5
    assert min(days.values()) >= 7
    assert all(day.weekday() < 5 for day in days)


def test_every_sample_has_its_fields_and_an_id_of_its_own(samples: list[Item]) -> None:
    for sample in samples:
        assert set(sample) == FIELDS
        assert arxiv_id(sample["id"]) == sample["id"]
        assert date.fromisoformat(sample["published"]) <= date.fromisoformat(sample["listed_on"])
        assert sample["author_count"] >= 1
        assert {"page", "pdf"} <= set(sample["links"]) <= {"page", "pdf", "code", "stars", "project"}
        assert all(str(link).startswith("https://") for name, link in sample["links"].items() if name != "stars")
    assert len({sample["id"] for sample in samples}) == len(samples)


def test_every_summary_is_two_or_three_sentences(samples: list[Item]) -> None:
    for sample in samples:
        assert 40 <= len(sample["abstract"].split()) <= 70
        assert len(re.findall(r"[.?!](?: |$)", sample["abstract"])) in (2, 3)
        assert 4 <= len(set(sample["keywords"])) <= 6


def test_the_samples_cover_many_topics(samples: list[Item], tmp_path: Path) -> None:
    texts = [" ".join((sample["title"], sample["abstract"], *sample["keywords"])).casefold() for sample in samples]
    topics = load_config(tmp_path, {}).topics

    touched = {topic.name for topic in topics for text in texts if any(one.casefold() in text for one in topic.phrases)}

    assert len(touched) >= 20


def test_three_readers_of_every_weekday_have_tastes_of_their_own(tmp_path: Path) -> None:
    config = load_config(tmp_path, {})
    text = resource("config", "demo", "subscribers.csv").read_text("utf-8")
    defaults = Defaults(
        settings=config.subscribers,
        status=SubscriberStatus.CONFIRMED,
        topics=[topic.name for topic in config.topics],
    )

    sheet = read_csv(text, where="subscribers.csv", defaults=defaults)

    assert text.splitlines()[0] == "address,topics,interests,cadence,time zone"
    assert not sheet.problems
    assert len(sheet.subscribers) == 3
    assert all(re.search(r"@example\.(org|net)$", one.address) for one in sheet.subscribers)
    assert {one.cadence for one in sheet.subscribers} <= {Cadence.DAILY, Cadence.WEEKDAYS}
    assert len({one.timezone for one in sheet.subscribers}) == 3
    chosen = [topic for one in sheet.subscribers for topic in one.profile.topics]
    assert len(set(chosen)) == len(chosen) >= 9
    assert all(one.profile.interests for one in sheet.subscribers)


def test_every_fact_is_as_it_was_recorded(samples: list[Item], shared_data: Path) -> None:
    for sample in samples:
        assert sample == sample | _facts(_recorded(sample, shared_data))


def test_no_run_of_words_is_anyone_elses(samples: list[Item], recorded: list[Item]) -> None:
    theirs = {
        run
        for item in recorded
        for text in (item["paper"].get("summary"), item["paper"].get("ai_summary"), item.get("summary"))
        for run in _runs(text or "")
    }
    assert len(theirs) > 100_000

    copied = [(sample["id"], run) for sample in samples for run in _runs(sample["abstract"]) if run in theirs]

    assert copied == []


def test_a_copied_sentence_would_be_found(recorded: list[Item]) -> None:
    theirs = recorded[0]["paper"]["summary"]

    assert set(_runs(f"In short: {theirs[:200]}")) & set(_runs(theirs))


def _recorded(sample: Item, shared_data: Path) -> Item:
    day = json.loads((shared_data / "daily_papers" / f"{sample['listed_on']}.json").read_text("utf-8"))
    (item,) = (item for item in day if item["paper"]["id"] == sample["id"])
    return dict(item)


def _facts(item: Item) -> Item:
    """Return what the endpoint's item says of a paper, in the samples' shape."""
    paper = item["paper"]
    organisation = paper.get("organization") or {}
    links = {
        "page": f"https://huggingface.co/papers/{paper['id']}",
        "pdf": f"https://arxiv.org/pdf/{paper['id']}",
        "code": paper.get("githubRepo"),
        "stars": paper.get("githubStars"),
        "project": paper.get("projectPage"),
    }
    return {
        "source": "huggingface",
        "title": " ".join(paper["title"].split()),
        "author_count": len(paper["authors"]),
        "organisation": (organisation.get("fullname") or organisation.get("name") or "").strip(),
        "published": paper["publishedAt"][:10],
        "listed_on": paper["submittedOnDailyAt"][:10],
        "upvotes": paper["upvotes"],
        "comments": item["numComments"],
        "links": {name: value for name, value in links.items() if value is not None},
    }


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[place : place + RUN]) for place in range(len(words) - RUN + 1))
