"""What a preview can show beside an issue as its reader gets it: the public edition, an editor's test, the letters."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.links import LinkSigner, Purpose
from newsletter.model import Letter

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from tests.command import Newsletter

WEB = '[site]\nweb_url = "https://digest.example"\n'


def eml(newsletter: Newsletter, *arguments: str) -> EmailMessage:
    shown = newsletter.well("preview", *arguments, "--format", "eml").out
    return email.message_from_string(shown, policy=email.policy.default)


def whose(home: Path, mail: EmailMessage) -> int:
    """Return the number of the subscriber whose link to unsubscribe stands in the text."""
    text = mail.get_body(("plain",))
    assert text is not None
    (token,) = re.findall(r"/unsubscribe/(\S+)", text.get_content())
    signer = LinkSigner([(home / "secret.key").read_bytes()])
    return signer.read(Purpose.UNSUBSCRIBE, token, now=datetime.now(UTC)).subscriber_id


@pytest.fixture
def drafted(newsletter: Newsletter) -> Newsletter:
    newsletter.well("subscribers", "add", "ada@example.org", "--interest", "kv cache", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    return newsletter


def test_a_mail_with_web_pages_links_to_them(drafted: Newsletter, home: Path) -> None:
    before = eml(drafted, "2026-07-14", "--for", "ada@example.org")
    assert before["List-Unsubscribe"].startswith("<mailto:")
    assert "List-Unsubscribe-Post" not in before
    (home / "newsletter.toml").write_text(WEB)
    mail = eml(drafted, "2026-07-14", "--for", "ada@example.org")
    assert mail["List-Unsubscribe"].startswith("<https://digest.example/unsubscribe/")
    assert ", <mailto:" in mail["List-Unsubscribe"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Archive"] == "<https://digest.example/issues>"
    assert mail["Message-ID"] == before["Message-ID"]


def test_nobody_unsubscribes_from_the_public_edition(drafted: Newsletter, home: Path) -> None:
    for settings in ("", WEB):
        (home / "newsletter.toml").write_text(settings)
        mail = eml(drafted, "2026-07-14")
        assert not [name for name in mail if name.startswith("List-Unsubscribe")]
        assert "nsubscribe" not in mail.as_string()


def test_a_test_is_known_as_one_and_ends_no_subscription(drafted: Newsletter, home: Path) -> None:
    (home / "newsletter.toml").write_text(WEB)
    real = eml(drafted, "2026-07-14", "--for", "ada@example.org")
    test = eml(drafted, "2026-07-14", "--for", "ada@example.org", "--test")
    assert test["Subject"] == f"[Test] {real['Subject']}"
    assert test["Message-ID"] != real["Message-ID"]
    assert "List-Unsubscribe" not in test
    assert "This is a test of issue 2026-07-14" in test.as_string()
    assert (whose(home, real), whose(home, test)) == (1, 0)


@pytest.mark.parametrize("letter", list(Letter))
def test_every_letter_can_be_looked_at(drafted: Newsletter, home: Path, letter: Letter) -> None:
    (home / "newsletter.toml").write_text(WEB)
    assert "<h1" in drafted.well("preview", "--letter", letter).out
    assert "Daily Digest" in drafted.well("preview", "--letter", letter, "--format", "text").out
    mail = eml(drafted, "--letter", letter, "--for", "ada@example.org")
    assert not mail.defects
    assert mail["To"] == "ada@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert ("List-Unsubscribe" in mail) is (letter in {Letter.WELCOME, Letter.PREFERENCES})


def test_a_letter_needs_its_page(drafted: Newsletter) -> None:
    for letter in ("confirm", "preferences", "address"):
        assert "set web_url under [site] to where your pages are" in drafted.refused("preview", "--letter", letter)
    assert "mailto:" in drafted.well("preview", "--letter", "welcome", "--for", "ada@example.org").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name the period of an issue, or one --letter"),
        (("2026-07-14", "--letter", "welcome"), "one of the two"),
        (("--letter", "welcome", "--test"), "a letter has no test"),
        (("--letter", "welcome", "--for", "nobody@example.org"), "there is no subscriber nobody@example.org"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(drafted: Newsletter, arguments: tuple[str, ...], told: str) -> None:
    assert told in drafted.refused("preview", *arguments)


def test_an_unknown_letter_is_named(drafted: Newsletter) -> None:
    ran = drafted("preview", "--letter", "love")
    assert ran.code == 2
    assert "confirm" in ran.err
