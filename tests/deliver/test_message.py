"""The mail itself: what a strict parser reads from it, whatever titles and names went in."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime, timedelta, timezone
from email.parser import Parser
from email.policy import SMTPUTF8, default
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.deliver.identity import letter_id_for, mail_address, message_id_for, unsubscribe_url
from newsletter.deliver.message import build_message
from newsletter.errors import DeliveryError
from newsletter.links import LinkSigner, Purpose
from newsletter.model import Message, Rendered

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from newsletter.settings import Site

T = TypeVar("T")
KEY = b"0123456789abcdef0123456789abcdef"
DATE = datetime(2026, 7, 14, 7, 30, tzinfo=UTC)
MESSAGE_ID = message_id_for(KEY, issue_period="2026-07-14", subscriber_id=3, domain="newsletter.example")
TOKEN = LinkSigner([KEY]).token(Purpose.UNSUBSCRIBE, 3)
PAGE = f"https://digest.example/unsubscribe/{TOKEN}"
ENCODED_WORD = re.compile(rb"=\?utf-8\?[bq]\?[^? ]*\?=")

# what Unicode calls a control, half a pair, a line or a paragraph end: the rest may stand in a title
titles = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=300)
anything = st.text(max_size=300)


def build(site: Site, subject: str = "Ten papers", **changes: Any) -> Message:  # noqa: ANN401  # any argument of build_message
    values: dict[str, Any] = {
        "rendered": Rendered(subject=subject, html="<p>Hello</p>\n", text="Hello\n"),
        "site": site,
        "recipient": "reader@example.org",
        "issue_period": "2026-07-14",
        "message_id": MESSAGE_ID,
        "unsubscribe": unsubscribe_url(site, TOKEN),
        "date": DATE,
    }
    return build_message(**(values | changes))


def parsed(message: Message) -> EmailMessage:
    """Return what Python's parser reads, after a look at everything in it for defects."""
    mail = email.message_from_bytes(message.content, policy=default)
    for part in mail.walk():
        assert not part.defects
        assert not [(name, value.defects) for name, value in part.items() if value.defects]
    return mail


def attempt(make: Callable[[], T]) -> tuple[str, T | None]:
    """Return why it was refused, or what was made."""
    try:
        return "", make()
    except DeliveryError as error:
        return str(error), None


