"""Files that name papers: the form is told by the content, and what is no such file is refused in one line."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from newsletter.collect.reference_file import read_references
from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from pathlib import Path

BIBTEX = "% mine\n@misc{k, title = {Attention Is All You Need}, eprint = {1706.03762}}\n"
LIST = json.dumps({"name": "mine", "entries": [{"id": "1706.03762v2", "added": "2026-01-05"}]})
LINES = "# mine\n\n- https://arxiv.org/abs/1706.03762\n"


@pytest.mark.parametrize("text", [BIBTEX, LIST, LINES, "\ufeff" + LIST])
@pytest.mark.parametrize("name", ["a.json", "a.txt", "a", "bib"])
def test_the_content_tells_the_form(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert [one.id for one in read_references(path)] == ["1706.03762"]


def test_each_line_is_a_paper_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(
        "1706.03762v1 good\r\n# not this\r\n\r\n  * Language Models are Few-Shot Learners\nblog:1f", "utf-8"
    )
    first, second, third = read_references(path)
    assert (first.id, first.title) == ("1706.03762", "")
    assert (second.id, second.title) == ("", "Language Models are Few-Shot Learners")
    assert second.name == f"{path}, line 4: Language Models are Few-Shot Learners"
    assert third.id == "blog:1f"


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "refs.bib.gz"
    path.write_bytes(gzip.compress(BIBTEX.encode()))
    assert [one.title for one in read_references(path)] == ["Attention Is All You Need"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "names no paper"),
        (b"# only a heading\n\n", "names no paper"),
        (b'{"name": "x", "entries": []}', "names no paper"),
        (b'{"name": "x", "entries": [', "broken or cut off JSON"),
        (b"[]", "is no reading list"),
        (b"@misc{a, title = {x", "broken BibTeX"),
        (b"caf\xe9", "is not UTF-8"),
        (b"PK\x03\x04\x00\x00", "is no text"),
        (b"word\n" * 20_001, "20,001 lines; 20,000 are the most"),
        (gzip.compress(b"x" * (17 * 1024 * 1024)), "holds more than 16777216 bytes"),
        (b"%" * (30 * 1024 * 1024), "holds more than 16777216 bytes"),
    ],
)
def test_what_is_no_list_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(BadAnswerError, match=said) as caught:
        read_references(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bib_file_without_entries_names_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.bib"
    path.write_text("no entry\n")
    with pytest.raises(BadAnswerError, match="names no paper"):
        read_references(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadAnswerError, match="is a folder"):
        read_references(tmp_path)
