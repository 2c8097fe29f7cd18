"""A secret is read from its own file, whole or not at all, and never told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.config import read_secret
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "held", [b"hunter2", b"hunter2\n", b"hunter2\r\n", b"  hunter2 \n\n", b"\xef\xbb\xbfhunter2\n"]
)
def test_the_one_line_is_the_secret(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "password").write_bytes(held)

    assert read_secret(tmp_path / "password") == "hunter2"


def test_a_secret_may_hold_spaces_and_any_letter(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct hörse\n", "utf-8")

    assert read_secret(tmp_path / "password") == "correct hörse"


@pytest.mark.parametrize("held", [b"", b" \n", b"hunter2\nhunter3", b"hunter2\0", b"\xff\xfeh", b"x" * 5000])
def test_anything_else_is_refused_without_a_word_of_it(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(held)

    with pytest.raises(ConfigError) as refused:
        read_secret(path)

    assert str(refused.value).startswith(f"{path} ")
    assert str(refused.value).isprintable()
    assert "hunter" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent cannot be read: .*; it must hold the secret in one line"):
        read_secret(tmp_path / "absent")
