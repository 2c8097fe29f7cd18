"""What mails of the inbox tell: every form of bounce, and nothing that is not signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.config import load_config
from newsletter.deliver.bounces import Notice, NoticeReader, Useless
from newsletter.deliver.return_path import return_path
from newsletter.links import LinkSigner, Purpose
from newsletter.model import BounceKind
from tests.deliver import bounce_mails
from tests.deliver.bounce_mails import FORMS, Form, fields, plain, report

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)
KEY, OLD_KEY = b"k" * 32, b"o" * 32


@dataclass(frozen=True)
class Desk:
    """A reader of notices, and a return path of its own."""

    reader: NoticeReader
    to: str

    def read(self, mail: bytes) -> Notice | Useless:
        return self.reader.read(mail, now=NOW)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    home: Path = tmp_path_factory.mktemp("home")
    (home / "newsletter.toml").write_text('[bounces]\nreturn_path = "bounces@newsletter.example"\n')
    settings = load_config(home, {}).bounces
    keys = (OLD_KEY, KEY)
    reader = NoticeReader(settings=settings, domain="newsletter.example", secrets=keys, signer=LinkSigner(keys))
    return Desk(reader, return_path(settings, KEY, 12, 345))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_is_understood(desk: Desk, form: Form) -> None:
    told = desk.read(form.make(desk.to))

    if form.kind == "junk":
        assert told is Useless.JUNK
        return
    assert isinstance(told, Notice)
    assert (told.kind, told.status) == (form.kind, form.status)
    assert form.said in told.diagnostic
    assert (told.issue_id, told.subscriber_id) == (12, 345)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize(
    "to", ["bounces@newsletter.example", "ada@reader.example", "bounces+12.345.{mac}@newsletter.example"]
)
def test_no_form_counts_without_a_valid_return_path(desk: Desk, form: Form, to: str) -> None:
    assert desk.read(form.make(to.format(mac="a" * 16))) is Useless.JUNK


def test_the_key_before_the_present_one_is_good_too(desk: Desk) -> None:
    to = return_path(desk.reader.settings, OLD_KEY, 11, 7)
    told = desk.read(bounce_mails.qmail(to))
    assert isinstance(told, Notice)
    assert (told.issue_id, told.subscriber_id) == (11, 7)


@pytest.mark.parametrize("name", ["Delivered-To", "X-Original-To", "Envelope-To", "To"])
def test_the_return_path_may_stand_where_a_server_puts_it(desk: Desk, name: str) -> None:
    mail = bounce_mails.postfix_unknown("someone@newsletter.example")
    told = desk.read(f"{name}: {desk.to.upper()}\n".encode() + mail.replace(b"Delivered-To", b"X-Was", 1))
    assert isinstance(told, Notice)
    assert told.subscriber_id == 345


def test_a_mail_to_two_readers_return_paths_is_nobodys(desk: Desk) -> None:
    other = return_path(desk.reader.settings, KEY, 12, 346)
    assert desk.read(f"X-Original-To: {other}\n".encode() + bounce_mails.qmail(desk.to)) is Useless.JUNK


def test_without_a_return_path_in_the_settings_no_bounce_counts(desk: Desk) -> None:
    blind = NoticeReader(
        settings=desk.reader.settings.model_copy(update={"return_path": ""}),
        domain=desk.reader.domain,
        secrets=desk.reader.secrets,
        signer=desk.reader.signer,
    )
    assert blind.read(bounce_mails.qmail(desk.to), now=NOW) is Useless.JUNK


def test_of_several_recipients_the_mildest_failure_counts(desk: Desk) -> None:
    """An address that stands for several people: as long as one of them might be reached, it is not gone."""
    told = desk.read(report(desk.to, "Two failed.", fields("5.1.1") + "\n\n" + fields("4.4.7").partition("\n\n")[2]))
    assert isinstance(told, Notice)
    assert (told.kind, told.status) == ("soft", "4.4.7")


def test_one_that_failed_and_one_that_is_late_have_failed(desk: Desk) -> None:
    late = fields("4.2.0", action="delayed").partition("\n\n")[2]
    told = desk.read(report(desk.to, "Two.", late + "\n\n" + fields("5.1.1")))
    assert isinstance(told, Notice)
    assert told.kind == "hard"


@pytest.mark.parametrize(
    "subject", ["unsubscribe {}", "Unsubscribe {}", "Re: unsubscribe {}", "=?utf-8?q?unsubscribe_{}?="]
)
@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_a_signed_wish_to_leave_is_understood(desk: Desk, subject: str, key: bytes) -> None:
    token = LinkSigner([key]).token(Purpose.UNSUBSCRIBE, 99)
    told = desk.read(plain("unsubscribe@newsletter.example", "", subject=subject.format(token), sender="a@x.example"))
    assert told == Notice(kind=BounceKind.UNSUBSCRIBE, subscriber_id=99)


@pytest.mark.parametrize("token", ["", "please", "AAAAAAAB.AAAAAAAAAAAAAAAAAAAAAA", "\u2028", "x" * 5000])
def test_an_unsigned_wish_to_leave_changes_nothing(desk: Desk, token: str) -> None:
    mail = plain("unsubscribe@newsletter.example", "I am ada@reader.example", subject=f"unsubscribe {token}")
    assert desk.read(mail) is Useless.UNSIGNED


def test_a_token_of_another_purpose_does_not_unsubscribe(desk: Desk) -> None:
    token = desk.reader.signer.token(Purpose.PREFERENCES, 99)
    assert desk.read(plain("unsubscribe@newsletter.example", "", subject=f"unsubscribe {token}")) is Useless.UNSIGNED


def nested(depth: int, to: str) -> bytes:
    """Multiparts in multiparts, with a line in the innermost for each of half a million."""
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (number, number) for number in range(depth)
    )
    return b"To: " + to.encode() + b"\n" + opened + b"\n" * 500_000


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\0" * 10_000,
        b"To: {to}\n\n" + b"\0" * 10_000,
        b"To: {to}",
        b"To: {to}\nSubject: \xff\xfe=?utf-8?b?!!!?=\n\n\xff",
        b"To: {to}\nContent-Type: text/plain; charset=\xff\xffx-unknown\n\n\xff",
        b'To: {to}\nContent-Type: multipart/report; boundary=""\n\n--\n',
        b"To: {to}\nContent-Type: message/delivery-status\n\nAction: \xfffailed\n",
        b"To: {to}\n" + b"X: y\n" * 100_000,
        b"To: {to}\n\n" + b"a" * 500_000,
        b"To: {to}\n\nDelivery to the following recipient failed\n" + b"a" * 400_000,
        b"To: {to}\n\nYour message to:\n" + (b"a@" * 200 + b"\n") * 900,
        b"To: {to}\nContent-Type: message/delivery-status\n\n" + b"Action: x\n\n" * 40_000,
    ],
    ids=range(13),
)
def test_broken_mails_tell_nothing(desk: Desk, mail: bytes) -> None:
    assert desk.read(mail.replace(b"{to}", desk.to.encode())) in (Useless.JUNK, Useless.BROKEN)


@pytest.mark.parametrize("depth", [20, 60, 5_000])
def test_nested_multiparts_are_no_bomb(desk: Desk, depth: int) -> None:
    assert desk.read(nested(depth, desk.to)) in (Useless.JUNK, Useless.BROKEN)


def test_mails_in_mails_are_no_bomb(desk: Desk) -> None:
    mail = f"To: {desk.to}\n".encode() + b"Content-Type: message/rfc822\n\n" * 10_000
    assert desk.read(mail) is Useless.BROKEN


def test_a_report_in_another_charset_is_still_read(desk: Desk) -> None:
    mail = bounce_mails.unknown_form(desk.to).replace(b"regrettons", "régrettons".encode("latin-1"))
    told = desk.read(mail.replace(b"Subject:", b"Content-Type: text/plain; charset=x-nobody-knows\nSubject:", 1))
    assert isinstance(told, Notice)
    assert told.kind == "hard"


def test_a_diagnostic_is_one_bounded_line_without_controls(desk: Desk) -> None:
    said = "smtp; 550 5.1.1 \x1b[31mgone\x07 " + "x" * 5_000
    told = desk.read(report(desk.to, "Gone.", fields("5.1.1", said)))
    assert isinstance(told, Notice)
    assert told.diagnostic.startswith("550 5.1.1 [31mgone xxx")
    assert len(told.diagnostic) <= 500
