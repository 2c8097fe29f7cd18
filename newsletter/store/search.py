"""The full-text index: FTS5 on SQLite, tsvector on PostgreSQL, and the same words in both.

Texts and queries are cut into words here, not by the databases: PostgreSQL's parser would read `GPT-4` as a word and
a negative number, and no reader's query is ever index syntax. What the databases add is stemming and weighing. How
the index is asked is in `finding`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import table, text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from newsletter.model import Paper

TABLE = table("paper_search")  # by its name alone: on either database it has columns of its own
_NOT_WORD = re.compile(r"[\W_]+")
_LONGEST_WORD = 60
# Letters that are indexed of a field: PostgreSQL takes one megabyte a paper, and a long abstract has 3,000.
_MOST_LETTERS = {"title": 2_000, "abstract": 20_000, "authors": 50_000, "keywords": 5_000}
SQLITE_TABLE = (
    "CREATE VIRTUAL TABLE paper_search USING fts5 (title, abstract, authors, keywords, tokenize = 'porter unicode61')"
)
_ADD = {
    "sqlite": text("""
        INSERT INTO paper_search (rowid, title, abstract, authors, keywords)
        VALUES (:number, :title, :abstract, :authors, :keywords)"""),
    "postgresql": text("""
        INSERT INTO paper_search (paper, words) VALUES (:number,
        setweight(to_tsvector('english', :title), 'A') || setweight(to_tsvector('english', :authors), 'B') ||
        setweight(to_tsvector('english', :keywords), 'B') || setweight(to_tsvector('english', :abstract), 'C'))"""),
}
_REMOVE = {
    "sqlite": text("DELETE FROM paper_search WHERE rowid = :number"),
    "postgresql": text("DELETE FROM paper_search WHERE paper = :number"),
}


def index(connection: Connection, papers: Sequence[tuple[int, Paper]]) -> None:
    """Put papers into the index under their numbers, in place of what it held for them."""
    if not papers:
        return
    remove(connection, [number for number, _ in papers])
    connection.execute(
        _ADD[connection.dialect.name], [{"number": number, **_fields(paper)} for number, paper in papers]
    )


def remove(connection: Connection, numbers: Collection[int]) -> None:
    """Take papers out of the index."""
    if numbers:
        connection.execute(_REMOVE[connection.dialect.name], [{"number": number} for number in numbers])


def words(content: str) -> str:
    """Return the words of a text, folded (no case, no accents) and parted by single spaces."""
    parts = _NOT_WORD.split(_folded(content))
    return " ".join(part[:_LONGEST_WORD] for part in parts if part)


def _folded(content: str) -> str:
    if content.isascii():
        return content.lower()
    # Folded twice: a letter in another style (a mathematical bold A) has no case before it is decomposed.
    decomposed = unicodedata.normalize("NFKD", content.casefold()).casefold()
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", decomposed) if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare)


def _fields(paper: Paper) -> dict[str, str]:
    contents = {
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": "\n".join(paper.authors),
        "keywords": "\n".join(paper.keywords),
    }
    return {name: words(content[: _MOST_LETTERS[name]]) for name, content in contents.items()}
