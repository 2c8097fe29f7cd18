from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from newsletter.collect.reading_list import read_reading_list
from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from pathlib import Path


def test_ids_lose_their_version_and_the_first_day_counts() -> None:
    entries = [{"id": "2601.00001v2", "added": "2026-01-09"}, {"id": "2601.00001", "added": "2026-01-05", "note": 1}]
    name, added = read_reading_list(json.dumps({"name": "mine", "entries": entries}), where="mine.json")
    assert name == "mine"
    assert added == {"2601.00001": date(2026, 1, 5)}


def test_the_recorded_lists_are_read_whole(shared_data: Path) -> None:
    for path in (shared_data / "replay").glob("interests-*.json"):
        name, added = read_reading_list(path.read_text("utf-8"), where=path.name)
        assert path.stem == f"interests-{name}"
        assert set(added) == {entry["id"] for entry in json.loads(path.read_text("utf-8"))["entries"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("[]", "is no reading list: the whole"),
        ('{"name": "x"}', "is no reading list: entries"),
        ('{"name": "", "entries": []}', "is no reading list: name"),
        ('{"name": "x", "entries": [{"id": "1", "added": "soon"}]}', "is no reading list: entries.0.added"),
        ('{"name": "x", "entries": [{"id": "", "added": "2026-01-01"}]}', "is no reading list: entries.0.id"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_list_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(BadAnswerError, match=said) as caught:
        read_reading_list(text, where="mine.json")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("mine.json ")
