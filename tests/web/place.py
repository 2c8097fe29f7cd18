"""A home, its web server with the thread that sends letters, and a real mail server that keeps what it is given."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import httpx

from newsletter.app import App
from newsletter.config import CONFIG_NAME
from newsletter.model import IssueState, Paper
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.handover import Handover
from newsletter.pipeline.sending import finish
from newsletter.web.post import Post
from newsletter.web.running import listen, server
from tests.deliver.relay import running
from tests.web.home import NOW, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from newsletter.model import Issue, Subscriber
    from tests.deliver.relay import Relay

PATIENCE = 30.0  # seconds for a mail to arrive; nothing rests on how soon it does
_LINK = re.compile(r"https?://[^\s<>\"')]+")


@dataclass
class Place:
    """The home, where its pages are, and the mails that arrived. `now` is the time of its server."""

    app: App
    url: str
    relay: Relay
    now: datetime = NOW
    _read: int = field(default=0)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Sec-Fetch-Site": "same-origin"})

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def mail(self) -> EmailMessage:
        """Return the next mail that was not looked at yet, once it has arrived."""
        ends = time.monotonic() + PATIENCE
        while len(self.relay.taken) <= self._read:
            assert time.monotonic() < ends, "no mail came"
            time.sleep(0.01)
        self._read += 1
        return message_from_bytes(self.relay.taken[self._read - 1].content, policy=policy.default)

    def quiet(self) -> None:
        """Wait until no letter waits."""
        ends = time.monotonic() + PATIENCE
        while self.app.store.letters.waiting():
            assert time.monotonic() < ends, "a letter still waits"
            time.sleep(0.01)

    def person(self, address: str) -> Subscriber:
        found = self.app.store.subscribers.find(address)
        assert found
        return found

    def confirmed(self, address: str, **fields: str | list[str]) -> EmailMessage:
        """Let somebody sign up on the page and confirm, and return the welcome."""
        with self.client() as web:
            assert web.post("/subscribe", data={**FIELDS, **fields, "address": address}).status_code == 200
            assert web.post(link_in(self.mail(), "confirm")).status_code == 200
        return self.mail()

    def stock(self, day: date, *titles: str) -> None:
        """Store papers that were listed on a day, the first with the fewest upvotes."""
        papers = [
            Paper(
                id=f"{day:%y%m}.{day.day:02}{number:03}",
                source="huggingface",
                title=title,
                abstract=f"{title}. It is shown by experiments.",
                listed_on=day,
                upvotes=10 * number + 1,
            )
            for number, title in enumerate(titles)
        ]
        self.app.store.papers.add(papers, taken_at=self.now)

    def send(self, period: str) -> None:
        """Draft, approve and send an issue as the commands do."""
        store = self.app.store
        draft(store, period, now=self.now)
        approve(store, period, shaping=self.app.shaping, now=self.now)
        freeze(store, self._issue(period), self.app.ranker, self.app.press, shaping=self.app.shaping, now=self.now)
        handover = Handover(
            store=store,
            issue=self._issue(period),
            press=self.app.press,
            departure=self.app.departure,
            mailer=self.app.mailers(),
            settings=self.app.config.deliver,
            owner="test",
            clock=lambda: self.now,
        )
        for _ in handover.run():
            pass
        finish(store, self._issue(period), now=self.now)
        assert self._issue(period).state is IssueState.SENT

    def _issue(self, period: str) -> Issue:
        found = self.app.store.issues.get(period)
        assert found
        return found

    def dump(self) -> list[str]:
        """Return every row of every table, as SQL."""
        with closing(sqlite3.connect(f"file:{self.app.config.home / 'newsletter.db'}?mode=ro", uri=True)) as database:
            return list(database.iterdump())


FIELDS: dict[str, str | list[str]] = {
    "address": "",
    "website": "",
    "topic": [],
    "interests": "",
    "cadence": "daily",
    "weekday": "monday",
    "hour": "7",
    "zone": "UTC",
    "size": "5",
}


def links_in(mail: EmailMessage) -> list[str]:
    """Return every link of a mail: of its texts, and of the headers that programs follow."""
    parts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
    text = "\n".join([*parts, str(mail.get("List-Unsubscribe", "")), str(mail.get("List-Archive", ""))])
    return list(dict.fromkeys(one.replace("&amp;", "&") for one in _LINK.findall(text)))


def link_in(mail: EmailMessage, purpose: str) -> str:
    """Return the mail's link for a purpose."""
    return next(one for one in links_in(mail) if f"/{purpose}/" in one)


def html_of(mail: EmailMessage) -> str:
    """Return a mail's HTML, with plain line ends and without the one that ends a part."""
    body = mail.get_body(("html",))
    assert body
    return str(body.get_content()).replace("\r\n", "\n").removesuffix("\n")


@contextmanager
def _relay() -> Iterator[Relay]:
    """Run the mail server from another thread: in a test's own a browser's event loop may be running."""
    context = running()
    with ThreadPoolExecutor(1) as aside:
        relay = aside.submit(context.__enter__).result()
        try:
            yield relay
        finally:
            aside.submit(context.__exit__, None, None, None).result()


@contextmanager
def placed(home: Path, settings: str = "") -> Iterator[Place]:
    """Serve a new home, with papers, where a mail server takes its mails."""
    with _relay() as relay, listen("127.0.0.1", 0) as listening:
        text = f'[site]\nweb_url = "{listening.url}"\n[deliver]\nmailer = "smtp"\n[deliver.smtp]\nhost = "127.0.0.1"\n'
        (home / CONFIG_NAME).write_text(f'{text}port = {relay.port}\ntls = "none"\n{settings}', "utf-8")
        with App(home, {}) as app:
            fill(app)
            place = Place(app, listening.url, relay)
            post = Post(app=app, clock=lambda: place.now, pages=listening.url)
            serving = server(app, listening, clock=lambda: place.now, ring=post.ring)
            with post.running():
                thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening.socket]})
                thread.start()
                try:
                    while not serving.started:
                        assert thread.is_alive(), "the server ended before it began"
                        time.sleep(0.01)
                    yield place
                finally:
                    serving.should_exit = True
                    thread.join()
