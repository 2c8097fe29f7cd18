"""`dkim new`, `dkim show`, and doctor on the sender's domain, as a person runs them; a real DNS server on loopback."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.dkim_key import new_key, read_key, record_of, write_key
from tests.nameserver import NameServer, name_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.command import Newsletter

SENDER = """
[site]
from_address = "digest@Group.example"
web_url = "https://digest.group.example"
"""


@pytest.fixture(autouse=True)
def no_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.app.App.sources", lambda _app, _names: [Ready()])


class Ready:
    """A source that works: what this is about is the rest."""

    def check(self) -> str:
        return "ready"


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        server.records["group.example", "MX"] = ["10 mail.group.example."]
        server.txt("group.example", "v=spf1 mx -all")
        server.txt("_dmarc.group.example", "v=DMARC1; p=reject; rua=mailto:dmarc@group.example")
        yield server


def set_up(home: Path, more: str = "", deliver: str = "") -> None:
    """Write the settings of a home; `deliver` are lines under [deliver]."""
    (home / "newsletter.toml").write_text(f"{SENDER}\n[deliver]\n{deliver}\n{more}")


def settings_in(text: str) -> str:
    """Return the settings that `dkim new` printed."""
    return text[text.index("[[deliver.dkim]]") :]


def value_in(text: str) -> tuple[str, str]:
    """Return name and value of the DNS record that was printed."""
    lines = {key: value for key, _, value in (line.strip().partition(":") for line in text.splitlines())}
    return lines["name"].strip(), lines["value"].strip().replace('" "', "").strip('"')


def lines_of(newsletter: Newsletter, subject: str = "") -> list[str]:
    """Return doctor's lines, those that begin with the subject."""
    return [line for line in newsletter("doctor").out.splitlines() if line[6:].startswith(subject)]


def test_from_no_key_to_a_doctor_who_finds_nothing_wrong(newsletter: Newsletter, dns: NameServer) -> None:
    set_up(newsletter.home)
    made = newsletter.well("dkim", "new", "--selector", "first").out
    second = newsletter.well("dkim", "new", "--selector", "second", "--type", "ed25519").out
    for printed in (made, second):
        name, value = value_in(printed)
        dns.txt(name, value)
    deliver = f'dns_server = "{dns.address}"'
    set_up(newsletter.home, settings_in(made) + settings_in(second), deliver)

    ran = newsletter.well("doctor")

    assert "FAIL" not in ran.out
    assert [line[:4] for line in lines_of(newsletter, "DKIM")] == ["ok  "] * 4
    assert "RSA, 2048 bits" in ran.out
    assert "From aligns with DKIM (first of group.example) and DKIM (second" in ran.out
    assert ran.out.splitlines()[-1].startswith("ok    bulk mail: has what Gmail, Yahoo and Outlook.com ask")
    shown = newsletter.well("dkim", "show").out
    assert value_in(shown.partition("\n\n")[0]) == value_in(made)
    assert value_in(shown.partition("\n\n")[2]) == value_in(second)
    assert [(one["name"], one["value"]) for one in newsletter.well("dkim", "show", "--json").json] == [
        value_in(made),
        value_in(second),
    ]


def test_new_keys_have_names_of_their_own_and_are_secret(newsletter: Newsletter) -> None:
    set_up(newsletter.home)
    rsa, ed25519 = newsletter.well("dkim", "new").out, newsletter.well("dkim", "new", "--type", "ed25519").out
    files = sorted((newsletter.home / "dkim").iterdir())
    assert len(files) == 2
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert all("PRIVATE" not in text for text in (rsa, ed25519))
    tables = [tomllib.loads(settings_in(text))["deliver"]["dkim"][0] for text in (rsa, ed25519)]
    assert tables[0]["domain"] == "group.example"
    assert [record_of(read_key(newsletter.home / one["key_file"])) for one in tables] == [
        value_in(rsa)[1],
        value_in(ed25519)[1],
    ]
    assert value_in(rsa)[0] == f"{tables[0]['selector']}._domainkey.group.example"
    before = [path.read_bytes() for path in files]
    assert "is there already and is kept" in newsletter.refused("dkim", "new")
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--selector", "Upper"],
        ["--selector", "../escape"],
        ["--selector", "-first"],
        ["--selector", "a" * 64],
        ["--domain", "group"],
        ["--domain", "gröup.example"],
        ["--domain", 'group.example"\nx = 1'],
    ],
)
def test_names_that_the_dns_does_not_know_make_no_key(newsletter: Newsletter, arguments: list[str]) -> None:
    assert arguments[0] in newsletter.refused("dkim", "new", *arguments)
    assert not (newsletter.home / "dkim").exists()


