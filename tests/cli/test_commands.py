"""The command line on a real home: what each command prints, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import csv
import email
import email.policy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.cli import run
from newsletter.cli.files import write_new
from newsletter.cli.output import counted, say_json
from newsletter.errors import UsageError
from tests.command import Newsletter

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

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
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


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


def test_two_inits_at_once_make_one_home(home: Path) -> None:
    init = [sys.executable, "-m", "newsletter", "init", str(home)]
    both = [subprocess.Popen(init, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    ran = [one.communicate() for one in both]
    assert [one.returncode for one in both] == [0] * 4, ran
    assert sum(b"made a newsletter" in out for out, _ in ran) == 1
    assert sum(b"already" in out for out, _ in ran) == 3
    kept = {path.name for path in home.iterdir() if not path.name.endswith(("-wal", "-shm"))}
    assert kept == {"newsletter.toml", "newsletter.db", "secret.key"}


def test_an_init_that_comes_second_leaves_the_settings_of_the_first(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = App.make_home

    def make_and_be_overtaken(app: App) -> None:
        make(app)
        (home / "newsletter.toml").write_text("# the other's\n")

    monkeypatch.setattr(App, "make_home", make_and_be_overtaken)
    assert "already" in Newsletter(home).well("init").out
    assert (home / "newsletter.toml").read_text() == "# the other's\n"


def test_settings_are_never_seen_half_written(tmp_path: Path, usual_umask: None) -> None:
    del usual_umask
    path = tmp_path / "newsletter.toml"
    assert write_new("whole", path)
    assert not write_new("late", path)
    assert path.read_text() == "whole"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UsageError, match="cannot be written"):
        write_new("nowhere", tmp_path / "absent" / "newsletter.toml")


def test_the_database_is_for_its_owners_eyes_and_an_old_one_keeps_its_mode(home: Path, usual_umask: None) -> None:
    del usual_umask
    command = Newsletter(home)
    command.well("init")
    database = home / "newsletter.db"
    assert database.stat().st_mode & 0o777 == 0o600
    database.chmod(0o640)
    command.well("subscribers", "add", "ada@example.org")
    assert database.stat().st_mode & 0o777 == 0o640


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
    assert "no row could be imported" in ran.err


def test_an_export_brings_nobody_back(newsletter: Newsletter, tmp_path: Path) -> None:
    for name in ("stays", "left", "waits"):
        newsletter.well("subscribers", "add", f"{name}@example.org", *(["--confirmed"] if name != "waits" else []))
    newsletter.well("subscribers", "remove", "left@example.org")
    sheet = tmp_path / "all.csv"
    newsletter.well("subscribers", "export", "--output", str(sheet))
    other = Newsletter(tmp_path / "other")
    assert "3 added" in other.well("subscribers", "import", str(sheet)).out
    assert statuses(other) == {"stays": "pending", "left": "unsubscribed", "waits": "pending"}
    said = other.well("subscribers", "import", str(sheet), "--confirmed").out
    assert "0 added, 2 of those waiting confirmed, 1 already there" in said
    assert statuses(other) == {"stays": "confirmed", "left": "unsubscribed", "waits": "confirmed"}
    sheet.write_text("address,status\nstays@example.org,complained\nleft@example.org,confirmed\n")
    assert "1 taken out, 1 already there" in other.well("subscribers", "import", str(sheet), "--confirmed").out
    assert statuses(other) == {"stays": "complained", "left": "unsubscribed", "waits": "confirmed"}


def statuses(newsletter: Newsletter) -> dict[str, str]:
    found = newsletter.well("subscribers", "list", "--json").json
    return {one["address"].partition("@")[0]: one["status"] for one in found}


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


def test_a_folder_without_a_newsletter_is_named(tmp_path: Path) -> None:
    line = Newsletter(tmp_path).refused("papers")
    assert str(tmp_path) in line
    assert "newsletter init" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "{tmp}/nofile.jsonl"],
        ["import", "{tmp}/bad.json"],
        ["subscribers", "add", "foo"],
        ["subscribers", "add", "a@example.org", "--topic", "bees"],
        ["subscribers", "import", "{tmp}/nofile.csv"],
        ["subscribers", "import", "{tmp}/bad.csv"],
        ["subscribers", "import", "{tmp}/bad.json"],
        ["collect", "--source", "nope"],
        ["collect", "--date", "2026-02-30"],
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_bad_input_makes_no_home(tmp_path: Path, arguments: list[str], exists: bool) -> None:
    (tmp_path / "bad.json").write_text('[{"paper": ')
    (tmp_path / "bad.csv").write_text("address\nnobody\n")
    home = tmp_path / "deep" / "home"
    if exists:
        home.mkdir(parents=True)
        (home / "notes.txt").write_text("mine")
    ran = Newsletter(home)(*[argument.format(tmp=tmp_path) for argument in arguments])
    assert ran.code == 1
    assert "made a new" not in ran.err
    assert (tmp_path / "deep").exists() is exists
    assert [path.name for path in home.glob("*")] == (["notes.txt"] if exists else [])


def test_a_source_that_is_away_leaves_an_empty_home_that_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")  # where nothing answers
    monkeypatch.setattr("newsletter.collect.http.HttpClient._pause", lambda _client, _attempt: 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    command = Newsletter(tmp_path / "home")
    ran = command("collect", "--date", "2026-07-14")
    assert ran.code == 1
    assert "made a new newsletter" in ran.err, "it is never taken away: another command may be filling it"
    assert command.well("papers", "--json").json == []


def test_good_input_makes_a_home_and_says_so(tmp_path: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    papers.write_text(json.dumps(PAPERS[0]))
    (tmp_path / "bad.json").write_text('[{"paper": ')
    ran = Newsletter(tmp_path / "a")("import", str(tmp_path / "bad.json"), str(papers))
    assert ran.code == 1
    assert "made a new newsletter" in ran.err
    assert len(Newsletter(tmp_path / "a").well("papers", "--json").json) == 1
    assert "made a new newsletter" in Newsletter(tmp_path / "b").well("subscribers", "add", "a@example.org").err
    assert statuses(Newsletter(tmp_path / "b")) == {"a": "pending"}


def test_a_source_named_twice_is_asked_once(newsletter: Newsletter, home: Path) -> None:
    (home / "newsletter.toml").write_text('[collect]\nattempts = 1\n[collect.feeds]\nlab = "http://127.0.0.1:1/x"\n')
    ran = newsletter("collect", "--date", "2026-07-14", "--source", "lab", "--source", "lab")
    assert ran.code == 1
    assert ran.err.count("lab: failed") == 1
    assert "1 failed" in ran.out
    (home / "newsletter.toml").write_text("[collect]\nsources = []\n")
    assert "no source" in newsletter.refused("collect", "--date", "2026-07-14")


def test_an_interest_is_parted_the_same_way_everywhere(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--interest", "kv cache; towels")
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert one["interests"] == ["kv cache", "towels"]
    day = ("rank", "--date", "2026-07-14", "--json")
    for_her = newsletter.well(*day, "--for", "ada@example.org").json
    assert newsletter.well(*day, "--interest", "kv cache; towels").json == for_her


def test_one_is_not_many(newsletter: Newsletter) -> None:
    assert "1 paper\n" in newsletter.well("papers", "--date", "2026-07-13").err
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(0, "entry", "entries") == "0 entries"


def test_doctor_makes_no_database(home: Path) -> None:
    home.mkdir()
    (home / "newsletter.toml").write_text("[collect]\nsources = []\n")
    ran = Newsletter(home)("doctor")
    assert "FAIL  database" in ran.out
    assert [path.name for path in home.iterdir()] == ["newsletter.toml"]


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
    ["issues", "preview", "approve", "send", "retry", "doctor", "topics", "subscribers"]
    + [f"subscribers {name}" for name in ("add", "edit", "list", "import", "export", "remove")],
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


def test_json_escapes_what_steers_a_terminal_and_keeps_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "C1 \x9b31m, bidi \u202e, DEL \x7f, tag \U000e0041, line \u2028, half \ud800, plain é 論 👍 \u00a0"
    say_json({"title": hostile, "lines": ["a\nb\t"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {"title": hostile, "lines": ["a\nb\t"]}
    assert all(c.isprintable() or c in "\n\u00a0" for c in out)
    assert "plain é 論 👍" in out


def test_what_a_reader_wants_can_be_changed_and_the_rest_stays(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--topic", "agents", "--interest", "bees", "--confirmed")
    assert "edit" in newsletter.refused("subscribers", "add", "ada@example.org", "--topic", "robotics", "--confirmed")
    assert "nothing to change" in newsletter.refused("subscribers", "edit", "ada@example.org")
    assert "unknown topic" in newsletter.refused("subscribers", "edit", "ada@example.org", "--topic", "bees")
    assert "no subscriber" in newsletter.refused("subscribers", "edit", "no@example.org", "--size", "3")
    newsletter.well(
        "subscribers", "edit", "Ada@Example.org", "--topic", "robotics", "--cadence", "weekly", "--size", "3"
    )
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert (one["topics"], one["interests"]) == (["robotics"], ["bees"])
    newsletter.well("subscribers", "edit", "ada@example.org", "--no-topics", "--interest", "wasps")
    assert newsletter.well("subscribers", "list", "--json").json[0]["topics"] == []
    assert (one["cadence"], one["size"], one["status"], one["hour"]) == ("weekly", 3, "confirmed", 7)


def test_topics_are_listed_with_or_without_a_home(newsletter: Newsletter, tmp_path: Path) -> None:
    found = newsletter.well("topics", "--json").json
    assert {"agents", "robotics"} <= {one["name"] for one in found}
    assert "agents" in Newsletter(tmp_path / "none").well("topics").out
    assert not (tmp_path / "none").exists()


def test_the_demo_leaves_the_home_of_the_environment_alone(
    newsletter: Newsletter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER_HOME", f"{newsletter.home}/")
    monkeypatch.chdir(tmp_path)
    before = dump(newsletter.home)
    assert run(["demo"]) == 0
    assert dump(newsletter.home) == before
    assert len(list((tmp_path / "newsletter-demo" / "outbox").glob("*.eml"))) == 15
    assert run(["demo"]) == 0
    assert len(list((tmp_path / "newsletter-demo" / "outbox").glob("*.eml"))) == 15
    assert "no demo" in newsletter.refused("demo", "--home", str(newsletter.home))


def test_a_preview_says_who_would_not_get_it_and_what_the_public_edition_is(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--cadence", "weekly", "--confirmed")
    newsletter.well("subscribers", "add", "bob@example.org")
    newsletter.well("draft", "2026-07-14")
    assert "reads weekly issues" in newsletter.well("preview", "2026-07-14", "--for", "ada@example.org").err
    assert "is pending" in newsletter.well("preview", "2026-07-14", "--for", "bob@example.org").err
    public = newsletter.well("preview", "2026-07-14", "--format", "text")
    assert "public edition" in " ".join(public.out.split())
    assert public.err == ""


def test_failed_mails_wait_again_on_request(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    assert "nothing of it was sent" in newsletter.refused("retry", "2026-07-14", "--failed")
    newsletter.well("approve", "2026-07-14")
    newsletter.well("send", "2026-07-14")
    assert "no mail that is failed" in newsletter.well("retry", "2026-07-14", "--failed").out
    assert "one of --failed and --uncertain" in newsletter.refused("retry", "2026-07-14")
