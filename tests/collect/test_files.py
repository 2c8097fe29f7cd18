"""Which reader reads a file, and what becomes of files that hold something else."""

from __future__ import annotations

import codecs
import gzip
import json
import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from newsletter.collect.files import MOST_BYTES, read_file
from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEXT = json.dumps([{"paper": {"id": "2607.10383", "title": "Größe", "upvotes": 3}}], ensure_ascii=False)


def write(folder: Path, content: bytes, name: str = "2026-07-14.json") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("2024-05-27", 13),
        ("2024-06-13", 21),
        ("2025-03-07", 12),
        ("2025-03-10", 13),
        ("2025-03-11", 26),
        ("2025-05-22", 27),
        ("2025-10-03", 39),
        ("2025-11-13", 10),
    ],
)
def test_every_variant_is_read_without_a_lost_item(shared_data: Path, name: str, entries: int) -> None:
    batch = read_file(shared_data / "daily_papers_variants" / f"{name}.json", now=NOW)

    assert (batch.source, batch.entries, len(batch.papers), batch.rejected) == ("huggingface", entries, entries, ())
    assert {paper.listed_on for paper in batch.papers} == {date.fromisoformat(name)}
    assert batch.taken_at == NOW


def test_the_recorded_dates_hold_685_listings_of_684_papers(shared_data: Path) -> None:
    batches = [read_file(path, now=NOW) for path in sorted((shared_data / "daily_papers").glob("*.json"))]

    listings = {(paper.id, paper.listed_on) for batch in batches for paper in batch.papers}
    assert (len(batches), len(listings)) == (30, 685)
    assert len({identity for identity, _ in listings}) == 684


def test_the_series_is_dated_by_its_names(shared_data: Path) -> None:
    early, late = (read_file(path, now=NOW) for path in sorted((shared_data / "daily_papers_series").glob("*.json")))

    assert (len(early.papers), early.taken_at) == (1, datetime(2025, 1, 22, 4, 16, tzinfo=UTC))
    assert (len(late.papers), late.taken_at) == (13, datetime(2025, 1, 22, 6, 15, tzinfo=UTC))


def test_8358_packed_lines_are_read(shared_data: Path) -> None:
    batch = read_file(shared_data / "replay" / "papers.jsonl.gz", now=NOW)

    assert (batch.source, batch.entries, len(batch.papers), batch.rejected) == ("jsonl", 8358, 8358, ())
    days = [paper.listed_on for paper in batch.papers if paper.listed_on]
    assert (min(days), max(days)) == (date(2024, 5, 27), date(2026, 6, 4))


def test_a_saved_page_goes_to_its_reader(shared_data: Path, tmp_path: Path) -> None:
    page = shared_data / "pages" / "000_714a01a3edaed30b.txt"

    batch = read_file(page, now=NOW, year=2026)

    assert (batch.entries, batch.papers[0].source != "huggingface") == (58, True)
    # the content decides, whatever the suffix says
    assert read_file(write(tmp_path, page.read_bytes(), "page.htm"), now=NOW, year=2026).entries == 58
    assert read_file(write(tmp_path, gzip.compress(page.read_bytes()), "p.gz"), now=NOW, year=2026).entries == 58


@pytest.mark.parametrize("name", ["2026-07-14.json", "2026-07-14.txt", "2026-07-14", "2026-07-14.json.gz"])
def test_the_content_decides_not_the_suffix(tmp_path: Path, name: str) -> None:
    for content in (TEXT.encode(), gzip.compress(TEXT.encode())):
        [paper] = read_file(write(tmp_path, content, name), now=NOW).papers

        assert (paper.id, paper.listed_on) == ("2607.10383", date(2026, 7, 14))


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        b"\r\n\t" + TEXT.encode(),
    ],
    ids=["utf-8 with a mark", "utf-16", "utf-16 big-endian", "utf-32", "white space first"],
)
def test_a_byte_order_mark_is_believed(tmp_path: Path, content: bytes) -> None:
    assert read_file(write(tmp_path, content), now=NOW).papers[0].title == "Größe"


BAD = {
    "latin-1": (TEXT.encode("latin-1"), "is not UTF-8 text .* save it as UTF-8"),
    "half utf-16": (TEXT.encode("utf-16")[:-1], "is not UTF-16 text"),
    "binary": (bytes(range(256)) * 9, "is not UTF-8 text"),
    "empty": (b"", "holds no papers: it is empty"),
    "an empty list": (b"[]", "holds no papers"),
    "html": (b"<!doctype html>", "is not JSON: it starts with '<!doctype html>'"),
    "cut off": (TEXT.encode()[:-9], "is broken or cut off JSON"),
    "cut off gzip": (gzip.compress(TEXT.encode())[:-9], "is broken or cut off gzip"),
    "broken gzip": (gzip.compress(TEXT.encode())[:12] + b"\xff" * 99, "is broken or cut off gzip"),
    "gzip's first bytes": (b"\x1f\x8b\x01", "is broken or cut off gzip"),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD.keys())
def test_a_file_that_is_something_else_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = write(tmp_path, content)

    with pytest.raises(BadAnswerError, match=reason) as caught:
        read_file(path, now=NOW)

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_is_neither_json_nor_a_page_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, b"Dear reader,\nthis is a letter.\n", "letter.txt")

    with pytest.raises(BadAnswerError, match=r"letter\.txt"):
        read_file(path, now=NOW)


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, reason in (
        (tmp_path / "missing.json", "cannot be read: No such file"),
        (tmp_path, "is a folder"),
        (fifo, "is no plain file"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long"),
        (tmp_path / "two\nlines", r"two\\nlines' cannot be read"),
    ):
        with pytest.raises(BadAnswerError, match=reason) as caught:
            read_file(path, now=NOW)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[" + b" " * 5000 + b"]", gzip.compress(b" " * 5_000_000)], ids=["plain", "bomb"])
def test_a_file_that_holds_too_much_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadAnswerError, match="holds more than 4000 bytes"):
        read_file(write(tmp_path, content), now=NOW, most_bytes=4000)


def test_the_usual_bound_is_well_above_the_largest_recording() -> None:
    assert MOST_BYTES > 9 * 13_037_700  # the 8,358 lines, unpacked
