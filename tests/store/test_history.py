"""The events of all subscribers by their numbers, while several programs note some at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from newsletter.life import Event, Happening
from newsletter.model import Subscriber
from newsletter.store.engine import Database
from newsletter.store.history import note
from tests.store.sending import NOW

if TYPE_CHECKING:
    from newsletter.store import Store

A_WHILE = 0.3  # seconds that a reader is given who does not wait


@pytest.mark.postgresql  # SQLite has one writer at a time
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_who_reads_on_from_the_last_number_misses_nothing_that_a_slow_program_noted(
    store: Store, store_url: str
) -> None:
    slow, quick = (
        one.id for one in store.subscribers.add([Subscriber(address=f"{n}@x.example") for n in "ab"], now=NOW).added
    )
    database = Database(make_url(store_url))
    with ThreadPoolExecutor(1) as aside:
        with database.writing() as first:
            note(first, [slow], Event(kind=Happening.PAUSED, at=NOW))
            with database.writing() as second:
                note(second, [quick], Event(kind=Happening.RESUMED, at=NOW))
            reading = aside.submit(store.history.page, after=0, limit=1)
            wait([reading], timeout=A_WHILE)
        (seen,) = reading.result()
    database.close()
    rest = store.history.page(after=seen.id, limit=10)
    assert [one.subscriber_id for one in (seen, *rest)] == [slow, quick]
