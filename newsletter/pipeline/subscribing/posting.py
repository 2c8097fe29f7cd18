"""The queue of letters: each that is due is claimed, written, and handed over as an issue's mails are.

A letter has one Message-ID and one text, however often it is tried. A crash between the two ends of a hand-over may
double it, once. One that fails for good is noted in its reader's history.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from newsletter.deliver.replies import nameless
from newsletter.deliver.retry import Patience, next_attempt
from newsletter.errors import DeliveryError, MailerStoppedError, RenderError
from newsletter.life import Asked, Request
from newsletter.model import DeliveryState, Letter, Profile, Receipt, Subscriber, SubscriberStatus
from newsletter.pipeline.subscribing.signing_up import with_wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime

    from newsletter.deliver.base import Mailer
    from newsletter.model import Message
    from newsletter.pipeline.departure import Departure
    from newsletter.pipeline.letters import LetterPress
    from newsletter.settings import DeliverSettings
    from newsletter.store import Store
    from newsletter.store.letters import Waiting

_NOBODY = 0  # whose letter it is where a bounce of it must not count against the reader


class Fate(StrEnum):
    """What became of a letter that was due."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterQueue:
    """Sends the letters that wait. `owner` names the program on its claims, `chance` gives numbers from 0 to 1."""

    store: Store
    press: LetterPress
    departure: Departure
    mailer: Callable[[], Mailer]
    settings: DeliverSettings
    owner: str
    chance: Callable[[], float] = field(default=random.random)

    def send_due(self, now: datetime) -> Mapping[Fate, int]:
        """Hand over every letter that is due at `now`, and return how many came to which end.

        Raises:
            MailerStoppedError: the mailer cannot work; what it was given last, and the rest, waits.
            StoreError: the database refused.
        """
        return Counter(self.each_due(lambda: now))

    def each_due(self, clock: Callable[[], datetime]) -> Generator[Fate]:
        """Hand over letter after letter until none is due, and yield what became of each; none is claimed meanwhile.

        `clock` is read for each: a claim as old as the first of many letters might end while its own is under way.

        Raises:
            MailerStoppedError: the mailer cannot work; what it was given last, and the rest, waits.
            StoreError: the database refused.
        """
        now = clock()
        one = self._claimed(now)
        if one is None:
            return
        with self.mailer() as mailer:
            while one is not None:
                yield self._posted(one, mailer, now)
                now = clock()
                one = self._claimed(now)

    def _claimed(self, now: datetime) -> Waiting | None:
        lease = timedelta(seconds=self.settings.lease_seconds)
        return self.store.letters.claim(owner=self.owner, now=now, lease=lease)

    def _posted(self, one: Waiting, mailer: Mailer, now: datetime) -> Fate:
        reader = self._reader(one)
        if reader is None:
            self.store.letters.drop(one)
            return Fate.DROPPED
        try:
            receipt = mailer.deliver(self._message(one, reader, now))
        except MailerStoppedError:
            self.store.letters.later(one, due_at=now, tried=False)
            raise
        except (RenderError, DeliveryError) as error:  # a template, or a setting, that somebody can mend
            receipt = Receipt(state=DeliveryState.DEFERRED, reply=str(error))
        return self._settled(one, receipt or Receipt(state=DeliveryState.UNCERTAIN, reply=""), now)

    def _reader(self, one: Waiting) -> Subscriber | None:
        """Return whom the letter is for, as it shall name them; None where it makes no sense any more."""
        subscriber = self.store.subscribers.get(one.subscriber_id)
        if subscriber is None:
            return None
        return addressee(one.letter, one.address, subscriber, self.store.membership.asked(subscriber.id))

    def _message(self, one: Waiting, reader: Subscriber, now: datetime) -> Message:
        # dated when it was queued, so that every try is the same mail
        message = self.press.message(one.letter, reader, now=one.queued_at)
        whose = _NOBODY if reader.id and one.letter in _NOT_THE_READERS else reader.id
        return self.departure.ready(message, issue_id=0, subscriber_id=whose, now=now)

    def _settled(self, one: Waiting, receipt: Receipt, now: datetime) -> Fate:
        if receipt.state is DeliveryState.ACCEPTED:
            self.store.letters.sent(one, now=now)
            return Fate.SENT
        if receipt.state is not DeliveryState.FAILED and (due_at := self._next(one, now)):
            self.store.letters.later(one, due_at=due_at, uncertain=receipt.state is DeliveryState.UNCERTAIN)
            return Fate.DEFERRED
        self.store.letters.failed(one, reply=nameless(receipt.reply, one.address), now=now)
        return Fate.FAILED

    def _next(self, one: Waiting, now: datetime) -> datetime | None:
        patience = Patience.of(self.settings)
        return next_attempt(one.attempts, patience=patience, since=one.queued_at, chance=self.chance(), now=now)


# These go to an address that is not the reader's yet, or no longer: that it fails says nothing of the reader's.
_NOT_THE_READERS = frozenset({Letter.ADDRESS, Letter.ADDRESS_CHANGED})
_MEANT_FOR = {
    Letter.CONFIRM: SubscriberStatus.PENDING,
    Letter.WELCOME: SubscriberStatus.CONFIRMED,
    Letter.PREFERENCES: SubscriberStatus.CONFIRMED,
    Letter.GOODBYE: SubscriberStatus.UNSUBSCRIBED,
}


def addressee(
    letter: Letter, address: str, subscriber: Subscriber, asked: Mapping[Asked, Request]
) -> Subscriber | None:
    """Return the subscriber as a waiting letter shall name them, None where it makes no sense any more; pure."""
    if letter is Letter.ADDRESS:
        request = asked.get(Asked.ADDRESS)
        return replace(subscriber, address=address) if request and request.address == address else None
    if letter is Letter.ADDRESS_CHANGED:
        return replace(subscriber, address=address)
    if address != subscriber.address:
        return None
    request = asked.get(Asked.RETURN)
    if letter is Letter.CONFIRM and subscriber.status is SubscriberStatus.UNSUBSCRIBED and request and request.wishes:
        return _without_words(with_wishes(subscriber, request.wishes))
    if subscriber.status is not _MEANT_FOR[letter]:
        return None
    return _without_words(subscriber) if letter is Letter.CONFIRM else subscriber


def _without_words(subscriber: Subscriber) -> Subscriber:
    """Return a subscriber with the topics alone: free words, a stranger's perhaps, are in no mail before the click."""
    return replace(subscriber, profile=Profile(topics=subscriber.profile.topics))
