"""What a mail of the inbox tells: that a mail of ours came back, a complaint, a wish to leave, or nothing of use.

Delivery reports (RFC 3464, and RFC 6533 for other alphabets) are read here for their codes, the forms that servers had
before and beside them by flufl.bounce. Whose mail it was is believed only where it is signed: the return path that the
mail came to, or what a complaint returns (see `return_path`, `complaint`), or the token of an unsubscribe link; never
by an address in the text. Pure: bytes in, a notice out.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from flufl.bounce import all_failures

from newsletter.deliver.bounce_rules import kind_of, mildest, status_in
from newsletter.deliver.complaint import feedback_of, is_feedback
from newsletter.deliver.identity import message_id_for
from newsletter.deliver.incoming import (
    beginning,
    content,
    every,
    header,
    headers_of,
    one_line,
    parsed_headers,
    subject_of,
    texts,
    whole,
)
from newsletter.deliver.return_path import LETTER, Mailing, whose
from newsletter.errors import LinkError
from newsletter.links import LinkSigner, Purpose
from newsletter.model import BounceKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from email.message import Message as Mail

    from newsletter.deliver.complaint import Feedback
    from newsletter.settings import BounceSettings

# It logs a traceback for each mail that it chokes on, which would reach the terminal where nobody set up logging.
logging.getLogger("flufl.bounce").addHandler(logging.NullHandler())

# Where mail servers put the address that a mail came to, the one of its own To last.
_RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To")
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_ASKED = re.compile(r"(?:(?:re|fwd?|aw|wg): ?){0,3}unsubscribe\b\W*(\S{1,120})?", re.IGNORECASE)
_DAEMON = re.compile(r"\b(mailer-daemon|postmaster|mail-daemon|mailerdaemon|microsoftexchange\w*)@", re.IGNORECASE)
_FAILED = re.compile(
    r"undeliver|deliver\w* (status|failure|problem|has failed)|fail\w* (notice|deliver)|returned (mail|to sender)"
    r"|mail (deliver|system error)|could ?n[o']t be delivered|non[- ]?deliver|\bbounce",
    re.IGNORECASE,
)
_LATE = re.compile(r"\bdelay|still being retried|will (be retried|keep trying)|not yet been delivered", re.IGNORECASE)
# The line after which a report without parts returns our mail, whose words are about anything.
_RETURNED = re.compile(
    r"^[-=*_ ]*(?:below this line|this is a copy|(?:start of )?(?:the )?(?:original|returned) (?:message|mail)"
    r"|(?:included|here) is (?:a|your) |message header|(?:return-path|received|list-id): ?)",
    re.IGNORECASE | re.MULTILINE,
)
_TAG = re.compile(r"<[^<>]{0,300}>")
_BETWEEN = re.compile(r"\n(?:[ \t]*\n)+")
_GROUPS = 100  # of fields that are looked at
_TEXT = 64 * 1024
_WORDS = 4_000  # characters of a report's text that are looked at


class Useless(StrEnum):
    """Why a mail tells nothing: about no reader, a wish or complaint that nothing signed proves, or unreadable."""

    JUNK = "junk"
    UNSIGNED = "unsigned"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a mail tells of one reader; `issue_id` 0 and `period` "" where it is of no issue or of an unknown one."""

    kind: BounceKind
    subscriber_id: int
    issue_id: int = LETTER
    period: str = ""
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    kind: BounceKind
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReader:
    """Reads mails for one newsletter: its settings, its secrets (oldest first), and the domain of its Message-IDs."""

    settings: BounceSettings
    domain: str
    secrets: Sequence[bytes] = field(repr=False)
    signer: LinkSigner = field(repr=False)

    def read(self, head: bytes, *, now: datetime) -> Notice | Useless:
        """Return what a mail tells, of which `head` is the beginning; whatever it holds, nothing is raised.

        Anybody can write to a return path, and one mail must not hold up all that came after it. So one that makes a
        parser fail is told as broken: it is counted, changes nothing, and is never deleted.
        """
        try:
            return self._read(head, now)
        except Exception:  # noqa: BLE001 - meant: flufl's and the library's parsers guess, and may raise anything
            return Useless.BROKEN

    def _read(self, head: bytes, now: datetime) -> Notice | Useless:
        headers = headers_of(head)
        mailing = whose(self.settings, self.secrets, every(headers, _RECIPIENTS))
        if is_feedback(headers):
            return self._complaint(head, mailing, now)
        if mailing:
            return _bounce(head, mailing)
        asked = _ASKED.match(subject_of(headers))
        return self._leaving(asked.group(1) or "", now) if asked else Useless.JUNK

    def _complaint(self, head: bytes, mailing: Mailing | None, now: datetime) -> Notice | Useless:
        mail = whole(head)
        if mail is None:
            return Useless.BROKEN
        feedback = feedback_of(mail)
        if feedback.kind is None:
            return Useless.JUNK
        mailing = mailing or whose(self.settings, self.secrets, feedback.return_paths)
        subscriber_id = mailing.subscriber_id if mailing else self._subscriber(feedback.tokens, now)
        if subscriber_id is None:
            return Useless.UNSIGNED
        return Notice(
            kind=feedback.kind,
            subscriber_id=subscriber_id,
            issue_id=mailing.issue_id if mailing else LETTER,
            period="" if mailing else self._period(feedback, subscriber_id),
            diagnostic=feedback.source,
        )

    def _leaving(self, token: str, now: datetime) -> Notice | Useless:
        subscriber_id = self._subscriber((token,), now)
        if subscriber_id is None:
            return Useless.UNSIGNED
        return Notice(kind=BounceKind.UNSUBSCRIBE, subscriber_id=subscriber_id)

    def _subscriber(self, tokens: Sequence[str], now: datetime) -> int | None:
        for token in tokens:
            try:
                return self.signer.read(Purpose.UNSUBSCRIBE, token, now=now).subscriber_id
            except LinkError:
                continue
        return None

    def _period(self, feedback: Feedback, subscriber_id: int) -> str:
        """Return the issue that the returned mail's Message-ID names, if we made that for this very reader."""
        ours = {
            message_id_for(secret, issue_period=feedback.period, subscriber_id=subscriber_id, domain=self.domain)
            for secret in self.secrets
        }
        return feedback.period if feedback.message_id in ours else ""


