"""The editor's own hand in an issue: its subject, its note, and which papers are pinned or hidden.

A change voids the approval, since that is bound to the content. It drafts, approves and sends nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from newsletter.errors import IssueStateError, UsageError
from newsletter.model import IssueState, arxiv_id
from newsletter.pipeline.drafting import issue_of
from newsletter.render.markdown import note_html

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from newsletter.model import Issue
    from newsletter.store import Store

MOST_SUBJECT = 200  # characters, of which an inbox shows about sixty
_OPEN = (IssueState.DRAFT, IssueState.APPROVED)
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's controls, halves of a surrogate pair, line and paragraph ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What an editor changes; None leaves the subject or the note as it is, "" takes it away. Papers by their ids."""

    subject: str | None = None
    note: str | None = None
    pin: tuple[str, ...] = ()
    unpin: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    unhide: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An issue after an edit, and whether that changed anything and voided an approval."""

    issue: Issue
    changed: bool
    approval_voided: bool


def edit(store: Store, text: str, change: Edit, *, now: datetime) -> Edited:
    """Change the issue of a period, all of it or nothing.

    Pins are added behind those that are there. A paper that is pinned is hidden no more, and the other way round.

    Raises:
        UsageError: no such period or issue, a paper that is not in it, or a subject that is no line.
        IssueStateError: the issue is on its way already.
        RenderError: the note is too long.
    """
    before = issue_of(store, text)
    seen = [before]

    def decide(stored: Issue) -> Issue:
        if stored.state not in _OPEN:
            raise IssueStateError(f"issue {stored.period} is {stored.state}; its content can no longer change")
        seen.append(stored)
        return edited(stored, change)

    after = store.issues.change(before.period, decide, now=now) or before
    changed = after != seen[-1]
    return Edited(issue=after, changed=changed, approval_voided=changed and seen[-1].state is IssueState.APPROVED)


def edited(issue: Issue, change: Edit) -> Issue:
    """Return the issue with a change in it.

    Raises:
        UsageError: see `edit`.
        RenderError: see `edit`.
    """
    pin, unpin, hide, unhide = (_ids(issue, ids) for ids in (change.pin, change.unpin, change.hide, change.unhide))
    _refuse_both(pin, hide, "pinned and hidden")
    _refuse_both(pin, unpin, "pinned and unpinned")
    _refuse_both(hide, unhide, "hidden and shown again")
    return replace(
        issue,
        subject=issue.subject if change.subject is None else _subject(change.subject),
        note=issue.note if change.note is None else _note(change.note, issue.period),
        pins=_without((*issue.pins, *pin), {*unpin, *hide}),
        hides=_without((*issue.hides, *hide), {*unhide, *pin}),
    )


def _ids(issue: Issue, named: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the issue's papers that are named: ids, or URLs of arXiv."""
    there = {paper.id for paper in issue.papers} | {*issue.pins, *issue.hides}
    found = {text: arxiv_id(text) or text.strip() for text in named}
    if missing := [text for text, paper in found.items() if paper not in there]:
        raise UsageError(f"{missing[0][:100]!r} is no paper of issue {issue.period}; the ids are in: newsletter papers")
    return tuple(found.values())


def _refuse_both(ones: Collection[str], others: Collection[str], what: str) -> None:
    if both := [paper for paper in ones if paper in others]:
        raise UsageError(f"{both[0]} cannot be {what} at once; name it once")


def _without(papers: Iterable[str], gone: Collection[str]) -> tuple[str, ...]:
    return tuple(paper for paper in dict.fromkeys(papers) if paper not in gone)


def _subject(text: str) -> str:
    subject = text.strip()
    if any(unicodedata.category(character) in _UNPRINTABLE for character in subject):
        raise UsageError("the subject holds a control character; write it in one plain line")
    if len(subject) > MOST_SUBJECT:
        raise UsageError(f"the subject has {len(subject)} characters; {MOST_SUBJECT} are the most")
    return subject


def _note(text: str, period: str) -> str:
    """Return a note with plain line ends, once it has been rendered to prove that it can be."""
    note = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if wrong := [one for one in note if unicodedata.category(one) in _UNPRINTABLE and one not in "\n\t"]:
        raise UsageError(f"the note holds a control character ({wrong[0]!a}); take it out")
    note_html(note, period=period)
    return note
