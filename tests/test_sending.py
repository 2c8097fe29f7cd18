"""Sending through crashes and refusals: nothing twice, nothing lost without a word, and totals that balance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Self

import pytest

from newsletter.app import App
from newsletter.errors import IssueStateError, MailerStoppedError
from newsletter.model import DeliveryState, IssueState, Paper, Profile, Receipt, Subscriber, SubscriberStatus
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.sending import Handover, check_sendable, finish, freeze, plan

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
        approve(app.store, PERIOD, version=app.version, now=NOW)
        yield app


def issue(app: App) -> Issue:
    found = app.store.issues.get(PERIOD)
    assert found is not None
    return found


def send(app: App, mailer: FakeMailer, *, at: datetime = NOW, owner: str = "one") -> dict[DeliveryState, int]:
    freeze(app.store, issue(app), app.ranker, now=at)
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
    freeze(app.store, issue(app), app.ranker, now=NOW)
    app.store.subscribers.set_status("reader4@example.org", SubscriberStatus.UNSUBSCRIBED, now=NOW)
    mailer = FakeMailer()
    assert send(app, mailer) == {DeliveryState.ACCEPTED: READERS - 1, DeliveryState.SKIPPED: 1}
    assert "reader4@example.org" not in [one.recipient for one in mailer.got]


def test_what_was_frozen_is_what_is_sent_whatever_comes_in_later(app: App) -> None:
    freeze(app.store, issue(app), app.ranker, now=NOW)
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
    check_sendable(issue(app), version=app.version)
    with pytest.raises(IssueStateError, match="changed after the approval"):
        check_sendable(issue(app), version="another template")
    more = Paper(id="2607.00009", source="huggingface", title="One more", listed_on=date(2026, 7, 14))
    app.store.papers.add([more], taken_at=NOW)
    assert draft(app.store, PERIOD, now=NOW).approval_voided
    with pytest.raises(IssueStateError, match="not approved"):
        check_sendable(issue(app), version=app.version)
