"""How often something was tried within an hour or a day, counted by all processes together; keys are hashes."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete

from newsletter.store.engine import insert_into
from newsletter.store.schema import attempts

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.store.engine import Database

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class AttemptStore:
    """The counters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, kind: str, key: str, *, span: timedelta, now: datetime) -> int:
        """Count one attempt, and return how many there were in this `HOUR` or `DAY` of UTC, this one included."""
        row = {"kind": kind, "key": key, "window": window(now, span)}
        with self._database.writing() as connection:
            new = insert_into(connection, attempts).values(**row, number=1)
            counted = new.on_conflict_do_update(
                index_elements=["kind", "key", "window"], set_={"number": attempts.c.number + 1}
            )
            return int(connection.execute(counted.returning(attempts.c.number)).scalar_one())

    def purge(self, *, now: datetime) -> int:
        """Delete the counters of windows that are over, and return how many there were."""
        with self._database.writing() as connection:
            return connection.execute(delete(attempts).where(attempts.c.window < window(now, DAY))).rowcount


def window(now: datetime, span: timedelta) -> datetime:
    """Return when the hour or day of UTC began that `now` (aware) lies in."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return start.replace(hour=0) if span >= DAY else start
