"""An editor's own hand in an issue: subject, note, pins and hides, and the approval that a change voids."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.sample import dump

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command import Newsletter

DAY = "2026-07-14"
CACHE, ROBOT = "2607.00001", "2607.00002"


@pytest.fixture
def drafted(newsletter: Newsletter) -> Newsletter:
    newsletter.well("draft", DAY)
    return newsletter


def shown(newsletter: Newsletter) -> str:
    return newsletter.well("preview", DAY, "--format", "text").out


def test_subject_note_pins_and_hides_stand_in_the_mail(drafted: Newsletter, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("# Two papers\r\n\r\nRead the *first*.\n", "utf-8")
    assert shown(drafted).index("robot") < shown(drafted).index("Pruning")
    said = drafted.well("edit", DAY, "--subject", "On caches", "--note", str(note), "--pin", CACHE).out
    assert f'subject "On caches"; a note of 31 characters; pinned {CACHE}; nothing hidden' in said
    mail = shown(drafted)
    assert mail.index("Pruning") < mail.index("robot")
    assert "Two papers" in mail
    assert "Editor's pick" in mail
    assert "Subject: On caches" in drafted.well("preview", DAY, "--format", "eml").out
    drafted.well("edit", DAY, "--subject", "", "--no-note", "--unpin", CACHE, "--hide", ROBOT)
    mail = shown(drafted)
    assert "Two papers" not in mail
    assert "robot" not in mail
    assert "Subject: On caches" not in drafted.well("preview", DAY, "--format", "eml").out
    assert f"hidden {ROBOT}" in drafted.well("edit", DAY).out
    drafted.well("edit", DAY, "--unhide", ROBOT)
    assert "robot" in shown(drafted)


def test_an_edit_outlives_a_new_draft(drafted: Newsletter) -> None:
    drafted.well("edit", DAY, "--subject", "On caches", "--pin", f"https://arxiv.org/abs/{CACHE}v2")
    drafted.well("draft", DAY)
    assert f'subject "On caches"; no note; pinned {CACHE}; nothing hidden' in drafted.well("edit", DAY).out


def test_the_newer_word_on_a_paper_wins(drafted: Newsletter) -> None:
    drafted.well("edit", DAY, "--hide", CACHE)
    assert f"pinned {CACHE}; nothing hidden" in drafted.well("edit", DAY, "--pin", CACHE).out
    assert f"nothing pinned; hidden {CACHE}" in drafted.well("edit", DAY, "--hide", CACHE).out


def test_a_change_voids_the_approval_and_no_change_does_not(drafted: Newsletter) -> None:
    drafted.well("edit", DAY, "--pin", CACHE)
    drafted.well("approve", DAY)
    same = drafted.well("edit", DAY, "--pin", CACHE)
    assert "was so already" in same.out
    assert same.err == ""
    assert drafted.well("issues", "--json").json[0]["state"] == "approved"
    assert "approval is void" in drafted.well("edit", DAY, "--subject", "On caches").err
    assert "not approved" in drafted.refused("send", DAY)


def test_a_note_comes_from_standard_input(drafted: Newsletter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Grüße".encode())))
    drafted.well("edit", DAY, "--note", "-")
    assert "Grüße" in shown(drafted)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert "standard input is not UTF-8" in drafted.refused("edit", DAY, "--note", "-")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--pin", "2607.00003"], "'2607.00003' is no paper of issue 2026-07-14"),
        (["--pin", CACHE, "--hide", CACHE], "cannot be pinned and hidden at once"),
        (["--pin", CACHE, "--unpin", CACHE], "cannot be pinned and unpinned at once"),
        (["--hide", CACHE, "--unhide", CACHE], "cannot be hidden and shown again at once"),
        (["--subject", "a\nBcc: b@example.org"], "the subject holds a control character"),
        (["--subject", "x" * 201], "201 characters; 200 are the most"),
        (["--note", "/nowhere/note.md"], "note.md cannot be read"),
        (["--note", "long.md"], "shorten it"),
        (["--note", "bell.md"], "the note holds a control character"),
        (["--note", "long.md", "--no-note"], "one or the other"),
    ],
)
def test_a_wrong_edit_changes_nothing(
    drafted: Newsletter, home: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], named: str
) -> None:
    (home / "long.md").write_text("x" * 20_001)
    (home / "bell.md").write_text("ring\x07")
    monkeypatch.chdir(home)
    before = dump(home)
    assert named in drafted.refused("edit", DAY, "--subject", "On caches", *options).replace("'' ", "")
    assert dump(home) == before


def test_what_is_sent_or_not_drafted_is_not_edited(drafted: Newsletter) -> None:
    assert "no issue 2026-07-13" in drafted.refused("edit", "2026-07-13", "--subject", "x")
    drafted.well("subscribers", "add", "ada@example.org", "--confirmed")
    drafted.well("approve", DAY)
    drafted.well("send", DAY)
    assert "its content can no longer change" in drafted.refused("edit", DAY, "--subject", "x")


def test_an_approval_that_is_void_is_listed_so(drafted: Newsletter, home: Path) -> None:
    drafted.well("approve", DAY)
    listed = drafted.well("issues")
    assert "void" not in listed.out + listed.err
    assert drafted.well("issues", "--json").json[0]["approval_void"] is False
    (home / "newsletter.toml").write_text("[rank]\nfloor = 0.3\n")
    ran = drafted.well("issues")
    assert "approved (void)" in ran.out
    assert f"newsletter approve {DAY}" in ran.err
    (one,) = drafted.well("issues", "--json").json
    assert (one["state"], one["approval_void"]) == ("approved", True)
    drafted.well("approve", DAY)
    assert "void" not in drafted.well("issues").out
    (home / "templates" / "email" / "digest").mkdir(parents=True)
    (home / "templates" / "email" / "digest" / "subject.txt").write_text("{{ nothing.such }")
    ran = drafted.well("issues")
    assert "approved (void)" in ran.out
    assert "subject.txt" in ran.err
    assert json.loads(drafted.well("issues", "--json").out)[0]["approval_void"] is True
