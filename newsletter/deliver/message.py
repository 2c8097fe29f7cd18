"""One mail as MIME: a rendered digest becomes the bytes that are handed over; the same arguments, the same bytes.

Built by the standard library's email package, which is slow and right; it is the reference for anything faster. It
signs nothing, hands nothing over and reads no clock.

Headers, and why these: List-Id (RFC 2919), List-Unsubscribe and List-Archive (RFC 2369) say that this is a list, how to
leave it and where its past issues are. List-Unsubscribe-Post (RFC 8058) stands only beside an https link, which takes
the one click. `Precedence: bulk` is no standard (RFC 2076, section 3.9 lists it so) but true, and vacation programs
that know no List-* header heed it. Feedback-ID is Google's (https://support.google.com/a/answer/6254652): complaints
are counted by it, in a mail that the relay signs. There is no Auto-Submitted (RFC 3834): an editor approved the issue.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from contextlib import AbstractContextManager, contextmanager
from email.header import Header
from email.message import MIMEPart
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NotRequired, TypedDict, Unpack

from newsletter.deliver.identity import mail_address
from newsletter.errors import DeliveryError
from newsletter.links import archive_page
from newsletter.model import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from newsletter.model import Pieces, Rendered
    from newsletter.settings import Site

_LINE = 76  # octets in a line of quoted-printable (RFC 2045, section 6.7) or with an encoded word (RFC 2047, section 2)
_CRLF = "\r\n"
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's controls, halves of a surrogate pair, line and paragraph ends
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,200}@[A-Za-z0-9.-]{1,255}>")
_MAILTO = re.compile(r"mailto:[A-Za-z0-9.!$&'*+/=?@^_`{|}~%-]{1,900}")
_PAGE = re.compile(r"https?://[!#-;=?-~]{1,900}")  # printable ASCII but for quotation marks and brackets
_WHOLE_LINE = 998  # RFC 5322, section 2.1.1


class _AsWritten(EmailPolicy):
    """Headers stand in the mail exactly as they are set, folds included.

    The policies of the standard library decode and fold a header again on its way out: they lose spaces between
    words that need encoding, decode what only looks like an encoded word, and fold List-Unsubscribe, which mail
    programs search for a URL without unfolding it.
    """

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:
        del name
        return value

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}{self.linesep}".encode()


_POLICY = _AsWritten(linesep=_CRLF, max_line_length=_LINE)


class Addressed(TypedDict):
    """What makes an issue's mail one reader's.

    `message_id` and `unsubscribe` (a mailto: URL; None where nobody subscribed, as in the public edition and an
    editor's test) come from `newsletter.deliver.identity`, `unsubscribe_page` from `newsletter.links`; `date` is aware;
    `issue_period` names the issue where something is wrong.
    """

    recipient: str
    issue_period: str
    message_id: str
    date: datetime
    unsubscribe: str | None
    unsubscribe_page: NotRequired[str]


def build_message(rendered: Rendered, *, site: Site, **addressed: Unpack[Addressed]) -> Message:
    """Return one reader's mail: multipart/alternative (RFC 2046), plain text first, UTF-8 as quoted-printable, CRLF.

    Every octet is ASCII, unless an address has a local part outside it: then its header is UTF-8 (RFC 6532) and only a
    server with SMTPUTF8 takes the mail.

    Raises:
        DeliveryError: a header would hold a control character or is malformed, or a text is not Unicode.
    """
    with named_issue(addressed["issue_period"]):
        return assembled(issue_headers(rendered, site, addressed), rendered, sender=site.from_address)


def issue_headers(rendered: Rendered | Pieces, site: Site, addressed: Addressed) -> dict[str, str]:
    """Return the headers of one reader's mail of an issue, in their order.

    Raises:
        DeliveryError: one would hold a control character or is malformed.
    """
    headers = envelope_headers(
        rendered,
        site=site,
        recipient=addressed["recipient"],
        message_id=addressed["message_id"],
        date=addressed["date"],
    )
    headers |= list_headers(site, addressed["unsubscribe"], addressed.get("unsubscribe_page", ""))
    headers["Precedence"] = "bulk"
    if site.feedback_id:
        headers["Feedback-ID"] = f"{addressed['issue_period']}:{site.list_id}:digest:{site.feedback_id}"
    return headers


def envelope_headers(
    rendered: Rendered | Pieces, *, site: Site, recipient: str, message_id: str, date: datetime
) -> dict[str, str]:
    """Return the headers that every mail has: from whom, to whom, about what, when.

    Raises:
        DeliveryError: one would hold a control character or is malformed.
    """
    headers = {
        "From": _mailbox("From", site.from_address, site.from_name),
        "To": mail_address(recipient),
        "Subject": _text("Subject", rendered.subject),
        "Date": _written(date),
        "Message-ID": matching_message_id(message_id),
    }
    if site.reply_to:
        headers["Reply-To"] = site_address(site.reply_to)
    return headers


def list_headers(site: Site, unsubscribe: str | None, unsubscribe_page: str = "") -> dict[str, str]:
    """Return the headers of a list's mail; without `unsubscribe` none that says how to leave.

    List-Unsubscribe stays one line: mail programs search it for a URL without unfolding it.

    Raises:
        DeliveryError: a URL is none, or the two do not fit into a line.
    """
    headers = {"List-Id": f"<{site.list_id}>"}
    if unsubscribe is not None:
        ways = [_matching(_PAGE, unsubscribe_page, "https URL")] if unsubscribe_page else []
        ways.append(_matching(_MAILTO, unsubscribe, "mailto: URL"))
        headers["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in ways)
        if len("List-Unsubscribe: " + headers["List-Unsubscribe"]) > _WHOLE_LINE:
            raise DeliveryError("its List-Unsubscribe is longer than a line; shorten web_url or unsubscribe_address")
        if unsubscribe_page.startswith("https://"):
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if site.web_url:
        headers["List-Archive"] = _archive(site.web_url)
    return headers


def named_issue(period: str) -> AbstractContextManager[None]:
    """Let an error say of which issue the mail is that could not be built."""
    return named(f"issue {period}", again="draft the issue again")


@contextmanager
def named(mail: str, *, again: str) -> Iterator[None]:
    """Let an error say which mail could not be built, and what makes it anew."""
    try:
        yield
    except UnicodeError:
        raise DeliveryError(f"{mail}: a text holds half a character; {again}") from None
    except DeliveryError as error:
        raise DeliveryError(f"{mail}: a mail cannot be built: {error}") from None


def assembled(headers: Mapping[str, str], rendered: Rendered, *, sender: str) -> Message:
    """Return the finished mail under these headers, with the texts as its two parts.

    Raises:
        DeliveryError: `sender` is no address.
        UnicodeError: a text holds half a surrogate pair.
    """
    content = _assemble(headers, rendered)
    return Message(
        message_id=headers["Message-ID"], sender=site_address(sender), recipient=headers["To"], content=content
    )


def boundary_for(message_id: str) -> str:
    """Return what divides the parts of the mail with this Message-ID; the same mail is divided alike on every attempt.

    "=_" never stands in quoted-printable (RFC 2045, section 6.7), so no text can end a part before its time.
    """
    return "=_" + hashlib.sha256(message_id.encode()).hexdigest()[:24]


def _assemble(headers: Mapping[str, str], rendered: Rendered) -> bytes:
    mail = MIMEPart(_POLICY)
    for name, value in headers.items():
        mail[name] = value
    mail["MIME-Version"] = "1.0"
    mail.make_alternative(boundary_for(headers["Message-ID"]))
    mail.attach(_part(rendered.text, "plain"))
    mail.attach(_part(rendered.html, "html"))
    return mail.as_bytes()


def _part(text: str, subtype: str) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part.set_content(text, subtype=subtype, charset="utf-8", cte="quoted-printable")
    return part


@lru_cache(maxsize=64)
def _mailbox(header: str, address: str, name: str) -> str:
    """Return `"name" <address>` (RFC 5322, section 3.4)."""
    if not name:
        return mail_address(address)
    phrase = _text(header, name)
    if phrase == name:
        phrase = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    fits = len(f"{header}: {phrase} <{mail_address(address)}>") <= _LINE
    return f"{phrase}{'' if fits else _CRLF} <{mail_address(address)}>"


@lru_cache(maxsize=4096)
def _text(header: str, text: str) -> str:
    """Return `text` as the header writes it: as it is where short and safe, else in encoded words (RFC 2047)."""
    for character in text:
        if unicodedata.category(character) in _REFUSED:
            raise DeliveryError(f"{header} holds the control character U+{ord(character):04X}; take it out")
    short = len(f"{header}: {text}") <= _LINE and text == text.strip()
    if short and text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=_LINE, header_name=header).encode(linesep=_CRLF)


def _written(date: datetime) -> str:
    if (offset := date.utcoffset()) is None:
        raise DeliveryError(f"its date {date} has no time zone; give it in UTC")
    return _written_second(date.replace(microsecond=0), offset)


@lru_cache(maxsize=64)
def _written_second(date: datetime, offset: timedelta) -> str:
    """Return a date as all mails of its second have it; two of one moment are equal, and their offsets may differ."""
    del offset
    return format_datetime(date)


@lru_cache(maxsize=64)
def _archive(web_url: str) -> str:
    return f"<{_matching(_PAGE, archive_page(web_url), 'https URL')}>"


@lru_cache(maxsize=64)
def site_address(address: str) -> str:
    """Return an address that stands in all mails of a site, by the rules of `mail_address`.

    Raises:
        DeliveryError: it is none.
    """
    return mail_address(address)


def matching_message_id(value: str) -> str:
    """Return `value` where it is a Message-ID with its angle brackets.

    Raises:
        DeliveryError: it is none.
    """
    return _matching(_MESSAGE_ID, value, "Message-ID")


def _matching(shape: re.Pattern[str], value: str, name: str) -> str:
    if not shape.fullmatch(value):
        raise DeliveryError(f"{value!r} is no {name}")
    return value
