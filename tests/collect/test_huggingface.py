"""The Daily Papers source, against a server that replays recorded answers and fails to order."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.collect.huggingface import HuggingFace
from newsletter.errors import BadAnswerError, ConfigError, SourceRefusedError, SourceUnreachableError, UsageError
from newsletter.settings import HuggingFaceSettings
from tests.replay import Replay, Reply, bomb, redirect

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.collect.http import HttpClient
    from tests.collect.conftest import MakeClient

DAY = date(2026, 7, 14)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def source(server: Replay, client: HttpClient, home: Path, **settings: Any) -> HuggingFace:  # noqa: ANN401 - any setting
    defaults: dict[str, Any] = {"endpoint": server.url, "token_file": "", "page_size": 100}
    return HuggingFace(HuggingFaceSettings(**defaults | settings), home=home, client=client)


def items(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"paper": {"id": f"2607.{number:05}", "title": f"Title {number}", "upvotes": 1}, "numComments": 0}
        for number in range(first, first + count)
    ]


def record(server: Replay, listed: object, day: date = DAY) -> None:
    (server.folder / f"{day}.json").write_text(json.dumps(listed), "utf-8")


def test_thirty_dates_hold_685_listings_of_684_papers(replay: Replay, client: HttpClient, tmp_path: Path) -> None:
    hub = source(replay, client, tmp_path)
    days = [date(2026, 6, 8) + timedelta(days=number) for number in range(40)]

    batches = {day: hub.on(day, now=NOW) for day in days}

    listings = [(paper.id, paper.listed_on) for batch in batches.values() for paper in batch.papers]
    assert len(listings) == len(set(listings)) == 685
    assert len({identity for identity, _ in listings}) == 684
    assert {day for _, day in listings} == {day for day in days if day.weekday() < 5}
    assert [day for day, batch in batches.items() if not batch.papers] == [day for day in days if day.weekday() >= 5]
    for day, batch in batches.items():
        assert (batch.source, batch.taken_at, batch.rejected, batch.unchanged) == ("huggingface", NOW, (), False)
        assert batch.entries == len(batch.papers)
        assert {paper.listed_on for paper in batch.papers} <= {day}


def test_one_call_is_enough_for_a_day_that_fits(replay: Replay, client: HttpClient, tmp_path: Path) -> None:
    source(replay, client, tmp_path).on(DAY, now=NOW)

    assert [(asked.path, asked.query) for asked in replay.asked] == [
        ("/api/daily_papers", {"date": "2026-07-14", "limit": "100", "p": "0"})
    ]


def test_smaller_pages_hold_the_same_papers(replay: Replay, client: HttpClient, tmp_path: Path) -> None:
    whole = source(replay, client, tmp_path).on(DAY, now=NOW)

    paged = source(replay, client, tmp_path, page_size=7).on(DAY, now=NOW)

    assert paged == whole
    assert [asked.query["p"] for asked in replay.asked[1:]] == [str(p) for p in range(len(whole.papers) // 7 + 1)]


def test_a_list_that_fills_its_last_page_is_read_to_its_end(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    record(server, items(200))

    assert len(source(server, client, tmp_path).on(DAY, now=NOW).papers) == 200
    assert [asked.query["p"] for asked in server.asked] == ["0", "1", "2"]


def test_a_page_that_brings_nothing_new_is_the_last(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    server.always(Reply(body=json.dumps(items(100)).encode()))

    batch = source(server, client, tmp_path).on(DAY, now=NOW)

    assert (batch.entries, len(batch.papers), len(server.asked)) == (100, 100, 2)


def test_a_list_that_moves_between_two_pages_is_read_once(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    for first, count in ((0, 100), (95, 60)):
        server.order(Reply(body=json.dumps(items(count, first)).encode()))

    batch = source(server, client, tmp_path).on(DAY, now=NOW)

    assert (batch.entries, len(batch.papers)) == (155, 155)


def test_a_list_without_end_is_refused(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    server.order(*(Reply(body=json.dumps(items(100, 100 * number)).encode()) for number in range(60)))

    with pytest.raises(BadAnswerError, match=r"\(2026-07-14\): the list does not end after 5000 papers"):
        source(server, client, tmp_path).on(DAY, now=NOW)


def test_a_paper_listed_twice_is_kept_once_and_counted_twice(
    server: Replay, client: HttpClient, tmp_path: Path
) -> None:
    record(server, items(3) + items(1))

    batch = source(server, client, tmp_path).on(DAY, now=NOW)

    assert (batch.entries, len(batch.papers)) == (4, 3)


def test_a_broken_item_is_reported_and_the_rest_kept(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    listed = items(3)
    listed[1]["paper"]["title"] = "x" * 2_000_000
    record(server, listed)

    batch = source(server, client, tmp_path).on(DAY, now=NOW)

    assert [paper.title for paper in batch.papers] == ["Title 0", "Title 2"]
    assert [one.where for one in batch.rejected] == [f"{server.host}/api/daily_papers (2026-07-14), item 2"]
    assert batch.entries == 3


def test_a_day_without_papers_is_an_answer(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    batch = source(server, client, tmp_path).on(date(2026, 7, 18), now=NOW)

    assert (batch.papers, batch.entries) == ((), 0)


def test_a_day_that_has_not_begun_is_not_asked_for(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    hub = source(server, client, tmp_path)

    with pytest.raises(UsageError, match="2026-11-22 has not begun"):
        hub.on(date(2026, 11, 22), now=NOW)
    assert server.asked == []
    hub.on(date(2026, 11, 21), now=NOW)


BAD = {
    "html": (Reply(body=b"\n<!doctype html><html>"), r"is not JSON: it starts with '<!doctype html><html>'"),
    "nothing": (Reply(body=b""), "is not JSON: it is empty"),
    "truncated": (Reply(body=b'[{"paper": {"id": "26'), "is broken or cut off JSON"),
    "an error": (Reply(body=b'{"error": "busy"}'), "holds an error instead of papers: 'busy'"),
    "other things": (Reply(body=b"[1, 2]"), "not one of 2 items can be read"),
    "latin-1": (Reply(body='["é"]'.encode("latin-1")), "is not UTF-8 text"),
    "nested": (Reply(body=b"[" * 200_000), "nested too deeply"),
    "a number": (Reply(body=b"[" + b"9" * 5000 + b"]"), "holds an endless number"),
    "a bomb": (bomb(64), "larger than 4194304 bytes"),
    "not modified": (Reply(status=304, body=b""), "is not JSON: it is empty"),
}


@pytest.mark.parametrize(("reply", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_answer_names_the_address_the_date_and_what_came(
    server: Replay, client: HttpClient, tmp_path: Path, reply: Reply, reason: str
) -> None:
    server.order(reply)

    with pytest.raises(BadAnswerError, match=reason) as caught:
        source(server, client, tmp_path).on(DAY, now=NOW)

    assert f"{server.host}/api/daily_papers (2026-07-14)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_failure_on_a_later_page_loses_the_day_not_half_of_it(
    server: Replay, client: HttpClient, tmp_path: Path
) -> None:
    server.order(Reply(body=json.dumps(items(100)).encode()), Reply(status=404))

    with pytest.raises(SourceRefusedError):
        source(server, client, tmp_path).on(DAY, now=NOW)


def test_a_passing_failure_changes_nothing(
    replay: Replay, client: HttpClient, naps: list[float], tmp_path: Path
) -> None:
    hub = source(replay, client, tmp_path)
    whole = hub.on(DAY, now=NOW)
    replay.order(Reply(status=500), Reply(status=429, headers={"RateLimit": '"api";r=0;t=55'}))

    assert hub.on(DAY, now=NOW) == whole
    assert naps[1:] == [55.0]


def test_a_date_that_the_endpoint_refuses(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    server.always(Reply(status=400))

    with pytest.raises(SourceRefusedError, match=r"\(2026-07-14\): answered 400 Bad Request; check the date"):
        source(server, client, tmp_path).on(DAY, now=NOW)


def test_no_token_no_header(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    source(server, client, tmp_path).on(DAY, now=NOW)

    assert "Authorization" not in server.asked[0].headers


@pytest.mark.parametrize("settings", [{"token": " hf_secret\n"}, {"token_file": "token"}], ids=["setting", "file"])
def test_the_token_goes_to_the_endpoint_and_nowhere_else(
    server: Replay, client: HttpClient, tmp_path: Path, settings: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    (tmp_path / "token").write_text("hf_secret\n", "ascii")
    hub = source(server, client, tmp_path, **settings)
    (tmp_path / "other").mkdir()
    with Replay(tmp_path / "other") as other:
        server.order(redirect(other.list_url))
        hub.on(DAY, now=NOW)
        assert "hf_secret" not in str(other.asked)
    assert server.asked[0].headers["Authorization"] == "Bearer hf_secret"

    server.always(Reply(status=401))
    with pytest.raises(SourceRefusedError, match="check the token") as caught:
        hub.on(DAY, now=NOW)
    assert "hf_secret" not in f"{caught.value!r}{hub!r}{hub.__dict__}{caplog.text}"


def test_a_token_file_may_lie_anywhere(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hf_secret", "ascii")

    source(server, client, tmp_path / "home", token_file=str(tmp_path / "token")).on(DAY, now=NOW)

    assert server.asked[0].headers["Authorization"] == "Bearer hf_secret"


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"two words", "schlüssel".encode(), b"x" * 5000, b"\0"])
def test_a_token_file_that_holds_no_token_is_named_and_not_quoted(
    server: Replay, client: HttpClient, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        source(server, client, tmp_path, token_file="token").on(DAY, now=NOW)

    assert str(caught.value) == f"token_file {tmp_path / 'token'} must hold the token alone, on one line"
    assert server.asked == []


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_token_file_that_cannot_be_read_is_named(
    server: Replay, client: HttpClient, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match=r"token_file .* cannot be read: "):
        source(server, client, tmp_path, token_file=name).on(DAY, now=NOW)


def test_a_broken_token_in_the_environment_is_named(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="HF_TOKEN must hold the token alone"):
        source(server, client, tmp_path, token="one\ntwo").on(DAY, now=NOW)


def test_a_check_asks_once_for_one_paper(replay: Replay, client: HttpClient, tmp_path: Path) -> None:
    assert source(replay, client, tmp_path).check() == f"{replay.host}/api/daily_papers answers, without a token"
    assert source(replay, client, tmp_path, token="hf_x").check().endswith("answers, with a token")
    assert [asked.query for asked in replay.asked] == [{"limit": "1"}] * 2


def test_a_check_does_not_try_again(
    server: Replay, client: HttpClient, make_client: MakeClient, tmp_path: Path, naps: list[float]
) -> None:
    server.order(Reply(status=503))
    with pytest.raises(SourceUnreachableError):
        source(server, client, tmp_path).check()
    server.order(Reply(body=b"<html>"))
    with pytest.raises(BadAnswerError):
        source(server, client, tmp_path).check()
    server.order(Reply(silent=True))
    with pytest.raises(SourceUnreachableError):
        source(server, make_client(timeout_seconds=0.05), tmp_path).check()

    assert len(server.asked) == 3
    assert naps == []


def test_the_series_grows_and_its_votes_with_it(
    shared_data: Path, server: Replay, client: HttpClient, tmp_path: Path
) -> None:
    early, late = sorted((shared_data / "daily_papers_series").glob("*.json"))
    server.order(Reply(body=early.read_bytes()), Reply(body=late.read_bytes()))
    hub = source(server, client, tmp_path)

    one, thirteen = (hub.on(date(2025, 1, 22), now=NOW).papers for _ in range(2))

    assert (len(one), len(thirteen)) == (1, 13)
    votes = {paper.id: paper.upvotes for paper in thirteen}
    assert (one[0].upvotes, votes[one[0].id]) == (5, 7)
    assert sum(count or 0 for count in votes.values()) == 66
    assert Counter(paper.listed_on for paper in thirteen) == {date(2025, 1, 22): 13}
