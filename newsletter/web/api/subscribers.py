"""Subscribers: read, signed up, changed, unsubscribed and forgotten, each by the same act as on the pages.

An operation that changes somebody answers with nothing of theirs: a key that may write need not be one that may read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from newsletter.life import Leaving
from newsletter.model import SubscriberStatus
from newsletter.pauses import local_day
from newsletter.pipeline.audience import edited
from newsletter.pipeline.subscribing import choosing, holding, leaving
from newsletter.pipeline.subscribing.signing_up import SignUp, sign_up
from newsletter.web.api.asked import After, Change, Id, Limit, NewSubscriber, Wanted
from newsletter.web.api.shapes import Answer, Subscriber, SubscriberList
from newsletter.web.client import client_of

if TYPE_CHECKING:
    from newsletter import model
    from newsletter.web.parts import Parts

Status = Annotated[SubscriberStatus | None, Query(description="Only these; all where none is named.")]


class SubscriberOperations:
    """The operations on subscribers."""

    def __init__(self, parts: Parts) -> None:
        self._desk = parts.app.desk
        self._store = parts.app.store
        self._web = parts.app.config.web
        self._clock = parts.clock

    def list_subscribers(self, after: After = 0, limit: Limit = 100, status: Status = None) -> SubscriberList:
        """List the subscribers by their ids, a stretch at a time: none is missed or doubled while others come."""
        found = self._store.subscribers.page(after=after, limit=limit + 1, status=status)
        more = len(found) > limit
        return SubscriberList(
            subscribers=[Subscriber.of(one) for one in found[:limit]],
            next_after=found[limit - 1].id if more else None,
        )

    def get_subscriber(self, subscriber_id: Id) -> Subscriber:
        """Return one subscriber."""
        return Subscriber.of(self._known(subscriber_id))

    def find_subscriber(self, body: Wanted) -> Subscriber:
        """Return the subscriber with an address; it is no GET, so that no log on the way holds the address."""
        found = self._store.subscribers.find(body.address)
        if found is None:
            raise HTTPException(404)
        return Subscriber.of(found)

    def create_subscriber(self, request: Request, body: NewSubscriber) -> Answer:
        """Sign somebody up: a letter goes to the address, and only the click in it makes them a subscriber.

        The answer is the same whether the address is known or not, and the limits on sign-ups hold.
        """
        client = body.client or client_of(request, self._web)
        answer = sign_up(self._desk, body.address, body.cells(), client=client, now=self._clock())
        if answer is SignUp.TOO_MANY:
            raise HTTPException(429)
        return Answer(answer=answer.value)

    def change_subscriber(self, subscriber_id: Id, body: Change) -> Response:
        """Change what a subscriber wants: what is named is put in place of what was there, all of it or none."""
        cells, until, now = body.cells(), body.paused_until, self._clock()
        wanted = edited(self._known(subscriber_id), cells, topics=self._desk.defaults.topics)
        if until:  # looked at before anything is changed
            choosing.check_pause(until, local_day(wanted.timezone, now))
        if cells:
            choosing.change(self._desk, subscriber_id, cells, now=now)
        if until:
            choosing.pause(self._desk, subscriber_id, until, now=now)
        elif "paused_until" in body.model_fields_set:
            choosing.resume(self._desk, subscriber_id, now=now)
        return Response(status_code=204)

    def unsubscribe(self, subscriber_id: Id) -> Response:
        """End the mail to a subscriber; the address is kept, so that no list brings it back."""
        self._known(subscriber_id)
        leaving.unsubscribe(self._desk, subscriber_id, how=Leaving.OPERATOR, now=self._clock())
        return Response(status_code=204)

    def forget_subscriber(self, subscriber_id: Id) -> Response:
        """Delete all that is held of a subscriber, for good; a keyed hash stays, so that no list brings them back."""
        holding.forget(self._desk, self._known(subscriber_id).address, now=self._clock())
        return Response(status_code=204)

    def _known(self, number: int) -> model.Subscriber:
        found = self._store.subscribers.get(number)
        if found is None:
            raise HTTPException(404)
        return found
