"""The house's own rules, run by the test command: style, types, and imports that go down only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted((ROOT / "newsletter").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def complaints(*command: str) -> str:
    """Return what the command prints where it exits with another code than 0."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"exit {done.returncode}: {done.stdout}{done.stderr}"


def test_ruff_finds_nothing() -> None:
    assert complaints(sys.executable, "-m", "ruff", "check", ".") == ""


def test_the_code_is_formatted() -> None:
    assert complaints(sys.executable, "-m", "ruff", "format", "--check", ".") == ""


def test_the_types_hold() -> None:
    assert complaints(sys.executable, "-m", "mypy") == ""


def test_imports_go_down_only() -> None:
    assert complaints(str(Path(sys.executable).with_name("lint-imports"))) == ""


@pytest.mark.parametrize("path", CODE + TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_four_hundred_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_stays_in_the_store(path: Path) -> None:
    if "store" not in path.relative_to(ROOT).parts:
        assert "sqlalchemy" not in path.read_text("utf-8").lower()
