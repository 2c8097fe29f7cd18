"""Which words of a text are those that were searched: the text in parts, to be escaped and marked by a template.

No markup is made here, so nothing of a text can be taken for some. Words are compared by their stems, as the full-text
index does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import snowballstemmer

from newsletter.render.clean import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_BEFORE = 60  # letters that a passage shows before the first word that was found
_LOOK_AT = 20_000
_LONGEST_WORD = 60


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `hit` where it is a word that was searched."""

    text: str
    hit: bool = False


def stems_of(query: str) -> frozenset[str]:
    """Return the stems of a query's words."""
    return frozenset(_stem(word.lower()) for word in _WORD.findall(query))


def marked(text: str, stems: frozenset[str]) -> tuple[Part, ...]:
    """Return a text in parts, each searched word a part of its own."""
    if not stems:
        return (Part(text),) if text else ()
    return tuple(part for part in _parts(text, stems) if part.text)


def _parts(text: str, stems: frozenset[str]) -> Iterator[Part]:
    end = 0
    for match in _WORD.finditer(text):
        if _stem(match.group().lower()) in stems:
            yield Part(text[end : match.start()])
            yield Part(match.group(), hit=True)
            end = match.end()
    yield Part(text[end:])


def passage(text: str, stems: frozenset[str], length: int) -> str:
    """Return a text from a little before its first searched word on, where that stands further down than is shown."""
    flat = one_line(text[:_LOOK_AT])
    found = next((one.start() for one in _WORD.finditer(flat) if _stem(one.group().lower()) in stems), 0)
    if found < length - _BEFORE:
        return flat
    start = flat.find(" ", found - _BEFORE)
    return f"…{flat[start:]}" if 0 <= start < found else f"…{flat[found:]}"


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """Return a word's stem, by a stemmer of its own: it holds the word while it works, and pages have threads."""
    return str(snowballstemmer.stemmer("porter").stemWord(word[:_LONGEST_WORD]))
