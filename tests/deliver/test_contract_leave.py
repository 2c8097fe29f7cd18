"""Whether a mail may leave, asked of every mailer alike: once, before its first byte, and not where it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import MailerStoppedError, StoreError
from newsletter.model import DeliveryState
from tests.deliver.handing import Leave, receipt_for, states
from tests.deliver.mailers import KINDS, Case, case_of

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.model import Message
    from tests.deliver.certificates import Certificates
    from tests.deliver.conftest import MakeMessage, RunRelay


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path, run_relay: RunRelay, certificates: Certificates) -> Case:
    return case_of(request.param, tmp_path, run_relay, certificates)


@pytest.fixture
def mails(make_message: MakeMessage) -> list[Message]:
    return [make_message(number, b"Mail\r\n" * number) for number in range(1, 5)]


def found(case: Case, *mails: Message) -> list[bytes]:
    return [case.as_found(mail) for mail in mails]


def test_a_mail_is_asked_for_once_and_nothing_of_it_has_arrived_by_then(case: Case, mails: list[Message]) -> None:
    leaves = [Leave(look=case.arrived) for _ in mails]

    with case.mailer as mailer:
        receipts = [mailer.deliver(mail, leave=leave) for mail, leave in zip(mails, leaves, strict=True)]

    assert {receipt and receipt.state for receipt in receipts} == {DeliveryState.ACCEPTED}
    assert [leave.seen for leave in leaves] == [[found(case, *mails[:before])] for before in range(len(mails))]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_mail_that_may_not_leave_does_not_and_the_others_do(case: Case, mails: list[Message], *, ahead: bool) -> None:
    leave = Leave(answer=False)

    with case.mailer as mailer:
        assert receipt_for(mailer, mails[0], following=mails[1] if ahead else None).state == DeliveryState.ACCEPTED
        assert mailer.deliver(mails[1], leave=leave, following=mails[2] if ahead else None) is None
        assert set(states(mailer, mails[2:], ahead=ahead)) == {DeliveryState.ACCEPTED}

    assert len(leave.seen) == 1
    assert case.arrived() == found(case, mails[0], *mails[2:])


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("error", [StoreError("locked"), OSError("disk full"), TimeoutError(), KeyboardInterrupt()])
def test_what_asking_raises_goes_through_and_nothing_leaves(
    case: Case, mails: list[Message], error: BaseException, *, ahead: bool
) -> None:
    leave = Leave(answer=error)

    with case.mailer as mailer:
        receipt_for(mailer, mails[0], following=mails[1] if ahead else None)
        with pytest.raises(type(error)) as raised:
            mailer.deliver(mails[1], leave=leave, following=mails[2] if ahead else None)
        assert set(states(mailer, mails[2:], ahead=ahead)) == {DeliveryState.ACCEPTED}

    assert raised.value is error
    assert len(leave.seen) == 1
    assert case.arrived() == found(case, mails[0], *mails[2:])


@pytest.mark.parametrize("case", [kind for kind in KINDS if kind != "log"], indirect=True)
def test_nothing_is_asked_where_nothing_can_leave(case: Case, mails: list[Message]) -> None:
    leave = Leave()
    assert case.broken

    with pytest.raises(MailerStoppedError), case.broken as mailer:
        mailer.deliver(mails[0], leave=leave)

    assert not leave.seen


@pytest.mark.parametrize("case", ["smtp", "smtp pipelined", "smtp over TLS", "relays"], indirect=True)
def test_nothing_is_asked_of_a_mail_that_no_relay_may_see(case: Case, mails: list[Message]) -> None:
    leave = Leave()
    unfit = [replace(mails[1], recipient="a\0@example.org"), replace(mails[1], content=b"Subject: bare\n\n")]

    with case.mailer as mailer:
        receipts = [mailer.deliver(mail, leave=leave) for mail in unfit]
        assert states(mailer, mails[:1]) == [DeliveryState.ACCEPTED]

    assert {receipt and receipt.state for receipt in receipts} == {DeliveryState.FAILED}
    assert not leave.seen
    assert case.arrived() == found(case, mails[0])


@pytest.mark.parametrize("case", ["smtp", "smtp pipelined", "smtp over TLS", "relays"], indirect=True)
def test_the_clean_way_out_of_a_mail_that_was_said_ahead_leaves_none_of_it(case: Case, mails: list[Message]) -> None:
    with case.mailer as mailer:
        receipt_for(mailer, mails[0], following=mails[1])
    with case.mailer as mailer:
        receipt_for(mailer, mails[2])

    assert case.arrived() == found(case, mails[0], mails[2])
