"""How much strangers can make this newsletter do: counted in the store, so that several processes share a limit."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import UsageError
from newsletter.pipeline.subscribing.desk import network_of
from newsletter.pipeline.subscribing.holding import purge
from newsletter.pipeline.subscribing.limits import mailbox_of
from newsletter.pipeline.subscribing.moving import request_address
from newsletter.pipeline.subscribing.signing_up import SignUp
from newsletter.store.attempts import DAY, HOUR, window
from newsletter.store.schema import attempts
from tests.subscribing.conftest import front_on

if TYPE_CHECKING:
    from newsletter.config import Config
    from newsletter.render.letters import LetterRenderer
    from newsletter.store import Store
    from tests.subscribing.conftest import Front

ADA = "ada@x.example"


def test_an_address_gets_three_letters_a_day_and_the_answer_stays_the_same(front: Front) -> None:
    told = [front.sign_up(ADA, client=f"198.51.{n}.1") for n in range(10)]
    letters = 0
    for n in range(10):
        told.append(front.sign_up("bob@x.example", client=f"203.0.{n}.1"))
        letters += len(front.mails())
    assert set(told) == {SignUp.LOOK}
    assert letters == 1 + 3, "ada's three were one letter that waited"
    front.later(days=1)
    front.sign_up("bob@x.example")
    assert len(front.mails()) == 1


def test_names_after_a_plus_lead_to_one_mailbox(front: Front) -> None:
    for n in range(10):
        front.sign_up(f"ada+{n}@x.example", client=f"198.51.{n}.1")
    assert len(front.mails()) == 3
    assert mailbox_of("Ada+a+b@X.example") == "ada@x.example"
    assert mailbox_of("+a@x.example") == "+a@x.example"


def test_a_thousand_sign_ups_from_one_network_come_to_twenty(front: Front) -> None:
    told = [front.sign_up(f"stranger{n}@x.example", client=f"192.0.2.{n % 256}") for n in range(1000)]
    assert told.count(SignUp.LOOK) == 20
    assert told[20:] == [SignUp.TOO_MANY] * 980
    assert len(front.mails()) == 20
    assert front.sign_up(ADA, client="192.0.3.1") is SignUp.LOOK, "the next network is not held up"
    front.later(hours=1)
    assert front.sign_up(ADA, client="192.0.2.1") is SignUp.LOOK


def test_a_thousand_strangers_addresses_from_everywhere_come_to_the_total(front: Front) -> None:
    told = [front.sign_up(f"stranger{n}@x.example", client=f"10.{n // 256}.{n % 256}.1") for n in range(1000)]
    assert told.count(SignUp.LOOK) == 500
    assert len(front.mails()) == 500


def test_a_network_over_its_limit_does_not_use_up_what_all_have(
    store: Store, config: Config, renderer: LetterRenderer
) -> None:
    front = front_on(store, config, renderer, network_hour=2, total_hour=4)
    for n in range(10):
        front.sign_up(f"stranger{n}@x.example")
    assert front.sign_up(ADA, client="198.51.100.1") is SignUp.LOOK


def test_what_is_refused_as_no_address_counts_for_nothing(front: Front) -> None:
    for _ in range(30):
        with pytest.raises(UsageError):
            front.sign_up("no address")
    assert front.sign_up(ADA) is SignUp.LOOK


def test_a_preferences_link_cannot_be_used_to_write_to_strangers(front: Front) -> None:
    who = front.confirmed(ADA).id
    for n in range(3):
        request_address(front.desk, who, f"stranger{n}@x.example", now=front.now)
    with pytest.raises(UsageError, match="try again tomorrow"):
        request_address(front.desk, who, "stranger4@x.example", now=front.now)
    assert len(front.mails()) == 1, "of letters of one kind to one reader only the last waits"


def test_neither_address_nor_network_can_be_read_in_the_counters(front: Front) -> None:
    front.sign_up(ADA, client="192.0.2.77")
    with front.store._database.reading() as connection:
        rows = [str(tuple(row)) for row in connection.execute(attempts.select())]
    assert len(rows) == 3
    assert not [row for row in rows if "ada" in row or "192.0" in row]


def test_counters_of_days_that_are_over_are_purged(front: Front) -> None:
    front.sign_up(ADA)
    assert purge(front.desk, now=front.now).counters == 0
    front.later(days=1)
    assert purge(front.desk, now=front.now).counters == 3


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("testclient", ""),
        ("192.0.2.77, 10.0.0.1", ""),
    ],
)
def test_a_client_is_counted_with_its_network(client: str, network: str) -> None:
    assert network_of(client) == network


def test_windows_are_hours_and_days_of_utc() -> None:
    at = datetime(2026, 7, 14, 23, 59, tzinfo=UTC).astimezone()
    assert window(at, HOUR) == datetime(2026, 7, 14, 23, tzinfo=UTC)
    assert window(at, DAY) == datetime(2026, 7, 14, tzinfo=UTC)
    assert window(at + timedelta(minutes=1), DAY) == datetime(2026, 7, 15, tzinfo=UTC)


COUNT = """
import sys
from datetime import UTC, datetime
from newsletter.store import open_store
from newsletter.store.attempts import HOUR
now = datetime(2026, 7, 14, tzinfo=UTC)
with open_store(sys.argv[1]) as store:
    for _ in range(100):
        print(store.attempts.count("network", "key", span=HOUR, now=now))
"""


def test_two_processes_share_a_counter(store_url: str) -> None:
    command = [sys.executable, "-W", "error", "-c", COUNT, store_url]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counted = [int(line) for racer in racers for line in racer.communicate()[0].split()]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert sorted(counted) == list(range(1, 201))
