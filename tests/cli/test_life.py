"""The operator's side of a subscriber's life: consent, pauses, letters, exports, forgetting; and keys of the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.pipeline.subscribing.signing_up import sign_up
from tests.cli.sample import dump
from tests.command import CONSENT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command import Newsletter

ADA = "ada@example.org"
WEB = '[site]\nweb_url = "https://digest.example"\n'


def history(newsletter: Newsletter, address: str = ADA) -> list[dict[str, str]]:
    held: list[dict[str, str]] = newsletter.well("subscribers", "export-one", address).json["history"]
    return held


def test_an_import_of_confirmed_people_says_how_and_when_they_agreed(newsletter: Newsletter, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"address\n{ADA}\n")
    command = ("subscribers", "import", str(people))
    assert "say how with --consent-reason" in newsletter.refused(*command, "--confirmed")
    assert "say how" in newsletter.refused(*command, "--confirmed", "--consent-reason", "a seminar")
    assert "is no date" in newsletter.refused(*command, *CONSENT[:-1], "yesterday")
    assert "still to come" in newsletter.refused(*command, *CONSENT[:-1], "2999-01-01")
    assert "one line" in newsletter.refused(*command, *CONSENT[:2], "a\nb", *CONSENT[3:])
    newsletter.well(*command, *CONSENT)
    (event,) = history(newsletter)
    assert event["what"] == "imported"
    assert (event["consent"], event["consent date"]) == ("signed at our seminar", "2026-01-31")


def test_who_is_confirmed_by_a_second_import_has_that_in_their_history(newsletter: Newsletter, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"address\n{ADA}\n")
    newsletter.well("subscribers", "import", str(people))
    newsletter.well("subscribers", "import", str(people), *CONSENT)
    newsletter.well("subscribers", "import", str(people), *CONSENT)
    assert [event["consent"] for event in history(newsletter)] == ["none yet", "signed at our seminar"]


def test_nobody_who_left_is_said_to_have_agreed(newsletter: Newsletter, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"address,status\n{ADA},unsubscribed\n")
    newsletter.well("subscribers", "import", str(people), *CONSENT)
    (event,) = history(newsletter)
    assert (event["what"], event["status"]) == ("imported", "unsubscribed")
    assert "consent" not in event


def test_who_is_added_as_confirmed_was_so_by_the_operator(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", ADA, "--confirmed")
    newsletter.well("subscribers", "add", "bob@example.org")
    newsletter.well("subscribers", "add", "bob@example.org", "--confirmed", "--consent-reason", "told me")
    assert history(newsletter)[0]["consent"] == "added by the operator"
    assert [one["consent"] for one in history(newsletter, "bob@example.org")] == ["none yet", "told me"]


def test_an_import_of_100_000_rows_with_500_bad_ones_keeps_the_good(newsletter: Newsletter, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    rows = [f"r{n}.example.org" if n % 200 == 0 else f"r{n}@example.org" for n in range(100_000)]
    people.write_text("\n".join(["address", *rows]))
    ran = newsletter("subscribers", "import", str(people), *CONSENT)
    assert ran.code == 1
    assert ran.out == (
        "99500 added, 0 of those waiting confirmed, 0 already there and left as they were, 500 left out\n"
    )
    assert ran.err.count("left out: ") == 500
    assert "line 202: 'r200.example.org' is no e-mail address" in ran.err


def test_a_weekly_reader_chooses_a_day_and_any_reader_a_pause(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", ADA, "--cadence", "weekly", "--weekday", "Friday")
    (shown,) = newsletter.well("subscribers", "list", "--json").json
    assert (shown["weekday"], shown["paused_until"]) == (4, None)
    newsletter.well("subscribers", "edit", ADA, "--weekday", "monday")
    assert "someday" in newsletter.refused("subscribers", "edit", ADA, "--weekday", "someday")
    assert "not after today" in newsletter.refused("subscribers", "edit", ADA, "--pause-until", "2020-01-01")
    assert "do one or the other" in newsletter.refused(
        "subscribers", "edit", ADA, "--pause-until", "2020-01-01", "--resume"
    )
    before = newsletter.well("subscribers", "list", "--json").json
    assert "more than a year" in newsletter.refused(
        "subscribers", "edit", ADA, "--size", "3", "--pause-until", "2999-01-01"
    )
    assert newsletter.well("subscribers", "list", "--json").json == before
    assert newsletter.well("subscribers", "edit", ADA, "--resume").out == f"{ADA} changed: pause\n"


def test_what_is_exported_is_read_back_with_the_day_of_the_week(newsletter: Newsletter, tmp_path: Path) -> None:
    newsletter.well("subscribers", "add", ADA, "--weekday", "sunday")
    sheet = tmp_path / "out.csv"
    newsletter.well("subscribers", "export", "-o", str(sheet))
    assert "weekday" in sheet.read_text().splitlines()[0]
    assert "sunday" in sheet.read_text()
    newsletter.well("subscribers", "import", str(sheet))


def test_all_that_is_held_of_one_is_exported(newsletter: Newsletter, tmp_path: Path) -> None:
    newsletter.well("subscribers", "add", ADA, "--confirmed", "--interest", "robot memory")
    file = tmp_path / "ada.json"
    newsletter.well("subscribers", "export-one", ADA, "-o", str(file))
    held = json.loads(file.read_text("utf-8"))
    assert held == newsletter.well("subscribers", "export-one", ADA).json
    assert (held["address"], held["interests"]) == (ADA, ["robot memory"])
    assert "there is no subscriber" in newsletter.refused("subscribers", "export-one", "nobody@example.org")


def test_who_is_forgotten_is_gone_and_no_list_brings_them_back(
    newsletter: Newsletter, home: Path, tmp_path: Path
) -> None:
    newsletter.well("subscribers", "add", ADA, "--confirmed")
    said = newsletter.well("subscribers", "forget", ADA)
    assert ADA not in said.out
    assert ADA not in str(dump(home))
    people = tmp_path / "people.csv"
    people.write_text(f"address\n{ADA}\n")
    assert "is suppressed" in newsletter("subscribers", "import", str(people), *CONSENT).err
    assert "there is no subscriber" in newsletter.refused("subscribers", "forget", ADA)


def test_letters_are_listed_and_sent(newsletter: Newsletter, home: Path) -> None:
    (home / "newsletter.toml").write_text(WEB)
    assert newsletter.well("letters").out == "no letter was due\n"
    with App(home, {}) as app:
        sign_up(app.desk, ADA, {}, client="192.0.2.1", now=datetime.now(UTC))
    (waiting,) = newsletter.well("letters", "--list", "--json").json["waiting"]
    assert (waiting["letter"], waiting["address"]) == ("confirm", ADA)
    assert ADA in newsletter.well("letters", "--list").out
    assert newsletter.well("letters", "--json").json == {"sent": 1, "waiting": []}
    (mail,) = (home / "outbox").glob("*.eml")
    assert b"https://digest.example/confirm/" in mail.read_bytes().replace(b"=\r\n", b"")
    assert newsletter.well("letters", "--list").err == "0 letters waiting\n"


def test_a_key_is_made_listed_and_revoked(newsletter: Newsletter, home: Path) -> None:
    key = newsletter.well("keys", "add", "website", "--scope", "papers:read", "--scope", "issues:read").out.strip()
    assert key not in str(dump(home))
    (listed,) = newsletter.well("keys", "list", "--json").json
    assert (listed["name"], listed["scopes"]) == ("website", ["issues:read", "papers:read"])
    assert "never used" in newsletter.well("keys", "list").out
    newsletter.well("keys", "revoke", "website")
    assert "revoked" in newsletter.well("keys", "list").out
    assert "no key 'website' in use" in newsletter.refused("keys", "revoke", "website")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "website"), "a key without a scope"),
        (("add", "website", "--scope", "everything"), "unknown scope 'everything'; known are: papers:read"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(newsletter: Newsletter, arguments: tuple[str, ...], told: str) -> None:
    assert told in newsletter.refused("keys", *arguments)
