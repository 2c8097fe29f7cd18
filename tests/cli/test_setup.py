"""Homes: made by whom, when, how safely, and what a bad call leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.cli import run
from newsletter.cli.files import write_new
from newsletter.errors import UsageError
from tests.command import Newsletter

if TYPE_CHECKING:
    from pathlib import Path

from tests.cli.sample import PAPERS, ROOT, dump, statuses


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


def test_doctor_makes_no_database(home: Path) -> None:
    home.mkdir()
    (home / "newsletter.toml").write_text("[collect]\nsources = []\n")
    ran = Newsletter(home)("doctor")
    assert "FAIL  database" in ran.out
    assert [path.name for path in home.iterdir()] == ["newsletter.toml"]


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
