"""The command line on a real home: what each command prints, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import csv
import email
import email.policy
import json
from typing import TYPE_CHECKING

import pytest

from tests.command import Newsletter

if TYPE_CHECKING:
    from pathlib import Path

PAPERS = [
    {
        "id": "2607.00001",
        "title": "Pruning the key-value cache of long dialogues",
        "abstract": "Entries of the kv cache that no later token attends to are dropped.",
        "authors": ["Ada Byron"],
        "upvotes": 12,
        "comments": 1,
        "listed_on": "2026-07-14",
        "published": "2026-07-13",
    },
    {
        "id": "2607.00002",
        "title": "A robot that folds towels",
        "abstract": "A policy for two arms learns from forty demonstrations.",
        "authors": ["Bo Li", "Cy Young"],
        "upvotes": 80,
        "listed_on": "2026-07-14",
    },
    {
        "id": "2607.00003",
        "title": "Video from sketches",
        "abstract": "A diffusion model turns drawings into film.",
        "author_count": 7,
        "upvotes": 3,
        "listed_on": "2026-07-13",
    },
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def newsletter(home: Path, tmp_path: Path) -> Newsletter:
    command = Newsletter(home)
    command.well("init")
    papers = tmp_path / "papers.jsonl"
    papers.write_text("\n".join(json.dumps(paper) for paper in PAPERS), "utf-8")
    command.well("import", str(papers))
    return command


def dump(home: Path) -> dict[str, bytes]:
    """Everything a command could have changed."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_init_makes_a_home_and_leaves_an_old_one_alone(home: Path) -> None:
    command = Newsletter(home)
    assert "made a newsletter" in command.well("init").out
    (home / "newsletter.toml").write_text('[site]\nname = "Mine"\n')
    before = dump(home)
    assert "already" in command.well("init").out
    assert dump(home) == before
    assert (home / "secret.key").stat().st_mode & 0o077 == 0


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
    assert set(ranked[0]) == {"id", "title", "score", "reasons"}
    assert ranked[0]["score"] > ranked[1]["score"]
    assert any("cache" in reason for reason in ranked[0]["reasons"])
    by_votes = newsletter.well("rank", "--date", "2026-07-14", "--json").json
    assert [one["id"] for one in by_votes] == ["2607.00002", "2607.00001"]


