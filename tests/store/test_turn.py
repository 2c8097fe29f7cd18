"""Writers of one SQLite file queue: threads, programs, and whoever comes after one that holds its turn for too long."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import TYPE_CHECKING

import pytest

from newsletter.store import turn
from newsletter.store.turn import WritersTurn

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event
    from pathlib import Path

pytest.importorskip("fcntl", reason="this system has no locks that programs share")
_WAIT = 60  # seconds; only a fault takes so long


def held(mine: WritersTurn) -> bool:
    return mine._held


def _count_up(database: Path, file: Path, times: int, go: Event) -> None:
    mine = WritersTurn(database)
    go.wait(_WAIT)
    for _ in range(times):
        with mine:
            file.write_text(str(int(file.read_text("ascii")) + 1), "ascii")
    mine.close()


def test_programs_have_it_one_at_a_time(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.write_text("0", "ascii")
    context = multiprocessing.get_context("spawn")
    go = context.Event()
    many = [context.Process(target=_count_up, args=(tmp_path / "a.db", counted, 200, go)) for _ in range(3)]
    for one in many:
        one.start()
    go.set()
    for one in many:
        one.join(_WAIT)
    assert [one.exitcode for one in many] == [0, 0, 0]
    assert counted.read_text("ascii") == "600"
    assert sorted(tmp_path.iterdir()) == [counted], "nothing is left beside the database"


def test_threads_have_it_one_at_a_time_and_one_may_enter_again(tmp_path: Path) -> None:
    mine, inside, seen = WritersTurn(tmp_path / "a.db"), [], []

    def enter() -> None:
        for _ in range(200):
            with mine, mine:
                inside.append(1)
                seen.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(_WAIT)
    assert seen == [1] * 800
    mine.close()


def _hold(database: Path, told: Connection, over: Event) -> None:
    with WritersTurn(database):
        told.send("held")
        over.wait(_WAIT)


def test_who_waits_in_vain_goes_on_to_the_databases_own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = multiprocessing.get_context("spawn")
    heard, told = context.Pipe(duplex=False)
    over = context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "a.db", told, over))
    other.start()
    try:
        assert heard.poll(_WAIT)
        monkeypatch.setattr(turn, "_PATIENCE", 0.0)
        mine = WritersTurn(tmp_path / "a.db")
        with mine:
            assert not held(mine)
        monkeypatch.undo()
        over.set()
        with mine:
            assert held(mine)
        mine.close()
    finally:
        over.set()
        other.join(_WAIT)


def test_who_is_interrupted_while_waiting_does_not_keep_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    other, mine, had = WritersTurn(tmp_path / "a.db"), WritersTurn(tmp_path / "a.db"), []
    with other, monkeypatch.context() as context:
        context.setattr("newsletter.store.turn.time.sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mine.__enter__()

    def enter() -> None:
        with mine:
            had.append(held(mine))

    thread = threading.Thread(target=enter, daemon=True)
    thread.start()
    thread.join(_WAIT)
    assert had == [True]
    mine.close()
    other.close()


def test_a_folder_that_is_gone_stops_nobody_here(tmp_path: Path) -> None:
    mine = WritersTurn(tmp_path / "gone" / "a.db")
    with mine:
        assert not mine._held
    mine.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_holds_a_turn_of_its_own(tmp_path: Path) -> None:
    mine = WritersTurn(tmp_path / "a.db")
    with mine:
        before = mine._opened
    mine._opened_by = -1  # as it looks from a fork
    with mine:
        assert mine._held
        assert mine._opened != before
    mine.close()
    assert before is not None
    os.close(before)
