"""The life of a subscriber in a real browser, with the links out of mails that a real mail server took."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from newsletter.links import Purpose
from newsletter.model import SubscriberStatus
from tests.web.browsing import faults
from tests.web.place import html_of, link_in, links_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.web.place import Place

ADA = "ada@example.org"
AGENT, ROBOT, BREAD = "An LLM agent with tool use", "Robot manipulation with a humanoid robot", "On the baking of bread"
ROBOT_TOO, AGENT_TOO = "A robot policy for robot manipulation", "Agent memory for an LLM agent"


@pytest.mark.browser
def test_the_whole_life_of_a_subscriber(place: Place, looking: tuple[Page, list[str]]) -> None:
    page, noted = looking
    digest = _joins_and_reads(place, page)
    _likes_and_changes(place, page, digest)
    _pauses(place, page, digest)
    _leaves_and_comes_back(place, page, digest)
    _takes_all_and_goes(place, page)
    words = [one for one in noted if not one.startswith(place.url)]
    assert words == ["console: Failed to load resource: the server responded with a status of 404 (Not Found)"]


def _joins_and_reads(place: Place, page: Page) -> list[str]:
    page.goto(f"{place.url}/subscribe")
    page.fill("#address", ADA)
    page.check("text=LLM agents", force=True)
    page.click("text=Show me a sample")
    assert page.input_value("#address") == ADA
    assert "From the papers of" in page.inner_text("#sample")
    page.click("main button:has-text('Subscribe')")
    assert "Look into your inbox" in page.inner_text("h1")
    assert place.person(ADA).status is SubscriberStatus.PENDING
    page.goto(link_in(place.mail(), "confirm"))
    page.click("main button")
    assert "You are subscribed" in page.inner_text("h1")
    assert place.mail()["To"] == ADA
    place.stock(date(2026, 7, 15), AGENT, ROBOT, BREAD)
    place.send("2026-07-15")
    digest = place.mail()
    html = html_of(digest)
    assert html.index(AGENT) < html.index(BREAD), "the one that matches stands before the one with most votes"
    shown = page.goto(link_in(digest, "view"))
    assert shown
    assert shown.text() == html
    assert page.locator(f":text('{AGENT}'):visible").count()
    assert shown.headers["x-robots-tag"] == "noindex, nofollow"
    return links_in(digest)


def _link(links: list[str], part: str) -> str:
    return next(one for one in links if part in one)


def _likes_and_changes(place: Place, page: Page, links: list[str]) -> None:
    page.goto(next(one for one in links if "/feedback/" in one and "/more/" in one and one.endswith("15000")))
    assert page.inner_text(".quoted") == AGENT
    page.click("main button")
    assert "Thank you" in page.inner_text("main")
    page.click("text=Your preferences")
    assert AGENT in page.inner_text(".held")
    page.uncheck("text=LLM agents", force=True)
    page.check("text=Robotics and embodied AI", force=True)
    page.fill("#muted", "bread")
    page.click("button:has-text('Save')")
    assert "saved" in page.inner_text("[role=status]")
    assert page.is_checked("input[value=robotics]")
    place.later(days=1)
    place.stock(date(2026, 7, 16), AGENT_TOO, ROBOT_TOO, BREAD + " again")
    place.send("2026-07-16")
    html = html_of(place.mail())
    assert html.index(ROBOT_TOO) < html.index(AGENT_TOO)
    assert BREAD not in html


def _pauses(place: Place, page: Page, links: list[str]) -> None:
    page.goto(_link(links, "/preferences/"))
    page.fill("#until", "2026-08-01")
    page.click("button:has-text('Pause')")
    assert "1 August 2026" in page.inner_text("main")
    place.later(days=1)
    place.stock(date(2026, 7, 17), "Nobody gets this")
    mails = len(place.relay.taken)
    place.send("2026-07-17")
    assert len(place.relay.taken) == mails
    page.click("text=Let them come again")
    assert place.person(ADA).paused_until is None


def _leaves_and_comes_back(place: Place, page: Page, links: list[str]) -> None:
    leave = _link(links, "/unsubscribe/")
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"}
    answer = httpx.post(leave, data={"List-Unsubscribe": "One-Click"}, headers=foreign)
    assert answer.status_code == 200
    assert not answer.history
    assert place.person(ADA).status is SubscriberStatus.UNSUBSCRIBED
    assert "left" in str(place.mail()["Subject"]).lower()
    page.goto(leave)
    page.click("button:has-text('Undo')")
    assert "subscribed again" in page.inner_text("main")
    assert place.person(ADA).profile.topics == ("robotics",)
    page.goto(leave)
    page.click("text=Once a week")
    assert place.person(ADA).cadence == "weekly"


def _takes_all_and_goes(place: Place, page: Page) -> None:
    reader = place.person(ADA)
    token = place.app.signer.token(Purpose.PREFERENCES, reader.id, epoch=reader.link_epoch)
    page.goto(f"{place.url}/preferences/{token}")
    with page.expect_download() as download:
        page.click("text=Download my data")
    held = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert (held["address"], held["liked"], held["muted"]) == (ADA, ["2607.15000"], ["bread"])
    page.click("text=delete everything")
    page.click("button:has-text('Delete everything')")
    assert "forgotten" in page.inner_text("h1")
    assert place.app.store.subscribers.find(ADA) is None
    page.goto(f"{place.url}/preferences/{token}")
    assert "does not work" in page.inner_text("h1")


@pytest.mark.browser
def test_a_change_of_address_and_the_end_of_earlier_links(place: Place, looking: tuple[Page, list[str]]) -> None:
    page, _ = looking
    old = link_in(place.confirmed(ADA), "preferences")
    page.goto(old)
    page.fill("#address", "ada@new.example.org")
    page.click("text=Send the link")
    mail = place.mail()
    assert mail["To"] == "ada@new.example.org"
    page.goto(link_in(mail, "address"))
    page.click("main button")
    page.click("text=Your preferences")
    assert "ada@new.example.org" in page.inner_text(".tagline")
    assert place.mail()["To"] == ADA
    assert httpx.get(old).status_code == 404
    page.click("text=End earlier links")
    assert "A mail with a new one is on its way" in page.inner_text("main")
    assert httpx.get(link_in(place.mail(), "preferences")).status_code == 200


@pytest.mark.browser
def test_every_page_of_a_readers_own_can_be_read_by_everybody(place: Place, looking: tuple[Page, list[str]]) -> None:
    page, noted = looking
    with place.client() as web:
        web.post("/subscribe", data={"address": "bob@example.org", "cadence": "daily", "size": "5"})
    asking = link_in(place.mail(), "confirm")
    welcome = place.confirmed(ADA, topic=["agents"])
    place.stock(date(2026, 7, 15), AGENT, "W" * 300)
    place.send("2026-07-15")
    digest = links_in(place.mail())
    preferences, leave = link_in(welcome, "preferences"), link_in(welcome, "unsubscribe")
    more, save = (next(one for one in digest if f"/{kind}/" in one) for kind in ("more", "save"))
    for path in (asking, preferences, f"{preferences}/forget", leave, more, save):
        page.goto(path)
        assert faults(page) == [], path.split("/")[3]
    for path in (more, save, leave):  # the pages after the click
        page.goto(path)
        page.click("main button")
        assert faults(page) == [], path.split("/")[3]
    page.goto(preferences)
    page.locator(".sheetform").evaluate("form => form.noValidate = true")
    page.fill("#size", "0")
    page.click("button:has-text('Save')")
    assert "no whole number" in page.inner_text("#size-problem")
    assert faults(page) == []
    page.goto(f"{place.url}/subscribe")
    page.click("text=Show me a sample")
    assert faults(page) == []
    page.fill("#address", "eve@example.org")
    page.click("main button:has-text('Subscribe')")
    assert "Look into your inbox" in page.inner_text("h1")
    assert faults(page) == []
    refused = "console: Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    assert [one for one in noted if not one.startswith(place.url)] == [refused]
