"""What a refusal means for the reader's address, and when it is to get no more mail. Pure; the caller says the time.

Status codes are those of RFC 3463 and of its registry (RFC 5248, https://www.iana.org/assignments/smtp-enhanced-status-codes).
Servers use some of them for nearly everything: there the words decide, and where these say nothing the fault counts as
a soft one.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.model import Bounce, BounceKind, SubscriberStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from newsletter.settings import BounceSettings

# `5.1.1`, but no part of an IP address or a version; "(#5.1.1)" and "550-5.1.1" are how some write it.
_STATUS = re.compile(r"(?<![\d.])([45])\.([0-7])\.(\d{1,3})(?!\d|\.\d)", re.ASCII)
_REPLY = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -]|$)", re.ASCII)
_HARD, _SOFT, _POLICY = BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY
# By subject and detail of a 5.x.y, then by the subject alone; None: used for nearly everything, the words decide.
_KINDS: dict[str, BounceKind | None] = {
    "0": None,
    "1": _HARD,  # the address
    "1.5": _SOFT,  # "valid"
    "1.7": _POLICY,  # the sender's address
    "1.8": _POLICY,
    "1.9": _SOFT,
    "2": None,  # the mailbox
    "2.1": _HARD,  # disabled
    "2.2": _SOFT,  # full
    "2.3": _POLICY,  # the mail is too long for it
    "2.4": _SOFT,
    "3": None,  # the system
    "3.4": _POLICY,  # the mail is too big for it
    "4": _SOFT,  # the network and the way
    "4.1": None,  # Exchange Online says so of those who are not in its directory
    "4.4": _HARD,  # no such domain
    "4.310": _HARD,  # the same, as Exchange Online says it
    "5": None,  # the protocol
    "6": _POLICY,  # the mail's content
    "7": _POLICY,  # security and policy
}
# What the words say, the first that fits.
_WORDS = (
    (
        _POLICY,
        r"\bspam|blocked|(black|block|deny) ?list|\bpolicy|\bdmarc|\bspf\b|\bdkim|reputation|\b(dns|r)bl\b|virus",
    ),
    (_SOFT, r"quota|mail ?box (is |was )?(too )?full|full mail ?box|storage|try again|temporar|timed? ?out|greylist"),
    (
        _HARD,
        r"(user|recipient|address|account|mail ?box|alias)\S* (is |was |has been |is currently )?"
        r"(unknown|not found|disabled|inactive|deactivated|suspended|invalid|closed|undeliverable)"
        r"|(unknown|invalid|no such|non-?existent) (local )?(user|recipient|address|account|mail ?box|person)"
        r"|no (mail ?box|user|account) here|does ?n[o']t exist|do(es)? not (exist|have an account)|not exist"
        r"|unrouteable address|recipient ?not ?found|not a valid (user|mail ?box|recipient|address)"
        r"|(host|domain)( name)? (was )?not found|host unknown|domain (does not exist|is invalid)"
        r"|recipient address rejected: access denied",
    ),
)
_SPOKEN = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _WORDS)
_FULL_REPLY = "552"  # RFC 5321, section 4.2.2: exceeded storage allocation


def status_in(text: str) -> str:
    """Return the first status code of RFC 3463 in a text, "" where there is none."""
    found = _STATUS.search(text)
    return found.group() if found else ""


def kind_of(status: str, words: str) -> BounceKind:
    """Return what a refusal means. `status` is the report's code or "", `words` what the other server said.

    A code of the words counts where the report's says nothing.
    """
    for code in (status_in(status), status_in(words)):
        kind = _by_code(code) if code else None
        if kind:
            return kind
    return _by_words(words)


def mildest(kinds: Iterable[BounceKind]) -> BounceKind:
    """Return the kind that does the address least harm, of those that a mail tells of several recipients."""
    return max(kinds, key=(_HARD, _SOFT, _POLICY).index)


def verdict(
    bounce: Bounce, before: Sequence[Bounce], *, rules: BounceSettings, now: datetime
) -> SubscriberStatus | None:
    """Return the status that a subscriber takes because of a bounce and those before it, None for no change.

    A complaint and a wish to leave are obeyed at once. Hard bounces of `rules.hard_issues` different issues end the
    mail, if none is older than `rules.hard_days`. Every issue that came back hard or soft is a point that loses half
    its weight in `rules.half_life_days`; `rules.soft_points` of them end the mail, if those younger than that lie
    `rules.soft_days` apart: a mailbox may be full for a week. `now` is aware.
    """
    if bounce.kind is BounceKind.COMPLAINT:
        return SubscriberStatus.COMPLAINED
    if bounce.kind is BounceKind.UNSUBSCRIBE:
        return SubscriberStatus.UNSUBSCRIBED
    if bounce.kind not in (_HARD, _SOFT):
        return None
    counted = [one for one in (*before, bounce) if one.kind in (_HARD, _SOFT)]
    ends = _gone_for_good(counted, rules, now) or _failing_for_long(counted, rules, now)
    return SubscriberStatus.BOUNCED if ends else None


def _by_code(status: str) -> BounceKind | None:
    group, subject, detail = status.split(".")
    kind = _KINDS.get(f"{subject}.{detail}", _KINDS.get(subject))
    return _SOFT if group == "4" and kind is not _POLICY else kind


def _by_words(words: str) -> BounceKind:
    reply = _REPLY.search(words)
    if reply and (reply.group().startswith("4") or reply.group() == _FULL_REPLY):
        return _SOFT
    return next((kind for kind, pattern in _SPOKEN if pattern.search(words)), _SOFT)


def _gone_for_good(counted: Sequence[Bounce], rules: BounceSettings, now: datetime) -> bool:
    since = now - timedelta(days=rules.hard_days)
    issues = {_mailing(one) for one in counted if one.kind is _HARD and one.at >= since}
    return len(issues) >= rules.hard_issues


def _failing_for_long(counted: Sequence[Bounce], rules: BounceSettings, now: datetime) -> bool:
    half_life = timedelta(days=rules.half_life_days)
    newest = {_mailing(one): one.at for one in sorted(counted, key=lambda one: one.at)}
    points = sum(0.5 ** (max(now - at, timedelta(0)) / half_life) for at in newest.values())
    late = [at for at in newest.values() if now - at <= half_life]
    apart = max(late, default=now) - min(late, default=now)
    return points >= rules.soft_points and apart >= timedelta(days=rules.soft_days)


def _mailing(bounce: Bounce) -> str:
    """Return what counts as one: an issue, or the letters of one day (UTC)."""
    return str(bounce.issue_id) if bounce.issue_id else bounce.at.date().isoformat()
