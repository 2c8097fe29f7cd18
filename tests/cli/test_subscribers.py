"""The subscribers commands: in, out, changed, and back from a file."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tests.cli.sample import statuses
from tests.command import CONSENT, Newsletter

if TYPE_CHECKING:
    from pathlib import Path


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
    assert "1 already there" in newsletter.well("subscribers", "import", str(output), *CONSENT).out
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert one["status"] == "unsubscribed", "a list never brings back somebody who left"


def test_a_csv_with_broken_rows_keeps_the_good_ones_and_names_the_others(
    newsletter: Newsletter, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("address,cadence\nada@example.org,daily\nnobody,daily\nada@example.org,weekly\n")
    ran = newsletter("subscribers", "import", str(people))
    assert ran.code == 1, "a script is to notice that some were left out"
    assert "1 added" in ran.out
    assert "2 left out" in ran.out
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
    said = other.well("subscribers", "import", str(sheet), *CONSENT).out
    assert "0 added, 2 of those waiting confirmed, 1 already there" in said
    assert statuses(other) == {"stays": "confirmed", "left": "unsubscribed", "waits": "confirmed"}
    sheet.write_text("address,status\nstays@example.org,complained\nleft@example.org,confirmed\n")
    assert "1 taken out, 1 already there" in other.well("subscribers", "import", str(sheet), *CONSENT).out
    assert statuses(other) == {"stays": "complained", "left": "unsubscribed", "waits": "confirmed"}


def test_an_interest_is_parted_the_same_way_everywhere(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--interest", "kv cache; towels")
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert one["interests"] == ["kv cache", "towels"]
    day = ("rank", "--date", "2026-07-14", "--json")
    for_her = newsletter.well(*day, "--for", "ada@example.org").json
    assert newsletter.well(*day, "--interest", "kv cache; towels").json == for_her


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


def test_authors_and_organisations_are_followed_and_words_muted(newsletter: Newsletter, tmp_path: Path) -> None:
    follows = ("--author", "Bo Li", "--organisation", "Example Lab", "--mute", "towels", "--mute", "folding laundry")
    newsletter.well("subscribers", "add", "ada@example.org", *follows)
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert (one["authors"], one["organisations"]) == (["Bo Li"], ["Example Lab"])
    assert one["muted"] == ["towels", "folding laundry"]
    assert "(2 followed, 2 muted)" in newsletter.well("subscribers", "list").out
    day = ("rank", "--date", "2026-07-14", "--for", "ada@example.org", "--json")
    assert [paper["id"] for paper in newsletter.well(*day).json] == ["2607.00001"]
    newsletter.well(
        "subscribers", "edit", "ada@example.org", "--no-mutes", "--no-organisations", "--author", "Cy Young"
    )
    first = newsletter.well(*day).json[0]
    assert first["reasons"][0] == "by an author you follow: Cy Young"
    sheet = tmp_path / "out.csv"
    newsletter.well("subscribers", "export", "--output", str(sheet))
    (row,) = csv.DictReader(sheet.read_text("utf-8").splitlines())
    assert (row["authors"], row["organisations"], row["muted"]) == ("Cy Young", "", "")
    newsletter.well("subscribers", "edit", "ada@example.org", "--no-authors")
    assert newsletter.well("subscribers", "list", "--json").json[0]["authors"] == []
    refusal = newsletter.refused("subscribers", "edit", "ada@example.org", "--no-authors", "--author", "Bo Li")
    assert "authors are both named and taken away" in refusal


def test_follows_and_mutes_come_from_a_file(newsletter: Newsletter, tmp_path: Path) -> None:
    sheet = tmp_path / "people.csv"
    sheet.write_text("address,authors,organisations,muted\nada@example.org,Bo Li;Cy Young,Example Lab,towels\n")
    newsletter.well("subscribers", "import", str(sheet))
    (one,) = newsletter.well("subscribers", "list", "--json").json
    assert one["authors"] == ["Bo Li", "Cy Young"]
    assert (one["organisations"], one["muted"]) == (["Example Lab"], ["towels"])


def test_a_wish_that_finds_nothing_is_kept_and_remarked_on(newsletter: Newsletter, tmp_path: Path) -> None:
    useless = ("--interest", "of the", "--interest", "-towels", "--interest", "kv cache")
    said = newsletter.well("subscribers", "add", "ada@example.org", *useless).err.splitlines()
    assert len(said) == 2
    assert "the interest 'of the' has no word" in said[0]
    assert "the interest '-towels' only keeps papers out" in said[1]
    assert "'x' has no word" in newsletter.well("subscribers", "edit", "ada@example.org", "--interest", "x").err
    assert "'the' has no word" in newsletter.well("rank", "--date", "2026-07-14", "--interest", "the").err
    sheet = tmp_path / "people.csv"
    rows = [f"reader{number}@example.org,the" for number in range(25)]
    sheet.write_text("\n".join(["address,interests", *rows, "bob@example.org,bees"]))
    ran = newsletter.well("subscribers", "import", str(sheet))
    assert "26 added" in ran.out
    assert "people.csv, line 2: the interest 'the' has no word" in ran.err
    assert ran.err.endswith("5 more of the like\n")


def test_an_unknown_topic_gets_the_nearest_ones_named(newsletter: Newsletter) -> None:
    refusal = newsletter.refused("subscribers", "add", "ada@example.org", "--topic", "agnets")
    said = "newsletter: unknown topic 'agnets'; the nearest are agents, alignment, gui-agents; see: newsletter topics"
    assert refusal == said
    refusal = newsletter.refused("subscribers", "add", "ada@example.org", "--topic", "qqq")
    assert refusal == "newsletter: unknown topic 'qqq'; see: newsletter topics"
