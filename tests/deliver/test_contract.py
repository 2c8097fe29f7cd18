"""What every mailer must do alike, shown on each of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.identity import message_id_for, unsubscribe_url
from newsletter.deliver.message import build_message
from newsletter.errors import MailerStoppedError
from newsletter.links import LinkSigner, Purpose
from newsletter.model import DeliveryState, Rendered
from tests.deliver.handing import receipt_for, states
from tests.deliver.mailers import KINDS, Case, case_of

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.settings import Site
    from tests.deliver.certificates import Certificates
    from tests.deliver.conftest import MakeMessage, RunRelay


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path, run_relay: RunRelay, certificates: Certificates) -> Case:
    return case_of(request.param, tmp_path, run_relay, certificates)


@pytest.mark.parametrize("ahead", [False, True])
def test_what_was_accepted_has_arrived_byte_for_byte(case: Case, make_message: MakeMessage, *, ahead: bool) -> None:
    bodies = [b"Hello\r\n", b".\r\n.dot\r\n", b"x" * 900 + b"\r\n", b"\r\n\r\n", b"From me\r\n", b"y\r\n" * 50_000]
    messages = [make_message(number, body) for number, body in enumerate(bodies)]

    with case.mailer as mailer:
        assert set(states(mailer, messages, ahead=ahead)) == {DeliveryState.ACCEPTED}

    assert case.arrived() == [case.as_found(message) for message in messages]


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
        assert receipt_for(mailer, message).state == DeliveryState.ACCEPTED

    assert case.arrived() == [case.as_found(message)]


def test_a_receipt_is_one_line_that_names_no_reader(case: Case, make_message: MakeMessage) -> None:
    with case.mailer as mailer:
        reply = receipt_for(mailer, make_message()).reply

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
            assert receipt_for(mailer, make_message(number)).state == DeliveryState.ACCEPTED

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


@pytest.mark.parametrize("case", [kind for kind in KINDS if kind != "log"], indirect=True)
def test_a_mailer_that_cannot_work_stops_with_one_line(case: Case, make_message: MakeMessage) -> None:
    assert case.broken
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
        became = set(states(mailer, [replace(make_message(), message_id=one) for one in strange]))

    assert became == {DeliveryState.ACCEPTED}
    assert len(case.arrived()) == len(strange)
