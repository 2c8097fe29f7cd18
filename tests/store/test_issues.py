from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from newsletter.errors import IssueStateError, StoreError
from newsletter.model import Issue, IssueState, Links, Paper
from newsletter.store.schema import issue_papers

if TYPE_CHECKING:
    from newsletter.store import Store

NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PAPERS = tuple(
    Paper(
        id=f"2607.0000{number}",
        source="huggingface",
        title=f"Paper {number} – ünïcode",
        authors=("A", "B"),
        author_count=2,
        published=date(2026, 7, 1),
        listed_on=date(2026, 7, 14),
        upvotes=number,
        keywords=("k",),
        links=Links(page="https://p.example", stars=number),
    )
    for number in range(4)
)
ISSUE = Issue(period="2026-07-14", subject="Tuesday", papers=PAPERS, note="*Hello*", pins=("2607.00003",), hides=("x",))


@pytest.fixture
def drafted(store: Store) -> Issue:
    store.papers.add(PAPERS, taken_at=NOW)
    return store.issues.create(ISSUE, now=NOW)


def test_an_issue_comes_back_as_it_went_in(store: Store, drafted: Issue) -> None:
    assert drafted == replace(ISSUE, id=drafted.id, created_at=NOW, corpus_mark=drafted.corpus_mark)
    assert store.issues.get("2026-07-14") == drafted
    assert store.issues.by_id(drafted.id) == drafted
    assert store.issues.all() == [drafted]
    assert store.issues.summaries() == [(replace(drafted, papers=()), 4)]


def test_the_mark_parts_what_was_known_from_what_came_later(store: Store, drafted: Issue) -> None:
    late = replace(PAPERS[0], id="2607.09999", title="A latecomer")
    store.papers.add([late], taken_at=LATER)
    day = date(2026, 7, 31)
    known = {paper.id for paper in store.papers.corpus(day, mark=drafted.corpus_mark)}
    assert known == {paper.id for paper in PAPERS}
    assert {paper.id for paper in store.papers.corpus(day)} == known | {"2607.09999"}
    renewed = store.issues.replace_content(drafted, now=LATER)
    assert "2607.09999" in {paper.id for paper in store.papers.corpus(day, mark=renewed.corpus_mark)}


def test_a_period_has_one_issue(store: Store, drafted: Issue) -> None:
    with pytest.raises(IssueStateError, match="there is an issue 2026-07-14 already"):
        store.issues.create(replace(ISSUE, subject="Again"), now=LATER)
    assert store.issues.all() == [drafted]


def test_issues_come_newest_period_first(store: Store, drafted: Issue) -> None:
    for period in ("2026-07-16", "2026-07-15"):
        store.issues.create(Issue(period=period, subject="S"), now=NOW)
    assert [issue.period for issue in store.issues.all()] == ["2026-07-16", "2026-07-15", drafted.period]


def test_an_issue_keeps_its_papers_as_they_were(store: Store, drafted: Issue) -> None:
    better = replace(PAPERS[0], title="Better", upvotes=99)
    store.papers.add([better], taken_at=LATER)
    assert store.papers.get([better.id])[better.id].title == "Better"
    assert store.issues.get(drafted.period) == drafted


def test_an_issue_keeps_the_ids_it_was_approved_with(store: Store) -> None:
    page = Paper(id="saved_page:x", source="saved_page", title="On Caching")
    store.papers.add([page], taken_at=NOW)
    before = store.issues.create(Issue(period="2026-07-14", subject="S", papers=(page,)), now=NOW)
    store.papers.add([Paper(id="2607.00009", source="huggingface", title="On caching")], taken_at=LATER)
    assert store.issues.get("2026-07-14") == before
    # A draft that still has the old id can be saved, and one with the new id too.
    again = store.issues.replace_content(before, now=LATER)
    assert again.papers == (page,)


def test_papers_that_are_not_stored_cannot_be_in_an_issue(store: Store, drafted: Issue) -> None:
    stray = replace(PAPERS[0], id="2607.99999")
    with pytest.raises(StoreError, match=r"issue 2026-07-15 names a paper that is not stored: 2607\.99999"):
        store.issues.create(Issue(period="2026-07-15", subject="S", papers=(*PAPERS, stray)), now=NOW)
    assert store.issues.get("2026-07-15") is None
    with pytest.raises(StoreError):
        store.issues.replace_content(replace(drafted, papers=(stray,)), now=NOW)
    assert store.issues.get(drafted.period) == drafted


def test_an_approval_is_bound_to_a_hash_and_voided_by_an_edit(store: Store, drafted: Issue) -> None:
    approved = store.issues.approve(drafted.period, "abc", now=LATER)
    assert approved == replace(drafted, state=IssueState.APPROVED, approved_hash="abc", approved_at=LATER)
    edited = store.issues.replace_content(replace(approved, subject="New", papers=PAPERS[2:], pins=()), now=LATER)
    assert edited == replace(drafted, subject="New", papers=PAPERS[2:], pins=())
    assert store.issues.get(drafted.period) == edited


