"""The arXiv source against a server on loopback that replays recorded answers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.collect.arxiv import Arxiv
from newsletter.errors import BadAnswerError, ConfigError, SourceRefusedError, SourceUnreachableError
from newsletter.settings import ArxivSettings
from tests.replay import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.collect.http import HttpClient
    from tests.replay import Replay

DAY = date(2026, 7, 14)
NOW = datetime(2026, 7, 15, 8, 0, tzinfo=UTC)


@pytest.fixture
def recorded(shared_data: Path) -> Callable[[str], bytes]:
    def read(start: str) -> bytes:
        (path,) = (shared_data / "arxiv").glob(f"{start}*.atom.xml")
        return path.read_bytes()

    return read


def source(
    server: Replay,
    client: HttpClient,
    *,
    attempts: int = 3,
    pause: float = 0.0,
    most: int = 20,
    **changed: tuple[str, ...],
) -> Arxiv:
    asked: dict[str, tuple[str, ...]] = {"categories": ("cs.CL", "cs.LG"), "queries": ()} | changed
    settings = ArxivSettings(pause_seconds=pause, max_results=most, **asked)
    return Arxiv(settings, client, attempts=attempts, endpoint=f"{server.url}/api/query")


def xml(*entries: str, total: int | str = 1) -> Reply:
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:o="http://a9.com/-/spec/opensearch/1.1/">'
        f"<o:totalResults>{total}</o:totalResults>{''.join(entries)}</feed>"
    )
    return Reply(body=feed.encode())


def entry(
    key: str = "http://arxiv.org/abs/2607.00001v3", *, title: str = "A title", published: str = "2026-07-14T01:02:03Z"
) -> str:
    return (
        f"<entry><id>{key}</id><title>{title}</title><summary>Of $x^2$.</summary><published>{published}</published>"
        f"<updated>2026-07-14T01:02:03Z</updated><author><name>A. Author</name></author></entry>"
    )


def test_a_day_of_two_recorded_pages(server: Replay, client: HttpClient, recorded: Callable[[str], bytes]) -> None:
    server.order(Reply(body=recorded("q_testing_s0")), Reply(body=recorded("q_testing_s10")))
    batch = source(server, client).on(DAY, now=NOW)
    first = batch.papers[0]

    assert (batch.entries, len(batch.papers), batch.rejected) == (20, 20, ())
    assert [asked.query["start"] for asked in server.asked] == ["0", "10"]
    assert (first.id, first.source) == ("2202.12139", "arxiv")
    assert first.title.startswith("Testing Deep Learning Models: A First Comparative Study")
    assert (first.authors[0], first.author_count) == ("Mohit Kumar Ahuja", len(first.authors))
    assert (first.published, first.listed_on) == (date(2022, 2, 24), DAY)
    assert first.links.page == "https://arxiv.org/abs/2202.12139"
    assert first.links.pdf == "https://arxiv.org/pdf/2202.12139"
    assert {(paper.upvotes, paper.comments, paper.keywords) for paper in batch.papers} == {(None, None, ())}
    assert all(paper.has_own_id and paper.abstract for paper in batch.papers)
    (note,) = batch.notes
    assert "214881 papers, only the latest 20" in note


def test_what_is_asked(server: Replay, client: HttpClient) -> None:
    server.order(xml(total=0))
    source(server, client, queries=("abs:llm AND ti:agent", "au:x")).on(DAY, now=NOW)
    (asked,) = server.asked

    assert asked.query["search_query"] == (
        "(cat:cs.CL OR cat:cs.LG OR (abs:llm AND ti:agent) OR (au:x)) AND submittedDate:[202607140000 TO 202607142359]"
    )
    assert (asked.query["sortBy"], asked.query["sortOrder"]) == ("submittedDate", "descending")
    assert asked.query["max_results"] == "20"


def test_an_empty_day(server: Replay, client: HttpClient, recorded: Callable[[str], bytes]) -> None:
    server.order(Reply(body=recorded("id_0000.0000")))
    batch = source(server, client).on(DAY, now=NOW)

    assert (batch.papers, batch.entries, batch.notes, batch.unchanged) == ((), 0, (), False)
    assert batch.taken_at == NOW


def test_an_error_feed_gives_arxivs_reason(
    server: Replay, client: HttpClient, recorded: Callable[[str], bytes]
) -> None:
    server.order(Reply(body=recorded("id_abc")))

    with pytest.raises(
        SourceRefusedError, match="2026-07-14: arXiv refuses the query: incorrect id format for abc; check"
    ):
        source(server, client).on(DAY, now=NOW)
    assert len(server.asked) == 1


def test_entries_are_cleaned_and_versions_dropped(server: Replay, client: HttpClient) -> None:
    title = "On\n &lt;script&gt; in $O(n^2)$"
    server.order(xml(entry(title=title), entry("http://arxiv.org/abs/math.GT/0309136v1"), entry(title=title), total=3))
    batch = source(server, client).on(DAY, now=NOW)

    assert [paper.id for paper in batch.papers] == ["2607.00001", "math.GT/0309136"]
    assert batch.papers[0].title == "On <script> in O(n²)"
    assert batch.papers[0].abstract == "Of x²."
    assert batch.papers[0].raw_abstract == "Of $x^2$."


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (entry("http://arxiv.org/abs/nonsense"), "its id is not arXiv's"),
        (entry("javascript:alert(1)"), "its id is not arXiv's"),
        (entry("http://arxiv.org/abs/2607.00002v1", title=" \n"), "no title"),
        (entry("http://arxiv.org/abs/2607.00002v1", published="yesterday"), "no date that can be read"),
        (entry("http://arxiv.org/abs/2607.00002v1", published="0001-01-01T00:00:00+14:00"), "no date that can be read"),
        ("<entry/>", "its id is not arXiv's"),
    ],
)
def test_a_broken_entry_costs_no_other(server: Replay, client: HttpClient, broken: str, reason: str) -> None:
    server.order(xml(broken, entry(), broken, total=3))
    batch = source(server, client).on(DAY, now=NOW)

    assert [paper.id for paper in batch.papers] == ["2607.00001"]
    assert {rejected.reason for rejected in batch.rejected} == {reason}
    assert all("2026-07-14" in rejected.where for rejected in batch.rejected)
    assert len(server.asked) == 1  # the count of entries, by which pages are turned, stayed right


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not XML",
        b"<!doctype html><html><body>Service unavailable</body></html>",
        b'{"entries": []}',
        b"<rss><channel/></rss>",
        xml(entry()).body[:-20],
        xml(entry(), total="").body,
        b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>' + xml(entry(), total="&b;").body,
        b"\0" * 50,
    ],
)
def test_another_answer_is_no_empty_list(server: Replay, client: HttpClient, body: bytes) -> None:
    server.order(Reply(body=body))

    with pytest.raises(BadAnswerError, match="arXiv, 2026-07-14"):
        source(server, client).on(DAY, now=NOW)


def test_it_tries_again(server: Replay, client: HttpClient) -> None:
    server.order(Reply(status=503), Reply(status=429, headers={"Retry-After": "9"}), xml(entry()))
    batch = source(server, client).on(DAY, now=NOW)

    assert len(batch.papers) == 1
    assert len(server.asked) == 3


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(status=503), Reply(cut=10, body=b"x" * 100)])
def test_it_gives_up(server: Replay, client: HttpClient, reply: Reply) -> None:
    server.always(reply)

    with pytest.raises(SourceUnreachableError, match=r"2026-07-14.*try again later"):
        source(server, client).on(DAY, now=NOW)
    assert len(server.asked) == 3


def test_a_refusal_is_not_asked_again(server: Replay, client: HttpClient) -> None:
    server.order(Reply(status=400))

    with pytest.raises(SourceRefusedError, match=re.escape("check collect.arxiv.categories")):
        source(server, client).on(DAY, now=NOW)
    assert len(server.asked) == 1


def test_a_page_that_stays_empty_is_no_whole_list(server: Replay, client: HttpClient) -> None:
    server.always(xml(total=40))
    server.order(xml(entry(), total=40))

    with pytest.raises(SourceUnreachableError, match="unexpectedly empty"):
        source(server, client).on(DAY, now=NOW)


def test_it_pauses_between_all_requests(server: Replay, client: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("arxiv.time.sleep", naps.append)
    arxiv = source(server, client, pause=3.0)
    server.order(xml(entry()), xml(entry()), Reply(status=503), Reply(status=503), xml(entry()), xml(entry()))
    for day in (14, 15, 16, 17):
        arxiv.on(date(2026, 7, day), now=NOW)

    # a little time passes by itself; nobody sleeps here
    assert [round(nap) for nap in naps] == [3, 3, 6, 12, 3]


def test_neither_category_nor_query(server: Replay, client: HttpClient) -> None:
    with pytest.raises(ConfigError, match=re.escape("collect.arxiv names no category and no query")):
        source(server, client, categories=()).on(DAY, now=NOW)
    assert not server.asked


def test_check_asks_once_for_one(server: Replay, client: HttpClient) -> None:
    server.order(xml(entry(), total=900))
    arxiv = source(server, client)

    assert arxiv.check().startswith("arXiv answers at 127.0.0.1")
    assert server.asked[0].query["max_results"] == "1"
    assert "submittedDate" not in server.asked[0].query["search_query"]

    server.order(Reply(status=503))
    with pytest.raises(SourceUnreachableError):
        arxiv.check()
    assert len(server.asked) == 2


def test_its_own_time_out_holds(server: Replay, make_client: Callable[..., HttpClient]) -> None:
    server.order(Reply(silent=True))

    with pytest.raises(SourceUnreachableError, match="no answer in time"):
        source(server, make_client(timeout_seconds=0.05), attempts=1).on(DAY, now=NOW)
