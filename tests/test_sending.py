"""Sending through crashes and refusals: nothing twice, nothing lost without a word, and totals that balance."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import pytest

from newsletter.app import App
from newsletter.deliver.base import at_once, idle
from newsletter.errors import MailerStoppedError, RelayGoneError
from newsletter.model import DeliveryState, IssueState, Receipt, Subscriber, SubscriberStatus
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.handover import Handover
from newsletter.pipeline.sending import failures, finish, plan, retry
from tests.sends import NOW, READERS, FakeMailer, Killed, approved, handover_of, issue, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from newsletter.model import Message
    from newsletter.store.chunks import Due


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with approved(tmp_path) as app:
        yield app


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
    assert app.store.deliveries.totals(issue(app).id) == {
        DeliveryState.QUEUED: READERS - 3,
        DeliveryState.IN_FLIGHT: 1,
        DeliveryState.ACCEPTED: 2,
    }
    soon = FakeMailer()
    totals = send(app, soon, at=NOW + timedelta(minutes=1), owner="two")
    assert totals == {DeliveryState.ACCEPTED: READERS - 1, DeliveryState.UNCERTAIN: 1}
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
    settings = app.config.deliver
    tries, at = 1, NOW
    while at + timedelta(minutes=settings.retry_longest_minutes) < NOW + timedelta(hours=settings.retry_hours):
        at += timedelta(minutes=settings.retry_longest_minutes * 1.2)
        totals = send(app, refusing, at=at)
        tries += 1
    assert totals == {DeliveryState.FAILED: READERS}
    assert refusing.calls == tries * READERS
    assert tries > 3
    assert issue(app).state is IssueState.SENT


def test_one_who_leaves_during_the_send_gets_nothing(app: App) -> None:
    freeze(app.store, issue(app), app.ranker, app.press, shaping=app.shaping, now=NOW)
    app.store.subscribers.set_status("reader4@example.org", SubscriberStatus.UNSUBSCRIBED, now=NOW)
    mailer = FakeMailer()
    assert send(app, mailer) == {DeliveryState.ACCEPTED: READERS - 1, DeliveryState.SKIPPED: 1}
    assert "reader4@example.org" not in [one.recipient for one in mailer.got]


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


def test_a_retry_gives_a_mail_all_its_attempts_again_and_no_race_strands_it(app: App) -> None:
    send(app, FakeMailer(plot={1: DeliveryState.FAILED}))
    one = issue(app)
    assert one.state is IssueState.SENT
    assert retry(app.store, one, DeliveryState.FAILED, now=NOW) == 1
    assert not app.store.deliveries.close(one.id, now=NOW), "another send that ends now must not close it"
    assert issue(app).state is IssueState.SENDING
    assert send(app, FakeMailer(plot={1: DeliveryState.DEFERRED}))[DeliveryState.DEFERRED] == 1
    assert send(app, FakeMailer(), at=NOW + timedelta(days=1)) == {DeliveryState.ACCEPTED: READERS}


def test_no_address_stands_in_what_a_server_said(app: App) -> None:
    class Telling(FakeMailer):
        def deliver(
            self,
            message: Message,
            *,
            leave: Callable[[], bool] = at_once,
            following: Message | None = None,
            meanwhile: Callable[[], None] = idle,
        ) -> Receipt | None:
            return Receipt(state=DeliveryState.FAILED, reply=f"550 5.1.1 <{message.recipient.upper()}>: unknown")

    assert send(app, Telling()) == {DeliveryState.FAILED: READERS}
    assert failures(app.store, issue(app)) == {"550 5.1.1 <(the reader)>: unknown": READERS}


def test_a_mail_that_never_gets_an_answer_is_not_sent_again_for_ever(tmp_path: Path, app: App) -> None:
    (tmp_path / "newsletter.toml").write_text('[deliver]\nuncertain = "resend"\n')
    silent = FakeMailer(plot=dict.fromkeys(range(1, 100), DeliveryState.UNCERTAIN))
    with App(tmp_path, {}) as again:
        for _ in range(6):
            assert send(again, silent) == {DeliveryState.UNCERTAIN: READERS}
    assert silent.calls == 3 * READERS


def test_a_relay_without_room_for_another_connection_ends_that_sender_alone(app: App) -> None:
    more = [Subscriber(address=f"more{n}@example.org", status=SubscriberStatus.CONFIRMED) for n in range(1_200)]
    app.store.subscribers.add(more, now=NOW)
    freeze(app.store, issue(app), app.ranker, app.press, shaping=app.shaping, now=NOW)
    rooms = [FakeMailer()]

    class Full(FakeMailer):
        def __enter__(self) -> Self:
            raise RelayGoneError("421 too many connections")

    handover = replace(handover_of(app, FakeMailer()), mailer=lambda: rooms.pop() if rooms else Full())
    *_, became = handover.run()
    assert became == {DeliveryState.ACCEPTED: READERS + 1_200}


def test_what_goes_wrong_while_a_mail_is_written_ahead_loses_no_answer(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(FakeMailer):
        def deliver(
            self,
            message: Message,
            *,
            leave: Callable[[], bool] = at_once,
            following: Message | None = None,
            meanwhile: Callable[[], None] = idle,
        ) -> Receipt | None:
            receipt = super().deliver(message, leave=leave, following=following)
            meanwhile()
            return receipt

    written: list[int] = []
    right = Handover._message

    def failing(self: Handover, due: Due) -> Message:
        written.append(due.id)
        if len(written) == 4:
            raise Killed
        return right(self, due)

    monkeypatch.setattr(Handover, "_message", failing)
    mailer = Busy()
    with pytest.raises(Killed):
        send(app, mailer)
    assert len(written) == len(set(written)) == 4, "each is written once, ahead or not"
    states = Counter(one.state for one in app.store.deliveries.all(issue(app).id))
    assert states == {DeliveryState.ACCEPTED: len(mailer.got), DeliveryState.QUEUED: READERS - len(mailer.got)}
    monkeypatch.undo()
    assert send(app, Busy(), owner="two") == {DeliveryState.ACCEPTED: READERS}
