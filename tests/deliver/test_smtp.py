"""The SMTP mailer against a real server that fails to order: what each fault makes of a mail, and of the next one."""

from __future__ import annotations

import smtplib
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.smtp import SmtpMailer, smtp_from
from newsletter.errors import ConfigError, MailerStoppedError
from newsletter.model import DeliveryState

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.config import SmtpSettings
    from tests.deliver.conftest import Certificates, MakeMessage, Relay, RunRelay

ACCEPTED, DEFERRED = DeliveryState.ACCEPTED, DeliveryState.DEFERRED
FAILED, UNCERTAIN = DeliveryState.FAILED, DeliveryState.UNCERTAIN

BEFORE_THE_DOT = [
    (step, order, state)
    for step in ("MAIL", "RCPT", "DATA")
    for order, state in [
        ("421 4.3.2 closing", DEFERRED),
        ("450 4.2.1 busy", DEFERRED),
        ("451 4.7.1 slow down", DEFERRED),
        ("452 4.3.1 full", DEFERRED),
        ("550 5.1.1 unknown", FAILED),
        ("552 5.3.4 too big", FAILED),
        ("554-5.7.1 no\r\n554 5.7.1 and no again", FAILED),
        ("drop", DEFERRED),
        ("half", DEFERRED),
        ("650 what is this", DEFERRED),
        ("gibberish", DEFERRED),
        ("gibberish\r\n250 that answers what was never asked", DEFERRED),
    ]
]
AFTER_THE_DOT = [
    ("421 4.3.2 closing", DEFERRED),
    ("450 4.2.1 busy", DEFERRED),
    ("451 4.7.1 slow down", DEFERRED),
    ("452 4.3.1 full", DEFERRED),
    ("550 5.1.1 unknown", FAILED),
    ("552 5.3.4 too big", FAILED),
    ("554 5.7.1 no", FAILED),
    ("drop", UNCERTAIN),
    ("half", UNCERTAIN),
    ("354 still going on", UNCERTAIN),
    ("gibberish", UNCERTAIN),
]


