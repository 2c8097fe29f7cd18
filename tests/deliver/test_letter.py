"""Letters as mails: what they say of themselves, so that no program answers them and nobody is told to leave twice."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.deliver.letter import build_letter
from newsletter.errors import DeliveryError
from newsletter.model import Rendered

if TYPE_CHECKING:
    from email.message import EmailMessage

    from newsletter.settings import Site

MAILTO = "mailto:unsubscribe@newsletter.example?subject=unsubscribe%20x"
PAGE = "https://digest.example/unsubscribe/x"


def built(site: Site, **changes: Any) -> EmailMessage:  # noqa: ANN401  # any argument of build_letter
    values: dict[str, Any] = {
        "rendered": Rendered(subject="Confirm", html="<p>Hello</p>\n", text="Hello\n"),
        "site": site,
        "recipient": "reader@example.org",
        "message_id": "<confirm.1.x@newsletter.example>",
        "date": datetime(2026, 7, 14, 7, 30, tzinfo=UTC),
    }
    mail = email.message_from_bytes(build_letter(**(values | changes)).content, policy=default)
    assert not mail.defects
    return mail


def test_a_letter_says_that_a_program_sent_it_and_is_no_lists_mail(site: Site) -> None:
    assert built(site).items()[:-1] == [
        ("From", "Daily Digest <digest@newsletter.example>"),
        ("To", "reader@example.org"),
        ("Subject", "Confirm"),
        ("Date", "Tue, 14 Jul 2026 07:30:00 +0000"),
        ("Message-ID", "<confirm.1.x@newsletter.example>"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]


def test_a_subscribers_letter_names_the_way_out(site: Site) -> None:
    mail = built(site, unsubscribe=MAILTO, unsubscribe_page=PAGE)

    assert mail["List-Id"] == "<digest.newsletter.example>"
    assert mail["List-Unsubscribe"] == f"<{PAGE}>, <{MAILTO}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Precedence" not in mail


def test_an_answer_names_the_mail_that_it_answers(site: Site) -> None:
    mail = built(site, answers="<abc@mail.example.org>")

    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["In-Reply-To"] == mail["References"] == "<abc@mail.example.org>"


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": "<a@b>\r\nBcc: x@y.example"},
        {"message_id": "x"},
        {"recipient": "nobody"},
        {"rendered": Rendered(subject="a\nb", html="", text="")},
        {"rendered": Rendered(subject="a", html="\ud800", text="")},
    ],
)
def test_a_malformed_letter_is_refused_in_one_line(site: Site, changes: dict[str, Any]) -> None:
    with pytest.raises(DeliveryError, match=r"^a letter: ") as refused:
        built(site, **changes)

    assert str(refused.value).isprintable()
