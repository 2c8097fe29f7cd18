"""Programs that follow every link of every mail, as those that look for malware do, change nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.life import Leaving
from newsletter.pipeline.subscribing.choosing import revoke_links
from newsletter.pipeline.subscribing.leaving import unsubscribe
from newsletter.pipeline.subscribing.moving import request_address
from tests.web.place import links_in

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.web.place import Place

REQUESTS = 500


def every_mail(place: Place) -> list[EmailMessage]:
    """Let one of every kind of mail be sent."""
    desk = place.app.desk
    welcome = [place.confirmed("ada@example.org", topic=["agents"]), place.confirmed("bob@example.org")]
    place.stock(date(2026, 7, 15), "An LLM agent with tool use", "Another LLM agent, of long-horizon tasks", "Bread")
    place.send("2026-07-15")
    digests = [place.mail(), place.mail()]
    request_address(desk, place.person("ada@example.org").id, "ada@new.example.org", now=place.now)
    unsubscribe(desk, place.person("bob@example.org").id, how=Leaving.PAGE, now=place.now)
    with place.client() as web:
        web.post("/subscribe", data={"address": "eve@example.org", "cadence": "daily", "size": "5"})
    rest = [place.mail() for _ in range(3)]
    return [*welcome, *digests, *rest]


def test_five_hundred_requests_over_every_link_of_every_mail_change_nothing(place: Place) -> None:
    links = [link for mail in every_mail(place) for link in links_in(mail) if link.startswith(place.url)]
    kinds = {urlsplit(link).path.split("/")[1] for link in links}
    assert kinds >= {"confirm", "preferences", "unsubscribe", "view", "feedback", "address", "subscribe"}
    before, sent, seen = place.dump(), len(place.relay.taken), set()
    with place.client() as web:
        for number in range(REQUESTS):
            path = links[number % len(links)]
            answer = web.request("HEAD" if number // len(links) % 2 else "GET", path)
            seen.add(answer.status_code)
    assert 2 * len(links) < REQUESTS
    assert seen == {200}
    assert place.dump() == before
    assert len(place.relay.taken) == sent


def test_pages_behind_those_links_change_nothing_by_a_get_either(place: Place) -> None:
    welcome = place.confirmed("ada@example.org")
    before = place.dump()
    with place.client() as web:
        for link in (one for one in links_in(welcome) if one.startswith(place.url)):
            for tail in ("/pause?until=2026-08-01", "/papers", "/address", "/revoke", "/export", "/undo", "/fewer"):
                assert web.get(link + tail).status_code in {404, 405}
            assert web.get(f"{link}/forget").status_code in {200, 404, 405}
            for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
                assert web.request(method, link).status_code in {404, 405}
    assert place.dump() == before


def test_links_that_were_ended_are_told_alike(place: Place) -> None:
    links = [one for mail in every_mail(place)[:3] for one in links_in(mail) if place.url in one]
    revoke_links(place.app.desk, place.person("ada@example.org").id, now=place.now)
    with place.client() as web:
        told = {web.get(one).text for one in links if web.get(one).status_code == 404}
    assert len(told) == 1, "what a link was for, or whose, is told to nobody"
