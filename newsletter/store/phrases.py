"""Phrases without those that another one makes superfluous: who asks for "agent" finds "agent memory" anyway.

What is left finds the same papers and costs the index less. Stems are the database's own, so that it is never wrong
about what a phrase finds.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import text

from newsletter.store.search import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_PLAIN = re.compile(r"'\w+'(?: <-> '\w+')*")  # words that follow one another, no stop word among or beside them
_STEMMED = text("""
    SELECT to_tsquery('english', phrase)::text FROM unnest(CAST(:phrases AS text[]))
    WITH ORDINALITY AS asked (phrase, place) ORDER BY place""")


def telling(connection: Connection, phrases: Sequence[str]) -> tuple[str, ...]:
    """Return the phrases that are not found by another one of them already, in their order."""
    asked = tuple(spoken for phrase in phrases if (spoken := words(phrase)))
    if connection.dialect.name == "sqlite":
        stems = _porter_stems(asked)
    else:
        quoted = [" <-> ".join(f"'{word}'" for word in phrase.split()) for phrase in asked]
        found = connection.execute(_STEMMED, {"phrases": quoted}).scalars()
        stems = tuple(_stems_in(one) for one in found)
    return tuple(phrase for place, phrase in enumerate(asked) if not _is_found(place, stems))


@lru_cache(maxsize=1_000)
def _porter_stems(phrases: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the stems that SQLite's index makes of phrases (https://www.sqlite.org/fts5.html#the_fts5vocab_module)."""
    stems: list[list[str]] = [[] for _ in phrases]
    with closing(sqlite3.connect(":memory:")) as alone:
        alone.execute("CREATE VIRTUAL TABLE said USING fts5 (phrase, tokenize = 'porter unicode61')")
        alone.execute("CREATE VIRTUAL TABLE heard USING fts5vocab (said, instance)")
        alone.executemany("INSERT INTO said (rowid, phrase) VALUES (?, ?)", enumerate(phrases))
        for place, stem in alone.execute("SELECT doc, term FROM heard ORDER BY doc, offset"):
            stems[place].append(stem)
    return tuple(map(tuple, stems))


def _stems_in(query: str) -> tuple[str, ...]:
    """Return the stems of PostgreSQL's query; none where it is not plain, and so is left as it is."""
    return tuple(re.findall(r"'(\w+)'", query)) if _PLAIN.fullmatch(query) else ()


def _is_found(place: int, stems: Sequence[tuple[str, ...]]) -> bool:
    """Whether another phrase stands within this one; of two that are alike, the first stays."""
    whole = stems[place]
    return any(
        other and (len(other) < len(whole) or (other == whole and at < place)) and _within(other, whole)
        for at, other in enumerate(stems)
    )


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    return any(whole[start : start + len(part)] == part for start in range(len(whole) - len(part) + 1))