def test_an_issue_goes_from_draft_to_every_reader_once(newsletter: Newsletter, home: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("address,interests\nada@example.org,kv cache\nbob@example.org,robot arms\n", encoding="utf-8")
    newsletter.well("subscribers", "import", str(people), "--confirmed")
    newsletter.well("subscribers", "add", "waiting@example.org")
    assert "2 papers" in newsletter.well("draft", "2026-07-14").out
    assert "not approved" in newsletter.refused("send", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    assert "2 mails with 2 different" in newsletter.well("send", "2026-07-14", "--dry-run").out
    assert not (home / "outbox").exists()
    preview = newsletter.well("preview", "2026-07-14", "--for", "ada@example.org", "--format", "eml").out
    assert "2 accepted" in newsletter.well("send", "2026-07-14").out
    mails = sorted((home / "outbox").glob("**/*.eml"))
    assert len(mails) == 2
    parsed = {}
    for mail in mails:
        message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
        assert not message.defects
        parsed[message["To"]] = message
    ada, bob = parsed["ada@example.org"], parsed["bob@example.org"]
    body = ada.get_body(("html",))
    assert body is not None
    cards = body.get_content().partition("<h1")[2]
    assert cards.index("Pruning the key-value") < cards.index("A robot that folds")
    assert bob["List-Unsubscribe"] != ada["List-Unsubscribe"]
    shown = email.message_from_string(preview, policy=email.policy.default)
    assert shown["Message-ID"] == ada["Message-ID"]
    shown_body = shown.get_body(("html",))
    assert shown_body is not None
    assert shown_body.get_content() == body.get_content()
    assert "already sent" in newsletter.well("send", "2026-07-14").out
    assert sorted((home / "outbox").glob("**/*.eml")) == mails
    (listed,) = newsletter.well("issues", "--json").json
    assert (listed["period"], listed["state"], listed["deliveries"]) == ("2026-07-14", "sent", {"accepted": 2})


def test_nobody_gets_a_paper_twice(newsletter: Newsletter, home: Path) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed", "--cadence", "weekly")
    newsletter.well("subscribers", "add", "bob@example.org", "--confirmed")
    for period in ("2026-07-13", "2026-W29"):
        newsletter.well("draft", period)
        newsletter.well("approve", period)
        newsletter.well("send", period)
    assert len(list((home / "outbox").glob("**/*.eml"))) == 2
    newsletter.well("subscribers", "add", "cy@example.org", "--confirmed")
    again = [{**PAPERS[2], "listed_on": "2026-07-14"}]
    copy = home / "again.jsonl"
    copy.write_text("\n".join(json.dumps(paper) for paper in again))
    newsletter.well("import", str(copy))
    newsletter.well("draft", "2026-07-14")
    for reader, shown in (("bob@example.org", False), ("cy@example.org", True)):
        text = newsletter.well("preview", "2026-07-14", "--for", reader, "--format", "text").out
        assert ("Video from sketches" in text) is shown


def test_an_approval_is_void_once_the_content_changed(newsletter: Newsletter, home: Path) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    (home / "newsletter.toml").write_text('[site]\nname = "Another name"\n')
    assert "approve it again" in newsletter.refused("send", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    more = home / "more.jsonl"
    more.write_text(json.dumps({**PAPERS[0], "id": "2607.00009", "title": "One more"}))
    newsletter.well("import", str(more))
    assert "approval is void" in newsletter.well("draft", "2026-07-14").err
    assert "not approved" in newsletter.refused("send", "2026-07-14")


def test_subscribers_are_added_listed_exported_and_removed(newsletter: Newsletter, tmp_path: Path) -> None:
    newsletter.well("subscribers", "add", "Ada@example.org", "--interest", "bees", "--time-zone", "Europe/Berlin")
    assert "already pending" in newsletter.refused("subscribers", "add", "ada@EXAMPLE.org")
    assert "now confirmed" in newsletter.well("subscribers", "add", "ada@example.org", "--confirmed").out
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert (one["address"], one["status"], one["interests"]) == ("Ada@example.org", "confirmed", ["bees"])
    output = tmp_path / "out.csv"
    newsletter.well("subscribers", "export", "--output", str(output))
    (row,) = csv.DictReader(output.read_text("utf-8").splitlines())
    assert (row["address"], row["time zone"]) == ("Ada@example.org", "Europe/Berlin")
    newsletter.well("subscribers", "remove", "ada@example.org")
    assert "1 already there" in newsletter.well("subscribers", "import", str(output), "--confirmed").out
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert one["status"] == "unsubscribed", "a list never brings back somebody who left"


def test_a_csv_with_broken_rows_keeps_the_good_ones_and_names_the_others(
    newsletter: Newsletter, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("address,cadence\nada@example.org,daily\nnobody,daily\nada@example.org,weekly\n")
    ran = newsletter.well("subscribers", "import", str(people))
    assert "1 added" in ran.out
    assert "line 3" in ran.err
    assert "line 4" in ran.err
    people.write_text("address\nnobody\n")
    ran = newsletter("subscribers", "import", str(people))
    assert ran.code == 1


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


def test_a_folder_without_a_newsletter_is_named(tmp_path: Path) -> None:
    line = Newsletter(tmp_path).refused("papers")
    assert str(tmp_path) in line
    assert "newsletter init" in line
    assert list(tmp_path.iterdir()) == []


def test_a_bad_file_among_good_ones_is_named_and_the_good_ones_are_kept(newsletter: Newsletter, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.json"
    good.write_text(json.dumps({**PAPERS[0], "id": "2607.00004", "title": "Another"}))
    bad.write_text('[{"paper": ')
    ran = newsletter("import", str(bad), str(good))
    assert ran.code == 1
    assert "bad.json" in ran.err
    assert len(newsletter.well("papers", "--json").json) == 4


@pytest.mark.parametrize("command", ["", "init", "demo", "collect", "import", "papers", "search", "rank", "draft"])
def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    ran = Newsletter(tmp_path).well(*command.split(), "--help")
    assert "Usage: newsletter" in ran.out


@pytest.mark.parametrize(
    "command",
    ["issues", "preview", "approve", "send", "doctor", "subscribers"]
    + [f"subscribers {name}" for name in ("add", "list", "import", "export", "remove")],
)
def test_the_other_commands_explain_themselves(tmp_path: Path, command: str) -> None:
    ran = Newsletter(tmp_path).well(*command.split(), "--help")
    assert "Usage: newsletter" in ran.out


def test_a_title_cannot_steer_the_terminal(newsletter: Newsletter, tmp_path: Path) -> None:
    evil = tmp_path / "evil.jsonl"
    evil.write_text(json.dumps({**PAPERS[0], "id": "2607.00005", "title": "Red \u001b[31m alert \u202egnp"}))
    newsletter.well("import", str(evil))
    out = newsletter.well("papers", "--date", "2026-07-14").out
    assert "\x1b" not in out
    assert "\u202e" not in out
