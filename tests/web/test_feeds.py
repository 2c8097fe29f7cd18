"""The feeds, read by feedparser as a feed reader would, and by the words of their standards."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import feedparser
import pytest
from starlette.requests import Request

from newsletter.app import App
from newsletter.model import IssueState
from newsletter.web.feeds import FeedPages
from newsletter.web.pages import Pages
from newsletter.web.parts import Parts
from tests.web.home import DRAFT, HOSTILE, NOW, SENDING, SENT, fill

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

ISSUES = [f"/feeds/issues.{ending}" for ending in ("rss", "atom")]
TOPICS = [f"/feeds/topics/agents.{ending}" for ending in ("rss", "atom")]
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def parsed(web: httpx.Client, path: str) -> feedparser.FeedParserDict:
    answer = web.get(path)
    assert answer.status_code == 200
    found = feedparser.parse(answer.content, response_headers={"content-type": answer.headers["content-type"]})
    assert not found.bozo, found.get("bozo_exception")
    return found


@pytest.mark.parametrize("path", ISSUES)
def test_the_feed_of_issues_holds_every_published_one(web: httpx.Client, url: str, path: str) -> None:
    found = parsed(web, path)
    assert found.version == ("rss20" if path.endswith("rss") else "atom10")
    assert {entry.id for entry in found.entries} == {f"{url}/issues/{period}" for period in (*SENT, SENDING)}
    first = found.entries[0]
    assert (first.title, first.link) == ("Caches, & two robots · Tuesday, 14 July 2026", f"{url}/issues/2026-07-14")
    assert first.published_parsed[:5] == (2026, 7, 16, 6, 4)
    assert f'<a href="{url}/papers/hep-th/9901001">Strings of old</a>' in (
        first.summary if path.endswith("rss") else first.content[0].value
    )
    assert (url + path, "self") in {(link.href, link.rel) for link in found.feed.links}


@pytest.mark.parametrize("path", TOPICS)
def test_a_topic_has_a_feed_of_its_papers(web: httpx.Client, url: str, path: str) -> None:
    found = parsed(web, path)
    assert found.feed.title == "Daily Digest: LLM agents"
    assert found.feed.link == f"{url}/topics/agents"
    assert any("ABot-AgentOS" in entry.title for entry in found.entries)
    assert all(entry.link.startswith(f"{url}/papers/") for entry in found.entries)


def test_the_json_feed_is_as_its_standard_has_it(web: httpx.Client, url: str) -> None:
    answer = web.get("/feeds/issues.json")
    feed = answer.json()
    assert answer.headers["content-type"] == "application/feed+json; charset=utf-8"
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["home_page_url"], feed["feed_url"]) == (f"{url}/issues", f"{url}/feeds/issues.json")
    assert {one["id"] for one in feed["items"]} == {f"{url}/issues/{period}" for period in (*SENT, SENDING)}
    assert all(RFC_3339.fullmatch(one["date_published"]) for one in feed["items"])


@pytest.mark.parametrize("path", [*ISSUES, "/feeds/issues.json"])
def test_what_is_hostile_stays_text(web: httpx.Client, path: str) -> None:
    text = web.get(path).text
    assert "<script>" not in text.replace("&lt;script&gt;", "")
    assert "\x00" not in text
    assert HOSTILE["2607.09010"] not in text


@pytest.mark.parametrize("path", [*ISSUES, *TOPICS, "/feeds/issues.json"])
def test_a_feed_that_the_reader_has_is_not_sent_again(web: httpx.Client, path: str) -> None:
    first = web.get(path)
    for name, value in (
        ("If-None-Match", first.headers["etag"]),
        ("If-Modified-Since", first.headers["last-modified"]),
    ):
        again = web.get(path, headers={name: value})
        assert (again.status_code, again.content) == (304, b"")
    for name, value in (("If-None-Match", '"x"'), ("If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT")):
        assert web.get(path, headers={name: value}).status_code == 200
    assert web.get(path, headers={"If-Modified-Since": "nonsense"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/feeds/issues.xml", "/feeds/topics/none.rss", "/feeds/topics/agents.html", "/feeds/"]
)
def test_other_feeds_are_not_there(web: httpx.Client, path: str) -> None:
    assert web.get(f"/feeds/{path}").status_code == 404


def test_pages_name_their_feeds(web: httpx.Client) -> None:
    for page, name in (("/", "issues"), ("/issues", "issues"), ("/topics/agents", "topics/agents")):
        for ending in ("rss", "atom", "json"):
            assert f'href="/feeds/{name}.{ending}"' in web.get(page).text


def test_the_feed_follows_what_is_published_and_called_back(tmp_path: Path) -> None:
    with App(tmp_path, {}) as app:
        fill(app)
        feeds = FeedPages(
            Parts(
                app=app,
                pages=Pages(app.config.site, template_folders=(), base="x"),
                clock=lambda: NOW,
                ring=lambda: None,
            )
        )

        def issues() -> set[str]:
            scope = {"type": "http", "headers": [], "path_params": {"ending": "json"}}
            body = bytes(feeds.issues(Request(scope)).body)
            return {one["id"].removeprefix("x/issues/") for one in json.loads(body)["items"]}

        assert issues() == issues() == {*SENT, SENDING}
        app.store.issues.approve(DRAFT, "hash", now=NOW)
        app.store.issues.move(DRAFT, frm=(IssueState.APPROVED,), to=IssueState.SENDING, now=NOW)
        assert issues() == {*SENT, SENDING, DRAFT}
        app.store.issues.move(SENDING, frm=(IssueState.SENDING,), to=IssueState.CANCELLED, now=NOW)
        assert issues() == {*SENT, DRAFT}
