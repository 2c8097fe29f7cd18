"""Mails whose envelope is said ahead (RFC 2920), each fault at each step of it: the right mail gets the right state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.smtp import SmtpMailer
from newsletter.deliver.talk import Talk
from tests.deliver.faults import ACCEPTED, AFTER_THE_DOT, FAILED, GOODBYES, NONSENSE, REFUSALS, UNCERTAIN
from tests.deliver.handing import Leave, receipt_for, states
from tests.deliver.test_faults import set_timeout

if TYPE_CHECKING:
    from newsletter.model import DeliveryState, Message
    from tests.deliver.conftest import MakeMessage, RunRelay
    from tests.deliver.relay import Relay

STEPS = ("MAIL", "RCPT", "DATA")
PATIENCE = 30  # seconds for what must happen in the end


@pytest.fixture
def mails(make_message: MakeMessage) -> list[Message]:
    return [make_message(number) for number in range(1, 5)]


def test_an_envelope_goes_in_one_write_and_the_next_one_does_not_wait_for_the_answer(
    run_relay: RunRelay, mails: list[Message]
) -> None:
    relay = run_relay(pipelining=True)
    relay.ahead = {"MAIL", "RCPT"}

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert states(mailer, mails[:1]) == [ACCEPTED]
        relay.ahead = {"MAIL", "RCPT", "END"}
        assert receipt_for(mailer, mails[1], following=mails[2]).state == ACCEPTED
        relay.ahead = set()
        assert states(mailer, mails[2:]) == [ACCEPTED, ACCEPTED]

    assert relay.readers == ["reader1", "reader2", "reader3", "reader4"]
    assert relay.commands.count("CONNECT") == 1


def test_nothing_goes_ahead_to_a_relay_that_does_not_offer_it(run_relay: RunRelay, mails: list[Message]) -> None:
    relay = run_relay()

    with SmtpMailer(relay.settings(), password="") as mailer:
        receipt_for(mailer, mails[0], following=mails[1])
        assert relay.commands.count("MAIL") == 1
        assert states(mailer, mails[1:], ahead=True) == [ACCEPTED] * 3

    assert relay.readers == ["reader1", "reader2", "reader3", "reader4"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("order", "state"), [*REFUSALS, *NONSENSE])
def test_a_refusal_said_ahead_is_the_following_mails(
    relay: Relay, mails: list[Message], step: str, order: str, state: DeliveryState
) -> None:
    if order.startswith("221") and step != "DATA":
        order = "354 go on"  # as much nonsense there
    relay.faults[step] = [None, order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert states(mailer, mails, ahead=True) == [ACCEPTED, state, ACCEPTED, ACCEPTED]

    assert relay.readers == ["reader1", "reader3", "reader4"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("order", "state"), GOODBYES)
def test_a_goodbye_to_what_was_said_ahead_costs_a_connection_and_only_a_second_one_the_mail(
    relay: Relay, mails: list[Message], step: str, order: str, state: DeliveryState
) -> None:
    relay.faults[step] = [None, order, None, order, order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert states(mailer, mails, ahead=True) == [ACCEPTED, ACCEPTED, state, ACCEPTED]

    assert relay.readers == ["reader1", "reader2", "reader4"]
    assert relay.commands.count("CONNECT") == 4


@pytest.mark.parametrize("step", STEPS)
def test_silence_to_what_was_said_ahead_costs_a_connection(relay: Relay, mails: list[Message], step: str) -> None:
    relay.faults[step] = [None, "silence"]

    with SmtpMailer(relay.settings(), password="") as mailer:
        receipt_for(mailer, mails[0], following=mails[1])
        set_timeout(mailer, 0.2)
        assert states(mailer, mails[1:], ahead=True) == [ACCEPTED] * 3

    assert relay.readers == ["reader1", "reader2", "reader3", "reader4"]


@pytest.mark.parametrize(("order", "state"), AFTER_THE_DOT)
def test_what_becomes_of_a_mail_says_nothing_of_the_one_that_was_said_ahead(
    relay: Relay, mails: list[Message], order: str, state: DeliveryState
) -> None:
    relay.faults["END"] = [order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert states(mailer, mails, ahead=True) == [state, ACCEPTED, ACCEPTED, ACCEPTED]

    assert relay.readers == ["reader1", "reader2", "reader3", "reader4"]


def test_silence_after_a_whole_mail_is_that_mails_alone(relay: Relay, mails: list[Message]) -> None:
    relay.faults["END"] = ["silence"]

    with SmtpMailer(relay.settings(acceptance_seconds=0.2), password="") as mailer:
        first = receipt_for(mailer, mails[0], following=mails[1])
    with SmtpMailer(relay.settings(), password="") as mailer:
        assert states(mailer, mails[1:], ahead=True) == [ACCEPTED] * 3

    assert first.state == UNCERTAIN
    assert relay.readers == ["reader1", "reader2", "reader3", "reader4"]


@pytest.mark.parametrize("answer", [False, OSError("disk full"), KeyboardInterrupt()])
def test_a_mail_that_was_said_ahead_and_may_not_leave_is_taken_back_by_hanging_up(
    relay: Relay, mails: list[Message], answer: bool | BaseException
) -> None:
    leave = Leave(answer, look=lambda: relay.commands[-1])

    with SmtpMailer(relay.settings(), password="") as mailer:
        receipt_for(mailer, mails[0], following=mails[1])
        if isinstance(answer, BaseException):
            with pytest.raises(type(answer)):
                mailer.deliver(mails[1], leave=leave, following=mails[2])
        else:
            assert mailer.deliver(mails[1], leave=leave, following=mails[2]) is None
        relay.closings.get(timeout=PATIENCE)
        assert states(mailer, mails[2:], ahead=True) == [ACCEPTED, ACCEPTED]

    assert leave.seen == ["DATA"], "asked once, when the relay had given leave and had got nothing"
    assert relay.readers == ["reader1", "reader3", "reader4"]
    assert relay.commands.count("CONNECT") == 2


def test_a_mail_that_was_said_ahead_and_never_comes_is_not_delivered(relay: Relay, mails: list[Message]) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        receipt_for(mailer, mails[0], following=mails[1])
        assert states(mailer, mails[2:], ahead=True) == [ACCEPTED, ACCEPTED], "another one came instead"
        receipt_for(mailer, mails[0], following=mails[1])
    while relay.closings.qsize() < relay.commands.count("CONNECT"):
        relay.closings.get(timeout=PATIENCE)
        relay.commands.remove("CONNECT")

    assert relay.readers == ["reader1", "reader3", "reader4", "reader1"]


def test_only_a_mail_that_a_relay_may_see_is_said_ahead(relay: Relay, mails: list[Message]) -> None:
    unfit = [
        replace(mails[1], recipient="reader2@example.org>\r\nRCPT TO:<other@example.org"),
        replace(mails[1], content=b"Subject: two\n\n.\nMAIL FROM:<a@example.org>\r\n"),
        replace(mails[1], recipient="jürgen@example.org"),  # the relay does not offer SMTPUTF8
    ]

    with SmtpMailer(relay.settings(), password="") as mailer:
        for one in unfit:
            assert states(mailer, [mails[0], one, mails[2]], ahead=True) == [ACCEPTED, FAILED, ACCEPTED]

    assert relay.readers == ["reader1", "reader3"] * 3
    assert relay.commands.count("MAIL") == 6
    assert relay.commands.count("CONNECT") == 1


def test_the_answer_to_a_mail_is_heard_where_the_next_envelope_could_not_be_said(
    run_relay: RunRelay, mails: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = run_relay(pipelining=True)
    lacks = Talk.lacks

    def lacks_and_breaks(self: Talk, message: Message) -> str:
        if message is mails[1] and not self._said and self.mails == 1:  # asked just before it is said ahead
            monkeypatch.setattr(self._connection, "sock", _Broken(self._connection.sock))
        return lacks(self, message)

    monkeypatch.setattr(Talk, "lacks", lacks_and_breaks)
    with SmtpMailer(relay.settings(), password="") as mailer:
        first = receipt_for(mailer, mails[0], following=mails[1])

    assert first.state == ACCEPTED
    assert relay.readers == ["reader1"]


class _Broken:
    """A socket that hears but cannot speak any more."""

    def __init__(self, sound: object) -> None:
        self._sound = sound

    def __getattr__(self, name: str) -> object:
        return getattr(self._sound, name)

    def sendall(self, data: bytes) -> None:
        raise BrokenPipeError(32, f"{len(data)} bytes did not leave")


@pytest.mark.parametrize("per_connection", [1, 2, 3])
def test_a_connection_carries_as_many_mails_as_the_settings_say(
    relay: Relay, mails: list[Message], per_connection: int
) -> None:
    with SmtpMailer(relay.settings(per_connection=per_connection), password="") as mailer:
        assert states(mailer, mails, ahead=True) == [ACCEPTED] * 4

    assert relay.readers == ["reader1", "reader2", "reader3", "reader4"]
    assert relay.commands.count("CONNECT") == -(-4 // per_connection)
    assert relay.commands.count("MAIL") == 4, "none was said ahead to a connection that was about to end"


def test_many_mails_go_over_one_connection(relay: Relay, make_message: MakeMessage) -> None:
    mails = [make_message(number) for number in range(200)]
    relay.faults["RCPT"] = [None if number % 5 else "550 5.1.1 unknown" for number in range(200)]

    with SmtpMailer(relay.settings(), password="") as mailer:
        became = states(mailer, mails, ahead=True)

    assert became == [ACCEPTED if number % 5 else FAILED for number in range(200)]
    assert relay.readers == [f"reader{number}" for number in range(200) if number % 5]
    assert relay.commands.count("CONNECT") == 1
