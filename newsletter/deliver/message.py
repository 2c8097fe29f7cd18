"""One mail as MIME: a rendered digest becomes the bytes that are handed over; the same arguments, the same bytes.

Built by the standard library's email package, which is slow and right; it is the reference for anything faster. It
signs nothing, hands nothing over and reads no clock.

Headers, and why these: List-Id (RFC 2919) and List-Unsubscribe (RFC 2369) say that this is a list and how to leave
it. `Precedence: bulk` is no standard (RFC 2076, section 3.9 lists it so) but true, and vacation programs that know no
List-* header heed it. There is no Auto-Submitted (RFC 3834): an editor approved the issue; no List-Unsubscribe-Post
(RFC 8058): there is no https link to post to; no Feedback-ID: it counts only in a signed mail.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from email.header import Header
from email.message import MIMEPart
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import TYPE_CHECKING

from newsletter.deliver.identity import mail_address
from newsletter.errors import DeliveryError
from newsletter.model import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from newsletter.config import Site
    from newsletter.model import Rendered

_LINE = 76  # octets in a line of quoted-printable (RFC 2045, section 6.7) or with an encoded word (RFC 2047, section 2)
_CRLF = "\r\n"
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's controls, halves of a surrogate pair, line and paragraph ends
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,200}@[A-Za-z0-9.-]{1,255}>")
_MAILTO = re.compile(r"mailto:[A-Za-z0-9.!$&'*+/=?@^_`{|}~%-]{1,900}")


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


def build_message(
    rendered: Rendered,
    *,
    site: Site,
    recipient: str,
    issue_period: str,
    message_id: str,
    unsubscribe: str,
    date: datetime,
) -> Message:
    """Return one reader's mail: multipart/alternative (RFC 2046), plain text first, UTF-8 as quoted-printable, CRLF.

    `message_id` and `unsubscribe` (a mailto: URL) come from `newsletter.deliver.identity`; `date` is aware;
    `issue_period` names the issue where something is wrong. Every octet is ASCII, unless an address has a local part
    outside it: then its header is UTF-8 (RFC 6532) and only a server with SMTPUTF8 takes the mail.

    Raises:
        DeliveryError: a header would hold a control character or is malformed, or a text is not Unicode.
    """
    try:
        headers = {
            "From": _mailbox("From", site.from_address, site.from_name),
            "To": mail_address(recipient),
            "Subject": _text("Subject", rendered.subject),
            "Date": _aware(date),
            "Message-ID": _matching(_MESSAGE_ID, message_id, "Message-ID"),
            "List-Id": f"<{site.list_id}>",
            "List-Unsubscribe": f"<{_matching(_MAILTO, unsubscribe, 'mailto: URL')}>",
            "Precedence": "bulk",
        }
        if site.reply_to:
            headers["Reply-To"] = mail_address(site.reply_to)
        content = _assemble(headers, rendered)
        sender = mail_address(site.from_address)
        return Message(message_id=message_id, sender=sender, recipient=headers["To"], content=content)
    except UnicodeError:
        raise DeliveryError(f"issue {issue_period}: a text holds half a character; draft the issue again") from None
    except DeliveryError as error:
        raise DeliveryError(f"issue {issue_period}: a mail cannot be built: {error}") from None


def _assemble(headers: Mapping[str, str], rendered: Rendered) -> bytes:
    mail = MIMEPart(_POLICY)
    for name, value in headers.items():
        mail[name] = value
    mail["MIME-Version"] = "1.0"
    # "=_" never stands in quoted-printable (RFC 2045, section 6.7), so no text can end a part before its time
    mail.make_alternative("=_" + hashlib.sha256(headers["Message-ID"].encode()).hexdigest()[:24])
    mail.attach(_part(rendered.text, "plain"))
    mail.attach(_part(rendered.html, "html"))
    return mail.as_bytes()


def _part(text: str, subtype: str) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part.set_content(text, subtype=subtype, charset="utf-8", cte="quoted-printable")
    return part


def _mailbox(header: str, address: str, name: str) -> str:
    """Return `"name" <address>` (RFC 5322, section 3.4)."""
    phrase = _text(header, name)
    if phrase == name:
        phrase = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    if not name:
        return mail_address(address)
    fits = len(f"{header}: {phrase} <{mail_address(address)}>") <= _LINE
    return f"{phrase}{'' if fits else _CRLF} <{mail_address(address)}>"


def _text(header: str, text: str) -> str:
    """Return `text` as the header writes it: as it is where short and safe, else in encoded words (RFC 2047)."""
    for character in text:
        if unicodedata.category(character) in _REFUSED:
            raise DeliveryError(f"{header} holds the control character U+{ord(character):04X}; take it out")
    short = len(f"{header}: {text}") <= _LINE and text == text.strip()
    if short and text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=_LINE, header_name=header).encode(linesep=_CRLF)


def _aware(date: datetime) -> str:
    if date.utcoffset() is None:
        raise DeliveryError(f"its date {date} has no time zone; give it in UTC")
    return format_datetime(date)


def _matching(shape: re.Pattern[str], value: str, name: str) -> str:
    if not shape.fullmatch(value):
        raise DeliveryError(f"{value!r} is no {name}")
    return value
