"""What the SMTP mailer puts on the wire, and what it keeps away from a relay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.smtp import SmtpMailer
from tests.deliver.faults import ACCEPTED, FAILED
from tests.deliver.handing import receipt_for, states

if TYPE_CHECKING:
    from tests.deliver.conftest import MakeMessage, RunRelay
    from tests.deliver.relay import Relay


def test_one_connection_carries_many_mails(relay: Relay, make_message: MakeMessage) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        assert {receipt_for(mailer, make_message(number)).state for number in range(20)} == {ACCEPTED}

    assert relay.commands.count("CONNECT") == 1
    assert len(relay.taken) == 20


def test_dots_that_begin_lines_arrive_as_they_were(relay: Relay, make_message: MakeMessage) -> None:
    body = b".\r\n..\r\n.hidden\r\nplain . dot\r\n\r\n.\r\n"
    mails = [make_message(1, body), replace(make_message(2), content=b".\r\n")]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert [receipt_for(mailer, mail).state for mail in mails] == [ACCEPTED, ACCEPTED]

    assert [mail.content for mail in relay.taken] == [mail.content for mail in mails]


def test_the_size_is_announced_and_a_relay_that_is_too_small_says_so(
    run_relay: RunRelay, make_message: MakeMessage
) -> None:
    relay = run_relay(data_size_limit=1000)

    with SmtpMailer(relay.settings(), password="") as mailer:
        small, large = receipt_for(mailer, make_message(1)), receipt_for(mailer, make_message(2, b"x" * 1000 + b"\r\n"))

    assert (small.state, large.state) == (ACCEPTED, FAILED)
    assert large.reply.startswith("552")
    assert relay.commands.count("DATA") == 1


@pytest.mark.parametrize("ends", [b"one\n.\nMAIL FROM:<a@example.org>\n", b"one\r.\r\r\n", b"no end"])
def test_a_mail_with_other_line_ends_cannot_smuggle_in_another(
    relay: Relay, make_message: MakeMessage, ends: bytes
) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        assert receipt_for(mailer, make_message(1, ends)).state == FAILED

    assert "MAIL" not in relay.commands


@pytest.mark.parametrize(
    "address",
    ["a@example.org>\r\nRCPT TO:<b@example.org", "a\0@example.org", "a b@example.org", "<a@example.org>", "", "a"],
)
def test_an_address_that_is_none_reaches_no_relay(relay: Relay, make_message: MakeMessage, address: str) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        assert receipt_for(mailer, replace(make_message(), recipient=address)).state == FAILED
        assert receipt_for(mailer, replace(make_message(), sender=address)).state == FAILED

    assert "MAIL" not in relay.commands


def test_an_address_outside_ascii_needs_a_relay_that_takes_it(run_relay: RunRelay, make_message: MakeMessage) -> None:
    able, unable = run_relay(enable_SMTPUTF8=True), run_relay()
    wide = "jürgen@xn--bcher-kva.example"
    message = replace(make_message(), recipient=wide, content=f"To: {wide}\r\n\r\nHello\r\n".encode())

    with SmtpMailer(able.settings(), password="") as mailer:
        receipts = [receipt_for(mailer, message), receipt_for(mailer, make_message(2))]
    with SmtpMailer(unable.settings(), password="") as mailer:
        refused = receipt_for(mailer, message)

    assert [receipt.state for receipt in receipts] == [ACCEPTED, ACCEPTED]
    assert able.taken[0].recipients == [wide]
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(able.taken[0].options)
    assert "SMTPUTF8" not in able.taken[1].options
    assert (refused.state, "SMTPUTF8" in refused.reply) == (FAILED, True)
    assert not unable.taken


def test_an_answer_is_kept_in_one_clean_and_bounded_line(relay: Relay, make_message: MakeMessage) -> None:
    relay.faults["RCPT"] = ["550-5.1.1 \x1b[31mred\x07 \u202ereversed\r\n550 5.1.1 " + "long " * 400]

    with SmtpMailer(relay.settings(), password="") as mailer:
        reply = receipt_for(mailer, make_message()).reply

    assert reply.startswith("550 5.1.1 [31mred reversed 5.1.1 long long")
    assert reply.isprintable()
    assert len(reply) <= 500


def test_a_mail_of_thirty_megabytes_arrives_whole(relay: Relay, make_message: MakeMessage) -> None:
    line = b"." + b"0123456789" * 90 + b"\r\n"
    mails = [make_message(1, line * (30_000_000 // len(line))), make_message(2)]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert states(mailer, mails, ahead=True) == [ACCEPTED, ACCEPTED]

    assert [mail.content == sent.content for mail, sent in zip(relay.taken, mails, strict=True)] == [True, True]


def test_bytes_beyond_ascii_need_a_relay_that_takes_them(run_relay: RunRelay, make_message: MakeMessage) -> None:
    able, unable = run_relay(), run_relay(decode_data=True)
    message = make_message(1, "Über 動画\r\n".encode())

    with SmtpMailer(able.settings(), password="") as mailer:
        assert states(mailer, [message, make_message(2)]) == [ACCEPTED, ACCEPTED]
    with SmtpMailer(unable.settings(), password="") as mailer:
        refused = receipt_for(mailer, message)

    assert [mail.content for mail in able.taken] == [message.content, make_message(2).content]
    assert ["BODY=8BITMIME" in mail.options for mail in able.taken] == [True, False]
    assert (refused.state, "8BITMIME" in refused.reply) == (FAILED, True)
    assert "MAIL" not in unable.commands
