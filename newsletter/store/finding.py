"""Questions to the full-text index: which papers hold these words or phrases, of some days, best first.

What a question costs is bounded. The papers that hold the words are taken newest first, at most 2,000 of them, and only
these are weighed: in 100,000 papers a word such as "model" stands in nearly all, and weighing each takes SQLite twice
the time that a whole page may. No more is counted, either.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Date, bindparam, func, select, text

from newsletter.store import search
from newsletter.store.phrases import telling
from newsletter.store.schema import listings
from newsletter.store.search import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection, TextClause

MOST_WEIGHED = 2_000
_MOST_READ = 100  # words of a query that are looked at
_MOST_WORDS = 12  # and that are asked for
_MOST_WEIGHING = 5  # and by which papers that hold them all are weighed
_SHORTEST_BEGINNING = 3  # letters that the last word of a query needs to count as a beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which papers: listed from `first` to `last` (None: at any time), with one of `phrases` and no `negative` one."""

    first: date | None = None
    last: date | None = None
    phrases: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()


EVERYTHING = Filters()
_AND = {"sqlite": " AND ", "postgresql": " & "}
# PostgreSQL passes over such words by itself; to weigh them takes SQLite longer than all others.
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for from has have if in into is it its not of on or our such that the their "
        "then there these they this to was we were which will with",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Papers by their numbers, best first, and how many there are in all; there are more where that is not `exact`."""

    numbers: Sequence[int] = ()
    total: int = 0
    exact: bool = True


_PLAN_ANEW = text("""
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('random_page_cost', '1.1', true)""")

# The column that holds a paper's number, the condition on its words, which of some papers are meant, and their weight.
_NUMBER = {"sqlite": "paper_search.rowid", "postgresql": "paper_search.paper"}
_HOLDS = {"sqlite": "paper_search MATCH :query", "postgresql": "words @@ to_tsquery('english', :query)"}
_AMONG = {
    # with the plus sign SQLite keeps the set, and does not ask the index anew for each of its papers
    "sqlite": "+paper_search.rowid IN (SELECT value FROM json_each(:numbers)) AND paper_search.rowid >= :floor",
    "postgresql": "paper_search.paper IN (SELECT value::bigint FROM json_array_elements_text(CAST(:numbers AS json)))",
}
# Title, abstract, authors, keywords: ten, one, four and four parts of the weight; PostgreSQL's classes are set so, too.
_WEIGHT = {
    "sqlite": "bm25(paper_search, 10.0, 1.0, 4.0, 4.0)",
    "postgresql": "-ts_rank('{0.1, 0.1, 0.4, 1.0}', words, to_tsquery('english', :query))",
}
_LISTED = "SELECT 1 FROM listings WHERE listings.paper = {number} AND listings.listed_on BETWEEN :first AND :last"
_WITHIN = "AND {number} BETWEEN :lowest AND :highest"
# PostgreSQL plans a LIMIT 1 as a look-up for each paper, newest first until there are enough; an EXISTS it may plan as
# a join with all days, of which it then sorts the whole.
_OF_DAYS = {
    "sqlite": ("", f"{_WITHIN} AND EXISTS ({_LISTED})"),
    "postgresql": (f"CROSS JOIN LATERAL ({_LISTED} LIMIT 1) AS listed", _WITHIN),
}
_NEWEST = """
    SELECT {number} FROM paper_search {joined} WHERE {holds} {listed} ORDER BY {number} DESC LIMIT :most"""
_WEIGHED = """
    SELECT {number} FROM paper_search WHERE {holds} AND {among}
    ORDER BY {weight}, {number} DESC LIMIT :most OFFSET :skipped"""
_ONE = text("SELECT title, abstract, authors, keywords FROM paper_search WHERE rowid = :number")
_HOLDING = "SELECT {number} FROM paper_search WHERE {holds}"


def find(connection: Connection, query: str, *, filters: Filters = EVERYTHING, offset: int = 0, limit: int) -> Hits:
    """Return the papers that hold all the words, else those in which the last word begins one, else those with any.

    Those of one weight stand newest first. A query without a letter or digit finds nothing.
    """
    dialect = connection.dialect.name
    _plan_anew(connection)
    topic = _topic(_slim(connection, filters), dialect)
    if topic is None and filters.phrases:
        return Hits()
    for question, weighing in _questions(_terms(query), dialect):
        asked = question if topic is None else f"({question}){_AND[dialect]}({topic})"
        newest = _newest(connection, asked, filters, MOST_WEIGHED + 1)
        if newest:
            among = newest[:MOST_WEIGHED]
            page = _weighed(connection, weighing, among, offset, min(limit, MOST_WEIGHED - offset))
            return Hits(numbers=page, total=len(among), exact=len(newest) <= MOST_WEIGHED)
    return Hits()


def newest_on(connection: Connection, filters: Filters, *, limit: int) -> list[int]:
    """Return the numbers of the papers on the filters' phrases that were stored last, newest first."""
    _plan_anew(connection)
    topic = _topic(_slim(connection, filters), connection.dialect.name)
    return [] if topic is None else _newest(connection, topic, filters, limit)


