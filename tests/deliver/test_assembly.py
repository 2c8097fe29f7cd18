"""A mail put together from pieces says the same as the reference, however the texts are cut and whatever they hold."""

from __future__ import annotations

import email
import quopri
from datetime import UTC, datetime
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from email_validator import validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.deliver.assembly import _KEPT_BYTES, Assembly, Encoded, quoted
from newsletter.deliver.identity import _PLAIN_ADDRESS, mail_address
from newsletter.deliver.message import build_message
from newsletter.deliver.relaxed import relaxed_body
from newsletter.errors import DeliveryError
from newsletter.model import Message, Pieces

if TYPE_CHECKING:
    from newsletter.settings import Site

VALUES: dict[str, Any] = {
    "recipient": "reader@example.org",
    "issue_period": "2026-07-14",
    "message_id": "<2026-07-14.0123456789abcdef@newsletter.example>",
    "date": datetime(2026, 7, 14, 7, 30, tzinfo=UTC),
    "unsubscribe": "mailto:leave@newsletter.example?subject=unsubscribe%200123",
    "unsubscribe_page": "https://digest.example/unsubscribe/0123",
}
# as the texts come out of rendering: no carriage return, no control character
texts = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200), max_size=6)
titles = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120)
ATOM = r"[a-z0-9_!#$%&'*+/=?^`{|}~-]{1,20}"
locals_ = st.from_regex(rf"{ATOM}(\.{ATOM}){{0,3}}", fullmatch=True)
domains = st.from_regex(r"([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\.){1,4}([a-z]{2,8}|test|local|invalid)", fullmatch=True)
HOSTILE = [
    "</td></tr></table>",
    "{{ x }}",
    "-->",
    "\0",
    "\u2028",
    "\u200f\u202e",
    "\U0001f469\u200d\U0001f52c",
    "x" * 2000,
    " ",
    "\n.\n",
    ".\n..\n...and more\n.",
    f"{'x' * 75}...{'.' * 200}",
    "--=_\n",
    "=\n=20",
    "\t\n",
    "a \t  b\t" * 30,
    f"{'x ' * 36}   é{' ' * 200}é",
    " " * 74 + "x",
    "",
]


def pieces(
    html: list[str], text: list[str], *, subject: str = "Ten papers", own: dict[str, str] | None = None
) -> Pieces:
    return Pieces(subject=subject, html=html, text=text, own=own or {})


def parsed(message: Message) -> tuple[list[tuple[str, str]], list[tuple[list[tuple[str, str]], bytes]]]:
    """Return what a parser reads: the headers, and each part's headers and content; the boundary included."""
    mail = email.message_from_bytes(message.content, policy=default)
    parts = []
    for part in mail.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        assert not part.defects
        parts.append(([(name, str(value)) for name, value in part.items()], content))
    assert not mail.defects
    return [(name, str(value)) for name, value in mail.items()], parts


def check_wire(message: Message) -> None:
    body = message.content.partition(b"\r\n\r\n")[2]
    assert message.content.isascii()
    assert not message.content.replace(b"\r\n", b"").count(b"\n")
    assert not message.content.replace(b"\r\n", b"").count(b"\r")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert not [line for line in body.split(b"\r\n") if line.endswith((b" ", b"\t"))]
    assert message.smtp_ready
    assert message.relaxed
    assert relaxed_body(body) == body
    assert not [line for line in message.content.split(b"\r\n") if line.startswith(b".")]


@settings(deadline=None)
@given(html=texts, text=texts, subject=titles)
@example(HOSTILE, HOSTILE[::-1], "日本語 🎉 " * 9)
@example(["x" * 75, "x" * 75 + "=", "é" * 25, "x" * 76, "x"], ["x" * 73, "é", "x" * 74, "é\n", " "], "")
def test_a_mail_from_pieces_is_read_as_the_reference_is(
    site: Site, html: list[str], text: list[str], subject: str
) -> None:
    cut = pieces(html, text, subject=subject)
    assembled = Assembly(site).message(cut, **VALUES)
    reference = build_message(cut.whole(), site=site, **VALUES)
    assert parsed(assembled) == parsed(reference)
    assert (assembled.sender, assembled.recipient, assembled.message_id) == (
        reference.sender,
        reference.recipient,
        reference.message_id,
    )
    check_wire(assembled)


