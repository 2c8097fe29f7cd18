"""The settings of the delivery: bounds, and relays that have from the common one what they do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.config import load_config
from newsletter.deliver.folder import FolderMailer
from newsletter.deliver.log import LogMailer
from newsletter.deliver.maildir import MaildirMailer
from newsletter.deliver.relays import RelayedMailer
from newsletter.errors import ConfigError, MailerStoppedError
from tests.deliver.mailers import nobody_listens

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def write(home: Path, text: str) -> Path:
    (home / "newsletter.toml").write_text(text, "utf-8")
    return home


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("connections", ["0", "65", "1.5", "'many'"]),
        ("per_second", ["-1", "inf", "nan", "1e9"]),
        ("per_domain_second", ["-0.1", "inf", "nan", "1e9"]),
        ("retry_minutes", ["0", "-5", "inf", "nan", "1e12", "[5]"]),
        ("retry_longest_minutes", ["0", "-5", "inf", "nan", "1e12"]),
        ("retry_hours", ["-1", "inf", "nan", "1e12"]),
        ("patience_seconds", ["-1", "inf", "nan", "3601"]),
        ("lease_seconds", ["0", "inf", "1e12", "10000000000000"]),
        ("uncertain", ["'forget'", "true"]),
        ("mailer", ["'pigeon'", "''", "0"]),
        ("relays", ["3", "[3]", "['mail.group.example']", "{}"]),
        ("maildir.path", ["''", "3"]),
        ("smtp.weight", ["0", "-1", "inf", "nan", "1001"]),
        ("smtp.per_connection", ["-1", "1.5", "10000000"]),
    ],
)
def test_an_impossible_value_is_named_with_its_setting(home: Path, setting: str, wrong: list[str]) -> None:
    for value in wrong:
        with pytest.raises(ConfigError, match=f"newsletter.toml: deliver.{setting}") as caught:
            load_config(write(home, f"[deliver]\n{setting} = {value}\n"), {})
        assert str(caught.value).isprintable()


RELAYS = """
[deliver]
mailer = "smtp"

[deliver.smtp]
host = "mail.group.example"
port = 587
username = "digest"
password_file = "smtp-password"
timeout_seconds = 11

[[deliver.relays]]
host = "one.group.example"
weight = 3

[[deliver.relays]]
host = "two.group.example"
port = 465
tls = "implicit"
username = ""
per_connection = 100
"""


def test_a_relay_has_from_the_common_one_what_it_does_not_say(home: Path) -> None:
    settings = load_config(write(home, RELAYS), {}).deliver

    assert [one.host for one in settings.relays] == ["one.group.example", "two.group.example"]
    assert [(one.port, one.tls, one.username) for one in settings.relays] == [
        (587, "starttls", "digest"),
        (465, "implicit", ""),
    ]
    assert [(one.weight, one.per_connection, one.timeout_seconds) for one in settings.relays] == [
        (3, 0, 11),
        (1, 100, 11),
    ]
    assert {one.password_file for one in settings.relays} == {"smtp-password"}
    assert settings.smtp.host == "mail.group.example"


def test_without_a_list_there_is_the_one_relay(home: Path) -> None:
    assert load_config(home, {}).deliver.relays == ()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("hots = 'x'", "deliver.relays.1.hots"),
        ("port = 0", "deliver.relays.1.port"),
        ("tls = 'maybe'", "deliver.relays.1.tls"),
        ("weight = 0", "deliver.relays.1.weight"),
        ("timeout_seconds = 200", "make lease_seconds longer"),
        ("acceptance_seconds = 1800", "make lease_seconds longer"),
    ],
)
def test_a_mistake_in_a_relay_is_named_with_its_place(home: Path, line: str, named: str) -> None:
    text = f"[deliver]\nmailer = 'smtp'\n[[deliver.relays]]\nhost = 'localhost'\n[[deliver.relays]]\n{line}\n"

    with pytest.raises(ConfigError, match=named):
        load_config(write(home, text), {})


def test_a_mistake_in_what_relays_have_in_common_is_named_where_it_stands(home: Path) -> None:
    text = "[deliver.smtp]\nport = 0\n[[deliver.relays]]\nhost = 'localhost'\n"

    with pytest.raises(ConfigError, match=r"deliver\.smtp\.port"):
        load_config(write(home, text), {})
    with pytest.raises(ConfigError, match=r"deliver\.smtp: "):
        load_config(write(home, "[deliver]\nsmtp = 3\nrelays = [{host = 'localhost'}]\n"), {})


@pytest.mark.parametrize(
    ("mailer", "kind"),
    [("folder", FolderMailer), ("maildir", MaildirMailer), ("log", LogMailer), ("smtp", RelayedMailer)],
)
def test_the_mailer_is_the_one_that_the_settings_name(home: Path, mailer: str, kind: type) -> None:
    with App(write(home, f"[deliver]\nmailer = '{mailer}'\n"), {}) as app:
        make = app.mailers()

        assert type(make()) is kind
        assert make() is not make(), "each sender has its own"


def test_every_relay_of_the_list_is_used(home: Path) -> None:
    (home / "smtp-password").write_text("correct horse\n")
    ports = [nobody_listens(), nobody_listens()]
    relays = "".join(f"[[deliver.relays]]\nport = {port}\n" for port in ports)
    text = f"[deliver]\nmailer = 'smtp'\n[deliver.smtp]\nhost = '127.0.0.1'\ntls = 'none'\n{relays}"

    with App(write(home, text), {}) as app, pytest.raises(MailerStoppedError, match=f":{ports[1]} cannot be reached"):
        app.mailers()().__enter__()


def test_a_relays_password_that_is_not_there_is_named(home: Path) -> None:
    with App(write(home, RELAYS), {}) as app, pytest.raises(ConfigError, match="smtp-password cannot be read"):
        app.mailers()
