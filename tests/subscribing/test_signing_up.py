"""Signing up and confirming: one answer for everybody, and nothing changes for anybody without a click in a mail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import LinkError, UsageError
from newsletter.life import Happening, Leaving
from newsletter.model import Cadence, Profile, Subscriber, SubscriberStatus, SuppressionReason
from newsletter.pipeline.subscribing.holding import purge
from newsletter.pipeline.subscribing.leaving import unsubscribe
from newsletter.pipeline.subscribing.signing_up import Confirmation, SignUp, confirm
from tests.subscribing.conftest import text_of, token_in

if TYPE_CHECKING:
    from tests.subscribing.conftest import Front

ADA = "ada@x.example"


def test_who_signs_up_and_confirms_is_subscribed_as_they_wished(front: Front) -> None:
    told = front.sign_up(ADA, topics="agents", interests="robot memory", cadence="weekly", weekday="friday", size="5")
    assert told is SignUp.LOOK
    assert front.status(ADA) is SubscriberStatus.PENDING
    mail = front.mail()
    assert (mail["To"], mail["Subject"]) == (ADA, "Confirm your subscription to Daily Digest")
    outcome, subscriber = confirm(front.desk, token_in(mail, "confirm"), now=front.now)
    assert outcome is Confirmation.CONFIRMED
    assert subscriber == front.person(ADA)
    assert subscriber.profile == Profile(topics=("agents",), interests=("robot memory",))
    assert (subscriber.cadence, subscriber.weekday, subscriber.size) == (Cadence.WEEKLY, 4, 5)
    assert front.mail()["Subject"] == "Welcome to Daily Digest"
    assert front.happened(ADA) == [
        Happening.SIGNED_UP,
        Happening.LETTER_SENT,
        Happening.CONFIRMED,
        Happening.LETTER_SENT,
    ]


def test_a_second_click_changes_nothing(front: Front) -> None:
    front.sign_up(ADA)
    token = token_in(front.mail(), "confirm")
    confirm(front.desk, token, now=front.now)
    before = front.happened(ADA)
    assert confirm(front.desk, token, now=front.now)[0] is Confirmation.ALREADY
    assert front.happened(ADA) == before


def test_who_is_pending_gets_the_newest_wishes_and_another_letter(front: Front) -> None:
    front.sign_up(ADA, interests="old")
    first = front.mail()
    front.later(minutes=1)
    front.sign_up(" ADA@x.example ", interests="new")
    second = front.mail()
    assert front.person(ADA).profile.interests == ("new",)
    assert first["Message-ID"] != second["Message-ID"]


def test_a_stranger_changes_nothing_of_who_is_subscribed(front: Front) -> None:
    before = front.confirmed(ADA, interests="robot memory")
    history = front.happened(ADA)
    assert front.sign_up(ADA, interests="spam", cadence="monthly") is SignUp.LOOK
    assert front.person(ADA) == before
    assert front.happened(ADA) == history
    mail = front.mail()
    assert mail["Subject"] == "Your preferences for Daily Digest"
    assert "spam" not in text_of(mail)


def test_who_left_comes_back_with_new_wishes_by_a_click_and_not_before(front: Front) -> None:
    left = front.confirmed(ADA, interests="robot memory")
    unsubscribe(front.desk, left.id, how=Leaving.PAGE, now=front.now)
    front.mails()
    before = front.person(ADA)
    front.sign_up(ADA, interests="new", topics="agents")
    assert front.person(ADA) == before
    mail = front.mail()
    assert "You asked for: " in text_of(mail)
    assert "robot memory" not in text_of(mail)
    outcome, back = confirm(front.desk, token_in(mail, "confirm"), now=front.now)
    assert outcome is Confirmation.CAME_BACK
    assert (back.status, back.profile.interests) == (SubscriberStatus.CONFIRMED, ("new",))


def test_an_old_confirm_link_brings_nobody_back(front: Front) -> None:
    front.sign_up(ADA)
    token = token_in(front.mail(), "confirm")
    _, subscriber = confirm(front.desk, token, now=front.now)
    unsubscribe(front.desk, subscriber.id, how=Leaving.PAGE, now=front.now)
    with pytest.raises(LinkError, match="subscribe again"):
        confirm(front.desk, token, now=front.now)
    assert front.status(ADA) is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize("reason", [SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED])
@pytest.mark.parametrize("known", [True, False])
def test_to_an_address_that_fails_or_complained_nothing_is_sent(
    front: Front, reason: SuppressionReason, known: bool
) -> None:
    if known:
        front.confirmed(ADA)
    front.desk.suppressions.add(ADA, reason=reason, now=front.now)
    assert front.sign_up(ADA) is SignUp.LOOK
    assert front.mails() == []
    assert (front.store.subscribers.find(ADA) is None) is not known


def test_who_complains_of_the_confirm_letter_cannot_be_confirmed(front: Front) -> None:
    front.sign_up(ADA)
    token = token_in(front.mail(), "confirm")
    front.desk.suppressions.add(ADA, reason=SuppressionReason.COMPLAINED, now=front.now)
    with pytest.raises(LinkError, match="complained"):
        confirm(front.desk, token, now=front.now)


def test_who_asked_for_no_mail_may_change_their_mind_by_a_click(front: Front) -> None:
    front.desk.suppressions.add(ADA, reason=SuppressionReason.REQUESTED, now=front.now)
    front.sign_up(ADA)
    assert front.desk.suppressions.holds([ADA]) == {ADA}
    confirm(front.desk, token_in(front.mail(), "confirm"), now=front.now)
    assert front.desk.suppressions.holds([ADA]) == set()
    assert front.status(ADA) is SubscriberStatus.CONFIRMED


def test_a_sign_up_that_nobody_confirmed_leaves_no_trace(front: Front) -> None:
    front.sign_up(ADA)
    front.mails()
    imported = Subscriber(address="list@x.example")
    front.store.subscribers.add([imported], now=front.now)
    front.confirmed("bob@x.example")
    front.later(days=7)
    assert purge(front.desk, now=front.now).pending == 0
    front.later(days=2)
    assert purge(front.desk, now=front.now).pending == 1
    assert front.store.subscribers.find(ADA) is None
    assert {one.address for one in front.store.subscribers.all()} == {"list@x.example", "bob@x.example"}
    assert list(front.desk.suppressions.all()) == []


def test_a_return_that_nobody_confirmed_is_dropped(front: Front) -> None:
    left = front.confirmed(ADA)
    unsubscribe(front.desk, left.id, how=Leaving.PAGE, now=front.now)
    front.sign_up(ADA, interests="new")
    front.later(days=9)
    assert purge(front.desk, now=front.now).requests == 1
    assert front.status(ADA) is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "address",
    [
        "ada@x.example\r\nBcc: eve@x.example",
        "ada@x.example\nSubject: hello",
        "ada@x.example,eve@x.example",
        "ada\x00@x.example",
        "<ada@x.example>",
        "=?utf-8?q?eve?=@x.example",
        "ada@x.example' OR 1=1 --",
        "no address",
        "",
        "a" * 300 + "@x.example",
    ],
)
def test_what_is_no_address_is_refused_and_nothing_kept(front: Front, address: str) -> None:
    with pytest.raises(UsageError) as caught:
        front.sign_up(address)
    assert str(caught.value).isprintable()
    assert front.mails() == []
    assert list(front.store.subscribers.all()) == []


SYNTAX = ["'; DROP TABLE subscribers; --", "{{ 7 * 7 }}{% include 'x' %}", "<script>alert(1)</script>", "%s %(a)s $1"]


@pytest.mark.parametrize("text", SYNTAX)
@pytest.mark.parametrize("name", ["interests", "authors", "organisations", "muted"])
def test_syntax_in_free_words_is_words(front: Front, text: str, name: str) -> None:
    front.sign_up(ADA, **{name: text})
    parts = tuple(part.strip() for part in text.split(";") if part.strip())
    assert getattr(front.person(ADA).profile, name) == parts
    confirm(front.desk, token_in(front.mail(), "confirm"), now=front.now)
    welcome = front.mail()
    html = welcome.get_body(("html",))
    assert html
    assert "<script>" not in html.get_content()
    if name == "interests":
        assert " ".join(" · ".join(parts).split()) in " ".join(text_of(welcome).split())


def test_nobody_can_send_words_of_their_own_to_a_stranger(front: Front) -> None:
    words = "cheap pills at spam.example"
    front.sign_up(ADA, interests=words, authors=words, organisations=words, muted=words, topics="agents")
    mail = front.mail()
    assert "spam.example" not in mail.as_string()
    assert "You asked for: " in text_of(mail)
    assert front.person(ADA).profile.interests == (words,)


@pytest.mark.parametrize("text", SYNTAX)
@pytest.mark.parametrize("name", ["topics", "cadence", "weekday", "hour", "time zone", "size"])
def test_syntax_in_a_choice_is_refused(front: Front, text: str, name: str) -> None:
    with pytest.raises(UsageError):
        front.sign_up(ADA, **{name: text})
    assert list(front.store.subscribers.all()) == []


def test_what_is_no_wish_cannot_be_smuggled_in(front: Front) -> None:
    front.sign_up(ADA, status="confirmed", liked="2607.00001")
    person = front.person(ADA)
    assert (person.status, person.profile.liked) == (SubscriberStatus.PENDING, ())


def test_two_sign_ups_of_one_address_at_once_make_one_subscriber(front: Front) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: front.sign_up(ADA, interests=f"interest {n}"), range(8)))
    assert set(told) == {SignUp.LOOK}
    assert front.store.subscribers.count() == 1
    assert len(front.mails()) == 1
