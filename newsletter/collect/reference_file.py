"""Opens a file that names papers and hands its text to the reader that knows its form: BibTeX, JSON, or plain lines.

It looks no paper up; what the references mean is for the caller to find out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.collect.bibtex import is_bibtex, read_bibtex
from newsletter.collect.files import read_bytes
from newsletter.collect.payload import decode_text
from newsletter.collect.reading_list import read_reading_list
from newsletter.collect.reference import Reference, reference, references
from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 16 * 1024 * 1024  # a bibliography of 6,000 entries with abstracts holds 13 MB
_MOST_LINES = 20_000
_BULLETS = "-*•< \t"


def read_references(path: Path, *, most_bytes: int = MOST_BYTES) -> tuple[Reference, ...]:
    """Return what a file names: BibTeX, the JSON reading list of `evaluate`, or plain text with one paper a line.

    The content decides, and the suffix .bib only where no entry tells. It may be gzip.

    Raises:
        BadAnswerError: it cannot be read, is larger than `most_bytes`, is broken, or names nothing.
    """
    where = str(path) if str(path).isprintable() else ascii(str(path))
    text = decode_text(read_bytes(path, where, most_bytes), where=where)
    if "\x00" in text:
        raise BadAnswerError(f"{where} is no text; give BibTeX, a JSON reading list, or one id or URL a line")
    found = _references(text, where=where, bib=".bib" in path.suffixes)
    if not found:
        raise BadAnswerError(f"{where} names no paper")
    return found


def _references(text: str, *, where: str, bib: bool) -> tuple[Reference, ...]:
    if text.lstrip()[:1] in {"{", "["}:
        _, added = read_reading_list(text, where=where)
        return tuple(reference(key, where=where) for key in added)
    if bib or is_bibtex(text):
        return read_bibtex(text, where=where)
    return _lines(text, where=where)


def _lines(text: str, *, where: str) -> tuple[Reference, ...]:
    """Return what each line names, the bullet of a list taken off; empty ones and those behind a `#` name nothing."""
    lines = [(number, line.strip().lstrip(_BULLETS)) for number, line in enumerate(text.splitlines(), start=1)]
    named = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if len(named) > _MOST_LINES:
        raise BadAnswerError(f"{where} has {len(named):,} lines; {_MOST_LINES:,} are the most, split it")
    return tuple(one for number, line in named for one in references(line, where=f"{where}, line {number}"))
