"""The mailer that only says what would leave."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.log import LogMailer
from newsletter.errors import MailerStoppedError
from tests.deliver.handing import receipt_for, states

if TYPE_CHECKING:
    from tests.deliver.conftest import MakeMessage


def test_a_mail_is_one_line_without_its_reader(make_message: MakeMessage, capsys: pytest.CaptureFixture[str]) -> None:
    message = make_message(7, b"x" * 10_000 + b"\r\n")

    with LogMailer() as mailer:
        assert receipt_for(mailer, message).reply == "logged, not sent"

    assert capsys.readouterr().err == f"mail {message.message_id} of {len(message.content):,} bytes would leave\n"
    assert "reader7" not in message.message_id


def test_a_message_id_that_is_none_makes_no_line_of_its_own(make_message: MakeMessage) -> None:
    out = StringIO()

    with LogMailer(out) as mailer:
        states(mailer, [replace(make_message(), message_id="<1@x>\nmail <2@x> of 3 bytes\x1b[2J")])

    assert len(out.getvalue().splitlines()) == 1
    assert out.getvalue().strip().isprintable()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_log_that_cannot_be_written_stops_the_send(make_message: MakeMessage) -> None:
    full = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115  # closing it fails, which is expected below
    try:
        with pytest.raises(MailerStoppedError, match="No space left on device"), LogMailer(full) as mailer:
            mailer.deliver(make_message())
    finally:
        with pytest.raises(OSError, match="No space left"):
            full.close()  # what could not be written is tried once more
