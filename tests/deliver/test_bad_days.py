"""Whole sends over a relay that fails at random: no mail is handed over twice or accounted for wrongly."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.smtp import SmtpMailer
from newsletter.errors import RelayGoneError
from newsletter.model import DeliveryState
from tests.deliver.handing import Leave

if TYPE_CHECKING:
    from newsletter.model import Message
    from tests.deliver.conftest import MakeMessage
    from tests.deliver.relay import Relay

MAILS = 40
BEFORE = ["421 closing", "450 busy", "451 slow down", "550 unknown", "554 no", "drop", "half", "gibberish", "650 what"]
AFTER = ["drop", "half", "gibberish", "354 still going on"]  # the test's relay has kept the mail by then


@pytest.fixture
def mails(make_message: MakeMessage) -> list[Message]:
    return [make_message(number) for number in range(MAILS)]


def bad_day(relay: Relay, chance: random.Random) -> None:
    """Order a fault at about every fifth mail."""
    for step, orders in {"MAIL": BEFORE, "RCPT": BEFORE, "DATA": BEFORE, "END": AFTER}.items():
        relay.faults[step] = [chance.choice(orders) if chance.random() < 0.05 else None for _ in range(2 * MAILS)]
    relay.faults["GREETING"] = ["421 busy" if chance.random() < 0.1 else None for _ in range(2 * MAILS)]


@pytest.mark.parametrize("seed", range(20))
def test_on_a_bad_day_the_books_agree_with_what_the_relay_has(relay: Relay, mails: list[Message], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    bad_day(relay, chance)
    became: dict[int, DeliveryState | str] = {}
    leaves = [Leave(answer=chance.random() > 0.05) for _ in mails]

    mailer = SmtpMailer(relay.settings(per_connection=chance.choice([0, 7])), password="")
    for number, mail in enumerate(mails):
        following = mails[number + 1] if number + 1 < MAILS and chance.random() < 0.9 else None
        try:
            receipt = mailer.deliver(mail, leave=leaves[number], following=following)
        except RelayGoneError:
            became[number] = "gone"
        else:
            became[number] = receipt.state if receipt else "stayed"
    mailer.__exit__(None, None, None)

    handed_over = {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN}
    assert Counter(relay.readers) == Counter(f"reader{number}" for number in became if became[number] in handed_over)
    left = {number for number, leave in enumerate(leaves) if leave.seen and leave.answer}
    assert left == {number for number in became if became[number] in handed_over}
    assert all(len(leave.seen) <= 1 for leave in leaves)
    assert {became[number] for number, leave in enumerate(leaves) if not leave.answer} <= {
        "stayed",
        "gone",
        DeliveryState.DEFERRED,
        DeliveryState.FAILED,
    }
    assert len(set(became.values())) >= 4, "it was a bad day"
