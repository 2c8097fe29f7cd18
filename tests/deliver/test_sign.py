"""Signatures that another's program, dkimpy, checks: of mails as ours are, and of mails as nobody should write them."""

from __future__ import annotations

import base64
import hashlib
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.dkim_key import new_key, record_name, record_of, write_key
from newsletter.deliver.message import build_message
from newsletter.deliver.relaxed import relaxed_body
from newsletter.deliver.sign import Signer, SigningKey, signer_from
from newsletter.errors import ConfigError, DeliveryError
from newsletter.model import Rendered
from newsletter.settings import DkimSettings

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.settings import Site

NOW = datetime(2026, 7, 14, 7, 30, tzinfo=UTC)
DOMAIN = "newsletter.example"
KEYS = [
    SigningKey(domain=DOMAIN, selector="first", key=new_key("rsa")),
    SigningKey(domain=DOMAIN, selector="second", key=new_key("ed25519")),
]
DNS = {f"{record_name(one.selector, one.domain)}.": record_of(one.key) for one in KEYS}
SIGNER = Signer(KEYS)


def good(mail: bytes) -> list[bool]:
    """Return whether each signature holds, the first header's first."""
    checked = dkim.DKIM(mail)
    signatures = sum(name.lower() == b"dkim-signature" for name, _ in checked.headers)
    return [_holds(mail, number) for number in range(signatures)]


def _holds(mail: bytes, number: int) -> bool:
    try:
        return bool(dkim.DKIM(mail).verify(idx=number, dnsfunc=lambda name, timeout=5: DNS[name.decode()].encode()))
    except dkim.DKIMException:
        return False


def mail_with(body: bytes = b"Hello\r\n", *headers: bytes) -> bytes:
    """Return a mail of these headers and this body."""
    first = headers or (b"From: a@newsletter.example", b"To: b@example.org", b"Subject: one")
    return b"".join(header + b"\r\n" for header in first) + b"\r\n" + body


def built(site: Site, subject: str, text: str) -> bytes:
    """Return an issue's mail as it is sent."""
    return build_message(
        Rendered(subject=subject, text=text, html=f"<p>{text}</p>"),
        site=site.model_copy(update={"web_url": "https://digest.example", "feedback_id": "papers"}),
        recipient="ada@example.org",
        issue_period="2026-07-14",
        message_id="<2026-07-14.1@newsletter.example>",
        date=NOW,
        unsubscribe="mailto:unsubscribe@newsletter.example?subject=unsubscribe%20token",
        unsubscribe_page="https://digest.example/unsubscribe/token",
    ).content


def test_our_own_mail_is_signed_by_each_key_and_otherwise_as_it_was(site: Site) -> None:
    content = built(site, "Papers of today", "Ten papers.\n\n  Indented,   and spaced. \n.\n")
    signed = SIGNER.signed(content, now=NOW)
    assert good(signed) == [True, True]
    assert signed.endswith(content)
    assert b"a=rsa-sha256" in signed
    assert b"a=ed25519-sha256" in signed
    assert b"l=" not in signed.partition(b"bh=")[0].replace(b"c=rel", b"")


def test_everything_that_matters_is_covered(site: Site) -> None:
    signed = SIGNER.signed(built(site, "Papers", "Ten."), now=NOW)
    names = signed.partition(b" h=")[2].partition(b";")[0].replace(b"\r\n ", b"").split(b":")
    wanted = (b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"feedback-id")
    assert {*wanted, b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"list-archive"} <= set(names)
    assert all(len(line) <= 998 for line in signed.partition(b"\r\n\r\n")[0].split(b"\r\n"))
    assert all(len(line) <= 78 for line in signed[: signed.index(b"From: ")].split(b"\r\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: Papers", b"Subject: Pills"),
        (b"Subject: Papers", b"Subject: Pills\r\nSubject: Papers"),
        (b"Subject: Papers", b"Subject: Papers\r\nSubject: Pills"),
        (b"From: ", b"From: thief@example.org\r\nFrom: "),
        (b"From: ", b"Reply-To: thief@example.org\r\nFrom: "),
        (b"From: ", b"Cc: thief@example.org\r\nFrom: "),
        (b"List-Unsubscribe: ", b"List-Unsubscribe: <https://thief.example/>\r\nList-Unsubscribe: "),
        (b"Content-Type: multipart", b"Content-Type: text/html\r\nContent-Type: multipart"),
        (b"Ten.", b"Two."),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"2026 07:30", b"2027 07:30"),
    ],
)
def test_a_mail_that_was_altered_is_found_out(site: Site, old: bytes, new: bytes) -> None:
    signed = SIGNER.signed(built(site, "Papers", "Ten."), now=NOW)
    assert good(signed) == [True, True]
    assert old in signed
    assert good(signed.replace(old, new, 1)) == [False, False]


def test_text_after_the_end_is_found_out(site: Site) -> None:
    signed = SIGNER.signed(built(site, "Papers", "Ten."), now=NOW)
    assert good(signed + b"\r\n\r\n") == [True, True]
    assert good(signed + b"More\r\n") == [False, False]


def test_what_relays_do_to_a_mail_leaves_it_good(site: Site) -> None:
    signed = SIGNER.signed(built(site, "Papers", "Ten  papers."), now=NOW)
    relayed = b"Received: from a by b;\r\n\tTue, 14 Jul 2026 07:30:01 +0000\r\nFeedback-ID: relay:1\r\n" + signed
    assert good(relayed) == [True, True]
    assert good(relayed.replace(b"Subject: Papers", b"SUBJECT: \t Papers  ")) == [True, True]


