"""What may be sent, and what each reader gets: decided once, of what was approved, and never a paper twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.errors import IssueStateError, RenderError
from newsletter.model import (
    Collection,
    DayState,
    DeliveryState,
    IssueState,
    Paper,
    SubscriberStatus,
)
from newsletter.pipeline.digests import Press, digest_for
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.sending import check_sendable
from tests.sends import NOW, PERIOD, READERS, FakeMailer, Killed, approved, issue, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.model import Digest, Rendered


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with approved(tmp_path) as app:
        yield app


def test_what_was_frozen_is_what_is_sent_whatever_comes_in_later(app: App) -> None:
    freeze(app.store, issue(app), app.ranker, app.press, shaping=app.shaping, now=NOW)
    changed = Paper(id="2607.00005", source="huggingface", title="Renamed", listed_on=date(2026, 7, 14), upvotes=0)
    app.store.papers.add([changed], taken_at=NOW + timedelta(hours=1))
    mailer = FakeMailer()
    send(app, mailer, at=NOW + timedelta(hours=2))
    assert all(b"Paper 5" in one.content and b"Renamed" not in one.content for one in mailer.got)


def test_an_issue_nobody_wants_is_refused_and_stays_approved(app: App) -> None:
    for n in range(READERS):
        app.store.subscribers.set_status(f"reader{n}@example.org", SubscriberStatus.UNSUBSCRIBED, now=NOW)
    with pytest.raises(IssueStateError, match="no reader"):
        send(app, FakeMailer())
    assert issue(app).state is IssueState.APPROVED


def _pause(app: App, address: str, until: date) -> None:
    app.store.subscribers.change(address, lambda known: replace(known, paused_until=until), now=NOW)


def test_who_pauses_that_day_is_skipped_and_told_of_in_the_totals(app: App) -> None:
    people = list(app.store.subscribers.all())
    _pause(app, people[0].address, NOW.date() + timedelta(days=1))
    _pause(app, people[1].address, NOW.date())
    mailer = FakeMailer()
    send(app, mailer)
    assert len(mailer.got) == READERS - 1
    (skipped,) = app.store.deliveries.all(issue(app).id, DeliveryState.SKIPPED)
    assert (skipped.subscriber_id, skipped.reply) == (people[0].id, "paused until 2026-07-16")


def test_an_issue_of_which_every_reader_pauses_goes_to_nobody(app: App) -> None:
    for one in list(app.store.subscribers.all()):
        _pause(app, one.address, date(2026, 8, 1))
    mailer = FakeMailer()
    send(app, mailer)
    assert mailer.got == []
    assert issue(app).state is IssueState.SENT


def test_a_draft_cannot_be_sent_and_an_approval_holds_only_for_its_content(app: App) -> None:
    check_sendable(app.store, issue(app), app.shaping)
    with pytest.raises(IssueStateError, match="changed after the approval"):
        check_sendable(app.store, issue(app), replace(app.shaping, look="another template"))
    more = Paper(id="2607.00009", source="huggingface", title="One more", listed_on=date(2026, 7, 14))
    app.store.papers.add([more], taken_at=NOW)
    assert draft(app.store, PERIOD, now=NOW).approval_voided
    with pytest.raises(IssueStateError, match="not approved"):
        check_sendable(app.store, issue(app), app.shaping)


def test_what_is_collected_after_the_approval_does_not_move_what_was_approved(app: App) -> None:
    reader = app.store.subscribers.find("reader1@example.org")
    assert reader is not None
    approved = digest_for(app.store, issue(app), reader, app.ranker)
    late = [
        Paper(id=f"2606.{n:05}", source="huggingface", title=f"Paper {n % 7} again", listed_on=date(2026, 6, 9))
        for n in range(150)
    ]
    app.store.papers.add(late, taken_at=NOW)
    check_sendable(app.store, issue(app), app.shaping)
    assert digest_for(app.store, issue(app), reader, app.ranker) == approved


def test_a_corpus_that_changed_under_the_approval_voids_it(app: App, tmp_path: Path) -> None:
    old = Paper(id="2606.00001", source="huggingface", title="An old paper", listed_on=date(2026, 6, 9))
    app.store.papers.add([old], taken_at=NOW)
    with App(tmp_path, {}) as fresh:
        fresh.store.issues.move(PERIOD, frm=(IssueState.APPROVED,), to=IssueState.DRAFT, now=NOW)
        fresh.store.issues.replace_content(issue(fresh), now=NOW)
        approve(fresh.store, PERIOD, shaping=fresh.shaping, now=NOW)
        fresh.store.papers.add([replace(old, title="An old paper, renamed")], taken_at=NOW + timedelta(hours=1))
        with pytest.raises(IssueStateError, match="changed after the approval"):
            check_sendable(fresh.store, issue(fresh), fresh.shaping)


def test_a_half_sent_issue_does_not_go_on_with_another_template(app: App, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        send(app, FakeMailer(plot={3: Killed()}))
    check_sendable(app.store, issue(app), app.shaping)
    (tmp_path / "newsletter.toml").write_text('[site]\nfrom_address = "other@example.net"\n')
    with App(tmp_path, {}) as changed, pytest.raises(IssueStateError, match="half sent"):
        check_sendable(changed.store, issue(changed), changed.shaping)
    (tmp_path / "newsletter.toml").write_text("[rank]\nfloor = 0.9\n")
    with App(tmp_path, {}) as other:
        check_sendable(other.store, issue(other), other.shaping)


def test_a_template_that_fails_for_one_digest_stops_the_send_before_the_first_mail(app: App, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "email" / "digest"
    own.mkdir(parents=True)
    (own / "subject.txt").write_text("{{ 1 // (subscriber_has_none - 1) }}")
    with App(tmp_path, {}) as broken:
        with pytest.raises(RenderError):
            freeze(broken.store, issue(broken), broken.ranker, broken.press, shaping=broken.shaping, now=NOW)
        assert issue(broken).state is IssueState.APPROVED
        assert broken.store.deliveries.totals(issue(broken).id) == {}


def test_a_paper_that_waits_for_a_reader_is_not_put_into_the_next_issue(app: App) -> None:
    send(app, FakeMailer(plot=dict.fromkeys(range(1, 100), DeliveryState.DEFERRED)))
    again = Paper(id="2607.00005", source="huggingface", title="Paper 5", listed_on=date(2026, 7, 15), upvotes=9)
    new = Paper(id="2607.00007", source="huggingface", title="Paper 7", listed_on=date(2026, 7, 15), upvotes=1)
    app.store.papers.add([again, new], taken_at=NOW)
    draft(app.store, "2026-07-15", now=NOW)
    reader = app.store.subscribers.find("reader0@example.org")
    next_issue = app.store.issues.get("2026-07-15")
    assert reader is not None
    assert next_issue is not None
    digest = digest_for(app.store, next_issue, reader, app.ranker)
    assert [one.paper.id for one in digest.papers] == ["2607.00007"]


def test_two_issues_frozen_at_once_never_hold_the_same_paper_for_a_reader(app: App, tmp_path: Path) -> None:
    both = Paper(id="2607.00005", source="huggingface", title="Paper 5", listed_on=date(2026, 7, 15), upvotes=9)
    app.store.papers.add([both], taken_at=NOW)
    draft(app.store, "2026-07-15", now=NOW)
    approve(app.store, "2026-07-15", shaping=app.shaping, now=NOW)
    start = threading.Barrier(2)

    def freeze_one(period: str) -> None:
        with App(tmp_path, {}) as mine:
            one = mine.store.issues.get(period)
            assert one is not None
            _ = mine.press, mine.ranker
            start.wait(timeout=60)
            freeze(mine.store, one, mine.ranker, mine.press, shaping=mine.shaping, now=NOW)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(freeze_one, [PERIOD, "2026-07-15"]))
    for reader in app.store.subscribers.all():
        held = []
        for period in (PERIOD, "2026-07-15"):
            one = app.store.issues.get(period)
            assert one is not None
            digest = digest_for(app.store, one, reader, app.ranker)
            held += [ranked.paper.id for ranked in digest.papers]
        assert len(held) == len(set(held))
        assert "2607.00005" in held


def test_a_choice_is_made_anew_where_another_issue_is_frozen_meanwhile(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Paper(id="2607.00005", source="huggingface", title="Paper 5", listed_on=date(2026, 7, 15), upvotes=9)
    app.store.papers.add([both], taken_at=NOW)
    draft(app.store, "2026-07-15", now=NOW)
    approve(app.store, "2026-07-15", shaping=app.shaping, now=NOW)
    second = app.store.issues.get("2026-07-15")
    assert second is not None
    proven = Press.rendered
    others = [issue(app)]

    def while_another_is_frozen(self: Press, digest: Digest, *, test: bool = False) -> Rendered:
        if others:
            with App(tmp_path, {}) as other:
                freeze(other.store, others.pop(), other.ranker, other.press, shaping=other.shaping, now=NOW)
        return proven(self, digest, test=test)

    monkeypatch.setattr(Press, "rendered", while_another_is_frozen)
    freeze(app.store, second, app.ranker, app.press, shaping=app.shaping, now=NOW)
    assert not others
    assert app.store.deliveries.totals(second.id) == {DeliveryState.SKIPPED: READERS}, "they all have the paper by now"


def test_a_second_send_that_comes_late_finds_nothing_left_to_freeze(app: App) -> None:
    stale = issue(app)
    send(app, FakeMailer())
    freeze(app.store, stale, app.ranker, app.press, shaping=app.shaping, now=NOW)
    assert app.store.deliveries.totals(stale.id) == {DeliveryState.ACCEPTED: READERS}
    assert issue(app).state is IssueState.SENT


def test_a_day_that_is_not_over_is_empty_so_far(app: App) -> None:
    today = NOW.date()
    app.store.papers.add([], taken_at=NOW, collections=[_asked(today, NOW)])
    with pytest.raises(IssueStateError, match="empty so far"):
        draft(app.store, today.isoformat(), now=NOW)
    later = NOW + timedelta(days=1)
    app.store.papers.add([], taken_at=later, collections=[_asked(today, later)])
    with pytest.raises(IssueStateError, match="is empty: every source"):
        draft(app.store, today.isoformat(), now=later)


def _asked(day: date, at: datetime) -> Collection:
    return Collection(source="huggingface", day=day, state=DayState.COLLECTED, collected_at=at)


def test_a_week_that_is_not_whole_says_which_days_lack(app: App) -> None:
    outcome = draft(app.store, "2026-W29", now=datetime(2026, 8, 1, tzinfo=UTC))
    (line,) = outcome.notes
    assert "6 of its days are not collected" in line
    assert "collect --since 2026-07-13 --until 2026-07-19" in line
