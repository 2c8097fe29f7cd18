"""Reaching a relay: TLS, certificates, logins, and what to check where it cannot be reached."""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.deliver.smtp import SmtpMailer, smtp_from
from newsletter.errors import ConfigError, MailerStoppedError, RelayGoneError
from tests.deliver.faults import ACCEPTED
from tests.deliver.handing import receipt_for
from tests.deliver.relay import Relay

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.settings import SmtpSettings
    from tests.deliver.certificates import Certificates
    from tests.deliver.conftest import MakeMessage, RunRelay


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mails_go_over_tls_with_a_login(
    run_relay: RunRelay, certificates: Certificates, make_message: MakeMessage, tls: str
) -> None:
    safe: dict[str, Any] = {tls: certificates.right}
    relay = run_relay(**safe, login=True)
    settings = relay.settings(host="localhost", tls=tls, username="digest")

    with SmtpMailer(settings, password="correct horse", context=certificates.trusting) as mailer:
        assert receipt_for(mailer, make_message()).state == ACCEPTED
        assert mailer.check() == f"localhost:{relay.port} answers, TLS {tls}, login accepted"

    assert len(relay.taken) == 1


def test_the_password_comes_from_its_file(run_relay: RunRelay, certificates: Certificates, tmp_path: Path) -> None:
    relay = run_relay(starttls=certificates.right, login=True)
    settings = relay.settings(host="localhost", tls="starttls", username="digest", password_file="smtp-password")
    with pytest.raises(ConfigError, match="smtp-password cannot be read"):
        smtp_from(settings, home=tmp_path)
    (tmp_path / "smtp-password").write_text("correct horse\n")

    mailer = smtp_from(settings, home=tmp_path)()
    mailer._context = certificates.trusting  # which the system's authorities do not know

    assert mailer.check().endswith("login accepted")


def test_no_file_means_no_password(relay: Relay, tmp_path: Path) -> None:
    assert smtp_from(relay.settings(), home=tmp_path)().check().endswith("no login")


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
    ("changes", "password", "said", "kind"),
    [
        ({"username": "digest"}, "wrong", "refused the login (535", MailerStoppedError),
        ({"username": "digest"}, "", "deliver.smtp.password_file", MailerStoppedError),
        ({"username": "digest"}, "übel", "ASCII", MailerStoppedError),
        ({"tls": "implicit"}, "", "cannot speak TLS (wrong version number)", MailerStoppedError),
        ({"host": "host.invalid"}, "", "cannot be reached", RelayGoneError),
        ({"host": "a..b"}, "", "cannot be reached", MailerStoppedError),
    ],
)
def test_wrong_settings_stop_with_what_to_check(
    run_relay: RunRelay,
    certificates: Certificates,
    changes: dict[str, object],
    password: str,
    said: str,
    kind: type[MailerStoppedError],
) -> None:
    relay = run_relay(starttls=certificates.right, login=True)
    settings = relay.settings(**({"host": "localhost", "tls": "starttls"} | changes))

    stopped = _stops(settings, password=password, certificates=certificates, kind=kind)

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

    settings = relay.settings(timeout_seconds=0.2 if order == "silence" else 30)
    assert said in _stops(settings, password="", kind=RelayGoneError)


def test_a_relay_that_wants_a_login_stops_the_send_and_fails_no_mail(
    run_relay: RunRelay, certificates: Certificates, make_message: MakeMessage
) -> None:
    relay = run_relay(starttls=certificates.right, login=True)
    settings = relay.settings(host="localhost", tls="starttls")

    with (
        pytest.raises(MailerStoppedError, match="wants a login"),
        SmtpMailer(settings, password="", context=certificates.trusting) as mailer,
    ):
        receipt_for(mailer, make_message())


@pytest.mark.parametrize("host", ["192.0.2.1", "relay.example", "2001:db8::1", "localhost.example"])
def test_nothing_goes_unencrypted_to_another_machine(relay: Relay, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))

    assert "another machine" in _stops(relay.settings(host=host), password="")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_machine_may_be_reached_without_tls(relay: Relay, host: str) -> None:
    assert SmtpMailer(relay.settings(host=host), password="").check().startswith(f"{host}:{relay.port} answers")


@pytest.mark.parametrize(
    ("step", "order", "said", "kind"),
    [
        ("AUTH", "535 5.7.8 who are you", "refused the login (535 5.7.8 who are you)", MailerStoppedError),
        ("AUTH", "454 4.7.0 the directory is away", "refused the login (454", RelayGoneError),
        ("AUTH", "421 4.7.0 too many logins", "broke off", RelayGoneError),
        ("AUTH", "drop", "broke off", RelayGoneError),
        ("STARTTLS", "454 4.7.0 TLS is away", "refused the connection (454", RelayGoneError),
        ("STARTTLS", "drop", "broke off", RelayGoneError),
        ("EHLO", "421 4.3.2 closing", "broke off", RelayGoneError),
        ("EHLO", "drop", "broke off", RelayGoneError),
        ("EHLO", "half", "broke off", RelayGoneError),
    ],
)
def test_what_may_pass_is_told_from_what_somebody_must_mend(
    run_relay: RunRelay, certificates: Certificates, step: str, order: str, said: str, kind: type[MailerStoppedError]
) -> None:
    relay = run_relay(starttls=certificates.right, login=True)
    relay.faults[step] = [order] * 6  # HELO after EHLO, every mechanism of a login, and all that for two connections
    settings = relay.settings(host="localhost", tls="starttls", username="digest")

    assert said in _stops(settings, password="correct horse", certificates=certificates, kind=kind)


def test_a_relay_that_hangs_up_within_the_handshake_may_come_back(certificates: Certificates) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        settings = Relay(port=server.getsockname()[1]).settings(tls="implicit")
        pool.submit(_hang_up_on, server, 2)

        stopped = _stops(settings, password="", certificates=certificates, kind=RelayGoneError)

    assert "TLS" in stopped


def _hang_up_on(server: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = server.accept()
        connection.recv(65536)  # its whole greeting: what is left unread would reset the connection instead
        connection.close()


def test_a_relay_that_offers_no_login_we_know_stops_the_send(run_relay: RunRelay, certificates: Certificates) -> None:
    relay = run_relay(starttls=certificates.right, login=True, auth_exclude_mechanism=["PLAIN", "LOGIN"])
    settings = relay.settings(host="localhost", tls="starttls", username="digest")

    assert "offers no login" in _stops(settings, password="correct horse", certificates=certificates)


def _as_told(error: BaseException) -> str:
    """Return the error's words; a relay that hangs up is seen to do so, or to reset the connection, as it happens."""
    return re.sub(r"broke off \([^)]*\)", "broke off", str(error))


def _stops(
    settings: SmtpSettings,
    *,
    password: str,
    certificates: Certificates | None = None,
    kind: type[MailerStoppedError] = MailerStoppedError,
) -> str:
    """Return the one line with which both a send and a check stop, for good or, as `kind` says, for now."""
    mailer = SmtpMailer(settings, password=password, context=certificates.trusting if certificates else None)
    with pytest.raises(MailerStoppedError) as checked:
        mailer.check()
    with pytest.raises(MailerStoppedError) as entered, mailer:
        pytest.fail("entered")
    assert type(entered.value) is type(checked.value) is kind
    assert _as_told(entered.value) == _as_told(checked.value)
    assert str(entered.value).startswith(f"{settings.host}:{settings.port} ")
    assert str(entered.value).isprintable()
    return str(entered.value)
