"""Papers on the command line: listed, found, ranked; every refusal is one line and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from newsletter.cli.output import counted, say_json
from tests.cli.sample import PAPERS, dump
from tests.command import Newsletter

if TYPE_CHECKING:
    from pathlib import Path


def test_papers_lists_a_day_as_json(newsletter: Newsletter) -> None:
    found = newsletter.well("papers", "--date", "2026-07-14", "--json").json
    assert [one["id"] for one in found] == ["2607.00002", "2607.00001"]
    first = found[1]
    assert first["title"] == "Pruning the key-value cache of long dialogues"
    assert first["authors"] == ["Ada Byron"]
    assert (first["published"], first["listed_on"]) == ("2026-07-13", "2026-07-14")
    assert (first["upvotes"], first["comments"], first["organisation"]) == (12, 1, "")
    assert len(newsletter.well("papers", "--json").json) == 3


def test_what_papers_prints_can_be_imported_again(newsletter: Newsletter, tmp_path: Path) -> None:
    found = newsletter.well("papers", "--json").out
    copy = tmp_path / "copy.json"
    copy.write_text(found, "utf-8")
    other = Newsletter(tmp_path / "other")
    other.well("import", str(copy))
    assert other.well("papers", "--json").json == json.loads(found)


def test_search_finds_words_in_titles_abstracts_and_authors(newsletter: Newsletter) -> None:
    def ids(query: str) -> list[str]:
        return [one["id"] for one in newsletter.well("search", query, "--json").json]

    assert ids("robots folding towels") == ["2607.00002"]
    assert ids("attends") == ["2607.00001"]
    assert ids("Byron") == ["2607.00001"]
    assert ids('"AND" OR ( * NEAR') == []


def test_rank_puts_the_interest_first_and_says_why(newsletter: Newsletter) -> None:
    ranked = newsletter.well("rank", "--date", "2026-07-14", "--interest", "kv cache", "--json").json
    assert [one["id"] for one in ranked] == ["2607.00001", "2607.00002"]
    assert set(ranked[0]) == {"id", "title", "score", "matched", "reasons"}
    assert ranked[0]["score"] > ranked[1]["score"]
    assert any("cache" in reason for reason in ranked[0]["reasons"])
    by_votes = newsletter.well("rank", "--date", "2026-07-14", "--json").json
    assert [one["id"] for one in by_votes] == ["2607.00002", "2607.00001"]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["collect", "--date", "2026-02-30"], 1, "2026-02-30"),
        (["collect", "--date", "2999-01-01"], 1, "has not begun"),
        (["collect", "--since", "2026-07-14", "--until", "2026-07-13"], 1, "--since"),
        (["collect", "--source", "nowhere", "--date", "2026-07-14"], 1, "unknown source 'nowhere'"),
        (["papers", "--date", "2026-07-01"], 1, "not collected"),
        (["rank", "--date", "2026-07-14", "--topic", "bees"], 1, "unknown topic 'bees'"),
        (["rank", "--date", "2026-07-14", "--for", "no@example.org"], 1, "no subscriber"),
        (["draft", "2026-07-01"], 1, "not collected"),
        (["draft", "tomorrow"], 1, "no period"),
        (["draft", "2999-01"], 1, "has not begun"),
        (["preview", "2026-07-13"], 1, "no issue 2026-07-13"),
        (["approve", "2026-W20"], 1, "no issue 2026-W20"),
        (["send", "2026-07-13"], 1, "no issue 2026-07-13"),
        (["subscribers", "add", "nobody"], 1, "no e-mail address"),
        (["subscribers", "add", "a@example.org", "--cadence", "hourly"], 1, "unknown cadence"),
        (["subscribers", "add", "a@example.org", "--topic", "bees"], 1, "unknown topic"),
        (["subscribers", "add", "a@example.org", "--time-zone", "Mars"], 1, "unknown time zone"),
        (["subscribers", "remove", "no@example.org"], 1, "no subscriber"),
        (["subscribers", "add", "a@example.org", "--interest", "kv\x1bcache"], 1, "control character"),
        (["subscribers", "add", "a@example.org", "--interest", " "], 1, "is empty"),
        (["rank", "--date", "2026-07-14", "--interest", ""], 1, "is empty"),
        (["rank", "--date", "2026-07-14", "--interest", "bees", "--interest", " ; "], 1, "is empty"),
        (["rank", "--date", "2026-07-14", "--topic", ""], 1, "is empty"),
        (["search", ""], 1, "nothing to search"),
        (["search", " \u00a0"], 1, "nothing to search"),
        (["draft", "9999-W52"], 1, "no period"),
        (["draft", "9999-12-31"], 1, "no period"),
        (["subscribers", "import", "/nowhere/people.csv"], 1, "people.csv"),
        (["search"], 2, "query"),
        (["fly"], 2, "fly"),
        (["papers", "--colour"], 2, "--colour"),
        (["preview", "2026-07-14", "--format", "pdf"], 2, "pdf"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    newsletter: Newsletter, home: Path, arguments: list[str], code: int, named: str
) -> None:
    before = dump(home)
    assert named.lower() in newsletter.refused(*arguments, code=code).lower()
    assert dump(home) == before


def test_a_source_named_twice_is_asked_once(newsletter: Newsletter, home: Path) -> None:
    (home / "newsletter.toml").write_text('[collect]\nattempts = 1\n[collect.feeds]\nlab = "http://127.0.0.1:1/x"\n')
    ran = newsletter("collect", "--date", "2026-07-14", "--source", "lab", "--source", "lab")
    assert ran.code == 1
    assert ran.err.count("lab: failed") == 1
    assert "1 failed" in ran.out
    (home / "newsletter.toml").write_text("[collect]\nsources = []\n")
    assert "no source" in newsletter.refused("collect", "--date", "2026-07-14")


def test_one_is_not_many(newsletter: Newsletter) -> None:
    assert "1 paper\n" in newsletter.well("papers", "--date", "2026-07-13").err
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(0, "entry", "entries") == "0 entries"


def test_a_bad_file_among_good_ones_is_named_and_the_good_ones_are_kept(newsletter: Newsletter, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.json"
    good.write_text(json.dumps({**PAPERS[0], "id": "2607.00004", "title": "Another"}))
    bad.write_text('[{"paper": ')
    ran = newsletter("import", str(bad), str(good))
    assert ran.code == 1
    assert "bad.json" in ran.err
    assert len(newsletter.well("papers", "--json").json) == 4


def test_a_title_cannot_steer_the_terminal(newsletter: Newsletter, tmp_path: Path) -> None:
    evil = tmp_path / "evil.jsonl"
    evil.write_text(json.dumps({**PAPERS[0], "id": "2607.00005", "title": "Red \u001b[31m alert \u202egnp"}))
    newsletter.well("import", str(evil))
    out = newsletter.well("papers", "--date", "2026-07-14").out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_json_escapes_what_steers_a_terminal_and_keeps_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "C1 \x9b31m, bidi \u202e, DEL \x7f, tag \U000e0041, line \u2028, half \ud800, plain é 論 👍 \u00a0"
    say_json({"title": hostile, "lines": ["a\nb\t"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {"title": hostile, "lines": ["a\nb\t"]}
    assert all(c.isprintable() or c in "\n\u00a0" for c in out)
    assert "plain é 論 👍" in out


def test_topics_are_listed_with_or_without_a_home(newsletter: Newsletter, tmp_path: Path) -> None:
    found = newsletter.well("topics", "--json").json
    assert {"agents", "robotics"} <= {one["name"] for one in found}
    assert "agents" in Newsletter(tmp_path / "none").well("topics").out
    assert not (tmp_path / "none").exists()
