"""The JSON API over the real server: what each operation gives and does, who may, and how it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from newsletter.access import Scope
from newsletter.app import App
from newsletter.life import Happening
from newsletter.model import Subscriber, SubscriberStatus, SuppressionReason
from newsletter.pipeline.api_keys import new_key, revoke_key
from tests.web.api import OPERATIONS, refused
from tests.web.conftest import served
from tests.web.home import DRAFT, FORMER, HIDDEN, NAMED, NOW, ODD, OLD_STYLE, SENDING, SENT, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = "/api/v1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder: Path = tmp_path_factory.mktemp("api")
    with App(folder, {}) as made:
        fill(made)
        yield made


@pytest.fixture(scope="module")
def base(home: App) -> Iterator[str]:
    with served(home) as url:
        yield url + ROOT


@pytest.fixture(scope="module")
def keys(home: App) -> dict[str, str]:
    made = {scope.value: new_key(home.store, scope.value, [scope], now=NOW) for scope in Scope}
    return made | {"all": new_key(home.store, "all", list(Scope), now=NOW)}


@pytest.fixture
def api(base: str, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {keys['all']}"}) as client:
        yield client


@pytest.fixture
def someone(home: App) -> Subscriber:
    person = Subscriber(address="ada@x.example", status=SubscriberStatus.CONFIRMED)
    home.store.subscribers.add([person], now=NOW)
    found = home.store.subscribers.find("ada@x.example")
    assert found
    return found


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_each_operation_needs_its_scope_before_anything_is_read(
    base: str, keys: dict[str, str], method: str, path: str, scope: Scope
) -> None:
    def asked(**headers: str) -> httpx.Response:
        broken = {} if method in {"GET", "DELETE"} else {"content": b"{"}
        return httpx.request(method, base + path, headers={"Content-Type": "application/json", **headers}, **broken)  # type: ignore[arg-type] # a body or none

    for wrong in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer nlk_x"}):
        answer = asked(**wrong)
        refused(answer, 401)
        assert answer.headers["www-authenticate"].startswith('Bearer realm="newsletter"')
    other = next(key for name, key in keys.items() if name not in {scope.value, "all"})
    answer = asked(Authorization=f"Bearer {other}")
    assert scope.value in str(refused(answer, 403)["detail"])
    assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    assert asked(Authorization=f"bearer {keys[scope.value]}").status_code not in {401, 403}


def test_every_operation_is_in_the_table_above(base: str) -> None:
    document = httpx.get(f"{base}/openapi.json").json()
    described = [
        (method.upper(), operation["x-scope"])
        for path in document["paths"].values()
        for method, operation in path.items()
    ]
    assert sorted(described) == sorted((method, scope.value) for method, _, scope in OPERATIONS)


def test_a_revoked_key_opens_nothing(home: App, base: str) -> None:
    key = new_key(home.store, "short", list(Scope), now=NOW)
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.get(f"{base}/papers", headers=headers).status_code == 200
    revoke_key(home.store, "short", now=NOW)
    refused(httpx.get(f"{base}/papers", headers=headers), 401)


def test_papers_come_by_period_and_by_topic_a_page_at_a_time(api: httpx.Client) -> None:
    day = api.get("/papers", params={"period": "2026-07-14", "size": 100}).json()
    assert day["total"] == len(day["papers"])
    votes = [paper["upvotes"] if paper["upvotes"] is not None else -1 for paper in day["papers"]]
    assert votes == sorted(votes, reverse=True)
    assert api.get("/papers", params={"size": 100}).json() == day  # the newest day
    pages, number = [], 1
    while number:
        page = api.get("/papers", params={"period": "2026-07-14", "size": 7, "page": number}).json()
        pages += page["papers"]
        number = page["next_page"]
    assert pages == day["papers"]
    month = api.get("/papers", params={"period": "2026-07"}).json()
    assert month["total"] > day["total"]
    assert 0 < api.get("/papers", params={"period": "2026-07", "topic": "agents"}).json()["total"] < month["total"]
    refused(api.get("/papers", params={"topic": "nothing"}), 404)
    refused(api.get("/papers", params={"period": "yesterday"}), 422)


def test_words_find_papers(api: httpx.Client) -> None:
    found = api.get("/search", params={"q": "quokka"}).json()
    assert [paper["id"] for paper in found["papers"]] == ["2607.09003"]
    assert (found["total"], found["exact"], found["next_page"]) == (1, True, None)
    assert api.get("/search", params={"q": "quokka", "until": "2026-07-01"}).json()["total"] == 0
    assert api.get("/search", params={"q": "quokka", "since": "2026-07-01"}).json()["total"] == 1
    for wrong in ({}, {"q": ""}, {"q": "x", "since": "1"}, {"q": "x", "page": "0"}, {"q": "x", "size": "101"}):
        assert refused(api.get("/search", params=wrong), 422)["errors"]


@pytest.mark.parametrize("paper", [OLD_STYLE, ODD, NAMED, FORMER])
def test_a_paper_is_found_by_any_of_its_ids(api: httpx.Client, url_path: object, paper: str) -> None:
    found = api.get(f"/papers/{url_path(paper)}").json()  # type: ignore[operator] # a function
    assert found["id"] == (NAMED if paper == FORMER else paper)
    assert found["author_count"] >= len(found["authors"])
    refused(api.get("/papers/2607.99999"), 404)


@pytest.fixture
def url_path() -> object:
    from urllib.parse import quote  # noqa: PLC0415 - beside its one use

    return lambda text: quote(text, safe="")


def test_only_published_issues_are_given(api: httpx.Client) -> None:
    listed = api.get("/issues").json()
    assert [one["period"] for one in listed["issues"]] == ["2026-07-14", "2026-07-13", SENDING]
    assert api.get("/issues", params={"kind": "week"}).json()["issues"][0]["period"] == "2026-W29"
    first = api.get("/issues", params={"size": 2}).json()
    assert (len(first["issues"]), first["total"], first["next_page"]) == (2, 3, 2)
    for period in SENT:
        issue = api.get(f"/issues/{period}").json()
        assert issue["paper_count"] == len(issue["papers"])
        assert HIDDEN not in {paper["id"] for paper in issue["papers"]}
    for period in (DRAFT, "2026-07-01", "x"):
        refused(api.get(f"/issues/{period}"), 404)


@pytest.mark.parametrize("path", ["/papers", f"/papers/{OLD_STYLE}", "/issues", "/issues/2026-07-14", "/openapi.json"])
def test_what_the_caller_has_is_not_sent_again(api: httpx.Client, path: str) -> None:
    first, head = api.get(path), api.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    again = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ("public" in first.headers["cache-control"]) is (path == "/openapi.json")


def test_nobody_keeps_what_is_of_subscribers(api: httpx.Client, someone: Subscriber) -> None:
    for path in ("/subscribers", f"/subscribers/{someone.id}", "/events"):
        answer = api.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


def test_a_sign_up_is_answered_alike_and_sends_one_letter(home: App, api: httpx.Client, someone: Subscriber) -> None:
    body = {"topics": ["agents"], "hour": 6, "client": "198.51.100.7"}
    new = api.post("/subscribers", json={"address": "new@x.example", **body})
    known = api.post("/subscribers", json={"address": someone.address, **body})
    assert (new.status_code, new.content) == (known.status_code, known.content)
    assert new.status_code == 202
    pending = home.store.subscribers.find("new@x.example")
    assert pending
    assert (pending.status, pending.profile.topics, pending.hour) == (SubscriberStatus.PENDING, ("agents",), 6)
    assert [one.letter for one in home.store.letters.waiting(pending.id)] == ["confirm"]
    assert [one.letter for one in home.store.letters.waiting(someone.id)] == ["preferences"]
    after = home.store.subscribers.find(someone.address)
    assert after
    assert after.profile == someone.profile


def test_sign_ups_of_one_network_are_limited(home: App, api: httpx.Client) -> None:
    most = home.config.signup.network_hour
    answers = [
        api.post("/subscribers", json={"address": f"n{number}@x.example", "client": f"203.0.113.{number % 250}"})
        for number in range(most + 1)
    ]
    assert {answer.status_code for answer in answers[:most]} == {202}
    refused(answers[most], 429)
    assert home.store.subscribers.find(f"n{most}@x.example") is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"address": "nobody"},
        {"address": "a@x.example\r\nBcc: b@x.example"},
        {"address": "a@x.example", "status": "confirmed"},
        {"address": "a@x.example", "topics": ["no such topic"]},
        {"address": "a@x.example", "interests": ["one;two"]},
        {"address": "a@x.example", "interests": [""]},
        {"address": "a@x.example", "hour": "7"},
        {"address": "a@x.example", "hour": 24},
        {"address": "a@x.example", "time_zone": "Nowhere"},
        {"address": "a@x.example", "weekday": "Someday"},
        {"address": "a@x.example", "cadence": "hourly"},
        {"address": "a@x.example", "client": "everywhere"},
        {"address": "a@x.example", "client": 7},
        {"address": "' OR 1=1 --"},
        [],
        None,
        "a@x.example",
    ],
)
def test_a_wrong_sign_up_is_refused_and_stores_nothing(home: App, api: httpx.Client, body: object) -> None:
    refused(api.post("/subscribers", json=body), 422)
    assert home.store.subscribers.find("a@x.example") is None


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b'{"address": "\\ud800@x.example"}', 422),
        (b'{"\\ud800": 1, "address": "a@x.example"}', 422),
        (b'{"address": "\xff"}', 400),
        (b"[" * 60_000, 400),
        (b'{"address": "' + b"a" * 70_000 + b'"}', 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(api: httpx.Client, content: bytes, status: int) -> None:
    answer = api.post("/subscribers", content=content, headers={"Content-Type": "application/json"})
    assert refused(answer, status)["title"]


def test_subscribers_are_read_changed_unsubscribed_and_forgotten(home: App, api: httpx.Client) -> None:
    people = [Subscriber(address=f"p{n}@y.example", status=SubscriberStatus.CONFIRMED) for n in range(3)]
    home.store.subscribers.add(people, now=NOW)
    one = api.post("/subscribers/find", json={"address": "P1@y.example"}).json()
    path = f"/subscribers/{one['id']}"
    assert api.get(path).json() == one
    until = (NOW + timedelta(days=9)).date().isoformat()
    changed = api.patch(path, json={"topics": ["agents"], "size": 5, "time_zone": "Asia/Tokyo", "paused_until": until})
    assert (changed.status_code, changed.content) == (204, b"")
    now_is = api.get(path).json()
    assert (now_is["topics"], now_is["size"], now_is["time_zone"], now_is["paused_until"]) == (
        ["agents"],
        5,
        "Asia/Tokyo",
        until,
    )
    assert api.patch(path, json={"topics": [], "paused_until": None}).status_code == 204
    assert (api.get(path).json()["topics"], api.get(path).json()["paused_until"]) == ([], None)
    for wrong in ({"address": "z@y.example"}, {"size": 0}, {"paused_until": "2020-01-01"}, {"topics": ["nothing"]}):
        refused(api.patch(path, json=wrong), 422)
    assert api.post(f"{path}/unsubscribe").status_code == 204
    assert api.get(path).json()["status"] == "unsubscribed"
    assert api.delete(path).status_code == 204
    for gone in (api.get(path), api.delete(path), api.patch(path, json={}), api.post(f"{path}/unsubscribe")):
        refused(gone, 404)
    refused(api.post("/subscribers/find", json={"address": "p1@y.example"}), 404)


def test_a_change_that_cannot_be_changes_nothing(api: httpx.Client, someone: Subscriber) -> None:
    path = f"/subscribers/{someone.id}"
    before = api.get(path).json()
    until = (NOW + timedelta(days=9)).date().isoformat()
    refused(api.patch(path, json={"paused_until": until, "topics": ["nothing"]}), 422)
    refused(api.patch(path, json={"paused_until": "2020-01-01", "size": 3}), 422)
    assert api.get(path).json() == before


def test_subscribers_and_events_are_listed_a_stretch_at_a_time(api: httpx.Client) -> None:
    for who in "abcd":
        assert api.post("/subscribers", json={"address": f"{who}@l.example", "client": "198.51.100.7"}).is_success
    for path, name in (("/subscribers", "subscribers"), ("/events", "events")):
        whole = api.get(path, params={"limit": 1000}).json()
        assert whole["next_after"] is None
        stretch: list[object] = []
        page: dict[str, Any] = {"next_after": 0}
        while (after := page["next_after"]) is not None:
            page = api.get(path, params={"limit": 3, "after": after}).json()
            stretch += page[name]
        assert stretch == whole[name]
        assert len(stretch) > 3
    pending = api.get("/subscribers", params={"status": "pending", "limit": 1000}).json()["subscribers"]
    assert {one["status"] for one in pending} == {"pending"}
    whose = next(one["id"] for one in pending if one["address"] == "a@l.example")
    (event,) = api.get("/events", params={"subscriber": whose}).json()["events"]
    assert (event["subscriber"], event["kind"]) == (whose, "signed up")
    assert "@" not in api.get("/events", params={"limit": 1000}).text


def test_an_import_keeps_the_good_rows_and_names_the_bad(home: App, api: httpx.Client) -> None:
    left = Subscriber(address="left@z.example", status=SubscriberStatus.UNSUBSCRIBED)
    waits = Subscriber(address="waits@z.example", status=SubscriberStatus.PENDING)
    home.store.subscribers.add([left, waits], now=NOW)
    home.suppressions.add("bad@z.example", reason=SuppressionReason.BOUNCED, now=NOW)
    rows: list[object] = [
        {"address": "one@z.example", "topics": ["agents"], "hour": 5},
        {"address": "nothing"},
        7,
        {"address": "ONE@z.example"},
        {"address": "bad@z.example"},
        {"address": "left@z.example"},
        {"address": "waits@z.example"},
        {"address": "two@z.example", "hour": "5"},
        {"address": "three@z.example", "name": "Three"},
        {"address": "four@z.example", "topics": ["no such"]},
    ]
    answer = api.post("/subscribers/import", json={"reason": "a form", "agreed_on": "2026-07-01", "rows": rows})
    told = answer.json()
    assert (told["added"], told["confirmed"], told["known"]) == (1, 1, 1)
    assert [one["index"] for one in told["left_out"]] == [1, 2, 3, 4, 7, 8, 9]
    reasons = " ".join(one["reason"] for one in told["left_out"])
    for word in ("no e-mail address", "twice", "suppressed", "hour", "name", "unknown topic"):
        assert word in reasons
    one = home.store.subscribers.find("one@z.example")
    assert one
    assert (one.status, one.profile.topics, one.hour) == (SubscriberStatus.CONFIRMED, ("agents",), 5)
    (event,) = home.store.history.of(one.id)
    assert (event.kind, dict(event.detail)) == (
        Happening.IMPORTED,
        {"consent": "a form", "consent date": "2026-07-01"},
    )
    again = home.store.subscribers.find("left@z.example")
    assert again
    assert again.status is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "batch",
    [
        {"agreed_on": "2026-07-01", "rows": [{"address": "i@z.example"}]},
        {"reason": "a form", "rows": [{"address": "i@z.example"}]},
        {"reason": " ", "agreed_on": "2026-07-01", "rows": [{"address": "i@z.example"}]},
        {"reason": "two\nlines", "agreed_on": "2026-07-01", "rows": [{"address": "i@z.example"}]},
        {"reason": "a form", "agreed_on": "2027-07-01", "rows": [{"address": "i@z.example"}]},
        {"reason": "a form", "agreed_on": 20260701, "rows": [{"address": "i@z.example"}]},
        {"reason": "a form", "agreed_on": "2026-07-01", "rows": []},
        {"reason": "a form", "agreed_on": "2026-07-01", "rows": [{"address": "i@z.example"}] * 10_001},
    ],
)
def test_an_import_without_a_consent_or_beyond_the_bound_stores_nothing(
    home: App, api: httpx.Client, batch: object
) -> None:
    refused(api.post("/subscribers/import", json=batch), 422)
    assert home.store.subscribers.find("i@z.example") is None


def test_ten_thousand_rows_come_in_at_once_and_a_hundred_thousand_do_not(home: App, api: httpx.Client) -> None:
    batch = {"reason": "a form", "agreed_on": "2026-07-01"}
    rows = [{"address": f"w{n}@w.example" if n % 20 else "bad"} for n in range(10_000)]
    told = api.post("/subscribers/import", json={**batch, "rows": rows}, timeout=60).json()
    assert (told["added"], [one["index"] for one in told["left_out"]]) == (9_500, list(range(0, 10_000, 20)))
    many = json.dumps({**batch, "rows": [{"address": f"v{n}@v.example"} for n in range(100_000)]})
    refused(api.post("/subscribers/import", content=many, headers={"Content-Type": "application/json"}), 422)
    assert home.store.subscribers.find("v0@v.example") is None


def test_a_body_beyond_every_bound_is_not_read(base: str, keys: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {keys['all']}", "Content-Type": "application/json"}
    for path in ("/subscribers", "/subscribers/import"):
        assert refused(httpx.post(base + path, content=b" " * 9_000_000, headers=headers), 413)["title"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/papers", "GET, HEAD"),
        ("PUT", "/subscribers", "GET, HEAD, POST"),
        ("GET", "/subscribers/find", "POST"),
        ("PUT", "/subscribers/1", "DELETE, GET, HEAD, PATCH"),
    ],
)
def test_another_method_is_refused_with_those_there_are(
    api: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = api.request(method, path)
    refused(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/nothing", "/subscribers/x", "/subscribers/-1", "/issues/a/b", "/"])
def test_what_is_not_there_is_said_in_the_same_form(api: httpx.Client, path: str) -> None:
    assert refused(api.get(path), 404)["title"]


def test_an_unknown_number_is_not_found(api: httpx.Client) -> None:
    assert refused(api.get(f"/subscribers/{2**53 - 1}"), 404) != refused(api.get(f"/subscribers/{2**80}"), 422)
