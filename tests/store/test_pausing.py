"""A reader's pause, set while an issue is on its way: it acts on every mail that is not handed over yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.model import DeliveryState
from newsletter.pauses import local_day, pause_reason
from tests.store.sending import NOW

if TYPE_CHECKING:
    from newsletter.model import Subscriber
    from tests.store.sending import Sending

TOMORROW = date(2026, 7, 15)


def pause(sending: Sending, reader: Subscriber, until: date | None) -> None:
    sending.store.subscribers.change(reader.address, lambda known: replace(known, paused_until=until), now=NOW)


def replies(sending: Sending) -> list[str]:
    return [one.reply for one in sending.store.deliveries.all(sending.issue.id, DeliveryState.SKIPPED) if one.digest_id]


def test_who_pauses_before_the_chunk_is_claimed_is_skipped(sending: Sending) -> None:
    pause(sending, sending.readers[1], TOMORROW)
    chunk = sending.store.chunks.claim(sending.issue.id, owner="a", now=NOW, lease=timedelta(minutes=5))
    assert chunk
    assert sending.readers[1].id not in [due.subscriber.id for due in chunk.due]
    assert replies(sending) == ["paused until 2026-07-15"]


def test_who_pauses_while_the_chunk_is_under_way_is_skipped_too(sending: Sending) -> None:
    chunk = sending.store.chunks.claim(sending.issue.id, owner="a", now=NOW, lease=timedelta(minutes=5))
    assert chunk
    first, second = chunk.due[:2]
    pause(sending, first.subscriber, TOMORROW)
    pause(sending, second.subscriber, NOW.date())
    with sending.store.ledger() as ledger:
        assert not ledger.attempt(chunk, first, now=NOW)
        assert ledger.skip(chunk, first, now=NOW)
        assert not ledger.skip(chunk, second, now=NOW), "a pause that ended this morning holds nothing up"
        assert ledger.attempt(chunk, second, now=NOW)
    assert replies(sending) == ["paused until 2026-07-15"]


@pytest.mark.parametrize(
    ("zone", "until", "paused"),
    [
        ("UTC", date(2026, 7, 14), False),
        ("UTC", date(2026, 7, 15), True),
        ("Pacific/Kiritimati", date(2026, 7, 14), False),
        ("Pacific/Pago_Pago", date(2026, 7, 14), True),
        ("Not/Anywhere", date(2026, 7, 15), True),
    ],
)
def test_the_day_is_the_readers_own(zone: str, until: date, paused: bool) -> None:
    assert bool(pause_reason(until, zone, NOW)) is paused
    assert pause_reason(None, zone, NOW) == ""
    assert (local_day(zone, NOW) < until) is paused
