"""Papers from a JSON file: a saved answer of the endpoint, a list that this program printed, or one paper a line.

It takes text; it opens no file and asks no network.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from newsletter.collect.base import Batch, Rejected
from newsletter.collect.flat import FILE_SOURCE, read_flat
from newsletter.collect.merge import merge_papers
from newsletter.collect.payload import load_json, opening
from newsletter.collect.wire import listed, problem, read_item
from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.model import Paper

_STAMP = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?:T(\d{2})(\d{2})Z)?(?!\d)", re.ASCII)
_BROKEN = object()  # a line that is no JSON object


def read_json(text: str, *, name: str, where: str, now: datetime) -> Batch:
    """Return the papers that `text` holds; `name` is the file's own name, `where` what messages call it.

    Items may be the endpoint's or flat ones (see `flat.py`). A day in the name (`2024-05-27.json`) is the day of
    items that name none; a moment in it (`2025-01-22T0416Z.json`, UTC) dates the votes, else `now` does.

    Raises:
        BadAnswerError: it is no JSON, or not one paper in it can be read.
    """
    day, moment = stamped(name)
    papers: list[Paper] = []
    rejected: list[Rejected] = []
    for place, entry in _entries(text, where):
        try:
            papers.append(_read(entry, listed_on=day))
        except ValueError as error:
            rejected.append(Rejected(where=place, reason=problem(error)))
    if not papers:
        reason = f"; {rejected[0].where}: {rejected[0].reason}" if rejected else ""
        raise BadAnswerError(f"{where} holds no papers{reason}")
    sources = {paper.source for paper in papers}
    return Batch(
        source=sources.pop() if len(sources) == 1 else FILE_SOURCE,
        papers=merge_papers(papers),
        entries=len(papers) + len(rejected),
        taken_at=min(moment, now) if moment else now,
        rejected=tuple(rejected),
    )


def stamped(name: str) -> tuple[date | None, datetime | None]:
    """Return the UTC day and the moment (aware, UTC) that a file's name holds; None where it holds none."""
    for day, hour, minute in _STAMP.findall(name):
        try:
            if not hour:
                return date.fromisoformat(day), None
            moment = datetime.fromisoformat(f"{day}T{hour}:{minute}").replace(tzinfo=UTC)
        except ValueError:
            continue  # eight digits that are no date
        return moment.date(), moment
    return None, None


def _read(entry: object, *, listed_on: date | None) -> Paper:
    if entry is _BROKEN:
        raise ValueError("it is no JSON object, or a broken one")
    is_item = isinstance(entry, dict) and "paper" in entry
    return read_item(entry, listed_on=listed_on) if is_item else read_flat(entry, listed_on=listed_on)


def _entries(text: str, where: str) -> Iterator[tuple[str, object]]:
    """Yield each entry with its place: of a list by its number, of lines by the line's."""
    if text.lstrip()[:1] == "[":
        items = listed(load_json(text, where=where), where=where)
        yield from ((f"{where}, item {number}", item) for number, item in enumerate(items, start=1))
        return
    # Only a line feed ends a line: a JSON text may hold U+2028 and its like inside.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    read = [(number, _object(line)) for number, line in lines]
    if all(entry is _BROKEN for _, entry in read):
        yield where, _whole(text, where)
        return
    yield from ((f"{where}:{number}", entry) for number, entry in read)


def _object(line: str) -> object:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return _BROKEN
    return entry if isinstance(entry, dict) else _BROKEN


def _whole(text: str, where: str) -> object:
    """Return the one object that is spread over all lines."""
    if not text.strip():
        raise BadAnswerError(f"{where} holds no papers: it is empty")
    entry = load_json(text, where=where)
    if not isinstance(entry, dict):
        raise BadAnswerError(f"{where} holds no papers: it {opening(text)}")
    return entry
