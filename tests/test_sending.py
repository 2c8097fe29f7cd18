"""Sending through crashes and refusals: nothing twice, nothing lost without a word, and totals that balance."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Self

import pytest

from newsletter.app import App
from newsletter.errors import IssueStateError, MailerStoppedError, RenderError
from newsletter.model import (
    Collection,
    DayState,
    DeliveryState,
    IssueState,
    Paper,
    Profile,
    Receipt,
    Subscriber,
    SubscriberStatus,
)
from newsletter.pipeline.digests import chooser_for, digest_for, recipients
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.sending import Handover, _settled, check_sendable, failures, finish, freeze, plan, retry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from newsletter.model import Issue, Message

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)
PERIOD = "2026-07-14"
READERS = 6


class Killed(BaseException):
    """Stands for the process dying: no `except Exception` may catch it."""


@dataclass
class FakeMailer:
    """Keeps what it was given; `plot` says what happens at each mail: a state to answer, or an exception to raise."""

    plot: dict[int, DeliveryState | BaseException] = field(default_factory=dict)
    got: list[Message] = field(default_factory=list)
    calls: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def deliver(self, message: Message) -> Receipt:
        self.calls += 1
        fate = self.plot.get(self.calls, DeliveryState.ACCEPTED)
        if isinstance(fate, BaseException):
            raise fate
        if fate is DeliveryState.ACCEPTED:
            self.got.append(message)
        return Receipt(state=fate, reply=f"reply {self.calls}")

    def check(self) -> str:
        return "fake"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with App(tmp_path, {}) as app:
        papers = [
            Paper(id=f"2607.0000{n}", source="huggingface", title=f"Paper {n}", listed_on=date(2026, 7, 14), upvotes=n)
            for n in range(1, 6)
        ]
        app.store.papers.add(papers, taken_at=NOW)
        readers = [
            Subscriber(
                address=f"reader{n}@example.org",
                status=SubscriberStatus.CONFIRMED,
                profile=Profile(interests=(f"paper {n % 3}",)),
            )
            for n in range(READERS)
        ]
        app.store.subscribers.add(readers, now=NOW)
        draft(app.store, PERIOD, now=NOW)
        approve(app.store, PERIOD, shaping=app.shaping, now=NOW)
        yield app


def issue(app: App) -> Issue:
    found = app.store.issues.get(PERIOD)
    assert found is not None
    return found


def send(app: App, mailer: FakeMailer, *, at: datetime = NOW, owner: str = "one") -> dict[DeliveryState, int]:
    freeze(app.store, issue(app), app.ranker, app.press, shaping=app.shaping, now=at)
    handover = Handover(
        store=app.store,
        issue=issue(app),
        press=app.press,
        mailer=mailer,
        settings=app.config.deliver,
        owner=owner,
        clock=lambda: at,
    )
    for _ in handover.run():
        pass
    return {state: count for state, count in finish(app.store, issue(app), now=at).items() if count}


def test_every_reader_gets_one_mail_and_the_issue_is_sent(app: App) -> None:
    mailer = FakeMailer()
    assert plan(app.store, issue(app), app.ranker).mails == READERS
    assert send(app, mailer) == {DeliveryState.ACCEPTED: READERS}
    assert sorted(one.recipient for one in mailer.got) == [f"reader{n}@example.org" for n in range(READERS)]
    assert len({one.message_id for one in mailer.got}) == READERS
    assert issue(app).state is IssueState.SENT


def test_a_crash_in_a_mail_leaves_that_one_uncertain_and_loses_none(app: App) -> None:
    first = FakeMailer(plot={3: Killed()})
    with pytest.raises(Killed):
        send(app, first)
    assert len(first.got) == 2
    soon = FakeMailer()
    totals = send(app, soon, at=NOW + timedelta(minutes=1), owner="two")
    assert totals == {DeliveryState.ACCEPTED: READERS - 1, DeliveryState.IN_FLIGHT: 1}
    assert issue(app).state is IssueState.SENDING, "an open end is not called sent"
    later = FakeMailer()
    totals = send(app, later, at=NOW + timedelta(days=1), owner="three")
    assert totals == {DeliveryState.ACCEPTED: READERS - 1, DeliveryState.UNCERTAIN: 1}
    assert later.got == [], "the policy is to hold"
    got = [one.recipient for one in (*first.got, *soon.got)]
    assert len(set(got)) == len(got) == READERS - 1


def test_the_policy_resend_sends_the_uncertain_one_with_the_same_message_id(tmp_path: Path, app: App) -> None:
    (tmp_path / "newsletter.toml").write_text('[deliver]\nuncertain = "resend"\n')
    first = FakeMailer(plot={1: Killed()})
    with pytest.raises(Killed):
        send(app, first)
    with App(tmp_path, {}) as again:
        last = FakeMailer()
        assert send(again, last, at=NOW + timedelta(days=1)) == {DeliveryState.ACCEPTED: READERS}
    assert len({one.message_id for one in last.got}) == READERS
    assert issue(app).state is IssueState.SENT


def test_a_mailer_that_stops_stops_the_send_and_every_mail_waits(app: App) -> None:
    broken = FakeMailer(plot={2: MailerStoppedError("relay.example:25 refused the login")})
    with pytest.raises(MailerStoppedError):
        send(app, broken)
    assert app.store.deliveries.totals(issue(app).id)[DeliveryState.QUEUED] == READERS - 1
    mended = FakeMailer()
    assert send(app, mended) == {DeliveryState.ACCEPTED: READERS}
    assert len(mended.got) == READERS - 1


def test_a_deferred_mail_is_tried_again_later_and_fails_in_the_end(app: App) -> None:
    refusing = FakeMailer(plot=dict.fromkeys(range(1, 100), DeliveryState.DEFERRED))
    assert send(app, refusing) == {DeliveryState.DEFERRED: READERS}
    assert send(app, refusing) == {DeliveryState.DEFERRED: READERS}, "nothing is due yet"
    assert refusing.calls == READERS
    at = NOW
    for _ in app.config.deliver.retry_minutes:
        at += timedelta(days=2)
        totals = send(app, refusing, at=at)
    assert totals == {DeliveryState.FAILED: READERS}
    assert issue(app).state is IssueState.SENT


def test_one_who_leaves_during_the_send_gets_nothing(app: App) -> None:
    freeze(app.store, issue(app), app.ranker, app.press, shaping=app.shaping, now=NOW)
    app.store.subscribers.set_status("reader4@example.org", SubscriberStatus.UNSUBSCRIBED, now=NOW)
    mailer = FakeMailer()
    assert send(app, mailer) == {DeliveryState.ACCEPTED: READERS - 1, DeliveryState.SKIPPED: 1}
    assert "reader4@example.org" not in [one.recipient for one in mailer.got]


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


def test_a_draft_cannot_be_sent_and_an_approval_holds_only_for_its_content(app: App) -> None:
    check_sendable(app.store, issue(app), app.shaping)
    with pytest.raises(IssueStateError, match="changed after the approval"):
        check_sendable(app.store, issue(app), replace(app.shaping, look="another template"))
    more = Paper(id="2607.00009", source="huggingface", title="One more", listed_on=date(2026, 7, 14))
    app.store.papers.add([more], taken_at=NOW)
    assert draft(app.store, PERIOD, now=NOW).approval_voided
    with pytest.raises(IssueStateError, match="not approved"):
        check_sendable(app.store, issue(app), app.shaping)


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


def test_mails_refused_one_after_the_other_stop_the_send_and_can_be_retried(app: App) -> None:
    more = [Subscriber(address=f"more{n}@example.org", status=SubscriberStatus.CONFIRMED) for n in range(40)]
    app.store.subscribers.add(more, now=NOW)
    refusing = FakeMailer(plot=dict.fromkeys(range(1, 100), DeliveryState.FAILED))
    with pytest.raises(MailerStoppedError, match="20 mails in a row were refused"):
        send(app, refusing)
    totals = app.store.deliveries.totals(issue(app).id)
    assert totals == {DeliveryState.FAILED: 20, DeliveryState.QUEUED: 26}
    assert sum(failures(app.store, issue(app)).values()) == 20
    assert retry(app.store, issue(app), DeliveryState.FAILED, now=NOW) == 20
    assert send(app, FakeMailer()) == {DeliveryState.ACCEPTED: 46}
    assert retry(app.store, issue(app), DeliveryState.FAILED, now=NOW) == 0


def test_a_sent_issue_is_opened_again_by_a_retry_and_closed_by_the_next_send(app: App) -> None:
    assert send(app, FakeMailer(plot={2: DeliveryState.FAILED})) == {
        DeliveryState.ACCEPTED: READERS - 1,
        DeliveryState.FAILED: 1,
    }
    assert issue(app).state is IssueState.SENT
    assert retry(app.store, issue(app), DeliveryState.FAILED, now=NOW) == 1
    assert issue(app).state is IssueState.SENDING
    assert send(app, FakeMailer()) == {DeliveryState.ACCEPTED: READERS}
    assert issue(app).state is IssueState.SENT


def test_the_second_of_two_sends_that_end_together_finds_the_issue_sent(app: App) -> None:
    send(app, FakeMailer())
    assert finish(app.store, issue(app), now=NOW) == {DeliveryState.ACCEPTED: READERS}


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


def test_a_week_that_is_not_whole_says_which_days_lack(app: App) -> None:
    outcome = draft(app.store, "2026-W29", now=datetime(2026, 8, 1, tzinfo=UTC))
    (line,) = outcome.notes
    assert "6 of its days are not collected" in line
    assert "collect --since 2026-07-13 --until 2026-07-19" in line


def test_a_retry_gives_a_mail_all_its_attempts_again_and_no_race_strands_it(app: App) -> None:
    send(app, FakeMailer(plot={1: DeliveryState.FAILED}))
    one = issue(app)
    assert one.state is IssueState.SENT
    assert retry(app.store, one, DeliveryState.FAILED, now=NOW) == 1
    assert not app.store.deliveries.close(one.id, now=NOW), "another send that ends now must not close it"
    assert issue(app).state is IssueState.SENDING
    assert send(app, FakeMailer(plot={1: DeliveryState.DEFERRED}))[DeliveryState.DEFERRED] == 1
    assert send(app, FakeMailer(), at=NOW + timedelta(days=1)) == {DeliveryState.ACCEPTED: READERS}


def test_a_second_send_that_comes_late_finds_nothing_left_to_freeze(app: App) -> None:
    stale = issue(app)
    send(app, FakeMailer())
    freeze(app.store, stale, app.ranker, app.press, shaping=app.shaping, now=NOW)
    assert app.store.deliveries.totals(stale.id) == {DeliveryState.ACCEPTED: READERS}
    assert issue(app).state is IssueState.SENT


def test_a_reader_who_got_a_paper_since_the_choice_is_chosen_for_again(app: App) -> None:
    both = Paper(id="2607.00005", source="huggingface", title="Paper 5", listed_on=date(2026, 7, 15), upvotes=9)
    app.store.papers.add([both], taken_at=NOW)
    draft(app.store, "2026-07-15", now=NOW)
    approve(app.store, "2026-07-15", shaping=app.shaping, now=NOW)
    second = app.store.issues.get("2026-07-15")
    assert second is not None
    chooser = chooser_for(app.store, second, app.ranker)
    chosen = list(chooser.for_all(recipients(app.store, second)))
    assert all(papers for _, papers, _ in chosen)
    freeze(app.store, issue(app), app.ranker, app.press, shaping=app.shaping, now=NOW)
    nothing_new: list[tuple[int, str]] = []
    assert list(_settled(app.store, second, chooser, chosen, nothing_new)) == []
    assert len(nothing_new) == READERS
