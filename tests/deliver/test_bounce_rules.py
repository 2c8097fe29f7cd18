"""What a code or a word means, and when an address is given up: tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.config import load_config
from newsletter.deliver.bounce_rules import kind_of, mildest, status_in, verdict
from newsletter.model import Bounce, BounceKind, SubscriberStatus

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.settings import BounceSettings

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)
HARD, SOFT, POLICY = BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("5.1.1", "", HARD),
        ("5.1.2", "", HARD),
        ("5.1.3", "", HARD),
        ("5.1.6", "", HARD),
        ("5.1.10", "", HARD),
        ("5.1.8", "sender rejected", POLICY),
        ("5.2.1", "", HARD),
        ("5.2.2", "", SOFT),
        ("5.2.3", "", POLICY),
        ("5.2.0", "", SOFT),
        ("5.2.0", "mailbox disabled", HARD),
        ("5.3.0", "", SOFT),
        ("5.3.4", "", POLICY),
        ("5.4.1", "", SOFT),
        ("5.4.4", "", HARD),
        ("5.4.6", "", SOFT),
        ("5.4.7", "", SOFT),
        ("5.5.0", "550 mailbox unavailable", SOFT),
        ("5.5.0", "550 user unknown", HARD),
        ("5.6.0", "", POLICY),
        ("5.7.1", "user unknown", POLICY),
        ("5.7.26", "", POLICY),
        ("4.1.1", "user unknown", SOFT),
        ("4.2.2", "", SOFT),
        ("4.4.7", "", SOFT),
        ("4.7.1", "greylisted", POLICY),
        ("5.0.0", "550 5.1.1 <a@b.example> unknown", HARD),
        ("5.0.0", "", SOFT),
        ("5.99.99", "", SOFT),
        ("", "", SOFT),
        ("", "550 no such user here", HARD),
        ("", "452 try again", SOFT),
        ("", "552 user unknown", SOFT),
        ("", "421 user unknown", SOFT),
        ("", "554 message rejected: listed on a DNSBL", POLICY),
        ("", "550 rejected due to local policy, user unknown", POLICY),
        ("", "The e-mail account does not exist at the organization", HARD),
        ("", "connect to [4.1.1.7]:25 refused, user unknown", HARD),
        ("", "Exim 4.94.2 says: unknown user", HARD),
        ("", "gibberish", SOFT),
        ("gibberish", "gibberish", SOFT),
    ],
)
def test_what_a_refusal_means(status: str, words: str, kind: BounceKind) -> None:
    assert kind_of(status, words) is kind


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1", "5.1.1"),
        ("(#5.1.1)", "5.1.1"),
        ("550-5.1.1 The", "5.1.1"),
        ("5.1.1 (bad destination)", "5.1.1"),
        ("ends with 5.1.1.", "5.1.1"),
        ("2.0.0 fine, then 4.2.2", "4.2.2"),
        ("10.5.1.1", ""),
        ("5.1.1.9", ""),
        ("15.1.1", ""),
        ("5.1", ""),
        ("", ""),
    ],
)
def test_where_a_code_stands(text: str, status: str) -> None:
    assert status_in(text) == status


def test_of_several_kinds_the_mildest_counts() -> None:
    assert mildest([HARD, SOFT, HARD]) is SOFT
    assert mildest([HARD, POLICY, SOFT]) is POLICY
    assert mildest([HARD]) is HARD


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> BounceSettings:
    home: Path = tmp_path_factory.mktemp("home")
    return load_config(home, {}).bounces


def bounces(kind: BounceKind, *days_ago: float, issue: int = 0) -> list[Bounce]:
    """One bounce for each number of days, of different issues unless one is named."""
    return [
        Bounce(
            subscriber_id=1,
            kind=kind,
            mail=f"{kind}{days}",
            at=NOW - timedelta(days=days),
            issue_id=issue or 100 + number,
        )
        for number, days in enumerate(days_ago)
    ]


def judged(rules: BounceSettings, history: list[Bounce]) -> SubscriberStatus | None:
    return verdict(history[-1], history[:-1], rules=rules, now=NOW)


BOUNCED = SubscriberStatus.BOUNCED


@pytest.mark.parametrize(
    ("history", "status"),
    [
        (bounces(HARD, 0), None),
        (bounces(HARD, 1, 0), BOUNCED),
        (bounces(HARD, 1, 0, issue=9), None),
        (bounces(HARD, 89, 0), BOUNCED),
        (bounces(HARD, 91, 0), None),
        (bounces(HARD, 1) + bounces(SOFT, 0, issue=9), None),
        (bounces(SOFT, 4, 3, 2, 1, 0), None),  # a mailbox that was full for some days
        (bounces(SOFT, *range(10, -1, -1)), BOUNCED),
        (bounces(SOFT, *range(9, -1, -1)), None),
        (bounces(SOFT, 28, 21, 14, 7, 0), BOUNCED),  # five weekly issues
        (bounces(SOFT, 21, 14, 7, 0), None),
        (bounces(SOFT, *range(360, -1, -30)), BOUNCED),  # a monthly issue, for a year
        (bounces(SOFT, 400, 300, 200, 100, 0), None),  # once in a while
        (bounces(SOFT, 900, 800, 700, 600, 500, 0.1, 0), None),  # long ago
        (bounces(SOFT, 20, 10, 0, issue=9) * 4, None),
        (bounces(POLICY, *range(60, -1, -1)), None),
        (bounces(BounceKind.DELAYED, *range(60, -1, -1)), None),
        (bounces(BounceKind.COMPLAINT, 0), SubscriberStatus.COMPLAINED),
        (bounces(BounceKind.UNSUBSCRIBE, 0), SubscriberStatus.UNSUBSCRIBED),
        (bounces(BounceKind.UNSUBSCRIBE, 5) + bounces(SOFT, 0), None),  # they came back since
        (bounces(HARD, 1, 0) + bounces(POLICY, 0, issue=9), None),
    ],
)
def test_when_an_address_is_given_up(
    rules: BounceSettings, history: list[Bounce], status: SubscriberStatus | None
) -> None:
    assert judged(rules, history) is status


def test_one_hard_bounce_is_enough_where_the_settings_say_so(rules: BounceSettings) -> None:
    strict = rules.model_copy(update={"hard_issues": 1})
    assert judged(strict, bounces(HARD, 0)) is BOUNCED


def test_the_letters_of_a_day_count_as_one(rules: BounceSettings) -> None:
    letters = [
        Bounce(subscriber_id=1, kind=HARD, mail=str(hours), at=NOW - timedelta(hours=hours)) for hours in (24, 1, 0)
    ]
    assert judged(rules, letters[1:]) is None
    assert judged(rules, letters) is BOUNCED


def test_a_clock_that_went_back_gives_up_nobody_sooner(rules: BounceSettings) -> None:
    assert judged(rules, bounces(SOFT, -3, -2, -1)) is None