def _bounce(head: bytes, mailing: Mailing) -> Notice | Useless:
    mail = whole(head)
    if mail is None:
        return Useless.BROKEN
    groups = [group for group in _groups(mail) if "Action" in group]
    refusal = _reported(groups, _words(mail)) if groups else _guessed(head)
    if refusal is None:
        return Useless.JUNK
    return Notice(
        kind=refusal.kind,
        subscriber_id=mailing.subscriber_id,
        issue_id=mailing.issue_id,
        status=refusal.status,
        diagnostic=refusal.diagnostic,
    )


def _reported(groups: Sequence[Mail], words: str) -> _Refusal | None:
    """Return what a delivery report says, None where it tells of no failure."""
    refusals = [found for group in groups if (found := _refusal(group, words))]
    failed = [one for one in refusals if one.kind is not BounceKind.DELAYED]
    if not failed:
        return refusals[0] if refusals else None
    kind = mildest(one.kind for one in failed)
    return next(one for one in failed if one.kind is kind)


def _groups(mail: Mail) -> Iterator[Mail]:
    """Yield the groups of fields of the report: one about the mail, one for each recipient (RFC 3464, section 2)."""
    for part in mail.walk():
        if part.get_content_type() in _REPORTS:
            groups = _BETWEEN.split(_report(part).replace("\r\n", "\n"), maxsplit=_GROUPS)
            yield from map(parsed_headers, groups[:_GROUPS])


def _report(part: Mail) -> str:
    """Return the report as text. The parser takes its groups for mails, and never decodes them."""
    encoding = header(part, "Content-Transfer-Encoding").lower()
    payload = part.get_payload()
    if encoding in ("base64", "quoted-printable") and isinstance(payload, list):
        part.set_payload("\n\n".join(str(one) for one in payload).strip())
    return content(part)


def _refusal(group: Mail, words: str) -> _Refusal | None:
    action = header(group, "Action").lower()
    status = status_in(header(group, "Status"))
    said = header(group, "Diagnostic-Code").partition(";")[2].strip() or header(group, "Diagnostic-Code")
    if action.startswith("delayed"):
        return _Refusal(kind=BounceKind.DELAYED, status=status, diagnostic=said)
    if not action.startswith(("fail", "error")):  # OpenSMTPD writes "error"
        return None
    return _Refusal(kind=kind_of(status, said or words), status=status, diagnostic=said or _telling_line(words))


def _guessed(head: bytes) -> _Refusal | None:
    """Return what a mail without a report says by its form, its sender or its subject."""
    mail = beginning(head)
    if mail is None:
        return None
    late, failed = all_failures(mail)
    words = _words(mail)
    subject = subject_of(mail)
    if late and not failed:
        return _Refusal(kind=BounceKind.DELAYED)
    if not failed and not (_DAEMON.search(header(mail, "From")) and _FAILED.search(f"{subject}\n{words}")):
        return None
    if not failed and _LATE.search(f"{subject}\n{words}"):
        return _Refusal(kind=BounceKind.DELAYED)
    return _Refusal(kind=kind_of("", words), status=status_in(words), diagnostic=_telling_line(words))


def _words(mail: Mail) -> str:
    """Return a report's own words, up to where it returns our mail."""
    text = next((text for text in texts(mail) if text.strip()), "")[:_TEXT]
    if "</" in text:
        text = _TAG.sub(" ", text)
    returned = _RETURNED.search(text)
    return text[: returned.start() if returned else None][:_WORDS]


def _telling_line(words: str) -> str:
    """Return the line that says why: the one with a status code, else the last before the end."""
    lines = [line for line in map(one_line, words.splitlines()) if line]
    return next((line for line in lines if status_in(line)), " ".join(lines)[:500])
