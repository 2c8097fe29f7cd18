"""The editor's step: a period's papers become a draft, and the approval is bound to what the draft holds.

The draft keeps its papers as they stand now, so every preview and the send see the same. Nothing is sent here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from newsletter.errors import IssueStateError, UsageError
from newsletter.model import DayState, Issue, IssueState
from newsletter.period import PeriodKind, days_between, parse_period

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from newsletter.model import Paper
    from newsletter.period import Period
    from newsletter.store import Store

_OPEN = (IssueState.DRAFT, IssueState.APPROVED)
_SUBJECT_LENGTH = 60  # characters of the leading title: what a phone's inbox shows in a line

_SHOWN = 3  # names in a note before it says "and n more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft, what changed in it, and what the editor should know of its lists."""

    issue: Issue
    created: bool
    changed: bool
    approval_voided: bool
    notes: tuple[str, ...] = ()


def draft(store: Store, text: str, *, now: datetime) -> Drafted:
    """Make the draft of a period, or bring an open one up to date with what is stored.

    Raises:
        UsageError: no such period, or one that has not begun.
        IssueStateError: the period has no papers, or its issue is already on its way.
    """
    period = parse_period(text)
    if period.first > now.date():
        raise UsageError(f"{period.text} has not begun (it is {now:%Y-%m-%d %H:%M} UTC); choose an earlier period")
    present = store.issues.get(period.text)
    if present and present.state not in _OPEN:
        raise IssueStateError(f"issue {period.text} is {present.state}; its content can no longer change")
    papers = tuple(store.papers.on(period.first, period.last))
    if not papers:
        raise IssueStateError(_why_empty(store, period))
    notes = _notes(store, period, papers, now=now)
    if present is None:
        issue = Issue(period=period.text, subject=subject_for(period, papers), papers=papers)
        return Drafted(
            issue=store.issues.create(issue, now=now), created=True, changed=True, approval_voided=False, notes=notes
        )
    return _refreshed(store, present, period, papers, notes, now=now)


def approve(store: Store, text: str, *, version: str, now: datetime) -> Issue:
    """Approve a draft as it stands; `version` is that of the templates and settings that shape the mail.

    Raises:
        UsageError: no such period.
        IssueStateError: no draft, or the issue is already on its way.
    """
    issue = issue_of(store, text)
    if issue.state not in _OPEN:
        raise IssueStateError(f"issue {issue.period} is {issue.state}; only a draft can be approved")
    content = content_hash(issue, version=version)
    if issue.state is IssueState.APPROVED:
        if issue.approved_hash == content:
            return issue
        issue = store.issues.replace_content(issue, now=now)
    return store.issues.approve(issue.period, content, now=now)


def issue_of(store: Store, text: str) -> Issue:
    """Return the issue of a period.

    Raises:
        UsageError: no such period, or no issue was drafted for it.
    """
    period = parse_period(text)
    issue = store.issues.get(period.text)
    if issue is None:
        raise UsageError(f"there is no issue {period.text}; draft it with: newsletter draft {period.text}")
    return issue


def content_hash(issue: Issue, *, version: str) -> str:
    """Return the SHA-256 (hex) of all that shapes the issue's mails: texts, papers, pins, hides and templates."""
    content = {
        "period": issue.period,
        "subject": issue.subject,
        "note": issue.note,
        "pins": issue.pins,
        "hides": sorted(issue.hides),
        "papers": [asdict(paper) for paper in issue.papers],
        "version": version,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def subject_for(period: Period, papers: tuple[Paper, ...]) -> str:
    """Return the draft's first subject: the most upvoted title, cut at a word, and how many papers stand beside it."""
    lead = min(papers, key=lambda paper: (-(paper.upvotes or 0), paper.id)).title
    if len(lead) > _SUBJECT_LENGTH:
        lead = lead[:_SUBJECT_LENGTH].rsplit(" ", 1)[0].rstrip(" ,;:-") + "…"
    more = len(papers) - 1
    when = _date_words(period)
    if not more:
        return f"{lead} · {when}"
    return f"{lead} + {more} more paper{'s' if more > 1 else ''} · {when}"


def _date_words(period: Period) -> str:
    if period.kind is PeriodKind.DAY:
        return f"{period.first.day} {period.first:%b}"
    return f"week {period.first.isocalendar().week}" if period.kind is PeriodKind.WEEK else f"{period.first:%B %Y}"


def _refreshed(
    store: Store, present: Issue, period: Period, papers: tuple[Paper, ...], notes: tuple[str, ...], *, now: datetime
) -> Drafted:
    by_us = present.subject == subject_for(period, present.papers)
    subject = subject_for(period, papers) if by_us else present.subject
    fresh = replace(present, papers=papers, subject=subject)
    if fresh == present:
        return Drafted(issue=present, created=False, changed=False, approval_voided=False, notes=notes)
    return Drafted(
        issue=store.issues.replace_content(fresh, now=now),
        created=False,
        changed=True,
        approval_voided=present.state is IssueState.APPROVED,
        notes=notes,
    )


def _why_empty(store: Store, period: Period) -> str:
    days = days_between(period.first, period.last)
    missing = [day for day in days if store.papers.day_state(day) is DayState.NOT_COLLECTED]
    if not missing:
        return f"{period.text} is empty: every source was asked and listed no paper, so there is no issue to draft"
    span = f"--date {missing[0]}" if len(missing) == 1 else f"--since {missing[0]} --until {missing[-1]}"
    return f"{period.text} is not collected; collect it with: newsletter collect {span}"


def _notes(store: Store, period: Period, papers: Iterable[Paper], *, now: datetime) -> tuple[str, ...]:
    notes = []
    if now < period.ends_at:
        notes.append(f"{period.text} ends at {period.ends_at:%Y-%m-%d %H:%M} UTC; its lists may still grow")
    else:
        early = [
            one
            for one in store.papers.collections(period.first, period.last)
            if one.collected_at and one.collected_at.date() <= one.day
        ]
        if early:
            names = sorted({f"{one.source} {one.day}" for one in early})
            listed = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
            notes.append(f"collected before the day had ended, so perhaps not whole: {listed}; collect again")
    return tuple(notes)