def topics_of(connection: Connection, number: int, topics: Mapping[str, Filters]) -> list[str]:
    """Return the names of those topics, each given with its phrases, that the paper with a number is on."""
    dialect = connection.dialect.name
    asked = {name: topic for name, one in topics.items() if (topic := _topic(one, dialect)) is not None}
    if not asked:
        return []
    if dialect == "sqlite":
        row = connection.execute(_ONE, {"number": number}).first()
        return [] if row is None else _holding_any(tuple(row), asked)
    queries = {f"q{place}": topic for place, topic in enumerate(asked.values())}
    answers = ", ".join(f"words @@ to_tsquery('english', :{name})" for name in queries)
    row = connection.execute(
        text(f"SELECT {answers} FROM paper_search WHERE paper = :number"),  # noqa: S608 - names of our own
        {"number": number, **queries},
    ).first()
    return [] if row is None else [name for name, holds in zip(asked, row, strict=True) if holds]


def _holding_any(fields: tuple[str, ...], asked: Mapping[str, str]) -> list[str]:
    """Return the names of the queries that a paper's indexed fields meet.

    They are put into an index of their own, in memory: in the whole one each query walks through all papers before.
    """
    with closing(sqlite3.connect(":memory:")) as alone:
        alone.execute(search.SQLITE_TABLE)
        alone.execute("INSERT INTO paper_search (title, abstract, authors, keywords) VALUES (?, ?, ?, ?)", fields)
        meets = "SELECT 1 FROM paper_search WHERE paper_search MATCH ?"
        return [name for name, query in asked.items() if alone.execute(meets, (query,)).fetchone()]


def holding(filters: Filters, dialect: str) -> tuple[str, str] | None:
    """Return SQL for the numbers of papers on the filters' phrases, and its `query`; None without any word."""
    topic = _topic(filters, dialect)
    return None if topic is None else (_HOLDING.format(number=_NUMBER[dialect], holds=_HOLDS[dialect]), topic)


