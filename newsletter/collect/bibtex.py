"""BibTeX and BibLaTeX: the papers that a bibliography names, by arXiv id where an entry has one, else by title.

bibtexparser finds the entries and their fields; here is what arXiv, DBLP, Google Scholar, Zotero and others put into
them. Text in, references out; it opens no file and looks nothing up.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from bibtexparser.entrypoint import parse_string
from bibtexparser.exceptions import BlockAbortedException
from bibtexparser.model import Entry, ParsingFailedBlock

from newsletter.collect.clean import clean_title
from newsletter.collect.reference import Reference, mentioned_id, name_of, named_id
from newsletter.errors import BadAnswerError
from newsletter.model import arxiv_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bibtexparser.library import Library
    from bibtexparser.model import Block

# It warns of every broken block; the error raised here says it once. Without a handler Python would print them.
logging.getLogger("bibtexparser").addHandler(logging.NullHandler())

_MOST_BLOCKS = 20_000  # four times what a profile holds; broken blocks are slow to get over
_BLOCK = re.compile(r"@\w*[ \t]*[{(]")
_ENTRY = re.compile(r"^\s*@\s*[a-z]+[ \t]*[{(]", re.IGNORECASE | re.MULTILINE)
_BRACE = re.compile(r"[{}]")
_LEAD = re.compile(
    r"(?:\\(?:url|href)\s*\{)?(?:(?:arxiv(?: e-?prints?| preprint)?|corr)[\s,:]+(?=arxiv|abs/))?", re.IGNORECASE
)
_ABS = "abs/"
_WHO_SAYS = ("archiveprefix", "eprinttype")
# Fields that hold an id with something that says so, the most telling first.
_TELLING = (
    *("doi", "url", "ee", "journal", "journaltitle", "volume", "number"),
    *("pages", "eid", "howpublished", "publisher", "note"),
)
_READ = frozenset({"title", "eprint", "arxivid", *_WHO_SAYS, *_TELLING})


def is_bibtex(text: str) -> bool:
    """Return whether a line of `text` begins a BibTeX entry."""
    return _ENTRY.search(text) is not None


def read_bibtex(text: str, *, where: str) -> tuple[Reference, ...]:
    """Return what every entry names, in the file's order; entries that share a key or repeat a field count as well.

    Raises:
        BadAnswerError: an entry that is broken (the first one's line is named), or too many of them.
    """
    if sum(1 for _ in _BLOCK.finditer(text)) > _MOST_BLOCKS:
        raise BadAnswerError(f"{where} has more than {_MOST_BLOCKS:,} BibTeX entries; split it")
    library = parse_string(text, parse_stack=[])
    _refuse_broken(library, where)
    return tuple(_reference(entry, where) for entry in _entries(library))


def _refuse_broken(library: Library, where: str) -> None:
    broken = [block for block in library.failed_blocks if block.ignore_error_block is None]
    if broken:
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise BadAnswerError(f"{where}, line {_line(broken[0])}: broken BibTeX: {_reason(broken[0])}{more}")


def _reason(block: ParsingFailedBlock) -> str:
    error = block.error
    text = error.abort_reason if isinstance(error, BlockAbortedException) else str(error)
    return " ".join(text.split()).rstrip(".")


def _entries(library: Library) -> Iterator[Entry]:
    for block in library.blocks:
        held = block.ignore_error_block if isinstance(block, ParsingFailedBlock) else block
        if isinstance(held, ParsingFailedBlock):  # a repeated key around a repeated field
            held = held.ignore_error_block
        if isinstance(held, Entry):
            yield held


def _reference(entry: Entry, where: str) -> Reference:
    fields: dict[str, str] = {}
    for field in entry.fields:
        if (name := field.key.lower()) in _READ:
            fields.setdefault(name, _unwrapped(str(field.value)))
    title = _BRACE.sub("", clean_title(fields.get("title", "")))
    place = f"{where}, line {_line(entry)}"
    return Reference(name=name_of(title or entry.key, where=place), id=_id(fields) or "", title=title)


def _id(fields: Mapping[str, str]) -> str | None:
    return (
        _eprint(fields)
        or named_id(fields.get("arxivid", ""))
        or next((found for name in _TELLING if (found := _mentioned(fields.get(name, "")))), None)
    )


def _eprint(fields: Mapping[str, str]) -> str | None:
    """Return the id in `eprint` unless the entry says that it is another archive's (PubMed, JSTOR, ...).

    Before 2007 the archive was named apart: `archivePrefix = {hep-th}, eprint = {9901001}`.
    """
    eprint = fields.get("eprint", "")
    archive = next((fields[name] for name in _WHO_SAYS if fields.get(name)), "")
    if archive.lower() in {"", "arxiv"}:
        return named_id(eprint)
    return arxiv_id(f"{archive}/{eprint}")


def _mentioned(text: str) -> str | None:
    r"""Return the id in `arXiv preprint arXiv:ID` (Google Scholar), `abs/ID` (DBLP), a DOI, a URL or `\url{URL}`."""
    rest = _LEAD.sub("", text, count=1)
    return mentioned_id(rest) or (named_id(rest.removeprefix(_ABS)) if rest.startswith(_ABS) else None)


def _unwrapped(value: str) -> str:
    """Return a field's value without what encloses it: braces (also doubled ones) or quotes."""
    text = value.strip()
    while len(text) > 1 and (text[0], text[-1]) in {("{", "}"), ('"', '"')} and _is_one(text):
        text = text[1:-1].strip()
    return text


def _is_one(text: str) -> bool:
    """Return whether the first character's partner is the last one: `{A} and {B}` is not enclosed."""
    if text[0] == '"':
        return True
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return place == len(text) - 1
    return False


def _line(block: Block) -> int:
    return (block.start_line or 0) + 1
