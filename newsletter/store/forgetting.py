"""Who is forgotten: the row goes, and with it all that is theirs; deliveries stay, as nobody's, so that totals balance.

What was chosen for one reader alone goes too, for its reasons quote their interests; also where an issue is frozen at
that moment. What remains of an address is its keyed hash among the `suppressions`, where the caller put one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text as SqlText
from sqlalchemy import case, delete, exists, literal, select, update
from sqlalchemy import cast as sql_cast

from newsletter.life import Happening
from newsletter.model import SubscriberStatus, SuppressionReason
from newsletter.moves import Event, sources, target
from newsletter.store.chunks import FORGOTTEN
from newsletter.store.engine import Lock, hold
from newsletter.store.schema import deliveries, digest_papers, digests, events, issues, subscribers
from newsletter.store.subscribers import address_key
from newsletter.store.suppressions import suppress

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from newsletter.store.engine import Database

_BATCH = 500


class ForgettingStore:
    """Forgets subscribers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(self, address: str, *, seal: Callable[[str], str], now: datetime) -> bool:
        """Forget who has this address and keep the address's hash, so that no list brings it back.

        Returns:
            Whether somebody had it.

        Raises:
            StoreError: the database refused; nothing was changed.
        """
        whose = subscribers.c.address_key == address_key(address)
        with self._database.writing() as connection:
            row = connection.execute(select(subscribers).where(whose).with_for_update()).first()
            if row is None:
                return False
            suppress(connection, seal(row.address), SuppressionReason.REQUESTED, now=now, subscriber_id=None)
            erase(connection, row.id)
            return True

    def purge_unconfirmed(self, *, before: datetime) -> int:
        """Forget, without any trace, who signed up themselves before `before` and never confirmed; return how many.

        Those whom an operator added or imported wait for that operator.
        """
        late = (events.c.subscriber_id == subscribers.c.id, events.c.kind == Happening.SIGNED_UP.value)
        other = events.c.kind.in_([Happening.ADDED.value, Happening.IMPORTED.value])
        statement = select(subscribers.c.id).where(
            subscribers.c.status == SubscriberStatus.PENDING.value,
            exists(select(events.c.id).where(*late)),
            ~exists(select(events.c.id).where(*late, events.c.at >= before)),
            ~exists(select(events.c.id).where(events.c.subscriber_id == subscribers.c.id, other)),
        )
        number = 0
        while True:
            with self._database.writing() as connection:
                first = statement.order_by(subscribers.c.id).limit(_BATCH).with_for_update(of=subscribers)
                batch = connection.execute(first).scalars().all()
                # asked anew now that they are held: somebody may have confirmed, or signed up again, meanwhile
                gone = connection.execute(statement.where(subscribers.c.id.in_(batch))).scalars().all()
                for subscriber_id in gone:
                    erase(connection, subscriber_id)
            number += len(gone)
            if len(batch) < _BATCH:
                return number


def erase(connection: Connection, subscriber_id: int) -> None:
    """Delete a subscriber and all that is theirs inside the caller's transaction.

    Neither a freeze nor another erasing runs meanwhile: the one would add to what is theirs, and of two who were chosen
    the same for each would leave it to the other.
    """
    connection.execute(select(subscribers.c.id).where(subscribers.c.id == subscriber_id).with_for_update())
    hold(connection, Lock.FREEZING)  # always after the row, so that nobody waits in a circle
    # by issue, as the index goes: there is none of subscribers alone, and deliveries are many
    theirs = (deliveries.c.issue_id.in_(select(issues.c.id)), deliveries.c.subscriber_id == subscriber_id)
    chosen = set(connection.execute(select(deliveries.c.digest_id).where(*theirs)).scalars()) - {None}
    waits = deliveries.c.state.in_(sources(Event.SKIP))
    nobodys = {
        "subscriber_id": None,
        "digest_id": None,
        "reply": FORGOTTEN,
        "state": case((waits, target(Event.SKIP)), else_=deliveries.c.state),
    }
    connection.execute(update(deliveries).where(*theirs).values(nobodys))
    shared = exists(select(deliveries.c.id).where(deliveries.c.digest_id == digests.c.id))
    alone = connection.execute(select(digests.c.id).where(digests.c.id.in_(chosen), ~shared)).scalars().all()
    connection.execute(delete(digest_papers).where(digest_papers.c.digest_id.in_(alone)))
    # the row stays: the newest digest's number tells a freeze that another one was faster, so none may come again
    emptied = literal(f"{FORGOTTEN} ") + sql_cast(digests.c.id, SqlText)
    connection.execute(update(digests).where(digests.c.id.in_(alone)).values(key=emptied, left_out=0))
    connection.execute(delete(subscribers).where(subscribers.c.id == subscriber_id))
