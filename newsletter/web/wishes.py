"""Named topics as the full-text index is asked for them: the phrases that the ranking matches papers by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.rank.topics import wish_of_topic
from newsletter.store.finding import Filters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from newsletter.model import Topic


def topic_in(topics: Sequence[Topic], name: str) -> Topic:
    """Return the topic with this name.

    Raises:
        HTTPException: 404, there is none.
    """
    for topic in topics:
        if topic.name == name:
            return topic
    raise HTTPException(404)


def filters_of(topic: Topic, *, first: date | None = None, last: date | None = None) -> Filters:
    """Return what narrows a question to a topic's papers, and to some days."""
    wish = wish_of_topic(topic)
    return Filters(first=first, last=last, phrases=wish.phrases, negative=wish.negative)