def test_a_domain_of_its_own(newsletter: Newsletter) -> None:
    made = newsletter.well("dkim", "new", "--selector", "a.b", "--domain", "mail.group.example").out
    assert value_in(made)[0] == "a.b._domainkey.mail.group.example"
    assert (newsletter.home / "dkim" / "a.b.pem").is_file()


def test_show_without_keys_says_how_to_make_one(newsletter: Newsletter) -> None:
    assert "newsletter dkim new" in newsletter.well("dkim", "show").out
    assert newsletter.well("dkim", "show", "--json").json == []


def test_doctor_names_what_is_wrong_with_a_key_file(newsletter: Newsletter, dns: NameServer) -> None:
    good, bad = newsletter.home / "good.pem", newsletter.home / "bad.pem"
    write_key(new_key("ed25519"), good)
    good.chmod(0o644)
    bad.write_text("no key")
    keys = "".join(
        f'[[deliver.dkim]]\ndomain = "group.example"\nselector = "{name}"\nkey_file = "{name}.pem"\n'
        for name in ("good", "bad", "absent")
    )
    set_up(newsletter.home, keys, f'dns_server = "{dns.address}"')
    lines = lines_of(newsletter, "DKIM")
    assert [line[:4] for line in lines] == ["hint", "FAIL", "FAIL", "FAIL"]
    assert f"chmod 600 {good}" in lines[0]
    assert "bad.pem holds no private key" in lines[1]
    assert "absent.pem cannot be read" in lines[2]
    assert "good._domainkey.group.example has no record" in lines[3]
    assert "bad.pem" in newsletter("dkim", "show").err
    assert newsletter("doctor").code == 1


def test_a_dns_that_is_silent_is_no_fault(
    newsletter: Newsletter, dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.deliver.published.lookup._EACH", 0.1)
    dns.silent = True
    write_key(new_key("ed25519"), newsletter.home / "first.pem")
    key = '[[deliver.dkim]]\ndomain = "group.example"\nselector = "first"\nkey_file = "first.pem"\n'
    set_up(newsletter.home, key, f'dns_server = "{dns.address}"')
    ran = newsletter.well("doctor")
    assert ran.out.count("could not be checked: the DNS did not answer in time") == 3
    assert "hint  SPF" in ran.out


def test_bounces_go_where_the_settings_say(newsletter: Newsletter, dns: NameServer) -> None:
    write_key(new_key("ed25519"), newsletter.home / "first.pem")
    key = '[[deliver.dkim]]\ndomain = "group.example"\nselector = "first"\nkey_file = "first.pem"\n'
    bounces = '[bounces]\nreturn_path = "bounces@lists.group.example"\n'
    set_up(newsletter.home, key + bounces, f'dns_server = "{dns.address}"')
    assert "lists.group.example takes no mail" in lines_of(newsletter, "return path")[0]
    assert lines_of(newsletter, "SPF")[0].startswith("hint  SPF: lists.group.example has no SPF record")


def test_a_sender_who_sends_nothing_yet_is_left_in_peace(newsletter: Newsletter) -> None:
    assert "not looked at: mails go into a folder" in lines_of(newsletter, "domain")[0]
    set_up(newsletter.home, '[deliver.smtp]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n', 'mailer = "smtp"')
    assert "group.example is no public domain" in lines_of(newsletter, "domain")[0]


@pytest.mark.parametrize(
    ("more", "deliver", "says"),
    [
        ('[[deliver.dkim]]\ndomain = "group.example"\nselector = "a"\n', "", "deliver.dkim.0.key_file"),
        (2 * '[[deliver.dkim]]\ndomain = "g.example"\nselector = "a"\nkey_file = "k"\n', "", "selector a of g.example"),
        ('[[deliver.dkim]]\ndomain = "G.example"\nselector = "a"\nkey_file = "k"\n', "", "deliver.dkim.0.domain"),
        ("", 'dns_server = "dns.example"', "deliver.dns_server: must be an IP address"),
    ],
)
def test_settings_that_cannot_be_used(newsletter: Newsletter, more: str, deliver: str, says: str) -> None:
    set_up(newsletter.home, more, deliver)
    assert says in newsletter.refused("doctor")
