"""like, dislike and unlike: from ids, URLs and real files into a profile, and every refusal changes nothing."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.sample import dump
from tests.command import CONSENT, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

ADA = "ada@example.org"
# The first is stored under its id, the second by its title; the third has an id that is not stored, the fourth neither.
BIBTEX = """@misc{pruning,
  title = {Pruning the Key-Value Cache of Long Dialogues},
  eprint = {2607.00001v3},
  archivePrefix = {arXiv},
}
@inproceedings{towels,
  title = {A {Robot} That Folds Towels},
  booktitle = {Proceedings},
  year = 2026
}
@article{vaswani2017,
  title = {Attention Is All You Need},
  journal = {arXiv preprint arXiv:1706.03762}
}
@book{knuth, title = {The {\\TeX}book}, year = 1984}
"""


@pytest.fixture
def reader(newsletter: Newsletter) -> Newsletter:
    newsletter.well("subscribers", "add", ADA, "--interest", "bees", "--confirmed")
    return newsletter


def tastes(newsletter: Newsletter) -> tuple[list[str], list[str]]:
    (one,) = newsletter.well("subscribers", "list", "--json").json
    return one["liked"], one["disliked"]


def test_a_bibliography_is_liked_and_what_means_no_paper_is_named(reader: Newsletter, tmp_path: Path) -> None:
    refs = tmp_path / "refs.bib"
    refs.write_text(BIBTEX, "utf-8")
    ran = reader.well("subscribers", "like", "ADA@example.org", str(refs))
    assert ran.out == f"3 papers: 2 stored, 1 not collected yet; {ADA} has 3 liked and 0 disliked\n"
    (left_out,) = ran.err.splitlines()
    assert left_out.startswith(f"left out: {refs}, line 15: The ")
    assert tastes(reader) == (["2607.00001", "2607.00002", "1706.03762"], [])
    again = reader.well("subscribers", "like", ADA, str(refs), "2607.00003").out
    assert again == f"4 papers: 3 stored, 1 not collected yet; {ADA} has 4 liked and 0 disliked\n"


def test_ids_urls_reading_lists_and_lines_can_be_mixed(reader: Newsletter, tmp_path: Path) -> None:
    reading = tmp_path / "list.json"
    entries = [{"id": "2607.00002", "added": "2026-07-15"}, {"id": "2005.14165", "added": "2026-07-14"}]
    reading.write_text(json.dumps({"name": "mine", "entries": entries}), "utf-8")
    lines = tmp_path / "lines.txt"
    lines.write_text("https://huggingface.co/papers/2607.00001\nVideo from sketches\n", "utf-8")
    what = ("https://arxiv.org/abs/1706.03762v7", str(reading), str(lines), "2607.00001")
    ran = reader.well("subscribers", "dislike", ADA, *what)
    assert ran.out.startswith("5 papers: 3 stored, 2 not collected yet")
    assert ran.err == ""
    assert tastes(reader) == ([], ["1706.03762", "2005.14165", "2607.00002", "2607.00001", "2607.00003"])


def test_the_newer_word_wins_and_a_word_can_be_taken_back(reader: Newsletter) -> None:
    reader.well("subscribers", "like", ADA, "2607.00001", "2607.00002", "1706.03762")
    reader.well("subscribers", "dislike", ADA, "2607.00002")
    assert tastes(reader) == (["2607.00001", "1706.03762"], ["2607.00002"])
    ran = reader.well("subscribers", "unlike", ADA, "2607.00002", "1706.03762", "2607.00003")
    assert ran.out == (f"2 papers taken back, 1 neither liked nor disliked before; {ADA} has 1 liked and 0 disliked\n")
    assert tastes(reader) == (["2607.00001"], [])
    assert reader.well("subscribers", "unlike", ADA, "--all").out.startswith("everything taken back")
    assert tastes(reader) == ([], [])


def test_a_merged_papers_old_id_means_the_new_one(reader: Newsletter, tmp_path: Path) -> None:
    papers = tmp_path / "more.jsonl"
    papers.write_text(json.dumps({"id": "blog:1f", "source": "blog", "title": "Attention Is All You Need"}), "utf-8")
    reader.well("import", str(papers))
    reader.well("subscribers", "like", ADA, "blog:1f")
    assert tastes(reader)[0] == ["blog:1f"]
    papers.write_text(json.dumps({"id": "1706.03762", "source": "file", "title": "Attention Is All You Need"}), "utf-8")
    reader.well("import", str(papers))
    reader.well("subscribers", "like", ADA, "blog:1f", "1706.03762", "2607.00001")
    assert tastes(reader)[0] == ["1706.03762", "2607.00001"]
    assert "1 paper taken back" in reader.well("subscribers", "unlike", ADA, "blog:1f").out


def test_add_edit_and_import_lose_no_likes_and_an_export_brings_them_along(reader: Newsletter, tmp_path: Path) -> None:
    reader.well("subscribers", "like", ADA, "2607.00001")
    reader.well("subscribers", "dislike", ADA, "2607.00002", "1706.03762")
    held = (["2607.00001"], ["2607.00002", "1706.03762"])
    reader.well("subscribers", "edit", ADA, "--interest", "wasps", "--topic", "agents", "--cadence", "weekly")
    reader.well("subscribers", "edit", ADA, "--no-topics", "--no-interests")
    reader.refused("subscribers", "add", ADA, "--interest", "bees")
    sheet = tmp_path / "people.csv"
    reader.well("subscribers", "export", "--output", str(sheet))
    reader.well("subscribers", "import", str(sheet), *CONSENT)
    reader.well("subscribers", "remove", ADA)
    reader.well("subscribers", "add", ADA, "--confirmed")
    assert tastes(reader) == held
    (row,) = csv.DictReader(sheet.read_text("utf-8").splitlines())
    assert (row["liked"], row["disliked"]) == ("2607.00001", "2607.00002 1706.03762")
    other = Newsletter(tmp_path / "other")
    other.well("subscribers", "import", str(sheet))
    assert tastes(other) == held
    assert "(1 liked, 2 disliked)" in other.well("subscribers", "list").out


def test_a_liked_paper_lifts_what_resembles_it(reader: Newsletter) -> None:
    day = ("rank", "--date", "2026-07-14", "--for", ADA, "--json")
    assert [one["id"] for one in reader.well(*day).json] == ["2607.00002", "2607.00001"]
    reader.well("subscribers", "like", ADA, "2607.00001")
    assert [one["id"] for one in reader.well(*day).json] == ["2607.00001", "2607.00002"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["like", "no@example.org", "2607.00001"], "no subscriber no@example.org"),
        (["unlike", "no@example.org", "--all"], "no subscriber no@example.org"),
        (["like", ADA, "nosuch.bib"], "'nosuch.bib' is no arXiv id, no paper's URL or id, and no file"),
        (["like", ADA, "2607.00001", "x" * 5_000], "no file that is there"),
        (["like", ADA, ""], "'' is no arXiv id"),
        (["dislike", ADA, "2607.00001", "{tmp}"], "is a folder"),
        (["like", ADA, "{tmp}/empty.txt"], "names no paper"),
        (["like", ADA, "2607.00001", "{tmp}/broken.bib"], "broken.bib, line 2: broken BibTeX"),
        (["like", ADA, "{tmp}/large.bib"], "holds more than"),
        (["like", ADA, "{tmp}/strange.txt"], "no paper is meant: {tmp}/strange.txt, line 1: Unheard of: no arXiv id"),
        (["like", ADA, "{tmp}/many.txt"], "5,001 liked and disliked papers; 5,000 are the most"),
        (["like", ADA, "https://example.org/post"], "no paper is meant"),
        (["unlike", ADA], "--all"),
        (["unlike", ADA, "2607.00001", "--all"], "--all"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_changes_nothing(
    reader: Newsletter, home: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    files = {
        "empty.txt": "# nothing yet\n",
        "broken.bib": "@misc{a, eprint={2607.00001}}\n@misc{b, title={open}\n",
        "large.bib": "@misc{a, eprint={2607.00001}}\n" * 1_100_000 if "large" in arguments[-1] else "",
        "strange.txt": "Unheard of\nAlso unheard of\n",
        "many.txt": "\n".join(f"2001.{number:05}" for number in range(5_000)),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    reader.well("subscribers", "dislike", ADA, "2607.00003")
    before = dump(home)
    called = ["subscribers", *(word.format(tmp=tmp_path) for word in arguments)]
    assert named.format(tmp=tmp_path) in reader.refused(*called)
    assert dump(home) == before


def test_what_a_reader_judged_is_known_to_them_and_comes_in_no_digest(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--interest", "kv cache", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    show = ("preview", "2026-07-14", "--for", "ada@example.org", "--format", "text")
    for word in ("like", "dislike"):
        for paper, title in (("2607.00001", "Pruning the key-value"), ("2607.00002", "A robot that folds")):
            newsletter.well("subscribers", word, "ada@example.org", paper)
            assert title not in newsletter.well(*show).out
            newsletter.well("subscribers", "unlike", "ada@example.org", "--all")
            assert title in newsletter.well(*show).out
    newsletter.well("subscribers", "like", "ada@example.org", "2607.00001")
    assert "Nothing new today matched what you follow" in " ".join(newsletter.well(*show).out.split())
    ranked = newsletter.well("rank", "--date", "2026-07-14", "--for", "ada@example.org", "--json").json
    assert {one["id"]: one["reasons"][0] for one in ranked}["2607.00001"] == "liked already, so in no digest"
    newsletter.well("subscribers", "dislike", "ada@example.org", "2607.00002")
    assert "knows every paper of 2026-07-14 already" in newsletter.well(*show).err


def test_a_paper_that_was_judged_under_another_id_is_known_too(newsletter: Newsletter, tmp_path: Path) -> None:
    title = {"title": "Notes on towels that fold themselves", "listed_on": "2026-07-14"}
    for name, entry in (("blog", {"id": "blog:1f", "source": "blog"}), ("arxiv", {"id": "2607.00007"})):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({**title, **entry}))
    newsletter.well("import", str(tmp_path / "blog.jsonl"))
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    newsletter.well("import", str(tmp_path / "arxiv.jsonl"))
    show = ("preview", "2026-07-14", "--for", "ada@example.org", "--format", "text")
    assert title["title"] in newsletter.well(*show).out
    newsletter.well("subscribers", "like", "ada@example.org", "2607.00007")
    assert title["title"] not in newsletter.well(*show).out
