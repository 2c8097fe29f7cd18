"""What holds for every page: headers, methods, caching, bounds and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

PAGES = ["/", "/robots.txt", "/favicon.svg", "/healthz"]


@pytest.mark.parametrize("path", PAGES)
def test_get_and_head_answer_alike(web: httpx.Client, path: str) -> None:
    got, head = web.get(path), web.head(path)
    assert (got.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in got.headers.items() if k != "date"
    }


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
def test_every_answer_has_the_headers_that_keep_it_safe(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in headers
    assert "server" not in headers


def test_a_page_that_the_caller_has_is_not_sent_again(web: httpx.Client) -> None:
    first = web.get("/")
    again = web.get("/", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_the_style_sheet_is_kept_for_ever_under_its_hash(web: httpx.Client) -> None:
    path = web.get("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in web.get(path).headers["cache-control"]
    assert web.get("/static/0000000000000000.css").status_code == 404


def test_another_method_is_refused(web: httpx.Client) -> None:
    answer = web.post("/")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_an_error_of_the_api_is_json(web: httpx.Client) -> None:
    assert web.get("/api/nothing").json()["status"] == 404
