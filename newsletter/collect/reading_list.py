"""Reads a reading list: `{"name": ..., "entries": [{"id": arXiv id, "added": UTC day}, ...]}`, other keys ignored.

It takes text; it opens no file, and looks no paper up.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, ValidationError

from newsletter.collect.payload import load_json
from newsletter.errors import BadAnswerError
from newsletter.model import arxiv_id

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Entry(BaseModel):
    id: str = Field(min_length=1)
    added: date


class _List(BaseModel):
    name: str = Field(min_length=1)
    entries: list[_Entry]


def read_reading_list(text: str, *, where: str) -> tuple[str, Mapping[str, date]]:
    """Return the list's name, and for each paper id (arXiv ids without a version) the first day it was added.

    Raises:
        BadAnswerError: it is no such list, or has an entry that is none; nothing of it is used.
    """
    try:
        read = _List.model_validate(load_json(text, where=where))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise BadAnswerError(f"{where} is no reading list: {place}: {first['msg']}") from None
    added: dict[str, date] = {}
    for entry in sorted(read.entries, key=lambda entry: entry.added):
        added.setdefault(arxiv_id(entry.id) or entry.id, entry.added)
    return read.name, added
