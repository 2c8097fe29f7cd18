"""Events: what happened to subscribers, in the order of their ids, for whoever keeps step with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Query

from newsletter.web.api.asked import After, Limit
from newsletter.web.api.shapes import Event, EventList

if TYPE_CHECKING:
    from newsletter.web.parts import Parts

Whose = Annotated[int | None, Query(ge=1, le=2**53 - 1, description="Only those of the subscriber with this id.")]


class EventOperations:
    """The operations on events."""

    def __init__(self, parts: Parts) -> None:
        self._history = parts.app.store.history

    def list_events(self, after: After = 0, limit: Limit = 100, subscriber: Whose = None) -> EventList:
        """List what happened to all subscribers, or to one, oldest first. Who is forgotten leaves no event."""
        found = self._history.page(after=after, limit=limit + 1, subscriber_id=subscriber)
        more = len(found) > limit
        return EventList(
            events=[Event.of(one) for one in found[:limit]], next_after=found[limit - 1].id if more else None
        )
