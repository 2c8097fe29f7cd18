"""Feedback reports (ARF, RFC 5965): a reader pressed "spam", and the mailbox provider says so, with our mail in it.

Who it was is taken from what we signed in that mail alone: its return path, else the token in its List-Unsubscribe.
Providers take out the reader's address, and a report that anybody can write proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message as Mail

from newsletter.deliver.incoming import content, every, header, parsed_headers
from newsletter.model import BounceKind

# RFC 5965, section 7.3, and "opt-out" of its drafts. "not-spam" (RFC 6430) is the reverse of a complaint,
# "auth-failure" (RFC 6591) is about the wire and "virus" about the mail; none of them is a reader's wish.
_KINDS = {
    "abuse": BounceKind.COMPLAINT,
    "fraud": BounceKind.COMPLAINT,
    "other": BounceKind.COMPLAINT,
    "opt-out": BounceKind.UNSUBSCRIBE,
    "opt-out-list": BounceKind.UNSUBSCRIBE,
}
_ORIGINALS = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_TOKEN = re.compile(r"(?:/unsubscribe/|subject=unsubscribe(?:%20|\+|_| ))([\w-]{1,40}\.[\w-]{1,60})", re.ASCII)
_MESSAGE_ID = re.compile(r"<([0-9W-]{7,10})\.[0-9a-f]{32}@[^<>\s]{1,255}>", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a report says: its kind (None: nothing of a reader's), and what of the returned mail may name the reader.

    `message_id` and `period` (the issue it begins with) are "" where the returned mail has none of our shape.
    """

    kind: BounceKind | None
    return_paths: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    message_id: str = ""
    period: str = ""
    source: str = ""


def is_feedback(headers: Mail) -> bool:
    """Return whether a mail says of itself that it is a feedback report."""
    return headers.get_content_type() == "multipart/report" and _report_type(headers) == "feedback-report"


def feedback_of(mail: Mail) -> Feedback:
    """Return what a feedback report says; of one without the part that says it, nothing."""
    parts = list(mail.walk())
    fields = next((_headers(part) for part in parts if part.get_content_type() == "message/feedback-report"), None)
    if fields is None:
        return Feedback(kind=None)
    originals = [_headers(part) for part in parts if part.get_content_type() in _ORIGINALS]
    found = _MESSAGE_ID.search(" ".join(text for one in originals for text in every(one, ("Message-ID",))))
    return Feedback(
        kind=_KINDS.get(header(fields, "Feedback-Type").lower()),
        return_paths=(
            *every(fields, ("Original-Mail-From",)),
            *(text for one in originals for text in every(one, ("Return-Path",))),
        ),
        tokens=tuple(token for one in originals for token in tokens_in(one)),
        message_id=found.group() if found else "",
        period=found.group(1) if found else "",
        source=header(fields, "User-Agent"),
    )


def tokens_in(headers: Mail) -> list[str]:
    """Return what may be an unsubscribe token in the List-Unsubscribe of a mail."""
    return [token for text in every(headers, ("List-Unsubscribe",)) for token in _TOKEN.findall("".join(text.split()))]


def _report_type(headers: Mail) -> str:
    value = headers.get_param("report-type")
    return value.lower() if isinstance(value, str) else ""


def _headers(part: Mail) -> Mail:
    """Return the headers that a part consists of, or that the mail in it begins with."""
    held = part.get_payload()
    if isinstance(held, list) and held and isinstance(held[0], Mail):
        return held[0]
    return parsed_headers(content(part).lstrip())
