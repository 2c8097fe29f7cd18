"""The queue of letters: once each, tried again as long as it makes sense, never thrice after a crash."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.smtp import SmtpMailer
from newsletter.errors import MailerStoppedError
from newsletter.life import Happening, Leaving
from newsletter.model import DeliveryState, Letter, SubscriberStatus
from newsletter.pipeline.departure import Departure
from newsletter.pipeline.subscribing.leaving import unsubscribe
from newsletter.pipeline.subscribing.moving import request_address
from newsletter.pipeline.subscribing.posting import Fate
from tests.deliver.relay import running
from tests.sends import FakeMailer, Killed
from tests.subscribing.conftest import KEY

if TYPE_CHECKING:
    from newsletter.config import Config
    from tests.subscribing.conftest import Front

ADA = "ada@x.example"
HOUR = timedelta(hours=1)


def plotted(front: Front, *fates: DeliveryState | BaseException) -> FakeMailer:
    """Give the queue a mailer that does so with its next letters."""
    front.mailer.plot = {front.mailer.calls + n: fate for n, fate in enumerate(fates, start=1)}
    return front.mailer


def test_a_letter_that_is_refused_for_now_is_the_same_mail_later(front: Front) -> None:
    front.sign_up(ADA)
    plotted(front, DeliveryState.DEFERRED)
    assert front.queue.send_due(front.now) == {Fate.DEFERRED: 1}
    (waiting,) = front.store.letters.waiting()
    assert (waiting.attempts, waiting.due_at) == (1, front.now + timedelta(minutes=5))
    assert front.queue.send_due(front.now) == {}
    first = front.queue.press.message(Letter.CONFIRM, front.person(ADA), now=front.now)
    front.later(minutes=5)
    assert front.queue.send_due(front.now) == {Fate.SENT: 1}
    assert front.mailer.got[0].message_id == first.message_id
    assert front.mailer.got[0].content == first.content
    assert front.store.letters.waiting() == ()


def test_a_letter_that_is_refused_for_good_is_noted(front: Front) -> None:
    front.sign_up(ADA)
    front.mailer.plot = {1: DeliveryState.FAILED}
    assert front.queue.send_due(front.now) == {Fate.FAILED: 1}
    assert front.store.letters.waiting() == ()
    event = front.store.history.of(front.person(ADA).id)[-1]
    assert event.kind is Happening.LETTER_FAILED
    assert event.detail == {"letter": "confirm", "reply": "reply 1"}


def test_a_letter_is_not_tried_for_ever(front: Front) -> None:
    front.sign_up(ADA)
    plotted(front, *[DeliveryState.DEFERRED] * 100)
    fates = []
    while front.store.letters.waiting():
        fates += list(front.queue.send_due(front.now))
        front.later(hours=7)
    assert fates[-1] is Fate.FAILED
    assert len(fates) < 20


def test_a_mailer_that_cannot_work_leaves_everything_waiting(front: Front) -> None:
    for n in range(3):
        front.sign_up(f"r{n}@x.example")
    plotted(front, DeliveryState.ACCEPTED, MailerStoppedError("the relay is gone"))
    with pytest.raises(MailerStoppedError):
        front.queue.send_due(front.now)
    assert [one.attempts for one in front.store.letters.waiting()] == [0, 0]
    assert len(front.mails()) == 3


def test_a_crash_doubles_a_letter_once_at_most(front: Front) -> None:
    front.sign_up(ADA)
    plotted(front, Killed(), Killed(), Killed())
    lease = timedelta(seconds=front.queue.settings.lease_seconds)
    for _ in range(2):
        with pytest.raises(Killed):
            front.queue.send_due(front.now)
        assert front.queue.send_due(front.now) == {}, "the lease holds others off"
        front.now += lease
    calls = front.mailer.calls
    assert front.queue.send_due(front.now) == {}
    assert front.mailer.calls == calls == 2
    assert front.store.letters.waiting() == ()
    event = front.store.history.of(front.person(ADA).id)[-1]
    assert event.kind is Happening.LETTER_FAILED
    assert "nobody knows" in event.detail["reply"]


def test_a_claim_is_counted_from_its_own_letter_on_however_long_those_before_took(front: Front) -> None:
    front.sign_up(ADA)
    front.sign_up("bob@x.example", client="10.0.0.1")
    plotted(front, DeliveryState.ACCEPTED, Killed())
    sending = front.queue.each_due(lambda: front.now)
    assert next(sending) is Fate.SENT
    front.now += timedelta(seconds=front.queue.settings.lease_seconds)
    with pytest.raises(Killed):
        next(sending)
    assert front.queue.send_due(front.now) == {}, "the lease holds others off"


def test_a_letter_that_may_have_arrived_is_tried_once_more(front: Front) -> None:
    front.sign_up(ADA)
    plotted(front, DeliveryState.UNCERTAIN, DeliveryState.UNCERTAIN, DeliveryState.UNCERTAIN)
    for _ in range(4):
        front.queue.send_due(front.now)
        front.later(hours=1)
    assert front.mailer.calls == 2
    assert front.happened(ADA)[-1] is Happening.LETTER_FAILED


def test_several_senders_send_each_letter_once(front: Front) -> None:
    for n in range(20):
        front.sign_up(f"r{n}@x.example", client=f"10.0.{n}.1")
    mailers = [FakeMailer() for _ in range(4)]
    queues = [
        replace(front.queue, owner=f"sender {n}", mailer=partial(next, itertools.repeat(m)))
        for n, m in enumerate(mailers)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda queue: queue.send_due(front.now), queues))
    recipients = [message.recipient for mailer in mailers for message in mailer.got]
    assert sorted(recipients) == sorted(f"r{n}@x.example" for n in range(20))


def test_a_letter_queued_anew_while_it_is_handed_over_is_sent_too(front: Front) -> None:
    who = front.confirmed(ADA).id
    request_address(front.desk, who, "one@x.example", now=front.now)
    claimed = front.store.letters.claim(owner="slow", now=front.now, lease=HOUR)
    assert claimed
    front.later(seconds=1)
    request_address(front.desk, who, "two@x.example", now=front.now)
    front.store.letters.sent(claimed, now=front.now)
    assert front.mail()["To"] == "two@x.example"


def test_a_letter_that_makes_no_sense_any_more_is_not_sent(front: Front) -> None:
    who = front.confirmed(ADA).id
    front.sign_up(ADA, client="10.0.0.1")
    request_address(front.desk, who, "new@x.example", now=front.now)
    front.store.subscribers.set_status(ADA, SubscriberStatus.COMPLAINED, now=front.now)
    front.store.membership.purge_requests(before=front.now + HOUR)
    assert front.queue.send_due(front.now) == {Fate.DROPPED: 2}
    assert front.mails() == []


def test_what_is_queued_goes_with_what_calls_for_it_or_not_at_all(front: Front) -> None:
    who = front.confirmed(ADA).id
    front.desk.store.forgetting.forget(ADA, seal=front.desk.suppressions.hashed, now=front.now)
    front.sign_up(ADA)
    assert front.person(ADA).id != who
    assert len(front.store.letters.waiting()) == 1


def test_a_template_that_fails_is_tried_again(front: Front, config: Config) -> None:
    front.sign_up(ADA)
    site = config.site.model_copy(update={"web_url": ""})
    without_pages = replace(front.queue, press=replace(front.queue.press, site=site))
    assert without_pages.send_due(front.now) == {Fate.DEFERRED: 1}
    front.later(hours=1)
    assert front.mail()["To"] == ADA


def test_a_bounce_of_a_letter_to_another_address_does_not_count_against_the_reader(
    front: Front, config: Config
) -> None:
    bounces = config.bounces.model_copy(update={"return_path": "bounces@newsletter.example"})
    front.queue = replace(front.queue, departure=Departure(bounces=bounces, key=KEY))
    who = front.confirmed(ADA).id
    request_address(front.desk, who, "new@x.example", now=front.now)
    unsubscribe(front.desk, who, how=Leaving.PAGE, now=front.now)
    front.mails()
    senders = {message.recipient: message.sender for message in front.mailer.got}
    assert senders["new@x.example"].startswith("bounces+0.0.")
    assert senders[ADA].startswith(f"bounces+0.{who}.")


def test_over_smtp_a_letter_that_a_server_defers_arrives_by_the_next_try(front: Front) -> None:
    with running(pipelining=True) as relay:
        relay.faults["RCPT"] = ["451 4.7.1 try later", None]
        front.queue = replace(front.queue, mailer=partial(SmtpMailer, relay.settings(), password=""))
        front.sign_up(ADA)
        assert front.queue.send_due(front.now) == {Fate.DEFERRED: 1}
        assert relay.taken == []
        front.later(hours=1)
        assert front.queue.send_due(front.now) == {Fate.SENT: 1}
    (taken,) = relay.taken
    assert taken.recipients == [ADA]
    assert b"Subject: Confirm your subscription" in taken.content


def test_a_claim_that_ended_frees_nothing_that_the_same_program_holds_anew(front: Front) -> None:
    front.sign_up(ADA)
    first = front.store.letters.claim(owner="one", now=front.now, lease=HOUR)
    assert first
    front.now += HOUR
    assert front.store.letters.claim(owner="one", now=front.now, lease=HOUR)
    front.store.letters.later(first, due_at=front.now)
    front.store.letters.drop(first)
    assert front.store.letters.claim(owner="another", now=front.now, lease=HOUR) is None
    assert len(front.store.letters.waiting()) == 1


def test_whether_a_letter_is_due_is_seen_without_taking_it(front: Front) -> None:
    assert not front.store.letters.is_due(front.now)
    front.sign_up(ADA)
    assert not front.store.letters.is_due(front.now - timedelta(seconds=1))
    assert front.store.letters.is_due(front.now)
    assert front.store.letters.claim(owner="one", now=front.now, lease=timedelta(hours=1))
    assert not front.store.letters.is_due(front.now)
    assert front.store.letters.is_due(front.now + timedelta(hours=1))
