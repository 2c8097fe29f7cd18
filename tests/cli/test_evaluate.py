from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.command import Newsletter

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = {"random", "votes only", "topic only", "blended", "tf-idf + svm"}


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path / "home")


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Thirty days of three papers each."""
    lines = [
        {
            "id": f"26{number:02}.0000{place}",
            "title": f"On {thing}, part {number}",
            "summary": f"More of {thing}.",
            "date": str(date(2026, 1, 1) + timedelta(days=number)),
            "upvotes": place,
        }
        for number in range(30)
        for place, thing in enumerate(("cheese", "bread", "wine"), start=1)
    ]
    path = tmp_path / "papers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return path


def reading(folder: Path, name: str, place: int) -> Path:
    entries = [
        {"id": f"26{number:02}.0000{place}", "added": str(date(2026, 1, 1) + timedelta(days=number))}
        for number in range(30)
    ]
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"name": name, "entries": entries}), "utf-8")
    return path


def test_each_list_and_their_mean_are_shown_and_no_home_is_made(
    newsletter: Newsletter, papers: Path, tmp_path: Path
) -> None:
    lists = [str(reading(tmp_path, "cheese", 1)), str(reading(tmp_path, "bread", 2))]
    ran = newsletter.well("evaluate", str(papers), *lists)
    assert "cheese: 54 papers and 18 liked before 2026-01-19, 12 days from then on" in ran.out
    assert "mean of the 2 lists" in ran.out
    meaning = ran.out.partition("mean of the 2 lists")[2].partition("\n\n")[2]
    for name in (*ORDERS, "words only", "nDCG", "AUC", "recall@5"):
        assert f"{name}:" in meaning
    assert ran.err == ""
    assert not newsletter.home.exists()


def test_json_holds_the_same_every_time(newsletter: Newsletter, papers: Path, tmp_path: Path) -> None:
    call = ("evaluate", str(papers), str(reading(tmp_path, "cheese", 1)), "--interest", "cheese=cheese", "--json")
    told = newsletter.well(*call).json
    assert told == newsletter.well(*call).json
    only = told["lists"][0]
    assert (only["name"], only["cut"], only["days"]) == ("cheese", "2026-01-19", 12)
    assert set(only["orders"]) == set(told["mean"]) == {*ORDERS, "words only"}
    assert only["orders"]["blended"]["ndcg"]["mean"] > 0.9
    assert only["orders"]["votes only"]["auc"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_a_call_that_makes_no_sense_is_refused(newsletter: Newsletter, papers: Path, tmp_path: Path) -> None:
    cheese = str(reading(tmp_path, "cheese", 1))
    assert "two lists are named cheese" in newsletter.refused("evaluate", str(papers), cheese, cheese)
    for words in ("wine=wine", "cheese", "cheese= "):
        refusal = newsletter.refused("evaluate", str(papers), cheese, "--interest", words)
        assert f"{words!r} is not NAME=WORDS with a list's name: cheese" in refusal
    assert "cannot be read" in newsletter.refused("evaluate", str(papers), str(tmp_path / "none.json"))
    other = tmp_path / "other.json"
    other.write_text('{"name": "other", "entries": [{"id": "1", "added": "2026-01-01"}]}', "utf-8")
    assert "give more papers" in newsletter.refused("evaluate", str(papers), str(other))
