"""What strangers and attackers try with the pages of readers: refused, in our own words, and nothing is changed."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from newsletter.links import Purpose
from newsletter.model import SubscriberStatus
from newsletter.pipeline.subscribing.choosing import revoke_links
from newsletter.pipeline.subscribing.holding import forget
from newsletter.store.history import HistoryStore
from tests.web.place import FIELDS, link_in, links_in, placed
from tests.web.test_refused import WORDS, raw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.place import Place

ADA = "ada@example.org"
CROSS = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


def sign_up(web: httpx.Client, address: str, **fields: Any) -> httpx.Response:  # noqa: ANN401 - whatever httpx takes
    headers = fields.pop("headers", None)
    return web.post("/subscribe", data={**FIELDS, "address": address, **fields}, headers=headers)


def preferences_of(place: Place, address: str) -> str:
    reader = place.person(address)
    return f"/preferences/{place.app.signer.token(Purpose.PREFERENCES, reader.id, epoch=reader.link_epoch)}"


def leaving_of(place: Place, address: str) -> str:
    token = place.app.signer.token(Purpose.UNSUBSCRIBE, place.person(address).id)
    return f"/unsubscribe/{token}"


def test_a_link_with_one_byte_changed_opens_nothing(place: Place) -> None:
    welcome = place.confirmed(ADA)
    place.confirmed("bob@example.org")
    before = place.dump()
    with place.client() as web:
        for purpose in ("preferences", "unsubscribe"):
            path = urlsplit(link_in(welcome, purpose)).path
            beginning, token = path.rsplit("/", 1)
            for place_of_byte, letter in enumerate(token):
                other = "B" if letter != "B" else "C"
                changed = f"{beginning}/{token[:place_of_byte]}{other}{token[place_of_byte + 1 :]}"
                assert web.get(changed).status_code == 404
                assert web.post(changed, data=FIELDS).status_code == 404
    assert place.dump() == before


def test_a_link_of_one_purpose_opens_no_other_page(place: Place) -> None:
    place.confirmed(ADA)
    place.stock(date(2026, 7, 15), "Bread")
    place.send("2026-07-15")
    tokens = {
        urlsplit(one).path.split("/")[1]: urlsplit(one).path.split("/")[2]
        for one in links_in(place.mail())[::-1]
        if urlsplit(one).path.count("/") > 1 and urlsplit(one).path.split("/")[1] in set(Purpose)
    }
    assert len(tokens) >= 3
    with place.client() as web:
        for kind, token in tokens.items():
            for other in set(Purpose) - {kind}:
                tail = "/more/x" if other is Purpose.FEEDBACK else ""
                assert web.get(f"/{other}/{token}{tail}").status_code == 404


def test_an_expired_or_revoked_link_says_what_to_do(place: Place) -> None:
    with place.client() as web:
        sign_up(web, ADA)
        asking = link_in(place.mail(), "confirm")
        place.later(days=8)
        answer = web.post(asking)
        assert answer.status_code == 404
        assert "older than 7 days" in answer.text
        assert 'href="/subscribe"' in answer.text
        old = link_in(place.confirmed(ADA), "preferences")
        revoke_links(place.app.desk, place.person(ADA).id, now=place.now)
        before = place.dump()
        assert web.get(old).status_code == web.post(old, data=FIELDS).status_code == 404
        assert web.post(f"{old}/forget").status_code == 404
        assert place.dump() == before


def test_the_unsubscribe_link_of_who_was_deleted_says_that_nothing_is_sent(place: Place) -> None:
    link = link_in(place.confirmed(ADA), "unsubscribe")
    forget(place.app.desk, ADA, now=place.now)
    before = place.dump()
    with place.client() as web:
        for answer in (web.get(link), web.post(link, data={"List-Unsubscribe": "One-Click"})):
            assert answer.status_code == 200
            assert "No mail goes to you" in answer.text
            assert answer.headers["Cache-Control"] == "no-store"
        assert web.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 404
    assert place.dump() == before


def test_a_form_that_another_site_sends_is_refused(place: Place) -> None:
    place.confirmed(ADA)
    own = preferences_of(place, ADA)
    before = place.dump()
    with httpx.Client(base_url=place.url, headers=CROSS) as web:
        assert sign_up(web, "bob@example.org").status_code == 403
        for path in (own, f"{own}/pause", f"{own}/forget", f"{own}/address", f"{own}/revoke", f"{own}/export"):
            assert web.post(path, data={**FIELDS, "until": "2026-08-01"}).status_code == 403
    assert place.dump() == before


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\r\nBcc: all@example.org",
        "ada@example.org\nSubject: free",
        "ada@example.org, bob@example.org",
        "=?utf-8?q?x?=@example.org",
        "\x00@example.org",
        "Ada <ada@example.org>",
        "a" * 9_000 + "@example.org",
    ],
)
def test_an_address_that_would_be_more_than_one_is_shown_at_its_field(place: Place, address: str) -> None:
    before = place.dump()
    with place.client() as web:
        answer = sign_up(web, address, topic=["agents"], interests="kept words")
    assert answer.status_code == 422
    assert 'id="address-problem"' in answer.text
    assert "kept words" in answer.text
    assert 'value="agents" checked' in answer.text
    assert place.dump() == before


def test_a_thousand_sign_ups_from_one_network_are_stopped(place: Place) -> None:
    with place.client() as web:
        answers = [sign_up(web, f"reader{number}@example.org") for number in range(1_000)]
    taken = [one.status_code for one in answers].count(200)
    assert taken == place.app.config.signup.network_hour
    assert {one.status_code for one in answers[taken:]} == {429}
    assert answers[-1].headers["Retry-After"] == "3600"
    assert "Try again later" in answers[-1].text
    assert len(list(place.app.store.subscribers.all(statuses=(SubscriberStatus.PENDING,)))) == taken


def test_a_thousand_strangers_addresses_from_a_thousand_networks_are_stopped_in_total(tmp_path: Path) -> None:
    with placed(tmp_path, '[web]\ntrusted_proxies = ["127.0.0.1"]\n[signup]\ntotal_hour = 40\n') as place:
        with place.client() as web:
            answers = [
                sign_up(
                    web, f"s{number}@example.org", headers={"X-Forwarded-For": f"198.{number // 250}.{number % 250}.1"}
                )
                for number in range(1_000)
            ]
        assert [one.status_code for one in answers].count(200) == 40
        assert len(list(place.app.store.subscribers.all(statuses=(SubscriberStatus.PENDING,)))) == 40


def test_one_inbox_is_not_flooded_and_the_answer_never_differs(place: Place) -> None:
    place.confirmed(ADA)
    with place.client() as web:
        told = {sign_up(web, address).text.replace(address, "") for address in [ADA] * 6 + ["bob@example.org"]}
    assert len(told) == 1
    place.quiet()
    letters = [one for mail in place.relay.taken for one in mail.recipients if one == ADA]
    assert 2 < len(letters) <= place.app.config.signup.address_day + 1, "and the welcome"


def test_a_program_that_fills_in_the_hidden_field_is_answered_and_nothing_happens(place: Place) -> None:
    before = place.dump()
    with place.client() as web:
        trapped, other = sign_up(web, ADA, website="https://spam.example"), sign_up(web, "bob@example.org")
    assert trapped.text.replace(ADA, "") == other.text.replace("bob@example.org", "")
    assert place.app.store.subscribers.find(ADA) is None
    assert place.dump() != before, "the other one is stored"


def test_a_sample_stores_nothing(place: Place) -> None:
    before = place.dump()
    with place.client() as web:
        answer = sign_up(web, "not an address", topic=["robotics"], interests="robot", sample="yes")
    assert answer.status_code == 200
    assert "Matches: robot" in answer.text
    assert place.dump() == before


def test_no_field_of_the_sign_up_breaks_anything(tmp_path: Path) -> None:
    bounds = "[signup]\nnetwork_hour = 10000\ntotal_hour = 10000\naddress_day = 1000\n"
    with placed(tmp_path, bounds) as place, place.client() as web:
        for field, words in product(FIELDS, WORDS):
            for extra in ({}, {"sample": "yes"}):
                answer = sign_up(web, **{"address": "x@example.org", **extra, field: words})
                assert answer.status_code in {200, 422}, words
                assert "<script>alert" not in answer.text
                assert ">49<" not in answer.text
        for words in WORDS:
            assert web.get("/subscribe", params={"topic": words, "interest": words}).status_code == 200


def test_no_field_of_the_preferences_breaks_anything(place: Place) -> None:
    place.confirmed(ADA)
    own = preferences_of(place, ADA)
    with place.client() as web:
        for field, words in product([*FIELDS, "authors", "organisations", "muted"], WORDS):
            answer = web.post(own, data={**FIELDS, field: words})
            assert answer.status_code in {303, 422}, words
            shown = answer if answer.status_code == 422 else web.get(own)
            assert "<script>alert" not in shown.text
            assert ">49<" not in shown.text
        for path, name in (("pause", "until"), ("papers", "taste"), ("papers", "saved"), ("address", "address")):
            for words in WORDS:
                assert web.post(f"{own}/{path}", data={name: words}).status_code in {303, 422}
        assert web.get(own).status_code == 200


def test_a_field_as_long_as_a_body_may_be_breaks_no_form(place: Place) -> None:
    place.confirmed(ADA)
    fields = [*FIELDS, "authors", "organisations", "muted"]
    with place.client() as web:
        for path, field in product(("/subscribe", preferences_of(place, ADA)), fields):
            for words in ("x" * 60_000, ["xyz"] * 190):
                answer = web.post(path, data={**FIELDS, "address": "x@example.org", field: words})
                assert answer.status_code in {200, 303, 422}, field


def test_no_charset_of_a_form_breaks_a_page(place: Place) -> None:
    place.confirmed(ADA)
    values = {**FIELDS, "address": r"\ud800@example.org", "interests": r"\ud800", "cadence": "a..b", "topic": "x"}
    parts = (f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{one}\r\n' for name, one in values.items())
    body = "".join([*parts, "--b--\r\n"]).encode()
    own = preferences_of(place, ADA)
    paths = ("/subscribe", own, f"{own}/address", f"{own}/papers")
    with place.client() as web:
        for path, charset in product(paths, ("undefined", "idna", "unicode_escape", "utf-16", "no-such")):
            headers = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}
            assert web.post(path, content=body, headers=headers).status_code in {303, 400, 422}, charset


def test_a_body_of_fifty_megabytes_is_refused_everywhere(place: Place) -> None:
    place.confirmed(ADA)
    own = preferences_of(place, ADA)
    head = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    head += "Content-Length: 52428800\r\n\r\n"
    for path in ("/subscribe", own, own.replace("preferences", "unsubscribe")):
        answer = raw(place.url, head.format(path).encode() + b"x" * 100_000)
        assert answer.startswith(b"HTTP/1.1 413")


def test_an_empty_post_to_the_preferences_clears_nothing(place: Place) -> None:
    place.confirmed(ADA, topic=["agents"])
    with place.client() as web:
        assert web.post(preferences_of(place, ADA)).status_code == 422
    assert place.person(ADA).profile.topics == ("agents",)


def test_the_link_to_leave_leads_to_nothing_of_the_reader_else(place: Place) -> None:
    leave = link_in(place.confirmed(ADA), "unsubscribe")
    with place.client() as web:
        for answer in (web.get(leave), web.post(leave), web.post(f"{leave}/undo")):
            assert "/preferences/" not in answer.text
            assert answer.headers["Cache-Control"] == "no-store"
        assert web.post(f"{leave}/fewer", data={"cadence": "daily"}).status_code == 422
        assert web.post(leave).status_code == web.post(leave).status_code == 200
        place.later(hours=25)
        assert web.post(f"{leave}/undo").status_code == 422
        assert "subscribe again" in web.get(leave).text


def test_a_confirm_link_that_was_used_leads_to_no_preferences(place: Place) -> None:
    with place.client() as web:
        sign_up(web, ADA)
        asking = link_in(place.mail(), "confirm")
        assert "/preferences/" in web.post(asking).text
        assert "/preferences/" not in web.post(asking).text


def test_scripts_are_allowed_on_the_empty_form_alone_and_are_our_own(place: Place) -> None:
    place.confirmed(ADA)
    with place.client() as web:
        form = web.get("/subscribe")
        assert "script-src 'self'" in form.headers["Content-Security-Policy"]
        script = web.get(form.text.split('<script src="')[1].split('"')[0])
        assert script.headers["Content-Type"].startswith("text/javascript")
        for answer in (web.get("/"), web.get(preferences_of(place, ADA)), sign_up(web, "wrong")):
            assert "script" not in answer.headers["Content-Security-Policy"]


def test_a_digest_in_the_browser_is_in_a_sandbox_and_asks_for_nothing_that_a_sandbox_may_not_have(place: Place) -> None:
    place.confirmed(ADA)
    place.stock(date(2026, 7, 15), "Bread")
    place.send("2026-07-15")
    with place.client() as web:
        headers = web.get(link_in(place.mail(), "view")).headers
    assert "; sandbox allow-popups " in headers["Content-Security-Policy"]
    assert "allow-scripts" not in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "unsafe-none"


def test_a_page_reads_no_more_of_a_history_than_it_shows(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.confirmed(ADA)
    own = preferences_of(place, ADA)
    with place.client() as web:
        for size in range(1, 61):  # a program may do so all day
            web.post(own, data={**FIELDS, "size": str(size)})
        monkeypatch.setattr(HistoryStore, "of", None)  # it reads all of it, for an export
        shown = web.get(own)
        assert shown.text.count("Changed size") == 50
        left = web.post(leaving_of(place, ADA))
        assert "Undo" in left.text
