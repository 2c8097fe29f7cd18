"""Through Debian's Postfix to readers' maildirs: every mail once, each byte of it as it was built."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.identity import message_id_for, unsubscribe_url
from newsletter.deliver.message import build_message
from newsletter.deliver.smtp import SmtpMailer
from newsletter.deliver.talk import Talk
from newsletter.links import LinkSigner, Purpose
from newsletter.model import DeliveryState, Rendered
from tests.deliver.handing import Leave, receipt_for, states

if TYPE_CHECKING:
    from newsletter.model import Message
    from newsletter.settings import Site
    from tests.deliver.conftest import MakeMessage
    from tests.deliver.postfix import Postfix

KEY = b"k" * 32


def digest_for(number: int, site: Site) -> Message:
    """Return a reader's digest, of a size and with lines of its own."""
    text = f"Vidéo, 動画 🎬 {number}\n.\n..\nFrom here\n" + "A line of some length = with its signs.\n" * 40 * number
    return build_message(
        Rendered(subject=f"Nummer {number}: Übersicht", html=f"<p>{text}</p>\n", text=text),
        site=site,
        recipient=f"reader{number}@example.org",
        issue_period="2026-W29",
        message_id=message_id_for(KEY, issue_period="2026-W29", subscriber_id=number, domain="newsletter.example"),
        unsubscribe=unsubscribe_url(site, LinkSigner([KEY]).token(Purpose.UNSUBSCRIBE, number)),
        date=datetime(2026, 7, 18, 7, tzinfo=UTC),
    )


def in_eight_bits(message: Message) -> Message:
    """Return a mail as some other program might have built it: its text as bare UTF-8."""
    head = message.content.partition(b"\r\nMIME-Version")[0]
    body = "Grüße aus 東京\r\n.\r\n..ein Punkt\r\nFrom me\r\n" + "ü" * 400 + "\r\n\r\n\r\n"
    kind = "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return replace(message, content=head + (kind + body).encode())


@pytest.fixture
def mails(site: Site) -> list[Message]:
    digests = [digest_for(number, site) for number in range(50)]
    return [in_eight_bits(mail) if number % 5 == 0 else mail for number, mail in enumerate(digests)]


@pytest.mark.parametrize("ahead", [True, False])
def test_fifty_mails_arrive_once_and_byte_for_byte(
    postfix: Postfix, mails: list[Message], monkeypatch: pytest.MonkeyPatch, *, ahead: bool
) -> None:
    said_ahead = []
    offer = Talk.offer

    def watched(self: Talk, message: Message) -> tuple[int, bytes] | None:
        said_ahead.append(self._pipelining and self._said is message)
        return offer(self, message)

    monkeypatch.setattr(Talk, "offer", watched)
    with SmtpMailer(postfix.settings(), password="") as mailer:
        became = states(mailer, mails, ahead=ahead)

    assert became == [DeliveryState.ACCEPTED] * 50
    assert said_ahead == [False, *[ahead] * 49]
    assert postfix.log.count("lost connection") == 0
    delivered = postfix.delivered()
    assert {reader: len(found) for reader, found in delivered.items()} == {f"reader{number}": 1 for number in range(50)}
    for number, mail in enumerate(mails):
        (found,) = delivered[f"reader{number}"]
        trace, _, rest = found.partition(mail.content)
        assert rest == b""
        assert trace.startswith(b"Return-Path: <digest@newsletter.example>\r\n")
        assert b"for <reader%d@example.org>" % number in trace
    assert {b"\xc3\xbc" in delivered[f"reader{number}"][0] for number in range(0, 50, 5)} == {True}


def test_a_reader_whom_it_does_not_know_costs_no_other_mail(postfix: Postfix, make_message: MakeMessage) -> None:
    mails = [make_message(number) for number in range(9)]
    mails[4] = replace(mails[4], recipient="stranger@example.org")
    mails[7] = replace(mails[7], recipient="reader7@elsewhere.example")

    with SmtpMailer(postfix.settings(), password="") as mailer:
        receipts = [receipt_for(mailer, mail, following=following) for mail, following in zip_longest(mails, mails[1:])]

    assert [number for number, one in enumerate(receipts) if one.state == DeliveryState.FAILED] == [4, 7]
    assert receipts[4].reply.startswith("550 5.1.1 ")
    assert receipts[7].reply.startswith("55"), "it relays for nobody"
    delivered = postfix.delivered()
    assert sorted(delivered) == [f"reader{number}" for number in (0, 1, 2, 3, 5, 6, 8)]
    assert {len(found) for found in delivered.values()} == {1}


@pytest.mark.parametrize("raises", [False, True])
def test_a_mail_said_ahead_that_may_not_leave_does_not(
    postfix: Postfix, make_message: MakeMessage, *, raises: bool
) -> None:
    mails = [make_message(number) for number in range(3)]
    leave = Leave(answer=LookupError("no") if raises else False)

    with SmtpMailer(postfix.settings(), password="") as mailer:
        receipt_for(mailer, mails[0], following=mails[1])
        if raises:
            with pytest.raises(LookupError):
                mailer.deliver(mails[1], leave=leave, following=mails[2])
        else:
            assert mailer.deliver(mails[1], leave=leave, following=mails[2]) is None
        receipt_for(mailer, mails[2])

    assert {reader: len(found) for reader, found in postfix.delivered().items()} == {"reader0": 1, "reader2": 1}


def test_a_mail_that_is_too_large_is_refused_before_a_byte_of_it(postfix: Postfix, make_message: MakeMessage) -> None:
    leave = Leave()
    large = make_message(1, b"0123456789abcdef\r\n" * (30_000_000 // 18))

    with SmtpMailer(postfix.settings(), password="") as mailer:
        receipt = mailer.deliver(large, leave=leave)
        assert states(mailer, [make_message(2)]) == [DeliveryState.ACCEPTED]

    assert receipt is not None
    assert (receipt.state, receipt.reply[:9]) == (DeliveryState.FAILED, "552 5.3.4")
    assert not leave.seen
    assert list(postfix.delivered()) == ["reader2"]


def test_many_connections_at_once_deliver_each_mail_once(postfix: Postfix, make_message: MakeMessage) -> None:
    def send(first: int) -> list[DeliveryState]:
        with SmtpMailer(postfix.settings(per_connection=20), password="") as mailer:
            return states(mailer, [make_message(number) for number in range(first, 200, 4)], ahead=True)

    with ThreadPoolExecutor(4) as pool:
        became = [state for some in pool.map(send, range(4)) for state in some]

    assert set(became) == {DeliveryState.ACCEPTED}
    delivered = postfix.delivered()
    assert {reader: len(found) for reader, found in delivered.items()} == {f"reader{n}": 1 for n in range(200)}