def test_a_readers_links_take_the_place_of_their_stand_ins(site: Site) -> None:
    own = {
        "https://nobody.example/0?a=1": "https://reader.example/1?a=2",
        "https://nobody.example/9": "https://reader.example/3",
    }
    texts = ["<a href='", *own, "'>\n", "https://nobody.example/9"]
    cut = pieces(texts, texts, own=own)
    message = Assembly(site).message(cut, **VALUES)
    assert parsed(message) == parsed(build_message(cut.whole(), site=site, **VALUES))
    assert b"nobody" not in message.content


def test_a_piece_is_encoded_once_and_memory_has_a_bound() -> None:
    encoded = Encoded()
    first = encoded.of(["a piece"], {})[0]
    assert encoded.of(["a piece"], {})[0] is first
    for number in range(60):
        encoded.of([f"{number}" + "x" * 1_000_000], {})
        assert sum(map(len, encoded.values())) < _KEPT_BYTES
    assert encoded.of(["a piece"], {})[0] == first


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")))
@example("x" * 76)
@example("x" * 73 + "é")
@example("x" * 75 + " ")
@example("..." * 60)
@example(f"{'x' * 75}.")
@example(f"{'x' * 76}.")
@example("x\n.\n..\n.x")
@example("é  " * 60)
@example(" " * 100 + "x" * 73 + "  é")
def test_a_piece_ends_with_a_line_end(piece: str) -> None:
    made = quoted(piece)
    assert not made or made.endswith(b"\r\n")
    assert not [line for line in made.split(b"\r\n") if line.startswith(b".")]
    assert quopri.decodestring(made.replace(b"\r\n", b"\n")).decode() == piece
    assert max(map(len, made.split(b"\r\n"))) <= 76
    assert not made or relaxed_body(made + b"x\r\n") == made + b"x\r\n"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"recipient": "a@example.org\r\nBcc: b@example.org"}, "a mail address cannot be used"),
        ({"recipient": "a\0@example.org"}, "a mail address cannot be used"),
        ({"recipient": "a@example.org\n"}, "a mail address cannot be used"),
        ({"message_id": "<a b@c>"}, "is no Message-ID"),
        ({"unsubscribe": "mailto:a@b>\r\nX: <y"}, "is no mailto: URL"),
        ({"unsubscribe_page": "https://a.example/\r\nX: y"}, "is no https URL"),
    ],
)
def test_what_a_header_must_not_hold_is_refused(site: Site, values: dict[str, str], reason: str) -> None:
    with pytest.raises(DeliveryError, match=r"^issue 2026-07-14: a mail cannot be built: ") as refused:
        Assembly(site).message(pieces(["x"], ["x"]), **(VALUES | values))
    assert reason in str(refused.value)


def test_a_subject_with_a_line_end_and_half_a_character_are_refused(site: Site) -> None:
    with pytest.raises(DeliveryError, match="control character U\\+000A"):
        Assembly(site).message(pieces(["x"], ["x"], subject="a\nBcc: b@example.org"), **VALUES)
    with pytest.raises(DeliveryError, match="half a character"):
        Assembly(site).message(pieces(["\ud800"], ["x"]), **VALUES)


@settings(deadline=None, max_examples=100)
@given(st.builds("{}@{}".format, locals_, domains).filter(_PLAIN_ADDRESS.fullmatch))
@example("a@b.cd")
@example("postmaster@example.org")
def test_an_address_that_is_good_at_a_glance_is_good_on_a_second_look(address: str) -> None:
    found = validate_email(address, check_deliverability=False, globally_deliverable=False, test_environment=True)
    assert mail_address(address) == address == f"{found.local_part}@{found.ascii_domain}"


@pytest.mark.parametrize(
    "address",
    [
        "a@b.local",
        "a@x.invalid",
        "A@b.example",
        "a@xn--bcher-kva.example",
        "a@b",
        ".a@b.cd",
        "a@-b.cd",
        "a@b.cd\n",
        "ä@b.cd",
    ],
)
def test_any_other_address_gets_the_second_look(address: str) -> None:
    assert not _PLAIN_ADDRESS.fullmatch(address)
