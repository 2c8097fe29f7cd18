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
from newsletter.period import days_between, parse_period

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from newsletter.model import Collection, Paper
    from newsletter.period import Period
    from newsletter.store import Store

_OPEN = (IssueState.DRAFT, IssueState.APPROVED)
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
        raise IssueStateError(_why_empty(store, period, now=now))
    notes = _notes(store, period, now=now)
    if present is None:
        issue = Issue(period=period.text, papers=papers)
        return Drafted(
            issue=store.issues.create(issue, now=now), created=True, changed=True, approval_voided=False, notes=notes
        )
    return _refreshed(store, present, papers, notes, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaping:
    """What shapes an issue's mails besides its own content, as digests (hex).

    `look` is the templates' and the sender's identity, `ranking` the topics, aliases and weights.
    """

    look: str
    ranking: str


def approve(store: Store, text: str, *, shaping: Shaping, now: datetime) -> Issue:
    """Approve a draft as it stands, with what shapes its mails now.

    Raises:
        UsageError: no such period.
        IssueStateError: no draft, or the issue is already on its way.
    """
    issue = issue_of(store, text)
    if issue.state not in _OPEN:
        raise IssueStateError(f"issue {issue.period} is {issue.state}; only a draft can be approved")
    seal = approval_of(store, issue, shaping)
    if issue.state is IssueState.APPROVED:
        if issue.approved_hash == seal:
            return issue
        store.issues.move(issue.period, frm=(IssueState.APPROVED,), to=IssueState.DRAFT, now=now)
    return store.issues.approve(issue.period, seal, now=now)


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


def approval_of(store: Store, issue: Issue, shaping: Shaping) -> str:
    """Return what an approval of an issue is bound to as things are now: see `seal_of`."""
    return seal_of(issue, shaping, corpus_of(store, issue))


def approval_holds(store: Store, issue: Issue, shaping: Shaping) -> bool:
    """Whether what an approved issue was approved for, content, templates and ranking, is still so."""
    return issue.state is IssueState.APPROVED and issue.approved_hash == approval_of(store, issue, shaping)


def seal_of(issue: Issue, shaping: Shaping, corpus: Iterable[Paper]) -> str:
    """Return what an approval is bound to: two SHA-256 (hex) parted by a dot.

    The first is of all that a mail shows: texts, papers, pins, hides, templates. The second is of all that the
    ranking goes by: topics, weights, and the papers that it learns from.
    """
    growth = json.dumps([paper.growth for paper in issue.papers])
    return f"{look_of(issue, shaping)}.{_digest([shaping.ranking, growth, *map(_learned, corpus)])}"


def look_of(issue: Issue, shaping: Shaping) -> str:
    """Return the first part of `approval_of`: it still binds when the selections are frozen and mails leave."""
    content = {
        "period": issue.period,
        "subject": issue.subject,
        "note": issue.note,
        "pins": issue.pins,
        "hides": sorted(issue.hides),
        "papers": [_shown(paper) for paper in issue.papers],
        "look": shaping.look,
    }
    return _digest([json.dumps(content, sort_keys=True, default=str)])


def corpus_of(store: Store, issue: Issue) -> Iterator[Paper]:
    """Yield the papers that the ranking of an issue learns from: those known when it was drafted, none listed later.

    Its own papers are as it holds them, whatever has been collected since.
    """
    own = {paper.id: paper for paper in issue.papers}
    for paper in store.papers.corpus(parse_period(issue.period).last, mark=issue.corpus_mark):
        yield own.get(paper.id, paper)


def _shown(paper: Paper) -> dict[str, object]:
    """Return what a mail may show of a paper: how fast its votes grow only ranks it."""
    return {name: value for name, value in asdict(paper).items() if name != "growth"}


def learned_of(paper: Paper) -> list[object]:
    """Return what a model learns from a paper: its texts, and its day, since the newest papers count."""
    day = str(paper.listed_on or paper.published)
    return [paper.id, paper.title, paper.abstract or paper.summary, paper.keywords, day]


def _learned(paper: Paper) -> str:
    return json.dumps(learned_of(paper))


def _digest(parts: Iterable[str]) -> str:
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() + b"\0")
    return sha.hexdigest()


def _refreshed(
    store: Store, present: Issue, papers: tuple[Paper, ...], notes: tuple[str, ...], *, now: datetime
) -> Drafted:
    fresh = replace(present, papers=papers)
    if fresh == present:
        return Drafted(issue=present, created=False, changed=False, approval_voided=False, notes=notes)
    return Drafted(
        issue=store.issues.replace_content(fresh, now=now),
        created=False,
        changed=True,
        approval_voided=present.state is IssueState.APPROVED,
        notes=notes,
    )


def _why_empty(store: Store, period: Period, *, now: datetime) -> str:
    days = [day for day in days_between(period.first, period.last) if day <= now.date()]
    missing = [day for day in days if store.papers.day_state(day) is DayState.NOT_COLLECTED]
    if missing:
        return f"{period.text} is not collected; collect it with: newsletter collect {_span(missing)}"
    if early := [one.day for one in _early(store, period)]:
        again = f"after the day has ended, collect it again with: newsletter collect {_span(sorted(set(early)))}"
        return f"{period.text} is empty so far; {again}"
    return f"{period.text} is empty: every source was asked and listed no paper, so there is no issue to draft"


def _span(days: Sequence[date]) -> str:
    return f"--date {days[0]}" if len(days) == 1 else f"--since {days[0]} --until {days[-1]}"


def _early(store: Store, period: Period) -> list[Collection]:
    """Return the lists that were collected before their UTC day had ended."""
    found = store.papers.collections(period.first, period.last)
    return [one for one in found if one.collected_at and one.collected_at.date() <= one.day]


def _notes(store: Store, period: Period, *, now: datetime) -> tuple[str, ...]:
    """Return what the editor should know of the lists: a period that is not over, days that nobody collected."""
    notes = []
    days = [day for day in days_between(period.first, period.last) if day <= now.date()]
    if missing := [day for day in days if store.papers.day_state(day) is DayState.NOT_COLLECTED]:
        number = f"{len(missing)} of its days {'is' if len(missing) == 1 else 'are'} not collected"
        notes.append(f"{period.text} is not whole: {number}; collect with: newsletter collect {_span(missing)}")
    if now < period.ends_at:
        notes.append(f"{period.text} ends at {period.ends_at:%Y-%m-%d %H:%M} UTC; its lists may still grow")
    elif early := sorted({f"{one.source} {one.day}" for one in _early(store, period)}):
        listed = ", ".join(early[:_SHOWN]) + (f" and {len(early) - _SHOWN} more" if len(early) > _SHOWN else "")
        notes.append(f"collected before the day had ended, so perhaps not whole: {listed}; collect again")
    return tuple(notes)
