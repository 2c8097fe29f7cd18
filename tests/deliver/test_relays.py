"""Several relays as one mailer: the others carry on where one is gone, and nothing is handed over twice."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.relays import RelayedMailer, Roster
from newsletter.deliver.smtp import SmtpMailer
from newsletter.errors import MailerStoppedError, RelayGoneError
from tests.deliver.faults import ACCEPTED, DEFERRED, FAILED, UNCERTAIN
from tests.deliver.handing import Leave, receipt_for, states
from tests.deliver.mailers import nobody_listens

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.model import DeliveryState, Message
    from newsletter.settings import SmtpSettings
    from tests.deliver.certificates import Certificates
    from tests.deliver.conftest import MakeMessage, RunRelay
    from tests.deliver.relay import Relay


@pytest.fixture(params=[False, True], ids=["one by one", "pipelined"])
def relays(request: pytest.FixtureRequest, run_relay: RunRelay) -> list[Relay]:
    return [run_relay(pipelining=request.param) for _ in range(2)]


@pytest.fixture
def mails(make_message: MakeMessage) -> list[Message]:
    return [make_message(number) for number in range(1, 6)]


def over(
    *settings: SmtpSettings, clock: Callable[[], float] = lambda: 0.0, roster: Roster | None = None
) -> RelayedMailer:
    """Return a mailer over relays of equal weight, for which no time goes by unless `clock` says so."""
    makers = [partial(SmtpMailer, one, password="") for one in settings]
    return RelayedMailer(makers, roster or Roster([1] * len(makers)), clock=clock)


def gone(relay: Relay) -> SmtpSettings:
    return relay.settings(port=nobody_listens())


def test_one_connection_goes_to_one_relay(relays: list[Relay], mails: list[Message]) -> None:
    with over(*(relay.settings() for relay in relays)) as mailer:
        assert set(states(mailer, mails, ahead=True)) == {ACCEPTED}

    assert [len(relay.taken) for relay in relays] == [5, 0]


def test_connections_are_shared_out_by_weight(relays: list[Relay], mails: list[Message]) -> None:
    roster = Roster([3, 1])
    for number in range(8):
        with over(*(relay.settings() for relay in relays), roster=roster) as mailer:
            states(mailer, [mails[number % 5]])

    assert [len(relay.taken) for relay in relays] == [6, 2]


def test_a_relay_that_is_not_there_is_passed_over(relays: list[Relay], mails: list[Message]) -> None:
    with over(gone(relays[0]), relays[1].settings()) as mailer:
        assert set(states(mailer, mails, ahead=True)) == {ACCEPTED}

    assert relays[1].readers == ["reader1", "reader2", "reader3", "reader4", "reader5"]


@pytest.mark.parametrize("greeting", ["554 5.7.1 go away", "421 too many", "drop", "half"])
def test_a_relay_that_turns_everybody_away_is_passed_over(
    relays: list[Relay], mails: list[Message], greeting: str
) -> None:
    relays[0].faults["GREETING"] = [greeting]

    with over(*(relay.settings() for relay in relays)) as mailer:
        assert set(states(mailer, mails, ahead=True)) == {ACCEPTED}

    assert [len(relay.taken) for relay in relays] == [0, 5]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_relay_that_dies_between_mails_is_replaced_by_another_one(
    relays: list[Relay], mails: list[Message], step: str
) -> None:
    relays[0].faults[step] = [None, None, "drop"]
    relays[0].faults["GREETING"] = [None, "554 5.3.2 down"]

    with over(*(relay.settings() for relay in relays)) as mailer:
        assert set(states(mailer, mails, ahead=True)) == {ACCEPTED}

    assert relays[0].readers == ["reader1", "reader2"]
    assert relays[1].readers == ["reader3", "reader4", "reader5"]


@pytest.mark.parametrize(("order", "state"), [("drop", UNCERTAIN), ("450 later", DEFERRED), ("550 never", FAILED)])
def test_a_mail_that_had_left_is_never_given_to_another_relay(
    relays: list[Relay], mails: list[Message], order: str, state: DeliveryState
) -> None:
    relays[0].faults["END"] = [order]
    relays[0].faults["GREETING"] = [None, "554 5.3.2 down"]

    with over(*(relay.settings() for relay in relays)) as mailer:
        assert states(mailer, mails, ahead=True) == [state, *[ACCEPTED] * 4]

    assert sorted(relays[0].readers + relays[1].readers) == ["reader1", "reader2", "reader3", "reader4", "reader5"]


def test_when_all_are_gone_the_reason_is_said_and_nothing_is_asked(relays: list[Relay], mails: list[Message]) -> None:
    leave = Leave()
    mailer = over(*(gone(relay) for relay in relays))

    with pytest.raises(RelayGoneError, match=r"127\.0\.0\.1:\d+ cannot be reached \(Connection refused\)"), mailer:
        pytest.fail("entered")
    with pytest.raises(RelayGoneError, match="Connection refused"):
        mailer.deliver(mails[0], leave=leave)

    assert not leave.seen


def test_a_sender_whose_relays_others_found_gone_says_why_too(relays: list[Relay]) -> None:
    roster = Roster([1, 1])
    settings = [gone(relay) for relay in relays]
    for _ in range(2):
        with pytest.raises(RelayGoneError, match="Connection refused"), over(*settings, roster=roster):
            pytest.fail("entered")


def test_when_all_die_within_a_send_it_can_go_on_after_they_have_rested(
    relays: list[Relay], mails: list[Message]
) -> None:
    now = [0.0]
    leave = Leave()
    relays[0].faults["MAIL"] = [None, "drop"]
    relays[0].faults["GREETING"] = [None, "554 5.3.2 down"]
    relays[1].faults["GREETING"] = ["554 5.3.2 down"]
    with over(*(relay.settings() for relay in relays), clock=lambda: now[0]) as mailer:
        assert receipt_for(mailer, mails[0], following=mails[1]).state == ACCEPTED
        for moment in (0.0, 4.9):
            now[0] = moment
            with pytest.raises(RelayGoneError, match=r"554 5\.3\.2 down"):
                mailer.deliver(mails[1], leave=leave, following=mails[2])
        now[0] = 5.0
        assert set(states(mailer, mails[1:], ahead=True)) == {ACCEPTED}

    assert not leave.seen
    assert sorted(relays[0].readers + relays[1].readers) == ["reader1", "reader2", "reader3", "reader4", "reader5"]


def test_each_relay_is_tried_once_a_time_however_slowly_it_fails(relays: list[Relay]) -> None:
    settings = [gone(relay) for relay in relays]
    tried = []

    def maker(one: SmtpSettings) -> SmtpMailer:
        tried.append(one.port)
        return SmtpMailer(one, password="")

    minutes = count(0, 60)  # each look at the clock finds a minute gone by: longer than a first rest
    mailer = RelayedMailer(
        [partial(maker, one) for one in settings], Roster([1, 1]), clock=lambda: float(next(minutes))
    )
    with pytest.raises(RelayGoneError, match="Connection refused"), mailer:
        pytest.fail("entered")

    assert tried == [one.port for one in settings]


def test_a_wrong_login_or_certificate_stops_the_send_though_others_might_do(
    run_relay: RunRelay, certificates: Certificates, relays: list[Relay]
) -> None:
    locked = run_relay(starttls=certificates.right, login=True).settings(
        host="localhost", tls="starttls", username="digest"
    )
    forged = run_relay(implicit=certificates.untrusted).settings(tls="implicit")

    for wrong, said in ((locked, "refused the login"), (forged, "certificate")):
        make_wrong = partial(SmtpMailer, wrong, password="wrong", context=certificates.trusting)
        make_right = partial(SmtpMailer, relays[0].settings(), password="")
        with pytest.raises(MailerStoppedError, match=said) as stopped:
            RelayedMailer([make_wrong, make_right], Roster([1, 1])).__enter__()
        assert not isinstance(stopped.value, RelayGoneError)
    assert "CONNECT" not in relays[0].commands


def test_a_check_asks_every_relay(relays: list[Relay]) -> None:
    first, second = (relay.settings() for relay in relays)

    assert over(first, second).check() == "; ".join(
        f"127.0.0.1:{one.port} answers, TLS none, no login" for one in (first, second)
    )
    told = over(first, gone(relays[1])).check()
    assert told.startswith(f"127.0.0.1:{first.port} answers")
    assert told.endswith("(the others carry on)")
    assert "cannot be reached" in told
    with pytest.raises(RelayGoneError, match="cannot be reached"):
        over(gone(relays[0]), gone(relays[1])).check()
