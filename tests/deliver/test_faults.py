"""The SMTP mailer against a real server that fails to order: what each fault makes of a mail, and of the next one."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.smtp import SmtpMailer
from newsletter.deliver.talk import Talk
from newsletter.errors import RelayGoneError
from tests.deliver.faults import (
    ACCEPTED,
    AFTER_THE_DOT,
    BEFORE_THE_DOT,
    DEFERRED,
    FAILED,
    GOODBYES,
    REFUSALS,
    UNCERTAIN,
)
from tests.deliver.handing import Leave, receipt_for, states

if TYPE_CHECKING:
    from newsletter.model import DeliveryState
    from tests.deliver.conftest import MakeMessage, RunRelay
    from tests.deliver.relay import Relay

MORE_THAN_ANY_BUFFER = b"0123456789abcdef\r\n" * 1_500_000


@pytest.mark.parametrize(("step", "order", "state"), BEFORE_THE_DOT)
def test_a_fault_before_the_final_dot_hands_nothing_over(
    relay: Relay, make_message: MakeMessage, step: str, order: str, state: DeliveryState
) -> None:
    relay.faults[step] = [order]
    leave = Leave()

    with SmtpMailer(relay.settings(), password="") as mailer:
        first = mailer.deliver(make_message(1), leave=leave)
        second = receipt_for(mailer, make_message(2))

    assert first is not None
    assert (first.state, second.state) == (state, ACCEPTED)
    assert not leave.seen, "it was refused before"
    assert relay.readers == ["reader2"]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize("order", [*(order for order, _ in REFUSALS), "421 4.7.0 slow down", "650 what is this"])
def test_a_refusal_is_kept_as_the_relay_worded_it(
    relay: Relay, make_message: MakeMessage, step: str, order: str
) -> None:
    relay.faults[step] = [order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        receipt = receipt_for(mailer, make_message(1))

    assert receipt.reply == order.replace("\r\n554 ", " ").replace("554-", "554 ")


@pytest.mark.parametrize(("order", "state"), AFTER_THE_DOT)
def test_only_a_missing_answer_to_the_whole_mail_is_uncertain(
    relay: Relay, make_message: MakeMessage, order: str, state: DeliveryState
) -> None:
    relay.faults["END"] = [order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        became = states(mailer, [make_message(1), make_message(2)])

    assert became == [state, ACCEPTED]
    assert relay.readers == ["reader1", "reader2"]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("order", "state"), GOODBYES)
def test_a_used_connection_is_replaced_once_before_anything_left(
    relay: Relay, make_message: MakeMessage, step: str, order: str, state: DeliveryState
) -> None:
    relay.faults[step] = [None, order, None, order, order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        became = states(mailer, [make_message(number) for number in range(1, 5)])

    assert became == [ACCEPTED, ACCEPTED, state, ACCEPTED]
    assert relay.readers == ["reader1", "reader2", "reader4"]
    assert relay.commands.count("CONNECT") == 4


def test_a_connection_on_which_a_mail_was_refused_is_used_too(relay: Relay, make_message: MakeMessage) -> None:
    relay.faults["RCPT"] = ["550 5.1.1 unknown"]
    relay.faults["RSET"] = ["drop"]

    with SmtpMailer(relay.settings(), password="") as mailer:
        became = states(mailer, [make_message(1), make_message(2)])

    assert became == [FAILED, ACCEPTED]
    assert relay.readers == ["reader2"]


@pytest.mark.parametrize("order", ["drop", "421 4.4.2 idle for too long"])
def test_a_relay_that_hung_up_on_an_idle_connection_costs_no_mail(
    relay: Relay, make_message: MakeMessage, order: str
) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        mailer.deliver(make_message(1))
        relay.faults["MAIL"] = [order]
        assert states(mailer, [make_message(2)]) == [ACCEPTED]

    assert len(relay.taken) == 2
    assert relay.commands.count("CONNECT") == 2


def test_a_relay_that_stays_away_is_gone_and_the_mail_was_not_handed_over(
    relay: Relay, make_message: MakeMessage
) -> None:
    leave = Leave()
    with SmtpMailer(relay.settings(), password="") as mailer:
        mailer.deliver(make_message(1))
        relay.faults["MAIL"], relay.faults["GREETING"] = ["drop"], ["554 gone for good"]
        with pytest.raises(RelayGoneError, match="gone for good"):
            mailer.deliver(make_message(2), leave=leave)
        assert states(mailer, [make_message(3)]) == [ACCEPTED], "it may work again in a while"

    assert not leave.seen
    assert relay.readers == ["reader1", "reader3"]


def test_a_relay_that_hangs_up_within_a_mail_has_not_got_it(relay: Relay, make_message: MakeMessage) -> None:
    relay.faults["CONTENT"] = ["drop"]

    with SmtpMailer(relay.settings(), password="") as mailer:
        mails = [make_message(1, MORE_THAN_ANY_BUFFER), make_message(2)]
        assert states(mailer, mails, ahead=True) == [DEFERRED, ACCEPTED]

    assert relay.readers == ["reader2"]


def test_a_relay_that_hangs_up_when_all_of_a_mail_had_left_may_have_got_it(
    relay: Relay, make_message: MakeMessage
) -> None:
    relay.faults["CONTENT"] = ["drop"]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert states(mailer, [make_message(1)]) == [UNCERTAIN], "nobody can tell from here"

    assert not relay.taken


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_silence_before_the_final_dot_defers(relay: Relay, make_message: MakeMessage, step: str) -> None:
    relay.faults[step] = ["silence"]

    with SmtpMailer(relay.settings(), password="") as mailer:
        set_timeout(mailer, 0.2)  # the server never answers, so a longer one changes nothing
        receipt = receipt_for(mailer, make_message())

    assert receipt.state == DEFERRED
    assert "timed out" in receipt.reply
    assert not relay.taken


def test_silence_after_the_final_dot_is_uncertain(relay: Relay, make_message: MakeMessage) -> None:
    relay.faults["END"] = ["silence"]

    with SmtpMailer(relay.settings(acceptance_seconds=0.2), password="") as mailer:
        receipt = receipt_for(mailer, make_message())

    assert receipt.state == UNCERTAIN
    assert "timed out" in receipt.reply


def test_only_the_answer_to_a_whole_mail_has_the_longer_time(
    relay: Relay, make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, float | None]] = []
    getreply = smtplib.SMTP.getreply

    def listen(self: smtplib.SMTP) -> tuple[int, bytes]:
        patience = self.sock.gettimeout() if self.sock else None
        code, reply = getreply(self)
        heard.append((reply.decode(), patience))
        return code, reply

    monkeypatch.setattr(smtplib.SMTP, "getreply", listen)
    with SmtpMailer(relay.settings(timeout_seconds=20, acceptance_seconds=40), password="") as mailer:
        states(mailer, [make_message(1)])
        states(mailer, [make_message(2), make_message(3)], ahead=True)

    assert len(heard) >= 14
    assert {patience for reply, patience in heard if reply == "2.0.0 taken"} == {40}
    assert {patience for reply, patience in heard if reply != "2.0.0 taken"} == {20}


def test_a_relay_that_lets_a_refused_mail_be_sent_gets_none_of_it(
    run_relay: RunRelay, make_message: MakeMessage
) -> None:
    relay = run_relay(pipelining=True)  # one by one, DATA is not said after a refusal
    relay.faults["RCPT"] = ["550 5.1.1 unknown"]
    relay.faults["DATA"] = ["354 to nobody"]
    # aiosmtpd goes on with commands after this 354, and answers the lone dot of RFC 2920 as one it does not know

    with SmtpMailer(relay.settings(), password="") as mailer:
        became = states(mailer, [make_message(1), make_message(2)])

    assert became == [FAILED, ACCEPTED]
    assert relay.readers == ["reader2"]
    assert relay.commands.count("CONNECT") == 1


@pytest.mark.parametrize("order", ["gibberish", "450 4.2.1 busy"])
def test_a_relay_that_refuses_a_mail_and_yet_takes_its_recipient_is_left_before_it_gets_an_empty_one(
    run_relay: RunRelay, make_message: MakeMessage, order: str
) -> None:
    relay = run_relay(pipelining=True)
    relay.faults["MAIL"] = [order]
    relay.faults["RCPT"] = ["250 yes", None]
    relay.faults["DATA"] = ["354 go on"]

    with SmtpMailer(relay.settings(), password="") as mailer:
        became = states(mailer, [make_message(1), make_message(2)])

    assert became == [DEFERRED, ACCEPTED]
    assert relay.readers == ["reader2"]
    assert relay.commands.count("CONNECT") == 2


def set_timeout(mailer: SmtpMailer, seconds: float) -> None:
    assert isinstance(mailer._talk, Talk)
    assert mailer._talk._connection.sock is not None
    mailer._talk._connection.sock.settimeout(seconds)
