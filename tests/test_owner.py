"""A lease's owner: one running program, which others on its machine see end, and nobody takes for another."""

from __future__ import annotations

import os
import subprocess
import sys

from newsletter.pipeline.owner import has_ended, new_owner

NAME = "import os; from newsletter.pipeline.owner import new_owner; print(new_owner(), flush=True); input()"


def test_a_program_that_runs_has_not_ended_and_one_that_was_killed_has() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        owner = other.stdout.readline().strip()
        assert not has_ended(owner)
        other.kill()
        other.wait()
    assert has_ended(owner)


def test_two_sends_of_one_process_are_two_and_both_run() -> None:
    first, second = new_owner(), new_owner()
    assert first != second
    assert not has_ended(first)
    assert not has_ended(second)


def test_a_number_given_anew_to_a_younger_process_is_not_the_old_one() -> None:
    machine, number, started, chance = new_owner().split(":")
    assert number == str(os.getpid())
    assert has_ended(f"{machine}:{number}:{int(started) - 1}:{chance}")


def test_nothing_is_known_of_other_machines_other_runs_of_this_one_and_other_names() -> None:
    machine, number, _, chance = new_owner().split(":")
    assert not has_ended(f"another {machine}:{number}:1:{chance}")
    assert not has_ended(f"{machine}:{number}::{chance}")
    assert not has_ended("demo")
    assert not has_ended("")