def check_wire(content: bytes) -> None:
    """Only what every relay takes: ASCII, CRLF, lines within RFC 5322's and RFC 2047's limits."""
    lines = content.split(b"\r\n")
    assert content.isascii()
    assert b"\0" not in content
    assert not [line for line in lines if b"\r" in line or b"\n" in line]
    assert max(map(len, lines)) <= 998
    assert not [line for line in lines if ENCODED_WORD.search(line) and len(line) > 76]
    assert max(map(len, content.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    assert lines[-1] == b""


def test_the_headers_say_what_is_true_and_no_more(site: Site) -> None:
    message = build(site)

    assert parsed(message).items()[:-1] == [
        ("From", "Daily Digest <digest@newsletter.example>"),
        ("To", "reader@example.org"),
        ("Subject", "Ten papers"),
        ("Date", "Tue, 14 Jul 2026 07:30:00 +0000"),
        ("Message-ID", MESSAGE_ID),
        ("List-Id", "<digest.newsletter.example>"),
        ("List-Unsubscribe", f"<{unsubscribe_url(site, TOKEN)}>"),
        ("Precedence", "bulk"),
        ("MIME-Version", "1.0"),
    ]
    assert (message.message_id, message.sender, message.recipient) == (
        MESSAGE_ID,
        "digest@newsletter.example",
        "reader@example.org",
    )


def test_list_unsubscribe_is_one_line_as_it_stands(site: Site) -> None:
    site = site.model_copy(update={"unsubscribe_address": f"{'leave' * 12}@{'a.' * 60}example"})

    url = unsubscribe_url(site, TOKEN)

    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in build(site).content


def test_an_https_link_takes_the_one_click_and_stands_first(site: Site) -> None:
    mail = parsed(build(site, unsubscribe_page=PAGE))

    assert mail["List-Unsubscribe"] == f"<{PAGE}>, <{unsubscribe_url(site, TOKEN)}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    check_wire(build(site, unsubscribe_page=PAGE).content)


def test_one_click_is_not_promised_where_it_cannot_be_kept(site: Site) -> None:
    plain = parsed(build(site, unsubscribe_page="http://127.0.0.1:8000/unsubscribe/x"))

    assert plain["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/unsubscribe/x>, <mailto:")
    assert "List-Unsubscribe-Post" not in plain
    assert "List-Unsubscribe-Post" not in parsed(build(site))


def test_a_mail_to_nobody_who_subscribed_offers_no_way_to_leave(site: Site) -> None:
    mail = parsed(build(site, unsubscribe=None, unsubscribe_page=PAGE))

    assert not [name for name in mail if name.startswith("List-Unsubscribe")]
    assert mail["List-Id"] == "<digest.newsletter.example>"


def test_the_archive_and_the_complaint_statistics_are_named_where_there_are_any(site: Site) -> None:
    named = site.model_copy(update={"web_url": "https://digest.example", "feedback_id": "example-lab"})

    mail = parsed(build(named))

    assert mail["List-Archive"] == "<https://digest.example/issues>"
    assert mail["Feedback-ID"] == "2026-07-14:digest.newsletter.example:digest:example-lab"
    assert not {"List-Archive", "Feedback-ID"} & set(parsed(build(site)))


def test_a_reply_address_is_named_only_where_there_is_one(site: Site) -> None:
    answering = site.model_copy(update={"reply_to": "editor@bücher.example"})

    assert "Reply-To" not in parsed(build(site))
    assert parsed(build(answering))["Reply-To"] == "editor@xn--bcher-kva.example"


def test_text_stands_before_html_and_both_are_quoted_printable(site: Site) -> None:
    rendered = Rendered(subject="Two", html="<p>Grüße</p>\n", text="Grüße\n")

    mail = parsed(build(site, rendered=rendered))
    parts = list(mail.iter_parts())

    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in parts] == ["utf-8", "utf-8"]
    assert [part["Content-Transfer-Encoding"] for part in parts] == ["quoted-printable"] * 2
    assert [part.get_content() for part in parts] == ["Grüße\r\n", "<p>Grüße</p>\r\n"]


@settings(deadline=None)
@given(subject=titles)
@example("日本語 🎉 " * 250)
@example("x" * 2000)
@example("=?utf-8?q?Sale=0AX-Injected:_yes?=")
@example("مرحبا \u202e\u2067 שלום")
@example("  a gap at the start")
@example("two  spaces, a tab-less   gap and an end ")
@example("👩‍👩‍👧‍👦" * 40)
@example("")
def test_any_title_without_controls_is_read_as_it_was_written(site: Site, subject: str) -> None:
    message = build(site, subject)

    mail = parsed(message)

    assert mail["Subject"] == subject
    assert len(mail.items()) == 10
    check_wire(message.content)


@settings(deadline=None)
@given(subject=anything)
@example("two\nlines")
@example("Hello\r\nBcc: all@example.org")
@example("nul\0")
@example("\x85\u2028")
@example("half \ud83d a pair")
def test_a_title_is_taken_whole_or_refused_in_one_line(site: Site, subject: str) -> None:
    refusal, message = attempt(lambda: build(site, subject))

    if message:
        assert parsed(message)["Subject"] == subject
    else:
        assert refusal.startswith("issue 2026-07-14: a mail cannot be built: Subject holds the control character U+")
        assert refusal.isprintable()


@settings(deadline=None)
@given(name=titles.filter(bool))
@example('Jörg "The, Man" <x@y.example>')
@example("Smith, Jones \\ Co (\u2014) =?utf-8?q?x?=")
@example("A" * 500)
def test_any_name_of_the_sender_is_a_name_and_no_address(site: Site, name: str) -> None:
    message = build(site.model_copy(update={"from_name": name}))

    (sender,) = parsed(message)["From"].addresses

    # Python's parser puts a space between the encoded words of a long name (RFC 2047 says none): compare without
    assert "".join(sender.display_name.split()) == "".join(name.split())
    assert sender.addr_spec == "digest@newsletter.example"
    check_wire(message.content)


@settings(deadline=None)
@given(text=anything, html=anything)
@example("a\r\nb\rc\x0cd\n", "--=_\n\n--\n.\n")
@example("trailing  \t\nFrom here\n", "x" * 5000)
def test_any_body_arrives_line_by_line(site: Site, text: str, html: str) -> None:
    rendered = Rendered(subject="Any", html=html, text=text)
    if any("\ud800" <= character <= "\udfff" for character in text + html):
        with pytest.raises(DeliveryError, match="half a character"):
            build(site, rendered=rendered)
        return

    message = build(site, rendered=rendered)

    for part, written in zip(parsed(message).iter_parts(), (text, html), strict=True):
        read = part.get_payload(decode=True)
        assert isinstance(read, bytes)
        assert read.rstrip(b"\r\n").splitlines() == written.encode().rstrip(b"\r\n").splitlines()
    check_wire(message.content)


def test_the_same_digest_makes_the_same_bytes(site: Site) -> None:
    assert build(site).content == build(site).content


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("reader@bücher.example", "reader@xn--bcher-kva.example"),
        ("reader+papers@EXAMPLE.org", "reader+papers@example.org"),
        ("o'brien@例え.テスト", "o'brien@xn--r8jz45g.xn--zckzah"),
        ("reader@intranet", "reader@intranet"),
        ("reader@lab.test", "reader@lab.test"),
    ],
)
def test_a_domain_is_written_in_ascii(site: Site, address: str, written: str) -> None:
    message = build(site, recipient=address)

    assert message.recipient == written
    assert parsed(message)["To"] == written


