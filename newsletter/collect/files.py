"""Opens a file of papers and hands its text to the reader that knows its form. It parses nothing itself."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from newsletter.collect.jsonl import read_json
from newsletter.collect.payload import decode_text
from newsletter.collect.saved_page import read_page
from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from newsletter.collect.base import Batch

MOST_BYTES = 128 * 1024 * 1024  # as it lies on the disk and unpacked; ten times all daily lists of two years
_GZIP_MAGIC = b"\x1f\x8b"
_JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})


def read_file(path: Path, *, now: datetime, year: int | None = None, most_bytes: int = MOST_BYTES) -> Batch:
    """Return the papers of one file: JSON (a list, or one paper a line) or a saved page; either may be gzip.

    The content decides, and the suffix only where the content begins like neither. `now` (aware, UTC) dates votes
    of a file whose name holds no moment; `year` completes the dates of saved pages that leave it out.

    Raises:
        BadAnswerError: it cannot be read, is larger than `most_bytes`, or holds no papers.
    """
    where = str(path) if str(path).isprintable() else ascii(str(path))
    text = decode_text(read_bytes(path, where, most_bytes), where=where)
    if text.lstrip()[:1] in {"[", "{"} or _JSON_SUFFIXES.intersection(path.suffixes):
        return read_json(text, name=path.name, where=where, now=now)
    return read_page(text, where=where, now=now, year=year)


def read_bytes(path: Path, where: str, most: int) -> bytes:
    """Return what a plain file holds, unpacked where it is gzip; messages call it `where`.

    Raises:
        BadAnswerError: it cannot be read, or holds more than `most` bytes.
    """
    try:
        if path.is_dir():
            raise BadAnswerError(f"{where} is a folder; name the files in it")
        if path.exists() and not path.is_file():
            raise BadAnswerError(f"{where} is no plain file")
        content = _bounded(path, most + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BadAnswerError(f"{where} is broken or cut off gzip") from None
    except OSError as error:
        raise BadAnswerError(f"{where} cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise BadAnswerError(f"{where} holds more than {most} bytes; split it")
    return content


def _bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        file.seek(0)
        if not packed:
            return file.read(most)
        with gzip.GzipFile(fileobj=file) as unpacked:
            return unpacked.read(most)
