"""The whole road on recorded input: collected from a server that replays it, stored, ranked, rendered, delivered."""

from __future__ import annotations

import email
import email.policy
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import CONSENT, Newsletter
from tests.replay import Replay, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

PROFILES = [
    ("agents", ""),
    ("robotics", ""),
    ("video-generation", ""),
    ("", "kv cache compression"),
    ("", "reinforcement learning for reasoning"),
    ("", "medical images;radiology"),
    ("", "speech recognition"),
    ("agents", "benchmarks for tool use"),
    ("robotics", "vision language navigation"),
    ("", ""),
]


@pytest.fixture(autouse=True)
def _replayed(monkeypatch: pytest.MonkeyPatch, replay: Replay) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", replay.url)


@pytest.fixture
def replay(shared_data: Path) -> Iterator[Replay]:
    with Replay(shared_data / "daily_papers") as running:
        yield running


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    command = Newsletter(tmp_path / "home")
    command.well("init")
    settings = tmp_path / "home" / "newsletter.toml"
    settings.write_text(settings.read_text() + "\n", "utf-8")
    return command


def rows(command: Newsletter, query: str) -> list[Any]:
    """Look into the database past the program, as a doubting operator would."""
    connection = sqlite3.connect(command.home / "newsletter.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def stored(command: Newsletter) -> dict[str, list[Any]]:
    """Return all that is stored of papers, but for when each was last seen."""
    texts = (
        "SELECT id, source, title, abstract, authors, author_count, organisation, published, keywords, summary, stars"
    )
    return {
        "papers": rows(command, f"{texts} FROM papers ORDER BY id"),
        "listings": rows(command, "SELECT * FROM listings ORDER BY 1, 2, 3"),
        "votes": rows(command, "SELECT * FROM votes ORDER BY 1, 2"),
    }


def test_six_weeks_are_collected_whole_and_a_second_run_changes_nothing(newsletter: Newsletter) -> None:
    ran = newsletter.well("collect", "--since", "2026-06-08", "--until", "2026-07-17")
    assert "685 listings over 30 dates, 684 papers new; 10 dates empty (10 of them weekend days)" in ran.out
    assert rows(newsletter, "SELECT count(*), count(DISTINCT listed_on) FROM listings") == [(685, 30)]
    assert rows(newsletter, "SELECT count(*) FROM papers") == [(684,)]
    assert len(newsletter.well("papers", "--date", "2026-07-14", "--json").json) == 12
    assert "is empty" in newsletter.well("papers", "--date", "2026-07-12").err
    before = stored(newsletter)
    again = newsletter.well("collect", "--since", "2026-06-08", "--until", "2026-07-17")
    assert "685 listings over 30 dates, 0 papers new" in again.out
    assert stored(newsletter) == before


def test_new_votes_are_a_second_snapshot_and_nothing_else_changes(
    newsletter: Newsletter, replay: Replay, shared_data: Path
) -> None:
    newsletter.well("collect", "--date", "2026-07-15")
    before = stored(newsletter)
    grown = json.loads((shared_data / "daily_papers" / "2026-07-15.json").read_bytes())
    for item in grown:
        item["paper"]["upvotes"] += 10
    replay.order(Reply(body=json.dumps(grown).encode()))
    newsletter.well("collect", "--date", "2026-07-15")
    after = stored(newsletter)
    assert (after["papers"], after["listings"]) == (before["papers"], before["listings"])
    assert len(after["votes"]) == 2 * len(before["votes"])
    shown = newsletter.well("papers", "--date", "2026-07-15", "--json").json
    assert {one["upvotes"] for one in shown} == {item["paper"]["upvotes"] for item in grown}


def test_every_recorded_shape_is_read_without_a_lost_item(newsletter: Newsletter, shared_data: Path) -> None:
    for path in sorted((shared_data / "daily_papers_variants").glob("*.json")):
        ran = newsletter.well("import", str(path))
        items = json.loads(path.read_bytes())
        assert "left out" not in ran.err
        listed = newsletter.well("papers", "--date", path.stem, "--json").json
        assert len(listed) == len(items)
        assert all(one["title"] and "\n" not in one["title"] and one["abstract"] for one in listed)


def test_one_date_captured_twice_leaves_two_snapshots(newsletter: Newsletter, shared_data: Path) -> None:
    files = sorted(str(path) for path in (shared_data / "daily_papers_series").glob("*.json"))
    newsletter.well("import", *reversed(files))
    (both,) = json.loads((shared_data / "daily_papers_series" / "2025-01-22T0416Z.json").read_bytes())
    snapshots = "SELECT id, upvotes FROM votes JOIN papers ON paper = number ORDER BY taken_at"
    found = [(upvotes,) for paper, upvotes in rows(newsletter, snapshots) if paper == both["paper"]["id"]]
    assert found == [(5,), (7,)]
    assert len(newsletter.well("papers", "--date", "2025-01-22", "--json").json) == 13


def test_saved_pages_are_read_whole_and_a_second_import_stores_none(newsletter: Newsletter, shared_data: Path) -> None:
    files = sorted(str(path) for path in (shared_data / "pages").glob("*.txt"))
    ran = newsletter.well("import", *files)
    assert [f"{number} entries" in line for number, line in zip((58, 86, 67), ran.out.splitlines(), strict=False)] == [
        True
    ] * 3
    found = newsletter.well("papers", "--json").json
    assert len(found) == 174
    assert all(len(one["abstract"]) > 200 for one in found)
    assert sum(bool(one["author_count"] or one["organisation"]) for one in found) > 100
    assert "0 papers new" in newsletter.well("import", *files).out
    assert newsletter.well("papers", "--json").json == found


def test_a_year_dates_papers_and_says_how_many(newsletter: Newsletter, shared_data: Path) -> None:
    (page,) = (shared_data / "pages").glob("002_*.txt")
    assert "0 new listings" in newsletter.well("import", str(page)).out
    ran = newsletter.well("import", "--year", "2026", str(page))
    assert "0 new, 0 updated, 86 new listings" in ran.out
    assert "0 papers new, 86 new listings" in ran.out


def test_a_hundred_readers_get_the_papers_of_their_profiles_once(newsletter: Newsletter, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    lines = [f"reader{n}@example.org,{topics},{wish}" for n in range(100) for topics, wish in [PROFILES[n % 10]]]
    people.write_text("\n".join(["address,topics,interests", *lines]), "utf-8")
    newsletter.well("collect", "--since", "2026-07-13", "--until", "2026-07-14")
    newsletter.well("subscribers", "import", str(people), *CONSENT)
    newsletter.well("draft", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    newsletter.well("send", "2026-07-14")
    mails = sorted((newsletter.home / "outbox").glob("**/*.eml"))
    assert len(mails) == 100
    for message in map(_mail, mails):
        assert message.defects == []
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert all(part.defects == [] and part.get_content().strip() for part in message.iter_parts())
        assert message["List-Unsubscribe"].startswith("<mailto:")
    by_reader = {_mail(path)["To"]: _mail(path) for path in mails}
    met = 0
    for number, (topics, wish) in enumerate(PROFILES):
        options = [f"--topic={one}" for one in topics.split(";") if one]
        options += [f"--interest={one}" for one in wish.split(";") if one]
        ranked = newsletter.well("rank", "--date", "2026-07-14", *options, "--json").json
        part = by_reader[f"reader{number}@example.org"].get_body(("plain",))
        assert part is not None
        text = " ".join(part.get_content().split())
        wanted = [one["title"] for one in ranked if any(why.startswith(("matches", "close")) for why in one["reasons"])]
        met += bool(wanted)
        for_reader, popular = text.partition("POPULAR TODAY")[::2]
        places = [for_reader.find(" ".join(title.split())) for title in wanted[:10]]
        assert places == sorted(places)
        assert -1 not in places
        assert not any(" ".join(title.split()) in popular for title in wanted[:10])
    assert met >= 5, "few of the profiles found a paper of theirs"
    before = {path: path.stat().st_mtime_ns for path in mails}
    assert "already sent" in newsletter.well("send", "2026-07-14").out
    assert {path: path.stat().st_mtime_ns for path in (newsletter.home / "outbox").glob("**/*.eml")} == before


def test_a_source_that_fails_leaves_a_date_uncollected_and_the_rest_whole(
    newsletter: Newsletter, replay: Replay
) -> None:
    replay.order(Reply(body=b"<!doctype html><p>Maintenance</p>"))
    ran = newsletter("collect", "--since", "2026-07-13", "--until", "2026-07-14")
    assert ran.code == 1
    assert "2026-07-13 huggingface: failed" in ran.err
    assert "Traceback" not in ran.err
    assert "not collected" in newsletter.refused("papers", "--date", "2026-07-13")
    assert len(newsletter.well("papers", "--date", "2026-07-14", "--json").json) == 12


def test_a_source_that_is_away_is_said_once_and_clearly(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = newsletter.home / "newsletter.toml"
    settings.write_text(settings.read_text().replace("[collect]\n", "[collect]\nattempts = 1\n"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    ran = newsletter("collect", "--since", "2026-07-01", "--until", "2026-07-14")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 3, "two days, then it is given up"
    assert rows(newsletter, "SELECT count(*) FROM papers") == [(0,)]


def _mail(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message