def _plan_anew(connection: Connection) -> None:
    """Let PostgreSQL plan each question of this transaction by its words, for an index that mostly lies in memory.

    From the sixth time on it might plan for any words (https://www.postgresql.org/docs/current/sql-prepare.html), and
    read the whole table for a rare one; and by itself it takes a page that is read out of turn for four times as dear.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_PLAN_ANEW)


def _newest(connection: Connection, question: str, filters: Filters, most: int) -> list[int]:
    bound: dict[str, object] = {"query": question, "most": most}
    of_days = ("", "")
    if filters.first is not None and filters.last is not None:
        span = _span(connection, filters.first, filters.last)
        if span is None:
            return []
        of_days = _OF_DAYS[connection.dialect.name]
        bound |= {"first": filters.first, "last": filters.last, "lowest": span[0], "highest": span[1]}
    days = [bindparam(name, type_=Date()) for name in ("first", "last") if name in bound]
    statement = _text(_NEWEST, connection, of_days=of_days)
    return list(connection.execute(statement.bindparams(*days), bound).scalars())


def _span(connection: Connection, first: date, last: date) -> tuple[int, int] | None:
    """Return the lowest and the highest number of the papers listed on some days.

    Papers are stored as they are listed, so between the two stand few others, which are then looked up one by one.
    """
    number = listings.c.paper
    statement = select(func.min(number), func.max(number)).where(listings.c.listed_on.between(first, last))
    lowest, highest = connection.execute(statement).one()
    return None if lowest is None else (lowest, highest)


def _weighed(connection: Connection, question: str, among: Sequence[int], offset: int, most: int) -> list[int]:
    if offset < 0 or most < 1:
        return []
    bound = {"query": question, "most": most, "skipped": offset, "numbers": json.dumps(list(among))}
    if connection.dialect.name == "sqlite":
        bound["floor"] = among[-1]
    return list(connection.execute(_text(_WEIGHED, connection), bound).scalars())


def _text(sql: str, connection: Connection, *, of_days: tuple[str, str] = ("", "")) -> TextClause:
    dialect = connection.dialect.name
    joined, listed = (part.format(number=_NUMBER[dialect]) for part in of_days)
    parts = {"joined": joined, "listed": listed} | {
        "holds": _HOLDS[dialect],
        "among": _AMONG[dialect],
        "weight": _WEIGHT[dialect],
    }
    return text(sql.format(number=_NUMBER[dialect], **parts))


def _terms(query: str) -> list[str]:
    """Return the words that are asked for, each once: those that nearly every paper holds only if there is no other."""
    terms = list(dict.fromkeys(words(query).split()))[:_MOST_READ]
    return ([term for term in terms if term not in _STOP_WORDS] or terms)[:_MOST_WORDS]


def _questions(terms: list[str], dialect: str) -> Iterator[tuple[str, str]]:
    """Yield the index's queries: all terms, all with the last as a beginning, any of them; terms are words only.

    Beside each stands by what its papers are weighed: of terms that all of them hold only the longest, for long words
    are rare, and each costs SQLite a walk through all of its papers.
    """
    if not terms:
        return
    both, either, beginning = (_AND[dialect], " OR ", " *") if dialect == "sqlite" else (_AND[dialect], " | ", ":*")
    quoted = [_quoted([term], dialect) for term in terms]
    longest = sorted(quoted, key=len, reverse=True)[:_MOST_WEIGHING]
    yield both.join(quoted), both.join(longest)
    if len(terms[-1]) >= _SHORTEST_BEGINNING:
        begun = both.join([*quoted[:-1], quoted[-1] + beginning])
        yield begun, begun
    if len(quoted) > 1:
        yield either.join(quoted), either.join(quoted)


def _slim(connection: Connection, filters: Filters) -> Filters:
    """Return filters that let the same papers pass and ask for no phrase in vain."""
    if not filters.phrases:
        return filters
    phrases, negative = telling(connection, filters.phrases), telling(connection, filters.negative)
    return replace(filters, phrases=phrases or filters.phrases, negative=negative)


def _topic(filters: Filters, dialect: str) -> str | None:
    """Return the index's query for one of the phrases and none of the negative ones; None without any word."""
    phrases, negative = (
        [_quoted(parts, dialect) for phrase in given if (parts := words(phrase).split())]
        for given in (filters.phrases, filters.negative)
    )
    either, without = (" OR ", ") NOT (") if dialect == "sqlite" else (" | ", ") & !(")
    if not phrases:
        return None
    return f"({either.join(phrases)}{f'{without}{either.join(negative)}' if negative else ''})"


def _quoted(parts: Sequence[str], dialect: str) -> str:
    """Return words that follow one another as the index's query names them; they hold letters and digits only."""
    if dialect == "sqlite":
        return f'"{" ".join(parts)}"'
    joined = " <-> ".join(f"'{part}'" for part in parts)
    return joined if len(parts) == 1 else f"({joined})"