def test_only_a_draft_can_be_approved(store: Store, drafted: Issue) -> None:
    store.issues.approve(drafted.period, "abc", now=LATER)
    with pytest.raises(IssueStateError, match="issue 2026-07-14 is approved; this needs one that is draft"):
        store.issues.approve(drafted.period, "def", now=LATER)
    found = store.issues.get(drafted.period)
    assert found is not None
    assert found.approved_hash == "abc"


@pytest.mark.parametrize("state", [IssueState.SENDING, IssueState.SENT, IssueState.CANCELLED])
def test_what_is_being_sent_cannot_be_edited(store: Store, drafted: Issue, state: IssueState) -> None:
    moved = store.issues.move(drafted.period, frm=[IssueState.DRAFT], to=state, now=LATER)
    with pytest.raises(IssueStateError, match="issue 2026-07-14 is"):
        store.issues.replace_content(replace(drafted, subject="New", papers=()), now=LATER)
    assert store.issues.get(drafted.period) == moved


def test_an_editors_change_is_read_and_written_in_one_and_voids_the_approval(store: Store, drafted: Issue) -> None:
    approved = store.issues.approve(drafted.period, "abc", now=LATER)
    store.papers.add([replace(PAPERS[0], id="2607.09999", title="A latecomer")], taken_at=LATER)
    assert store.issues.change(drafted.period, lambda issue: issue, now=LATER) == approved
    changed = store.issues.change(drafted.period, lambda issue: replace(issue, pins=(), note="New"), now=LATER)
    assert changed == replace(drafted, pins=(), note="New")
    assert store.issues.get(drafted.period) == changed
    assert store.issues.change("2026-07-15", lambda issue: issue, now=LATER) is None
    store.issues.move(drafted.period, frm={IssueState.DRAFT}, to=IssueState.SENDING, now=NOW)
    with pytest.raises(IssueStateError, match="is being sent"):
        store.issues.change(drafted.period, lambda issue: replace(issue, note="Newer"), now=LATER)
    found = store.issues.get(drafted.period)
    assert found is not None
    assert found.note == "New"


def test_a_move_is_made_from_the_states_named_only_and_dated(store: Store, drafted: Issue) -> None:
    with pytest.raises(IssueStateError, match="issue 2026-07-14 is a draft; this needs one that is sending"):
        store.issues.move(drafted.period, frm={IssueState.SENDING}, to=IssueState.SENT, now=LATER)
    store.issues.move(drafted.period, frm={IssueState.DRAFT, IssueState.APPROVED}, to=IssueState.SENDING, now=NOW)
    sent = store.issues.move(drafted.period, frm={IssueState.SENDING}, to=IssueState.SENT, now=LATER)
    assert (sent.state, sent.sent_at) == (IssueState.SENT, LATER)


def test_going_back_to_draft_takes_the_approval_away(store: Store, drafted: Issue) -> None:
    store.issues.approve(drafted.period, "abc", now=LATER)
    back = store.issues.move(drafted.period, frm={IssueState.APPROVED}, to=IssueState.DRAFT, now=LATER)
    assert back == drafted


def test_an_unknown_period_is_named(store: Store) -> None:
    assert store.issues.get("2026-07-14") is None
    assert store.issues.by_id(0) is None
    with pytest.raises(IssueStateError, match="there is no issue 2026-07-14"):
        store.issues.approve("2026-07-14", "abc", now=NOW)
    with pytest.raises(IssueStateError, match="there is no issue 2026-07-14"):
        store.issues.replace_content(ISSUE, now=NOW)
    with pytest.raises(IssueStateError, match="there is no issue 2026-07-14"):
        store.issues.move("2026-07-14", frm=[IssueState.DRAFT], to=IssueState.SENDING, now=NOW)


def test_papers_written_by_another_version_are_read_as_far_as_they_are_known(store: Store, drafted: Issue) -> None:
    with store._database.writing() as connection:
        payload = connection.execute(select(issue_papers.c.payload).where(issue_papers.c.position == 0)).scalar_one()
        payload |= {"format": 9, "mood": "calm", "links": {**payload["links"], "video": "https://v.example"}}
        del payload["thumbnail"]
        connection.execute(update(issue_papers).where(issue_papers.c.position == 0).values(payload=payload))
    assert store.issues.get(drafted.period) == drafted


def test_hostile_texts_are_kept_apart_from_the_database(store: Store) -> None:
    hostile = Issue(period="2026-07-14", subject="N\x00ull \ud800", note="'; DROP TABLE issues; --", pins=("\x00p",))
    kept = store.issues.create(hostile, now=NOW)
    assert (kept.subject, kept.note, kept.pins) == ("Null \ufffd", hostile.note, ("p",))
    assert store.issues.get("2026-07-14") == kept
