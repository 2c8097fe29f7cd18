"""Freezing in a process of its own: what goes wrong there is told here, and nothing of it is lost."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.cli import freezing
from newsletter.errors import DeliveryError, IssueStateError
from newsletter.pipeline import freezing as deciding

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command import Newsletter

PERIOD = "2026-07-14"
NOW = datetime(2026, 7, 15, tzinfo=UTC)
forked = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="a patch reaches only a forked process"
)


def test_what_the_other_process_refuses_is_refused_here(newsletter: Newsletter, home: Path) -> None:
    newsletter.well("draft", PERIOD)
    newsletter.well("approve", PERIOD)
    with pytest.raises(IssueStateError, match="has no reader"):
        freezing.freeze_apart(home, {}, PERIOD, now=NOW)


@forked
def test_a_mistake_of_ours_goes_through_with_the_place_where_it_was_made(
    newsletter: Newsletter, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slip(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a slip of ours")

    newsletter.well("draft", PERIOD)
    newsletter.well("approve", PERIOD)
    monkeypatch.setattr(deciding, "freeze", slip)
    with pytest.raises(ZeroDivisionError, match="a slip of ours") as raised:
        freezing.freeze_apart(home, {}, PERIOD, now=NOW)
    assert "in slip" in "".join(raised.value.__notes__)
    line = newsletter.refused("send", PERIOD)
    assert "unexpected ZeroDivisionError: a slip of ours" in line


@forked
def test_a_process_that_is_killed_is_told(newsletter: Newsletter, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit(9)

    newsletter.well("draft", PERIOD)
    monkeypatch.setattr(deciding, "freeze", killed)
    with pytest.raises(DeliveryError, match="was not decided: the process that chose its papers ended with 9"):
        freezing.freeze_apart(home, {}, PERIOD, now=NOW)
