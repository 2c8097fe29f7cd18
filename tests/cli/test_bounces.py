"""`newsletter bounces` and `newsletter suppressions` as a person, cron or a mail server runs them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.deliver.return_path import return_path
from newsletter.links import Purpose
from tests.cli.sample import ROOT, dump, statuses
from tests.command import CONSENT
from tests.deliver import bounce_mails
from tests.deliver.bounce_mails import plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command import Newsletter

SETTINGS = '[bounces]\nreturn_path = "bounces@newsletter.example"\nhard_issues = 1\n'


@pytest.fixture
def issued(newsletter: Newsletter) -> Newsletter:
    """Return the command on a home with two readers, of whom ada has had an issue."""
    with (newsletter.home / "newsletter.toml").open("a") as settings:
        settings.write(SETTINGS)
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    newsletter.well("send", "2026-07-14")
    newsletter.well("subscribers", "add", "bob@example.org", "--confirmed")
    return newsletter


def to(newsletter: Newsletter, address: str = "ada@example.org") -> str:
    with App(newsletter.home, {}) as app:
        reader, issue = app.store.subscribers.find(address), app.store.issues.get("2026-07-14")
        assert reader
        assert issue
        return return_path(app.config.bounces, app.key, issue.id, reader.id)


def test_a_bounce_in_a_file_ends_the_mail_and_is_listed(issued: Newsletter, tmp_path: Path) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(bounce_mails.postfix_unknown(to(issued)))
    assert issued.well("bounces", str(file)).out == "1 mail read: 1 for good\n1 reader will get no more mail\n"
    assert issued.well("bounces", str(file)).out == "1 mail read: 1 known already\n"
    assert statuses(issued) == {"ada": "bounced", "bob": "confirmed"}
    (listed,) = issued.well("bounces", "--issue", "2026-07-14", "--json").json
    assert (listed["address"], listed["kind"], listed["status"]) == ("ada@example.org", "hard", "5.1.1")
    table = issued.well("bounces", "--issue", "2026-07-14")
    assert "User unknown in local recipient table" in table.out
    assert table.err == "hard: 1\n"
    assert file.exists()


def test_who_is_suppressed_does_not_come_in_until_it_is_lifted(issued: Newsletter, tmp_path: Path) -> None:
    assert "is suppressed" in issued.well("suppressions", "add", "Cy@example.org").out
    line = issued.refused("subscribers", "add", "cy@EXAMPLE.org", "--confirmed")
    assert "cy@example.org is suppressed" in line
    assert "newsletter suppressions remove cy@example.org" in line
    people = tmp_path / "people.csv"
    people.write_text("address\ncy@example.org\ndee@example.org\n")
    ran = issued("subscribers", "import", str(people), *CONSENT)
    assert ran.code == 1
    assert ran.err == "left out: cy@example.org is suppressed; see: newsletter suppressions --help\n"
    assert ran.out.startswith("1 added,")
    assert ran.out.endswith("1 left out\n")
    assert "cy" not in statuses(issued)
    issued.well("suppressions", "remove", "cy@example.org")
    issued.well("subscribers", "add", "cy@example.org", "--confirmed")
    assert statuses(issued)["cy"] == "confirmed"


def test_a_list_of_suppressed_people_only_brings_nobody_in(issued: Newsletter, tmp_path: Path) -> None:
    issued.well("suppressions", "add", "cy@example.org")
    people = tmp_path / "people.csv"
    people.write_text("address\ncy@example.org\n")
    ran = issued("subscribers", "import", str(people), *CONSENT)
    assert (ran.code, ran.err.splitlines()[-1]) == (1, f"newsletter: {people}: no row could be imported")


def test_who_is_suppressed_may_be_imported_as_one_who_gets_no_mail(issued: Newsletter, tmp_path: Path) -> None:
    issued.well("suppressions", "add", "cy@example.org")
    people = tmp_path / "people.csv"
    people.write_text("address,status\ncy@example.org,complained\n")
    issued.well("subscribers", "import", str(people))
    assert statuses(issued)["cy"] == "complained"


def test_the_list_shows_an_address_while_somebody_has_it(issued: Newsletter) -> None:
    issued.well("suppressions", "add", "bob@example.org")
    issued.well("suppressions", "add", "stranger@example.org")
    listed = issued.well("suppressions", "list", "--json").json
    assert [(one["address"], one["reason"]) for one in listed] == [
        ("bob@example.org", "requested"),
        (None, "requested"),
    ]
    shown = issued.well("suppressions", "list")
    assert "(kept as a hash only)" in shown.out
    assert shown.err == "2 suppressed addresses\n"
    assert statuses(issued)["bob"] == "unsubscribed"
    with sqlite3.connect(issued.home / "newsletter.db") as database:
        held = "\n".join(database.iterdump())
    database.close()
    assert "stranger" not in held


def test_lifting_what_is_not_there_is_refused(issued: Newsletter) -> None:
    assert "is not suppressed" in issued.refused("suppressions", "remove", "ada@example.org")
    assert "no e-mail address" in issued.refused("suppressions", "add", "nobody")


def test_a_lost_key_is_said_and_nobody_comes_in_by_it(issued: Newsletter) -> None:
    issued.well("suppressions", "add", "cy@example.org")
    key = issued.home / "suppression.key"
    assert key.stat().st_mode & 0o077 == 0
    key.unlink()
    line = issued.refused("subscribers", "add", "cy@example.org")
    assert f"{key} is missing" in line
    assert "restore it" in line


def test_a_change_of_the_secret_keeps_the_list(issued: Newsletter) -> None:
    issued.well("suppressions", "add", "cy@example.org")
    (issued.home / "secret.key").rename(issued.home / "secret.key.old")
    assert "is suppressed" in issued.refused("subscribers", "add", "cy@example.org")


def test_files_that_cannot_be_read_are_named_and_the_others_read(issued: Newsletter, tmp_path: Path) -> None:
    box = tmp_path / "box"
    for name in ("new", "cur", "tmp"):
        (box / name).mkdir(parents=True)
    (box / "new" / "1").write_bytes(bounce_mails.qmail(to(issued)))
    ran = issued("bounces", str(tmp_path / "nothing"), str(tmp_path), str(box))
    assert ran.code == 1
    assert ran.out.startswith("1 mail read: 1 for good\n")
    assert [line.partition(": ")[0] for line in ran.err.splitlines()] == ["left out"] * 2
    assert (box / "new" / "1").exists()


def test_an_unsigned_wish_is_told_to_the_operator(issued: Newsletter, tmp_path: Path) -> None:
    file = tmp_path / "wish.eml"
    file.write_bytes(plain("unsubscribe@newsletter.example", "bob, please", subject="unsubscribe"))
    before = dump(issued.home)
    ran = issued.well("bounces", str(file))
    assert ran.out == "1 mail read: 1 unsigned\n"
    assert "1 mail asked to unsubscribe or complained without our signature" in ran.err
    assert dump(issued.home) == before


def piped(newsletter: Newsletter, mail: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "newsletter", "--home", str(newsletter.home), "bounces", "-"]
    return subprocess.run(
        command, input=mail, cwd=ROOT, capture_output=True, check=False, env={**os.environ, **environment}
    )


def test_a_mail_server_may_pipe_a_mail_in(issued: Newsletter) -> None:
    with App(issued.home, {}) as app:
        reader = app.store.subscribers.find("bob@example.org")
        assert reader
        token = app.signer.token(Purpose.UNSUBSCRIBE, reader.id)
    mail = plain("unsubscribe@newsletter.example", "x" * 3_000_000, subject=f"unsubscribe {token}")
    done = piped(issued, b"From bob@example.org Tue Jul 14 07:00:00 2026\n" + mail)
    assert (done.returncode, done.stdout) == (0, b"1 mail read: 1 unsubscribed\n1 reader will get no more mail\n")
    assert statuses(issued)["bob"] == "unsubscribed"


def test_a_mail_server_is_told_to_try_again_where_the_database_is_away(issued: Newsletter) -> None:
    mail = bounce_mails.qmail(to(issued))
    database = issued.home / "newsletter.db"
    settings = issued.home / "newsletter.toml"
    settings.write_text(settings.read_text() + f'\n[store]\nurl = "sqlite:///{database}?timeout=0.1"\n')
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    done = piped(issued, mail)
    holder.close()
    assert done.returncode == 75
    assert done.stderr.decode().splitlines()[-1].endswith("try again when that has finished")
    assert piped(issued, mail).returncode == 0


def test_without_an_inbox_the_command_says_what_to_do(issued: Newsletter) -> None:
    assert "set [bounces] inbox, or name files" in issued.refused("bounces")
    assert "no issue 2026-07-15" in issued.refused("bounces", "--issue", "2026-07-15")
    assert "one or the other" in issued.refused("bounces", "x", "--issue", "2026-07-14")


def test_the_inbox_of_the_settings_is_read_and_doctor_counts_it(issued: Newsletter) -> None:
    for name in ("new", "cur", "tmp"):
        (issued.home / "bounces" / name).mkdir(parents=True)
    with (issued.home / "newsletter.toml").open("a") as settings:
        settings.write('inbox = "maildir"\n')
    (issued.home / "bounces" / "new" / "1").write_bytes(bounce_mails.qmail(to(issued)))
    assert f"ok    bounces: maildir {issued.home}/bounces, 1 waiting" in issued("doctor").out
    assert issued.well("bounces", "--json").json["hard"] == 1
    assert issued.well("bounces").out == "0 mails read\n"
    assert list((issued.home / "bounces").rglob("1*")) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", "ok    bounces: they come to bounces@newsletter.example, and nothing reads them there"),
        ('inbox = "maildir"\n', "FAIL  bounces: {home}/bounces is no maildir"),
        ('inbox = "imap"\n[bounces.imap]\nport = 1\n', "FAIL  bounces: localhost:1 cannot be reached"),
        ('inbox = "pop3"\n[bounces.pop3]\npassword_file = "none"\n', "FAIL  bounces: {home}/none cannot be read"),
    ],
)
def test_doctor_says_what_is_wrong_with_the_inbox(issued: Newsletter, settings: str, said: str) -> None:
    with (issued.home / "newsletter.toml").open("a") as file:
        file.write(settings)
    assert said.format(home=issued.home) in issued("doctor").out


@pytest.mark.parametrize("command", ["bounces", "suppressions", "suppressions list", "suppressions add"])
def test_each_explains_itself(newsletter: Newsletter, command: str) -> None:
    assert "Usage: newsletter" in newsletter.well(*command.split(), "--help").out
