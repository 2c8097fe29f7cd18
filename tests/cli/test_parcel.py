"""Errors between processes: they arrive, with their traceback, whatever their class does when it is copied."""

from __future__ import annotations

import json
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from newsletter.cli.parcel import parcel_of
from newsletter.errors import RelayGoneError

if TYPE_CHECKING:
    from newsletter.cli.parcel import Parcel


class OfTwoPartsError(Exception):
    """What many libraries have: it can be pickled, and not be read again."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code} {words}")


class OfALockError(Exception):
    """One that holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("it holds a lock")
        self.held = lambda: None


def refuse(error: Exception) -> None:
    raise error


def arrived(error: Exception) -> Exception:
    """Return what comes out at the other end of a pipe."""
    try:
        refuse(error)
    except Exception as raised:  # noqa: BLE001 - any that is given
        sent = parcel_of(raised)
    there, here = multiprocessing.Pipe()
    with there, here:
        here.send(sent)
        parcel: Parcel = there.recv()
        return parcel.opened()


@pytest.mark.parametrize("error", [RelayGoneError("no room"), json.JSONDecodeError("no JSON", "{", 1)])
def test_an_error_arrives_as_it_is_with_its_place(error: Exception) -> None:
    found = arrived(error)
    assert (type(found), str(found)) == (type(error), str(error))
    assert "in refuse" in "".join(found.__notes__)


@pytest.mark.parametrize("error", [OfTwoPartsError(5, "apples"), OfALockError()])
def test_one_that_cannot_be_copied_is_told_by_its_name_and_words(error: Exception) -> None:
    found = arrived(error)
    assert (type(found), str(found)) == (RuntimeError, f"{type(error).__name__}: {error}")
    assert "in refuse" in "".join(found.__notes__)
