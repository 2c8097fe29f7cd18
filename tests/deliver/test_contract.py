"""What every mailer must do alike, shown on each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.deliver.folder import FolderMailer
from newsletter.deliver.identity import message_id_for, unsubscribe_url
from newsletter.deliver.message import build_message
from newsletter.deliver.smtp import SmtpMailer
from newsletter.errors import MailerStoppedError
from newsletter.links import LinkSigner, Purpose
from newsletter.model import DeliveryState, Rendered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.config import Site
    from newsletter.deliver.base import Mailer
    from tests.deliver.conftest import Certificates, MakeMessage, RunRelay


@dataclass(frozen=True)
class Case:
    """A mailer that works, what has arrived by it so far, and one like it that cannot work."""

    mailer: Mailer
    arrived: Callable[[], list[bytes]]
    broken: Mailer


@pytest.fixture(params=["folder", "smtp", "smtp over TLS"])
def case(request: pytest.FixtureRequest, tmp_path: Path, run_relay: RunRelay, certificates: Certificates) -> Case:
    if request.param == "folder":
        return _folder(tmp_path)
    safe: dict[str, Any] = {"starttls": certificates.right, "login": True} if "TLS" in request.param else {}
    relay = run_relay(**safe)
    settings = relay.settings(**({"host": "localhost", "tls": "starttls", "username": "digest"} if safe else {}))
    return Case(
        mailer=SmtpMailer(settings, password="correct horse", context=certificates.trusting),
        arrived=lambda: [mail.content for mail in relay.taken],
        broken=SmtpMailer(settings.model_copy(update={"port": 1}), password="correct horse"),
    )


def _folder(tmp_path: Path) -> Case:
    outbox, blocked = tmp_path / "home" / "outbox", tmp_path / "a file"
    blocked.write_text("in the way")
    return Case(
        mailer=FolderMailer(outbox),
        arrived=lambda: [path.read_bytes() for path in sorted(outbox.glob("*.eml"))],
        broken=FolderMailer(blocked / "outbox"),
    )


def test_what_was_accepted_has_arrived_byte_for_byte(case: Case, make_message: MakeMessage) -> None:
    bodies = [b"Hello\r\n", b".\r\n.dot\r\n", b"x" * 900 + b"\r\n", b"\r\n\r\n", b"From me\r\n", b"y\r\n" * 50_000]
    messages = [make_message(number, body) for number, body in enumerate(bodies)]

    with case.mailer as mailer:
        receipts = [mailer.deliver(message) for message in messages]

    assert {receipt.state for receipt in receipts} == {DeliveryState.ACCEPTED}
    assert case.arrived() == [message.content for message in messages]


def test_a_digest_arrives_as_it_was_built(case: Case, site: Site) -> None:
    key = b"k" * 32
    message = build_message(
        Rendered(subject="Vidéo, 動画 🎬", html="<p>.\n.\nÜber</p>\n", text=".\n\nFrom there\n"),
        site=site,
        recipient="reader@bücher.example",
        issue_period="2026-W29",
        message_id=message_id_for(key, issue_period="2026-W29", subscriber_id=7, domain="newsletter.example"),
        unsubscribe=unsubscribe_url(site, LinkSigner([key]).token(Purpose.UNSUBSCRIBE, 7)),
        date=datetime(2026, 7, 18, 7, tzinfo=UTC),
    )

    with case.mailer as mailer:
        assert mailer.deliver(message).state == DeliveryState.ACCEPTED

    assert case.arrived() == [message.content]


def test_a_receipt_is_one_line_that_names_no_reader(case: Case, make_message: MakeMessage) -> None:
    with case.mailer as mailer:
        reply = mailer.deliver(make_message()).reply

    assert reply
    assert reply.isprintable()
    assert "reader1" not in reply


def test_a_check_says_one_line_and_hands_nothing_over(case: Case) -> None:
    for _ in range(2):
        line = case.mailer.check()
        assert line
        assert line.isprintable()

    assert case.arrived() == []


def test_a_mailer_can_be_opened_again(case: Case, make_message: MakeMessage) -> None:
    for number in (1, 2):
        with case.mailer as mailer:
            assert mailer.deliver(make_message(number)).state == DeliveryState.ACCEPTED

    assert len(case.arrived()) == 2


def test_an_error_in_between_goes_through_and_leaves_the_mailer_usable(case: Case, make_message: MakeMessage) -> None:
    def fail_after_a_mail() -> None:
        with case.mailer as mailer:
            mailer.deliver(make_message(1))
            raise LookupError("not the mailer's")

    with pytest.raises(LookupError, match="not the mailer's"):
        fail_after_a_mail()
    with case.mailer as mailer:
        mailer.deliver(make_message(2))

    assert len(case.arrived()) == 2


def test_a_mailer_that_cannot_work_stops_with_one_line(case: Case, make_message: MakeMessage) -> None:
    with pytest.raises(MailerStoppedError) as checked:
        case.broken.check()
    with pytest.raises(MailerStoppedError) as sent, case.broken as mailer:
        mailer.deliver(make_message())

    assert str(checked.value).isprintable()
    assert str(sent.value).isprintable()
    assert "reader1" not in str(sent.value)


def test_a_strange_message_id_still_gets_through(case: Case, make_message: MakeMessage) -> None:
    strange = ["<../../../etc/passwd@x>", "<.hidden@x>", "<" + "x" * 300 + "@x>", "<ümlaut\0@x>", "", "<\ud800@x>"]

    with case.mailer as mailer:
        states = {mailer.deliver(replace(make_message(), message_id=one)).state for one in strange}

    assert states == {DeliveryState.ACCEPTED}
    assert len(case.arrived()) == len(strange)