@pytest.mark.parametrize(("step", "order", "state"), BEFORE_THE_DOT)
def test_a_fault_before_the_final_dot_hands_nothing_over(
    relay: Relay, make_message: MakeMessage, step: str, order: str, state: DeliveryState
) -> None:
    relay.faults[step] = [order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        first, second = mailer.deliver(make_message(1)), mailer.deliver(make_message(2))

    assert (first.state, second.state) == (state, ACCEPTED)
    assert [mail.recipients for mail in relay.taken] == [["reader2@example.org"]]


@pytest.mark.parametrize(("order", "state"), AFTER_THE_DOT)
def test_only_a_missing_answer_to_the_whole_mail_is_uncertain(
    relay: Relay, make_message: MakeMessage, order: str, state: DeliveryState
) -> None:
    relay.faults["END"] = [order]

    with SmtpMailer(relay.settings(), password="") as mailer:
        first, second = mailer.deliver(make_message(1)), mailer.deliver(make_message(2))

    assert (first.state, second.state) == (state, ACCEPTED)
    assert [mail.recipients for mail in relay.taken] == [["reader1@example.org"], ["reader2@example.org"]]


def test_a_relay_that_hangs_up_within_a_mail_has_not_got_it(relay: Relay, make_message: MakeMessage) -> None:
    relay.faults["CONTENT"] = ["drop"]
    more_than_any_buffer = b"0123456789abcdef\r\n" * 1_500_000

    with SmtpMailer(relay.settings(), password="") as mailer:
        receipt = mailer.deliver(make_message(1, more_than_any_buffer))
        assert mailer.deliver(make_message(2)).state == ACCEPTED

    assert receipt.state == DEFERRED
    assert [mail.recipients for mail in relay.taken] == [["reader2@example.org"]]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_silence_before_the_final_dot_defers(relay: Relay, make_message: MakeMessage, step: str) -> None:
    relay.faults[step] = ["silence"]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert mailer._connection is not None
        assert mailer._connection.sock is not None
        mailer._connection.sock.settimeout(0.2)  # the server never answers, so a longer one changes nothing
        receipt = mailer.deliver(make_message())

    assert receipt.state == DEFERRED
    assert "timed out" in receipt.reply
    assert not relay.taken


def test_silence_after_the_final_dot_is_uncertain(relay: Relay, make_message: MakeMessage) -> None:
    relay.faults["END"] = ["silence"]

    with SmtpMailer(relay.settings(acceptance_seconds=0.2), password="") as mailer:
        receipt = mailer.deliver(make_message())

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
        mailer.deliver(make_message(1))
        mailer.deliver(make_message(2))

    assert len(heard) >= 11
    assert {patience for reply, patience in heard if reply == "2.0.0 taken"} == {40}
    assert {patience for reply, patience in heard if reply != "2.0.0 taken"} == {20}


def test_one_connection_carries_many_mails(relay: Relay, make_message: MakeMessage) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        assert {mailer.deliver(make_message(number)).state for number in range(20)} == {ACCEPTED}

    assert relay.commands.count("CONNECT") == 1
    assert len(relay.taken) == 20


@pytest.mark.parametrize("order", ["drop", "421 4.4.2 idle for too long"])
def test_a_relay_that_hung_up_on_an_idle_connection_costs_no_mail(
    relay: Relay, make_message: MakeMessage, order: str
) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        mailer.deliver(make_message(1))
        relay.faults["RSET"] = [order]
        assert mailer.deliver(make_message(2)).state == ACCEPTED

    assert len(relay.taken) == 2
    assert relay.commands.count("CONNECT") == 2


def test_dots_that_begin_lines_arrive_as_they_were(relay: Relay, make_message: MakeMessage) -> None:
    body = b".\r\n..\r\n.hidden\r\nplain . dot\r\n\r\n.\r\n"
    mails = [make_message(1, body), replace(make_message(2), content=b".\r\n")]

    with SmtpMailer(relay.settings(), password="") as mailer:
        assert [mailer.deliver(mail).state for mail in mails] == [ACCEPTED, ACCEPTED]

    assert [mail.content for mail in relay.taken] == [mail.content for mail in mails]


def test_the_size_is_announced_and_a_relay_that_is_too_small_says_so(
    run_relay: RunRelay, make_message: MakeMessage
) -> None:
    relay = run_relay(data_size_limit=1000)

    with SmtpMailer(relay.settings(), password="") as mailer:
        small, large = mailer.deliver(make_message(1)), mailer.deliver(make_message(2, b"x" * 1000 + b"\r\n"))

    assert (small.state, large.state) == (ACCEPTED, FAILED)
    assert large.reply.startswith("552")
    assert relay.commands.count("DATA") == 1


@pytest.mark.parametrize("ends", [b"one\n.\nMAIL FROM:<a@example.org>\n", b"one\r.\r\r\n", b"no end"])
def test_a_mail_with_other_line_ends_cannot_smuggle_in_another(
    relay: Relay, make_message: MakeMessage, ends: bytes
) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        assert mailer.deliver(make_message(1, ends)).state == FAILED

    assert "MAIL" not in relay.commands


@pytest.mark.parametrize(
    "address",
    ["a@example.org>\r\nRCPT TO:<b@example.org", "a\0@example.org", "a b@example.org", "<a@example.org>", "", "a"],
)
def test_an_address_that_is_none_reaches_no_relay(relay: Relay, make_message: MakeMessage, address: str) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        assert mailer.deliver(replace(make_message(), recipient=address)).state == FAILED
        assert mailer.deliver(replace(make_message(), sender=address)).state == FAILED

    assert "MAIL" not in relay.commands


def test_an_address_outside_ascii_needs_a_relay_that_takes_it(run_relay: RunRelay, make_message: MakeMessage) -> None:
    able, unable = run_relay(enable_SMTPUTF8=True), run_relay()
    wide = "jürgen@xn--bcher-kva.example"
    message = replace(make_message(), recipient=wide, content=f"To: {wide}\r\n\r\nHello\r\n".encode())

    with SmtpMailer(able.settings(), password="") as mailer:
        receipts = [mailer.deliver(message), mailer.deliver(make_message(2))]
    with SmtpMailer(unable.settings(), password="") as mailer:
        refused = mailer.deliver(message)

    assert [receipt.state for receipt in receipts] == [ACCEPTED, ACCEPTED]
    assert able.taken[0].recipients == [wide]
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(able.taken[0].options)
    assert "SMTPUTF8" not in able.taken[1].options
    assert (refused.state, "SMTPUTF8" in refused.reply) == (FAILED, True)
    assert not unable.taken


def test_an_answer_is_kept_in_one_clean_and_bounded_line(relay: Relay, make_message: MakeMessage) -> None:
    relay.faults["RCPT"] = ["550-5.1.1 \x1b[31mred\x07 \u202ereversed\r\n550 5.1.1 " + "long " * 400]

    with SmtpMailer(relay.settings(), password="") as mailer:
        reply = mailer.deliver(make_message()).reply

    assert reply.startswith("550 5.1.1 [31mred reversed 5.1.1 long long")
    assert reply.isprintable()
    assert len(reply) <= 500


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mails_go_over_tls_with_a_login(
    run_relay: RunRelay, certificates: Certificates, make_message: MakeMessage, tls: str
) -> None:
    relay = run_relay(**{tls: certificates.right}, login=True)
    settings = relay.settings(host="localhost", tls=tls, username="digest")

    with SmtpMailer(settings, password="correct horse", context=certificates.trusting) as mailer:
        assert mailer.deliver(make_message()).state == ACCEPTED
        assert mailer.check() == f"localhost:{relay.port} answers, TLS {tls}, login accepted"

    assert len(relay.taken) == 1


def test_the_password_comes_from_its_file(run_relay: RunRelay, certificates: Certificates, tmp_path: Path) -> None:
    relay = run_relay(starttls=certificates.right, login=True)
    settings = relay.settings(host="localhost", tls="starttls", username="digest", password_file="smtp-password")
    with pytest.raises(ConfigError, match="smtp-password cannot be read"):
        smtp_from(settings, home=tmp_path)
    (tmp_path / "smtp-password").write_text("correct horse\n")

    mailer = smtp_from(settings, home=tmp_path)
    mailer._context = certificates.trusting  # which the system's authorities do not know

    assert mailer.check().endswith("login accepted")


def test_no_file_means_no_password(relay: Relay, tmp_path: Path) -> None:
    assert smtp_from(relay.settings(), home=tmp_path).check().endswith("no login")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize(("which", "reason"), [("misnamed", "localhost"), ("untrusted", "issuer")])
def test_a_wrong_certificate_stops_before_the_login(
    run_relay: RunRelay, certificates: Certificates, tls: str, which: str, reason: str
) -> None:
    relay = run_relay(**{tls: getattr(certificates, which)}, login=True)
    settings = relay.settings(host="localhost", tls=tls, username="digest")

    stopped = _stops(settings, password="correct horse", certificates=certificates)

    assert "certificate" in stopped
    assert reason in stopped


def test_the_systems_authorities_are_asked_where_no_others_are_given(
    run_relay: RunRelay, certificates: Certificates
) -> None:
    relay = run_relay(implicit=certificates.right)

    with pytest.raises(MailerStoppedError, match="certificate"):
        SmtpMailer(relay.settings(tls="implicit"), password="").check()


@pytest.mark.parametrize(
    ("changes", "password", "said"),
    [
        ({"username": "digest"}, "wrong", "refused the login (535"),
        ({"username": "digest"}, "", "deliver.smtp.password_file"),
        ({"username": "digest"}, "übel", "ASCII"),
        ({"tls": "implicit"}, "", "cannot speak TLS (wrong version number)"),
        ({"host": "host.invalid"}, "", "cannot be reached"),
        ({"host": "a..b"}, "", "cannot be reached"),
    ],
)
def test_wrong_settings_stop_with_what_to_check(
    run_relay: RunRelay, certificates: Certificates, changes: dict[str, object], password: str, said: str
) -> None:
    relay = run_relay(starttls=certificates.right, login=True)
    settings = relay.settings(**({"host": "localhost", "tls": "starttls"} | changes))

    stopped = _stops(settings, password=password, certificates=certificates)

    assert said in stopped
    assert "wrong" not in stopped.removesuffix("deliver.smtp.tls").replace("wrong version", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"tls": "starttls"}, "does not offer STARTTLS"), ({"username": "digest"}, "offers no login")],
)
def test_what_a_relay_does_not_offer_stops_the_send(relay: Relay, changes: dict[str, object], said: str) -> None:
    assert said in _stops(relay.settings(**changes), password="secret")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("554 5.7.1 go away", "refused the connection (554 5.7.1 go away)"),
        ("421 too many", "refused the connection (421 too many)"),
        ("drop", "broke off"),
        ("silence", "timed out"),
        ("SSH-2.0-server", "refused the connection"),
    ],
)
def test_a_greeting_that_is_none_stops_the_send(relay: Relay, order: str, said: str) -> None:
    relay.faults["GREETING"] = [order] * 2

    assert said in _stops(relay.settings(timeout_seconds=0.2 if order == "silence" else 30), password="")


