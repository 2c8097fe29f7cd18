"""The thread that sends letters beside the server: at once, again after errors, without addresses in the log."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.pipeline.subscribing.signing_up import sign_up
from newsletter.web.post import Post
from tests.deliver.mailers import nobody_listens
from tests.deliver.relay import running
from tests.web.home import NOW

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.web.place import Place

ADDRESS = "ada@example.org"
RELAY = '[deliver]\nmailer = "smtp"\npatience_seconds = 0.1\n[deliver.smtp]\nhost = "127.0.0.1"\ntls = "none"\nport = '


def home(folder: Path, port: int) -> App:
    (folder / "newsletter.toml").write_text(f"{RELAY}{port}\n", "utf-8")
    return App(folder, {})


def test_a_letter_leaves_as_soon_as_the_page_has_queued_it(place: Place) -> None:
    with place.client() as web:
        web.post("/subscribe", data={"address": ADDRESS, "cadence": "daily", "size": "5"})
    mail = place.mail()
    assert mail["To"] == ADDRESS
    assert f"{place.url}/confirm/" in str(mail.get_body(("plain",)))


def test_without_an_address_of_the_site_letters_lead_to_where_it_listens(tmp_path: Path) -> None:
    with running() as relay, home(tmp_path, relay.port) as app:
        sign_up(app.desk, ADDRESS, {}, client="192.0.2.1", now=NOW)
        assert Post(app=app, clock=lambda: NOW, pages="http://127.0.0.1:8000").look()
    (taken,) = relay.taken
    assert b"http://127.0.0.1:8000/confirm/" in taken.content.replace(b"=\r\n", b"")


def test_a_relay_that_is_gone_is_logged_without_addresses_and_the_letter_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with home(tmp_path, nobody_listens()) as app:
        sign_up(app.desk, ADDRESS, {}, client="192.0.2.1", now=NOW)
        with caplog.at_level(logging.INFO, "newsletter.web"):
            assert not Post(app=app, clock=lambda: NOW, pages="http://127.0.0.1:8000").look()
        assert len(app.store.letters.waiting()) == 1
    assert "letters wait: " in caplog.text
    assert ADDRESS not in caplog.text


def test_an_address_in_an_error_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_options: str) -> None:
        raise ValueError(ADDRESS)

    with home(tmp_path, 25) as app:
        sign_up(app.desk, ADDRESS, {}, client="192.0.2.1", now=NOW)
        monkeypatch.setattr(app, "letter_queue", refuse)
        with caplog.at_level(logging.INFO, "newsletter.web"):
            assert not Post(app=app, clock=lambda: NOW).look()
    assert "ValueError at tests.web.test_letters" in caplog.text
    assert ADDRESS not in caplog.text


def test_what_nobody_confirmed_is_purged_within_the_hour(tmp_path: Path) -> None:
    at = [NOW]
    with home(tmp_path, nobody_listens()) as app:
        post = Post(app=app, clock=lambda: at[0], pages="http://127.0.0.1:8000")
        post.look()
        sign_up(app.desk, ADDRESS, {}, client="192.0.2.1", now=NOW - timedelta(days=9))
        app.store.letters.drop(app.store.letters.claim(owner="", now=NOW, lease=timedelta(1)) or pytest.fail("none"))
        at[0] += timedelta(minutes=59)
        post.look()
        assert app.store.subscribers.find(ADDRESS)
        at[0] += timedelta(minutes=1)
        post.look()
        assert app.store.subscribers.find(ADDRESS) is None


def test_a_relay_that_is_gone_keeps_nothing_from_being_purged(tmp_path: Path) -> None:
    with home(tmp_path, nobody_listens()) as app:
        sign_up(app.desk, ADDRESS, {}, client="192.0.2.1", now=NOW - timedelta(days=9))
        sign_up(app.desk, "bob@example.org", {}, client="192.0.2.1", now=NOW)
        assert not Post(app=app, clock=lambda: NOW, pages="http://127.0.0.1:8000").look()
        assert app.store.subscribers.find(ADDRESS) is None
        assert app.store.subscribers.find("bob@example.org")


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with home(tmp_path, nobody_listens()) as app:
        with Post(app=app, clock=lambda: NOW).running():
            assert [one.name for one in threading.enumerate()].count("letters") == 1
        assert "letters" not in [one.name for one in threading.enumerate()]


def test_it_ends_between_two_letters_and_the_rest_waits(tmp_path: Path) -> None:
    with running() as relay, home(tmp_path, relay.port) as app:
        for number in range(3):
            sign_up(app.desk, f"r{number}@x.example", {}, client=f"10.0.{number}.1", now=NOW)
        post = Post(app=app, clock=lambda: NOW, pages="http://127.0.0.1:8000")

        def clock() -> datetime:
            if relay.taken:
                post.stop()  # as a signal may, between two letters; the one that is claimed now is sent yet
            return NOW

        post.clock = clock
        assert post.look()
        assert len(relay.taken) == 2
        assert [one.owner for one in app.store.letters.waiting()] == [""]
