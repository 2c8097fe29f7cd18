"""What a stranger, or who reads an old mailbox, tries with links that are not theirs any more."""

from __future__ import annotations

import pytest

from newsletter.errors import LinkError
from newsletter.life import Asked, Event, Happening, Leaving
from newsletter.model import SubscriberStatus
from newsletter.pipeline.subscribing.choosing import revoke_links
from newsletter.pipeline.subscribing.leaving import undo_unsubscribe, unsubscribe
from newsletter.pipeline.subscribing.moving import confirm_address, request_address
from newsletter.pipeline.subscribing.signing_up import confirm
from newsletter.store.history import note
from newsletter.store.membership import Standing, Step
from tests.subscribing.conftest import Front, token_in

OLD, NEW = "ada@reader.example", "ada@new.example"


def moved(front: Front, new: str) -> None:
    request_address(front.desk, front.person(OLD).id, new, now=front.now)
    confirm_address(front.desk, token_in(front.mail(), "address"), now=front.now)
    front.mails()


def test_the_confirm_link_in_an_old_mailbox_confirms_nothing_after_a_move(front: Front) -> None:
    front.sign_up(OLD)
    in_the_old_mailbox = token_in(front.mail(), "confirm")
    confirm(front.desk, in_the_old_mailbox, now=front.now)
    front.mails()
    moved(front, NEW)
    unsubscribe(front.desk, front.person(NEW).id, how=Leaving.PAGE, now=front.now)
    front.sign_up(NEW, interests="what a stranger wrote")
    with pytest.raises(LinkError, match="is good no longer"):
        confirm(front.desk, in_the_old_mailbox, now=front.now)
    assert front.status(NEW) is SubscriberStatus.UNSUBSCRIBED


def test_to_revoke_all_links_also_ends_a_change_of_address_that_waits(front: Front) -> None:
    person = front.confirmed(OLD)
    request_address(front.desk, person.id, "thief@evil.example", now=front.now)
    token = token_in(front.mail(), "address")
    revoke_links(front.desk, person.id, now=front.now)
    with pytest.raises(LinkError):
        confirm_address(front.desk, token, now=front.now)
    assert front.person(OLD).address == OLD


def test_who_leaves_is_not_brought_back_by_what_was_asked_before(front: Front) -> None:
    person = front.confirmed(OLD)
    unsubscribe(front.desk, person.id, how=Leaving.PAGE, now=front.now)
    front.mails()
    front.sign_up(OLD)
    unsubscribe(front.desk, person.id, how=Leaving.ONE_CLICK, now=front.now)
    assert Asked.RETURN not in front.store.membership.asked(person.id)
    assert not front.mails()


def test_to_undo_ends_what_was_asked_before_so_that_the_next_leaving_lasts(front: Front) -> None:
    person = front.confirmed(OLD)
    unsubscribe(front.desk, person.id, how=Leaving.PAGE, now=front.now)
    front.mails()
    front.sign_up(OLD, interests="what a stranger wrote")
    token = token_in(front.mail(), "confirm")
    undo_unsubscribe(front.desk, person.id, now=front.now)
    unsubscribe(front.desk, person.id, how=Leaving.PAGE, now=front.now)
    with pytest.raises(LinkError, match="the subscription ended since"):
        confirm(front.desk, token, now=front.now)


def test_who_changes_their_mind_all_day_long_is_not_looked_back_on_without_an_end(front: Front) -> None:
    person = front.confirmed(OLD)
    with front.store._database.writing() as connection:
        note(connection, [person.id] * 3_000, Event(kind=Happening.PREFERENCES_CHANGED, at=front.now))
    unsubscribe(front.desk, person.id, how=Leaving.PAGE, now=front.now)
    seen: list[int] = []

    def decide(standing: Standing) -> Step:
        seen.append(len(standing.recent))
        return Step()

    front.desk.known(person.id, decide, now=front.now)
    assert seen == [500]
    undo_unsubscribe(front.desk, person.id, now=front.now)
    assert front.status(OLD) is SubscriberStatus.CONFIRMED