@given(
    subject=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=200),
    text=st.text(st.sampled_from("ab.=- \t\n\u00e9\u4e2d"), max_size=300),
)
def test_hostile_subjects_and_texts(site: Site, subject: str, text: str) -> None:
    assert good(SIGNER.signed(built(site, subject, text), now=NOW)) == [True, True]


LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\r", b" ").replace(b"\n", b"\t")), max_size=8)
BLANKS = st.lists(st.sampled_from([b"", b" ", b".", b"..", b"\t", b" \t ", b"a  b ", b"\t\ta", b"a"]), max_size=8)


@given(lines=LINES | BLANKS)
def test_any_body_is_brought_into_the_form_that_others_bring_it_into(lines: list[bytes]) -> None:
    body = b"".join(line + b"\r\n" for line in lines)
    assert relaxed_body(body) == Relaxed.canonicalize_body(body)
    assert good(SIGNER.signed(mail_with(body), now=NOW)) == [True, True]


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n" * 2000, b" \r\n\t\r\n", b"a", b"a" + b" " * 4000, b" " * 4000])
def test_empty_and_endless_bodies(body: bytes) -> None:
    on_the_wire = body if body.endswith(b"\r\n") or not body else body + b"\r\n"
    signed = SIGNER.signed(mail_with(body), now=NOW)
    assert good(signed + on_the_wire[len(body) :]) == [True, True]


def test_the_empty_body_has_the_digest_that_the_standard_prints() -> None:
    empty = base64.b64encode(hashlib.sha256(relaxed_body(b"\r\n\r\n")).digest())
    assert empty == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # RFC 6376, section 3.4.4


HEADER_TEXT = st.text(st.sampled_from('ab:;="<>@ \t.\u00e9'), min_size=1, max_size=60).map(str.encode)


@given(value=HEADER_TEXT, more=HEADER_TEXT)
def test_headers_folded_spaced_and_repeated(value: bytes, more: bytes) -> None:
    mail = mail_with(
        b"Hello\r\n",
        b"From: a@newsletter.example",
        b"SUBJECT:" + value + b"\r\n \t " + more + b"x  ",
        b"To: b@example.org",
        b"to:\tc@example.org,\r\n\t" + more + b"x",
        b"Subject: another " + more,
        b"X-Other: " + value,
    )
    assert good(SIGNER.signed(mail, now=NOW)) == [True, True]


def test_bare_line_ends_are_no_line_ends() -> None:
    assert relaxed_body(b"a \rb \n c\r\n\r\r\n") == b"a \rb \n c\r\n\r\r\n"
    assert relaxed_body(b"a\r\n\n\r\n\r\n") == b"a\r\n\n\r\n"


def test_a_mail_without_a_sender_is_not_signed() -> None:
    with pytest.raises(DeliveryError, match="without a From"):
        SIGNER.signed(b"Subject: one\r\n\r\nFrom: nobody\r\n", now=NOW)


def test_a_mail_of_headers_alone() -> None:
    assert good(SIGNER.signed(b"From: a@newsletter.example\r\n\r\n", now=NOW)) == [True, True]


def test_a_space_before_the_colon_counts_for_nothing() -> None:
    plain, spaced = (
        mail_with(),
        mail_with(b"Hello\r\n", b"From : a@newsletter.example", b"TO\t:b@example.org", b"Subject :one"),
    )
    own = Signer(KEYS[:1])
    assert own.signed(plain, now=NOW).removesuffix(plain) == own.signed(spaced, now=NOW).removesuffix(spaced)


def test_the_time_is_the_one_given() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=9)))
    assert SIGNER.signed(mail_with(), now=NOW) == SIGNER.signed(mail_with(), now=east)
    assert f" t={int(NOW.timestamp())};".encode() in SIGNER.signed(mail_with(), now=NOW)


def test_threads_sign_alike() -> None:
    mails = [mail_with(f"Number {number}\r\n".encode() * 500) for number in range(40)]
    expected = [SIGNER.signed(mail, now=NOW) for mail in mails]
    found: dict[int, list[bytes]] = {}

    def work(place: int) -> None:
        found[place] = [SIGNER.signed(mail, now=NOW) for mail in mails]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[place] for place in range(4)] == [expected] * 4


def test_the_settings_name_the_keys(tmp_path: Path) -> None:
    write_key(KEYS[0].key, tmp_path / "dkim" / "first.pem")
    write_key(KEYS[1].key, tmp_path / "elsewhere.pem")
    settings = [
        DkimSettings(domain=DOMAIN, selector="first", key_file="dkim/first.pem"),
        DkimSettings(domain=DOMAIN, selector="second", key_file=str(tmp_path / "elsewhere.pem")),
    ]
    signer = signer_from(settings, home=tmp_path)
    assert signer is not None
    assert good(signer.signed(mail_with(), now=NOW)) == [True, True]
    assert signer_from([], home=tmp_path) is None
    with pytest.raises(ConfigError, match=r"first\.pem"):
        signer_from(settings, home=tmp_path / "away")


def test_short_keys_sign_too_as_long_as_receivers_heed_them() -> None:
    short = SigningKey(domain=DOMAIN, selector="short", key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - the point
    DNS[f"short._domainkey.{DOMAIN}."] = record_of(short.key)
    assert good(Signer([short]).signed(mail_with(), now=NOW)) == [True]
