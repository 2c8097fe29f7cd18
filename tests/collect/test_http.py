"""The one way out, against a real server that fails to order."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from newsletter.collect.http import Answer
from newsletter.errors import BadAnswerError, SourceRefusedError, SourceUnreachableError
from tests.replay import Replay, Reply, bomb, packed, redirect

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.collect.http import HttpClient
    from tests.collect.conftest import MakeClient


def test_a_good_answer_comes_back_whole(server: Replay, client: HttpClient, naps: list[float]) -> None:
    server.order(Reply(body=b"[1, 2]", headers={"ETag": '"a"'}))

    answer = client.get(f"{server.url}/feed", params={"limit": 5}, headers={"If-None-Match": '"b"'})

    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"[1, 2]", '"a"')
    asked = server.asked[0]
    assert (asked.path, asked.query, asked.headers["If-None-Match"]) == ("/feed", {"limit": "5"}, '"b"')
    assert asked.headers["User-Agent"].startswith("newsletter/")
    assert asked.headers["Accept-Encoding"] == "gzip"
    assert naps == []


def test_the_query_of_a_configured_url_stays_where_no_parameters_are_given(server: Replay, client: HttpClient) -> None:
    client.get(f"{server.list_url}?key=1")

    assert server.asked[0].query == {"key": "1"}


def test_not_modified_is_an_answer(server: Replay, client: HttpClient) -> None:
    server.order(Reply(status=304, headers={"ETag": '"a"'}, body=b""))

    answer = client.get(f"{server.url}/feed")

    assert (answer.status, answer.body) == (304, b"")


def test_a_packed_answer_is_unpacked(server: Replay, client: HttpClient) -> None:
    server.order(packed(b"x" * 100_000))

    assert client.get(server.url).body == b"x" * 100_000


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_with_growing_pauses(
    server: Replay, client: HttpClient, naps: list[float], status: int
) -> None:
    server.order(Reply(status=status), Reply(status=status), Reply(body=b"[7]"))

    assert client.get(server.url).body == b"[7]"
    assert len(server.asked) == 3
    assert 1 <= naps[0] <= 2 <= naps[1] <= 3


def test_it_gives_up_after_all_attempts_and_says_of_what(server: Replay, client: HttpClient, naps: list[float]) -> None:
    server.always(Reply(status=503))

    with pytest.raises(SourceUnreachableError) as caught:
        client.get(f"{server.url}/api/x", about="2026-07-14")

    assert str(caught.value) == (
        f"{server.host}/api/x (2026-07-14): answered 503 Service Unavailable after 3 attempts; try again later"
    )
    assert len(server.asked) == 3
    assert len(naps) == 2


def test_a_single_attempt_can_be_asked_for(server: Replay, client: HttpClient, naps: list[float]) -> None:
    server.always(Reply(status=500))

    with pytest.raises(SourceUnreachableError, match="at the first attempt"):
        client.get(server.url, attempts=1)

    assert len(server.asked) == 1
    assert naps == []


def test_the_pause_never_exceeds_the_bound(server: Replay, make_client: MakeClient, naps: list[float]) -> None:
    server.always(Reply(status=500))

    with pytest.raises(SourceUnreachableError):
        make_client(attempts=9, max_wait_seconds=5.0).get(server.url)

    assert max(naps) == 5.0
    assert len(naps) == 8


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}, 55.0),
        ({"Retry-After": "3", "RateLimit": '"api";r=0;t=55'}, 3.0),
        ({"Retry-After": "Tue, 14 Jul 2026 08:00:30 GMT", "Date": "Tue, 14 Jul 2026 08:00:00 GMT"}, 30.0),
    ],
)
def test_a_refused_call_waits_as_long_as_it_is_asked_to(
    server: Replay, client: HttpClient, naps: list[float], headers: dict[str, str], seconds: float
) -> None:
    server.order(Reply(status=429, headers=headers))

    assert client.get(server.list_url).status == 200
    assert naps == [seconds]


def test_a_server_that_asks_for_too_long_stops_the_call_and_says_when_to_come_back(
    server: Replay, client: HttpClient, naps: list[float]
) -> None:
    server.always(Reply(status=429, headers={"RateLimit": '"api";r=0;t=280'}))

    with pytest.raises(SourceUnreachableError, match=r"answered 429 Too Many Requests .* come back in 5 minutes$"):
        client.get(server.url)

    assert len(server.asked) == 1
    assert naps == []


def test_a_spent_quota_is_waited_for_before_the_next_call(
    server: Replay, make_client: MakeClient, naps: list[float]
) -> None:
    now = [100.0]
    client = make_client(clock=lambda: now[0])
    server.order(Reply(headers={"RateLimit": '"api";r=0;t=55'}), Reply(headers={"RateLimit": '"api";r=499;t=300'}))

    client.get(server.list_url)
    assert naps == []
    now[0] = 115.0
    client.get(server.list_url)
    client.get(server.list_url)

    assert naps == [40.0]


def test_the_wait_for_a_spent_quota_is_bounded(server: Replay, make_client: MakeClient, naps: list[float]) -> None:
    client = make_client(clock=lambda: 0.0, max_wait_seconds=10.0)
    server.order(Reply(headers={"RateLimit": '"api";r=0;t=299'}))

    client.get(server.list_url)
    client.get(server.list_url)

    assert naps == [10.0]


@pytest.mark.parametrize(
    ("status", "hint"),
    [(400, "check the date"), (401, "check the token"), (403, "check the token"), (404, "check the address")],
)
def test_a_refusal_is_final_and_says_what_to_check(server: Replay, client: HttpClient, status: int, hint: str) -> None:
    server.always(Reply(status=status))

    with pytest.raises(SourceRefusedError, match=rf"{server.host}/x \(2026-07-14\): answered {status} .*{hint}"):
        client.get(f"{server.url}/x", about="2026-07-14")

    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [204, 206, 300])
def test_a_status_that_answers_nothing_is_a_bad_answer(server: Replay, client: HttpClient, status: int) -> None:
    server.order(Reply(status=status, body=b""))

    with pytest.raises(BadAnswerError, match=f"answered {status}"):
        client.get(server.url)


def test_silence_is_unreachable(server: Replay, make_client: MakeClient) -> None:
    server.always(Reply(silent=True))

    with pytest.raises(SourceUnreachableError, match="no answer in time after 2 attempts"):
        make_client(timeout_seconds=0.05, attempts=2).get(server.url)


def test_nobody_there_is_unreachable(tmp_path: Path, client: HttpClient) -> None:
    with Replay(tmp_path) as gone:
        url, host = gone.url, gone.host

    with pytest.raises(SourceUnreachableError, match=rf"^{host}/x: cannot be reached \(.*refused.*\) after 3 attempts"):
        client.get(f"{url}/x")


def test_half_an_answer_is_asked_for_again(server: Replay, client: HttpClient) -> None:
    server.order(Reply(body=b'[{"paper": 1}]', cut=7), Reply(body=b"[1]"))

    assert client.get(server.url).body == b"[1]"


def test_nothing_but_half_answers_is_unreachable(server: Replay, client: HttpClient) -> None:
    server.always(Reply(body=b'[{"paper": 1}]', cut=7))

    with pytest.raises(SourceUnreachableError, match="broke off"):
        client.get(server.url)


@pytest.mark.parametrize(
    "reply", [Reply(body=b"x" * 5_000_000), bomb(64), bomb(5)], ids=["plain", "bomb", "just over the bound"]
)
def test_a_larger_answer_is_refused(server: Replay, client: HttpClient, reply: Reply) -> None:
    server.order(reply)

    with pytest.raises(BadAnswerError, match=r"larger than 4194304 bytes \(max_answer_bytes\)"):
        client.get(server.url)


def test_an_answer_of_just_the_largest_size_is_taken(server: Replay, make_client: MakeClient) -> None:
    server.order(Reply(body=b"x" * 1000), packed(b"x" * 1000))
    client = make_client(max_answer_bytes=1000)

    assert len(client.get(server.url).body) == len(client.get(server.url).body) == 1000


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", b"not gzip", "should be gzip"),
        ("gzip", packed(b"x" * 1000).body[:-9], "cut off"),
        ("br", b"x", "packed as 'br'"),
        ("gzip, gzip", packed(packed(b"x").body).body, "packed as 'gzip, gzip'"),
    ],
    ids=["no gzip", "cut off", "unknown", "packed twice"],
)
def test_what_cannot_be_unpacked_is_a_bad_answer(
    server: Replay, client: HttpClient, encoding: str, body: bytes, reason: str
) -> None:
    server.order(Reply(headers={"Content-Encoding": encoding}, body=body))

    with pytest.raises(BadAnswerError, match=reason):
        client.get(server.url)


def test_a_redirect_is_followed(server: Replay, client: HttpClient) -> None:
    server.order(redirect("/elsewhere"), Reply(body=b"[1]"))

    answer = client.get(f"{server.url}/here", headers={"Authorization": "Bearer hf_secret"})

    assert (answer.body, answer.url) == (b"[1]", f"{server.url}/elsewhere")
    assert [asked.headers.get("Authorization") for asked in server.asked] == ["Bearer hf_secret"] * 2


def test_a_redirect_to_another_host_never_carries_the_token(server: Replay, client: HttpClient, tmp_path: Path) -> None:
    with Replay(tmp_path) as other:
        server.order(redirect(f"{other.url}/api/daily_papers"))

        client.get(server.url, headers={"Authorization": "Bearer hf_secret"})

        assert "Authorization" not in other.asked[0].headers
        assert "hf_secret" not in str(other.asked[0])


def test_a_redirect_from_https_to_http_never_carries_the_token(make_client: MakeClient) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        to = {"location": "http://hub.test/x"}
        return httpx.Response(302, headers=to) if request.url.scheme == "https" else httpx.Response(200, stream=BODY)

    client = make_client(transport=httpx.MockTransport(answer))
    client.get("https://hub.test/x", headers={"Authorization": "Bearer hf_secret"})

    assert ["Authorization" in request.headers for request in seen] == [True, False]


def test_endless_redirects_end(server: Replay, client: HttpClient) -> None:
    server.always(redirect("/again"))

    with pytest.raises(BadAnswerError, match="redirects more than 5 times"):
        client.get(server.url)

    assert len(server.asked) == 6


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/x", "file:///etc/hostname", "javascript:alert(1)"])
def test_a_redirect_out_of_http_is_not_followed(server: Replay, client: HttpClient, to: str) -> None:
    server.always(redirect(to))

    with pytest.raises((SourceRefusedError, SourceUnreachableError)):
        client.get(server.url)


def test_the_body_of_a_redirect_is_not_read(server: Replay, make_client: MakeClient) -> None:
    huge = Reply(status=302, headers={"Location": "/x", "Content-Encoding": "gzip"}, body=bomb(64).body)
    server.order(huge, Reply(body=b"[1]"))

    assert make_client(max_answer_bytes=100).get(server.url).body == b"[1]"


@pytest.mark.parametrize("url", ["ftp://host.test/x", "http://", "http://host.test:99999/", "no url", "http://[::1/x"])
def test_what_is_no_http_url_is_refused(client: HttpClient, url: str) -> None:
    with pytest.raises((SourceRefusedError, SourceUnreachableError)):
        client.get(url)


BODY = httpx.ByteStream(b"[]")
FAILURES = {
    "refused": Reply(status=401),
    "unreachable": Reply(status=503),
    "waiting": Reply(status=429, headers={"Retry-After": "9999"}),
    "redirected": redirect("/x?key=s3cret"),
    "broken off": Reply(body=b"12345", cut=2),
    "too large": bomb(5),
    "odd": Reply(status=204, body=b""),
}


@pytest.mark.parametrize("reply", FAILURES.values(), ids=FAILURES.keys())
def test_no_secret_stands_in_a_message_or_a_log(
    server: Replay, client: HttpClient, caplog: pytest.LogCaptureFixture, reply: Reply
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always(reply)
    url = server.url.replace("http://", "http://reader:s3cret@") + "/feed?key=s3cret"

    with pytest.raises((SourceRefusedError, SourceUnreachableError, BadAnswerError)) as caught:
        client.get(url, headers={"Authorization": "Bearer s3cret"})

    assert "s3cret" not in str(caught.value) + repr(caught.value) + repr(client)
    assert str(caught.value).startswith(f"{server.host}/feed")
    assert "\n" not in str(caught.value)
    # httpcore notes a redirect's own headers at DEBUG; what we send stands in no log
    assert not [record for record in caplog.records if "s3cret" in record.getMessage() and "x?key" not in str(record)]


def test_a_header_that_cannot_be_sent_is_not_quoted(server: Replay, client: HttpClient) -> None:
    with pytest.raises(SourceRefusedError) as caught:
        client.get(server.url, headers={"Authorization": "Bearer s3cret\n"})

    assert "s3cret" not in str(caught.value)


def test_an_answer_shows_no_secret() -> None:
    answer = Answer(status=200, headers={"set-cookie": "s3cret"}, body=b"s3cret", url="https://h.test/?key=s3cret")

    assert "s3cret" not in repr(answer)


def test_a_log_at_info_shows_no_query(server: Replay, client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    client.get(f"{server.list_url}?key=s3cret")

    assert "s3cret" not in caplog.text
