"""Feedback reports: who complained is taken from what we signed, and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.config import load_config
from newsletter.deliver.bounces import Notice, NoticeReader, Useless
from newsletter.deliver.identity import message_id_for
from newsletter.deliver.return_path import return_path
from newsletter.links import LinkSigner, Purpose
from newsletter.model import BounceKind

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)
KEY = b"k" * 32
SIGNER = LinkSigner([KEY])
TOKEN = SIGNER.token(Purpose.UNSUBSCRIBE, 345)
MESSAGE_ID = message_id_for(KEY, issue_period="2026-07-14", subscriber_id=345, domain="newsletter.example")
BY_PAGE = f"<https://digest.example/unsubscribe/{TOKEN}>, <mailto:u@newsletter.example?subject=unsubscribe%20{TOKEN}>"
BY_MAIL = f"<mailto:u@newsletter.example?subject=unsubscribe%20{TOKEN}>"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> NoticeReader:
    home: Path = tmp_path_factory.mktemp("home")
    (home / "newsletter.toml").write_text('[bounces]\nreturn_path = "bounces@newsletter.example"\n')
    settings = load_config(home, {}).bounces
    return NoticeReader(settings=settings, domain="newsletter.example", secrets=(KEY,), signer=SIGNER)


def original(*headers: str) -> str:
    fixed = ("From: Daily Digest <digest@newsletter.example>", "Subject: A digest", "To: redacted@provider.example")
    return "\n".join((*headers, *fixed)) + "\n"


def complaint(
    held: str | None,
    *,
    kind: str = "abuse",
    carried: str = "message/rfc822",
    to: str = "fbl@newsletter.example",
    more: str = "",
) -> bytes:
    """Return a report in the form of RFC 5965; `held` is the mail that it returns, None for none."""
    returned = f"--=_arf\nContent-Type: {carried}\n\n{held}\n\nThe digest.\n" if held is not None else ""
    return f"""From: <abuse@provider.example>
To: {to}
Subject: FW: A digest
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="=_arf"

--=_arf
Content-Type: text/plain; charset="US-ASCII"

This is a report about a mail that a reader called spam.

--=_arf
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider-FBL/1.0
Version: 1
{more}
{returned}--=_arf--
""".encode()


COMPLAINT = Notice(kind=BounceKind.COMPLAINT, subscriber_id=345, period="2026-07-14", diagnostic="Provider-FBL/1.0")


@pytest.mark.parametrize("listed", [BY_PAGE, BY_MAIL, BY_PAGE.replace(", ", ",\n\t")])
@pytest.mark.parametrize("carried", ["message/rfc822", "text/rfc822-headers"])
def test_the_reader_is_found_by_the_signed_link(reader: NoticeReader, listed: str, carried: str) -> None:
    held = original(f"Message-ID: {MESSAGE_ID}", f"List-Unsubscribe: {listed}")
    assert reader.read(complaint(held, carried=carried), now=NOW) == COMPLAINT


def test_the_reader_is_found_by_the_return_path(reader: NoticeReader) -> None:
    path = return_path(reader.settings, KEY, 12, 345)
    expected = Notice(kind=BounceKind.COMPLAINT, subscriber_id=345, issue_id=12, diagnostic="Provider-FBL/1.0")
    for mail in (
        complaint(original(f"Return-Path: <{path}>")),
        complaint(original(), more=f"Original-Mail-From: <{path}>\n"),
        complaint(None, to=path),
    ):
        assert reader.read(mail, now=NOW) == expected


def test_another_readers_message_id_names_no_issue(reader: NoticeReader) -> None:
    other = message_id_for(KEY, issue_period="2026-07-14", subscriber_id=346, domain="newsletter.example")
    told = reader.read(complaint(original(f"Message-ID: {other}", f"List-Unsubscribe: {BY_PAGE}")), now=NOW)
    assert isinstance(told, Notice)
    assert (told.subscriber_id, told.period) == (345, "")


@pytest.mark.parametrize("kind", ["abuse", "Abuse", "fraud", "other"])
def test_these_are_complaints(reader: NoticeReader, kind: str) -> None:
    told = reader.read(complaint(original(f"List-Unsubscribe: {BY_PAGE}"), kind=kind), now=NOW)
    assert isinstance(told, Notice)
    assert told.kind == "complaint"


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus", "", "x" * 10_000])
def test_these_are_not(reader: NoticeReader, kind: str) -> None:
    assert reader.read(complaint(original(f"List-Unsubscribe: {BY_PAGE}"), kind=kind), now=NOW) is Useless.JUNK


def test_an_opt_out_unsubscribes(reader: NoticeReader) -> None:
    told = reader.read(complaint(original(f"List-Unsubscribe: {BY_PAGE}"), kind="opt-out"), now=NOW)
    assert isinstance(told, Notice)
    assert told.kind == "unsubscribe"


@pytest.mark.parametrize(
    "held",
    [
        None,
        "",
        original(),
        original("List-Unsubscribe: <https://digest.example/unsubscribe/AAAAAAFZ.AAAAAAAAAAAAAAAAAAAAAA>"),
        original(f"List-Unsubscribe: <https://digest.example/preferences/{TOKEN}>"),
        original(f"List-Unsubscribe: {BY_MAIL[:-10]}"),
        original(f"X-Note: {BY_PAGE}"),
        original("Return-Path: <bounces+12.345.aaaaaaaaaaaaaaaa@newsletter.example>"),
        original(f"Message-ID: {MESSAGE_ID}"),
        "\0\xff" * 1000,
    ],
)
def test_a_complaint_that_nothing_signed_proves_is_left_to_a_person(reader: NoticeReader, held: str | None) -> None:
    assert reader.read(complaint(held), now=NOW) is Useless.UNSIGNED


def test_a_report_without_its_fields_is_junk(reader: NoticeReader) -> None:
    mail = complaint(original(f"List-Unsubscribe: {BY_PAGE}")).replace(b"message/feedback-report", b"text/plain")
    assert reader.read(mail, now=NOW) is Useless.JUNK


def test_a_report_of_too_many_parts_is_not_read(reader: NoticeReader) -> None:
    mail = complaint("Content-Type: message/rfc822\n\n" * 100)
    assert reader.read(mail, now=NOW) is Useless.BROKEN
