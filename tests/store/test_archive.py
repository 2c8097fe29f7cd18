"""The archive: what is public, in which order, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.model import Issue, IssueState, Paper
from newsletter.period import PeriodKind

if TYPE_CHECKING:
    from newsletter.store import Store

NOW = datetime(2026, 7, 16, 8, 0, tzinfo=UTC)
PAPERS = tuple(
    Paper(id=f"2607.0000{n}", source="huggingface", title=f"Paper {n}", listed_on=date(2026, 7, 14)) for n in range(3)
)
SENT = {"2026-07-13": 3, "2026-W29": 1, "2026-07": 2, "2026-07-10": 0}


@pytest.fixture
def full(store: Store) -> Store:
    store.papers.add(PAPERS, taken_at=NOW)
    for period, minutes in SENT.items():
        store.issues.create(Issue(period=period, papers=PAPERS, hides=(PAPERS[0].id,)), now=NOW)
        store.issues.approve(period, "hash", now=NOW + timedelta(minutes=minutes))
        store.issues.move(period, frm=(IssueState.APPROVED,), to=IssueState.SENDING, now=NOW)
    store.issues.move("2026-07-13", frm=(IssueState.SENDING,), to=IssueState.SENT, now=NOW)
    store.issues.create(Issue(period="2026-07-14", papers=PAPERS), now=NOW)
    store.issues.create(Issue(period="2026-07-12", papers=PAPERS), now=NOW)
    store.issues.approve("2026-07-12", "hash", now=NOW)
    store.issues.create(Issue(period="2026-07-11", papers=PAPERS), now=NOW)
    store.issues.move("2026-07-11", frm=(IssueState.DRAFT,), to=IssueState.CANCELLED, now=NOW)
    return store


def test_only_issues_on_their_way_and_sent_ones_are_public(full: Store) -> None:
    found = {period: full.archive.get(period) for period in (*SENT, "2026-07-14", "2026-07-12", "2026-07-11", "x")}
    assert [period for period, issue in found.items() if issue] == list(SENT)
    assert [len(issue.papers) for issue in found.values() if issue] == [3, 3, 3, 3]


def test_each_kind_is_listed_by_itself_newest_first(full: Store) -> None:
    days = full.archive.page(PeriodKind.DAY, offset=0, limit=9)
    assert [one.issue.period for one in days] == ["2026-07-13", "2026-07-10"]
    assert [(one.papers, one.lead) for one in days] == [(2, ""), (2, "")]
    assert [one.issue.period for one in full.archive.page(PeriodKind.DAY, offset=1, limit=9)] == ["2026-07-10"]
    assert [full.archive.count(kind) for kind in PeriodKind] == [2, 1, 1]


def test_neighbours_are_of_the_same_kind(full: Store) -> None:
    assert full.archive.beside("2026-07-13", PeriodKind.DAY) == ("2026-07-10", "")
    assert full.archive.beside("2026-07-10", PeriodKind.DAY) == ("", "2026-07-13")
    assert full.archive.beside("2026-W29", PeriodKind.WEEK) == ("", "")


def test_the_latest_are_those_approved_last(full: Store) -> None:
    assert [issue.period for issue in full.archive.latest(3)] == ["2026-07-13", "2026-07", "2026-W29"]
    assert full.archive.heads(3) == [replace(issue, papers=()) for issue in full.archive.latest(3)]


def test_a_paper_names_the_public_issues_that_show_it(full: Store) -> None:
    assert full.archive.holding(PAPERS[1].id) == ["2026-W29", "2026-07-13", "2026-07-10", "2026-07"]
    assert full.archive.holding(PAPERS[0].id) == []  # hidden in all of them
    assert full.archive.holding("2607.99999") == []


def test_a_hidden_paper_that_an_issue_does_not_hold_is_not_counted(store: Store) -> None:
    store.papers.add(PAPERS, taken_at=NOW)
    store.issues.create(Issue(period="2026-07-13", papers=PAPERS[:1], hides=("2607.99999", PAPERS[2].id)), now=NOW)
    store.issues.approve("2026-07-13", "hash", now=NOW)
    store.issues.move("2026-07-13", frm=(IssueState.APPROVED,), to=IssueState.SENDING, now=NOW)
    (filed,) = store.archive.page(PeriodKind.DAY, offset=0, limit=9)
    assert (filed.papers, filed.lead) == (1, PAPERS[0].title)
