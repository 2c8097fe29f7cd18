"""What is known of each source's list for each UTC day, and what a feed's server asked to be told next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from newsletter.model import Collection, DayState
from newsletter.store.engine import insert_into
from newsletter.store.schema import collections, feeds, listings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection


def note_collections(connection: Connection, asked: Iterable[Collection], taken_at: datetime) -> None:
    """Store that each source was asked for each day; the latest time of asking stays."""
    rows = [
        {"day": one.day, "source": one.source, "collected_at": one.collected_at or taken_at}
        for one in asked
        if one.state is not DayState.NOT_COLLECTED
    ]
    if not rows:
        return
    statement = insert_into(connection, collections)
    given = statement.excluded.collected_at
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[collections.c.day, collections.c.source],
            set_={"collected_at": given},
            where=collections.c.collected_at < given,
        ),
        rows,
    )


def note_validators(connection: Connection, source: str, etag: str, last_modified: str) -> None:
    """Store what the feed's server gave for the next conditional GET."""
    given = {"etag": etag, "last_modified": last_modified}
    connection.execute(
        insert_into(connection, feeds)
        .values(source=source, **given)
        .on_conflict_do_update(index_elements=[feeds.c.source], set_=given)
    )


def validators(connection: Connection, source: str) -> tuple[str, str] | None:
    """Return what was stored for the feed, its ETag and Last-Modified."""
    row = connection.execute(select(feeds.c.etag, feeds.c.last_modified).where(feeds.c.source == source)).first()
    return None if row is None else (row.etag, row.last_modified)


def collected(connection: Connection, first: date, last: date, source: str | None) -> list[Collection]:
    """Return what was asked for between two days, with the number of papers that are listed now."""
    same_list = and_(listings.c.listed_on == collections.c.day, listings.c.source == collections.c.source)
    statement = (
        select(collections, func.count(listings.c.paper).label("papers"))
        .select_from(collections.outerjoin(listings, same_list))
        .where(collections.c.day.between(first, last))
        .group_by(collections.c.day, collections.c.source, collections.c.collected_at)
        .order_by(collections.c.day, collections.c.source)
    )
    if source is not None:
        statement = statement.where(collections.c.source == source)
    return [
        Collection(
            source=row.source,
            day=row.day,
            state=DayState.COLLECTED if row.papers else DayState.EMPTY,
            papers=row.papers,
            collected_at=row.collected_at,
        )
        for row in connection.execute(statement)
    ]


def state_of(connection: Connection, day: date, sources: Iterable[str] | None) -> DayState:
    """Return what is known of a day over these sources, or over all."""
    listed = select(listings.c.paper).where(listings.c.listed_on == day)
    asked = select(collections.c.source).where(collections.c.day == day)
    if sources is not None:
        names = list(sources)
        listed = listed.where(listings.c.source.in_(names))
        asked = asked.where(collections.c.source.in_(names))
    if connection.execute(listed.limit(1)).first():
        return DayState.COLLECTED
    return DayState.EMPTY if connection.execute(asked.limit(1)).first() else DayState.NOT_COLLECTED
