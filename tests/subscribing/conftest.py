"""A desk on a store of either kind, and the mails that its queue of letters hands over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from newsletter.config import load_config
from newsletter.links import LinkSigner
from newsletter.model import SubscriberStatus
from newsletter.pipeline.audience import Defaults
from newsletter.pipeline.departure import Departure
from newsletter.pipeline.letters import LetterPress
from newsletter.pipeline.subscribing.desk import Desk
from newsletter.pipeline.subscribing.posting import LetterQueue
from newsletter.pipeline.subscribing.signing_up import confirm, sign_up
from newsletter.pipeline.suppression import SuppressionList
from newsletter.render.letters import LetterRenderer
from tests.sends import FakeMailer
from tests.store.conftest import (  # noqa: F401 - fixtures
    migrated_schema,
    server,
    sqlite_template,
    store,
    store_url,
)

if TYPE_CHECKING:
    from email.message import EmailMessage

    from newsletter.config import Config
    from newsletter.life import Happening
    from newsletter.model import Subscriber
    from newsletter.store import Store

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
WEB = "https://digest.example"
KEY = b"k" * 32


@dataclass
class Front:
    """What stands between a person and the store, with a clock of its own."""

    store: Store
    desk: Desk
    queue: LetterQueue
    mailer: FakeMailer
    now: datetime = NOW
    read: int = field(default=0)

    def sign_up(self, address: str, client: str = "192.0.2.1", **wishes: str) -> str:
        return sign_up(self.desk, address, wishes, client=client, now=self.now)

    def mails(self) -> list[EmailMessage]:
        """Send what is due, and return the mails that were not looked at before."""
        self.queue.send_due(self.now)
        new = self.mailer.got[self.read :]
        self.read += len(new)
        return [message_from_bytes(one.content, policy=policy.default) for one in new]

    def mail(self) -> EmailMessage:
        (one,) = self.mails()
        return one

    def confirmed(self, address: str, **wishes: str) -> Subscriber:
        """Let somebody sign up and confirm."""
        self.sign_up(address, **wishes)
        confirm(self.desk, token_in(self.mail(), "confirm"), now=self.now)
        self.mails()
        return self.person(address)

    def person(self, address: str) -> Subscriber:
        found = self.store.subscribers.find(address)
        assert found
        return found

    def status(self, address: str) -> SubscriberStatus:
        return self.person(address).status

    def happened(self, address: str) -> list[Happening]:
        return [one.kind for one in self.store.history.of(self.person(address).id)]

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body
    return str(body.get_content())


def token_in(mail: EmailMessage, purpose: str) -> str:
    found = re.search(rf"{re.escape(WEB)}/{purpose}/(\S+)", text_of(mail))
    assert found
    return found.group(1)


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    read = load_config(tmp_path_factory.mktemp("home"), {})
    return read.model_copy(update={"site": read.site.model_copy(update={"web_url": WEB})})


@pytest.fixture(scope="session")
def renderer(config: Config) -> LetterRenderer:
    return LetterRenderer(config.site, topics=config.topics)


def front_on(store: Store, config: Config, renderer: LetterRenderer, **limits: int) -> Front:  # noqa: F811 - a store
    site = config.site
    signer = LinkSigner([KEY])
    desk = Desk(
        store=store,
        suppressions=SuppressionList(store, lambda: KEY),
        signer=signer,
        limits=config.signup.model_copy(update=limits),
        defaults=Defaults(
            settings=config.subscribers,
            status=SubscriberStatus.PENDING,
            topics=[topic.name for topic in config.topics],
        ),
        key=KEY,
    )
    mailer = FakeMailer()
    queue = LetterQueue(
        store=store,
        press=LetterPress(renderer=renderer, site=site, key=KEY, signer=signer),
        departure=Departure(bounces=config.bounces, key=KEY),
        mailer=lambda: mailer,
        settings=config.deliver,
        owner="test",
        chance=lambda: 0.5,
    )
    return Front(store, desk, queue, mailer)


@pytest.fixture
def front(store: Store, config: Config, renderer: LetterRenderer) -> Front:  # noqa: F811 - the fixture
    return front_on(store, config, renderer)
