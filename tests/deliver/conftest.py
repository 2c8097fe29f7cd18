"""What the tests of this room share: a site, mails, certificates, and a real SMTP server with faults to order."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from newsletter.config import load_config
from newsletter.model import Message
from tests.conftest import require
from tests.deliver.certificates import Certificates, make_certificates
from tests.deliver.postfix import Postfix, running_postfix, why_not
from tests.deliver.relay import Relay, running

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from newsletter.settings import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return load_config(tmp_path_factory.mktemp("home"), {}).site


class MakeMessage(Protocol):
    def __call__(self, number: int = 1, body: bytes = b"Hello\r\n") -> Message: ...


@pytest.fixture
def make_message() -> MakeMessage:
    def make(number: int = 1, body: bytes = b"Hello\r\n") -> Message:
        return Message(
            message_id=f"<2026-07-14.{number:032x}@newsletter.example>",
            sender="digest@newsletter.example",
            recipient=f"reader{number}@example.org",
            content=b"Subject: one\r\n\r\n" + body,
        )

    return make


class RunRelay(Protocol):
    """Starts a server and returns its relay; `implicit` and `starttls` are TLS contexts, `login` asks for USER."""

    def __call__(
        self,
        *,
        implicit: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        login: bool = False,
        pipelining: bool = False,
        **options: Any,  # noqa: ANN401  # handed on to aiosmtpd as they are
    ) -> Relay: ...


@pytest.fixture
def run_relay() -> Iterator[RunRelay]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(running(**options))


@pytest.fixture(params=[False, True], ids=["one by one", "pipelined"])
def relay(request: pytest.FixtureRequest, run_relay: RunRelay) -> Relay:
    """Return a server, once without and once with PIPELINING: what becomes of a mail must not depend on it."""
    return run_relay(pipelining=request.param)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def running_relay() -> Iterator[Postfix]:
    if reason := why_not():
        require("Postfix", reason)
    with running_postfix() as running:
        yield running


@pytest.fixture
def postfix(running_relay: Postfix) -> Postfix:
    """Return a real Postfix with empty mailboxes."""
    running_relay.delivered()
    running_relay.forget()
    return running_relay