def test_a_relay_that_wants_a_login_stops_the_send_and_fails_no_mail(
    run_relay: RunRelay, certificates: Certificates, make_message: MakeMessage
) -> None:
    relay = run_relay(starttls=certificates.right, login=True)
    settings = relay.settings(host="localhost", tls="starttls")

    with (
        pytest.raises(MailerStoppedError, match="wants a login"),
        SmtpMailer(settings, password="", context=certificates.trusting) as mailer,
    ):
        mailer.deliver(make_message())


def test_a_relay_that_stays_away_stops_the_send(relay: Relay, make_message: MakeMessage) -> None:
    with SmtpMailer(relay.settings(), password="") as mailer:
        mailer.deliver(make_message(1))
        relay.faults["RSET"], relay.faults["GREETING"] = ["drop"], ["554 gone for good"]
        with pytest.raises(MailerStoppedError, match="gone for good"):
            mailer.deliver(make_message(2))

    assert len(relay.taken) == 1


@pytest.mark.parametrize("host", ["192.0.2.1", "relay.example", "2001:db8::1", "localhost.example"])
def test_nothing_goes_unencrypted_to_another_machine(relay: Relay, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))

    assert "another machine" in _stops(relay.settings(host=host), password="")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_machine_may_be_reached_without_tls(relay: Relay, host: str) -> None:
    assert SmtpMailer(relay.settings(host=host), password="").check().startswith(f"{host}:{relay.port} answers")


def _stops(settings: SmtpSettings, *, password: str, certificates: Certificates | None = None) -> str:
    """Return the one line with which both a send and a check stop."""
    mailer = SmtpMailer(settings, password=password, context=certificates.trusting if certificates else None)
    with pytest.raises(MailerStoppedError) as checked:
        mailer.check()
    with pytest.raises(MailerStoppedError) as entered, mailer:
        pytest.fail("entered")
    assert str(entered.value) == str(checked.value)
    assert str(entered.value).startswith(f"{settings.host}:{settings.port} ")
    assert str(entered.value).isprintable()
    return str(entered.value)