def test_a_local_part_outside_ascii_makes_utf8_headers(site: Site) -> None:
    message = build(site, "Grüße", recipient="jürgen@bücher.example")

    # Python's bytes parser knows no RFC 6532: it reads such a mail as the text that it is
    mail = Parser(policy=SMTPUTF8).parsestr(message.content.decode())

    assert message.recipient == "jürgen@xn--bcher-kva.example"
    assert b"\r\nTo: j\xc3\xbcrgen@xn--bcher-kva.example\r\n" in message.content
    assert mail["Subject"] == "Grüße"


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "reader",
        "a@b@c",
        "a b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "a\0@example.org",
        "<a@example.org>",
    ],
)
def test_a_recipient_that_is_no_address_is_refused_and_not_repeated(site: Site, recipient: str) -> None:
    with pytest.raises(DeliveryError, match="a mail address cannot be used") as refused:
        build(site, recipient=recipient)

    assert str(refused.value).isprintable()
    assert "example.org" not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"message_id": "<a@b>\r\nX: y"},
        {"message_id": "<a b@c>"},
        {"message_id": "a@b"},
        {"unsubscribe": "mailto:a@b>\r\nX: <y"},
        {"unsubscribe": "https://newsletter.example/leave"},
        {"unsubscribe": "mailto:a@b?subject=two words"},
        {"unsubscribe_page": "https://digest.example/a b"},
        {"unsubscribe_page": "https://digest.example/>, <https://x.example"},
        {"unsubscribe_page": "mailto:a@b"},
        {"unsubscribe_page": "https://digest.example/" + "x" * 870},
        {"date": DATE.replace(tzinfo=None)},
    ],
)
def test_other_malformed_headers_are_refused(site: Site, changes: dict[str, Any]) -> None:
    with pytest.raises(DeliveryError, match=r"^issue 2026-07-14: a mail cannot be built: ") as refused:
        build(site, **changes)

    assert str(refused.value).isprintable()


def test_a_date_keeps_its_offset(site: Site) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))

    assert parsed(build(site, date=DATE.astimezone(zone)))["Date"] == "Tue, 14 Jul 2026 13:00:00 +0530"


def test_a_message_id_is_the_same_every_time_and_another_for_everyone_else() -> None:
    def made(key: bytes = KEY, period: str = "2026-07-14", number: int = 3) -> str:
        return message_id_for(key, issue_period=period, subscriber_id=number, domain="bücher.example")

    others = [made(key=KEY[::-1]), made(period="2026-07-15"), made(number=4)]

    assert re.fullmatch(r"<2026-07-14\.[0-9a-f]{32}@xn--bcher-kva\.example>", made())
    assert made() == made()
    assert len({made(), *others}) == 4


def test_a_letter_has_a_message_id_of_its_own_each_time() -> None:
    def made(letter: str = "confirm", number: int = 3, later: int = 0) -> str:
        sent = DATE + timedelta(seconds=later)
        return letter_id_for(KEY, letter=letter, subscriber_id=number, sent_at=sent, domain="newsletter.example")

    assert re.fullmatch(r"<confirm\.1784014200\.[0-9a-f]{32}@newsletter\.example>", made())
    assert len({made(), made("welcome"), made(number=4), made(later=1)}) == 4


def test_a_short_key_is_refused() -> None:
    with pytest.raises(DeliveryError, match="0 bytes"):
        message_id_for(b"", issue_period="2026-07-14", subscriber_id=1, domain="newsletter.example")


@pytest.mark.parametrize(
    ("address", "start"),
    [
        ("leave@newsletter.example", "mailto:leave@newsletter.example?"),
        ("a+b%c&d@bücher.example", "mailto:a+b%25c%26d@xn--bcher-kva.example?"),
        ("lösch@newsletter.example", "mailto:l%C3%B6sch@newsletter.example?"),
    ],
)
def test_the_unsubscribe_url_is_a_mailto_url(site: Site, address: str, start: str) -> None:
    url = unsubscribe_url(site.model_copy(update={"unsubscribe_address": address}), "abc123")

    assert url == f"{start}subject=unsubscribe%20abc123"
    assert f"<{url}>" in build(site, unsubscribe=url).content.decode()


@pytest.mark.parametrize("address", ["=?utf-8?q?ada?=@example.org", "a=?b@example.org", "Ä=?b@example.org"])
def test_an_address_that_would_read_as_an_encoded_word_is_refused(address: str) -> None:
    with pytest.raises(DeliveryError, match="holds =\\?"):
        mail_address(address)
    assert mail_address("a=b?c@example.org") == "a=b?c@example.org"


@settings(deadline=None)
@given(anything)
def test_an_address_is_written_safely_or_refused(text: str) -> None:
    refusal, written = attempt(lambda: mail_address(text))

    if written:
        assert not re.search(r"[\s\x00-\x1f\x7f<>,]|=\?", written)
        assert mail_address(written) == written
    else:
        assert refusal.isprintable()
