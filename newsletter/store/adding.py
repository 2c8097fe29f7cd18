"""Adds papers in one transaction: loads what a batch may touch, lets `identity` decide, writes what changed.

The caller holds the transaction and the lock that keeps other writers of papers out, so what is read here stays true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update

from newsletter.store import search
from newsletter.store.codec import fit, paper_row, row_paper, title_digest
from newsletter.store.engine import refresh_statistics
from newsletter.store.identity import Entry, Shelf
from newsletter.store.schema import digest_papers, issue_papers, listings, paper_ids, papers, saved_papers, votes
from newsletter.store.snapshots import kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from newsletter.model import Paper
    from newsletter.store.snapshots import Counts

_BATCH = 500  # papers that are loaded and placed together


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What adding changed: new papers, papers with changed fields, new listings and new vote snapshots."""

    new: int = 0
    updated: int = 0
    listings: int = 0
    votes: int = 0


@dataclass(slots=True)
class _Tally:
    new: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    listings: int = 0
    votes: int = 0


def add_papers(connection: Connection, incoming: Sequence[Paper], taken_at: datetime) -> Added:
    """Store papers with their listings and votes, whatever of it is new, and say how much was."""
    tally = _Tally()
    for start in range(0, len(incoming), _BATCH):
        batch = [fit(paper) for paper in incoming[start : start + _BATCH]]
        shelf = _load(connection, batch)
        for paper in batch:
            shelf.place(paper, taken_at)
        _save(connection, shelf.entries, tally)
    refresh_statistics(connection, len(tally.new) + tally.votes, papers, paper_ids, listings, votes, search.TABLE)
    updated = len(tally.updated - tally.new)
    return Added(new=len(tally.new), updated=updated, listings=tally.listings, votes=tally.votes)


def _load(connection: Connection, batch: Sequence[Paper]) -> Shelf:
    """Return the stored papers that have an id or a title of the batch."""
    ids = {paper.id for paper in batch}
    keys = {key for paper in batch if (key := title_digest(paper.title))}
    known = {row.id: row.paper for row in connection.execute(select(paper_ids).where(paper_ids.c.id.in_(ids)))}
    wanted = or_(papers.c.number.in_(set(known.values())), papers.c.title_key.in_(keys))
    own = (listings.c.paper == papers.c.number, listings.c.source == papers.c.source)
    listed_on = select(func.max(listings.c.listed_on)).where(*own).scalar_subquery().label("listed_on")
    rows = connection.execute(select(papers, listed_on).where(wanted)).mappings()
    entries = {row["number"]: _entry(row) for row in rows}
    return Shelf(entries.values(), {name: entries[number] for name, number in known.items()})


def _entry(row: RowMapping) -> Entry:
    paper = row_paper(row)
    seen_at = row["seen_at"]
    return Entry(
        paper=paper,
        before=paper,
        number=row["number"],
        listed_on=row["listed_on"],
        seen_at=seen_at,
        seen_before=seen_at,
    )


def _save(connection: Connection, entries: Sequence[Entry], tally: _Tally) -> None:
    new = [entry for entry in entries if entry.before is None]
    changed = [entry for entry in entries if entry.before is not None and entry.paper != entry.before]
    _insert(connection, new)
    tally.new |= {_number(entry) for entry in new}
    tally.updated |= {_number(entry) for entry in changed}
    _save_ids(connection, entries)
    tally.listings += _save_listings(connection, entries)
    tally.votes += _save_votes(connection, entries)
    _let_go(connection, entries)
    _update(connection, changed, entries)
    search.index(connection, [(_number(entry), entry.paper) for entry in (*new, *changed)])


def _number(entry: Entry) -> int:
    assert entry.number is not None  # noqa: S101 - for the type checker: _insert numbered every new entry
    return entry.number


def _insert(connection: Connection, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    rows = [{**paper_row(entry.paper), "seen_at": entry.seen_at} for entry in entries]
    stored = connection.execute(insert(papers).returning(papers.c.id, papers.c.number), rows)
    numbers = {row.id: row.number for row in stored}
    for entry in entries:
        entry.number = numbers[entry.paper.id]


def _update(connection: Connection, changed: Sequence[Entry], entries: Iterable[Entry]) -> None:
    if changed:
        row = papers.c.number == bindparam("of_number")
        columns: dict[str, Any] = {name: bindparam(f"to_{name}") for name in (*paper_row(changed[0].paper), "seen_at")}
        connection.execute(update(papers).where(row).values(columns), [_changes(entry) for entry in changed])
    untouched = {id(entry) for entry in changed}
    seen = [
        {"of_number": entry.number, "to_seen_at": entry.seen_at}
        for entry in entries
        if id(entry) not in untouched and entry.before is not None and entry.seen_at != entry.seen_before
    ]
    if seen:
        row = papers.c.number == bindparam("of_number")
        connection.execute(update(papers).where(row).values(seen_at=bindparam("to_seen_at")), seen)


def _changes(entry: Entry) -> dict[str, Any]:
    row = {**paper_row(entry.paper), "seen_at": entry.seen_at}
    return {"of_number": entry.number} | {f"to_{name}": value for name, value in row.items()}


def _save_ids(connection: Connection, entries: Iterable[Entry]) -> None:
    rows = [{"id": name, "paper": entry.number} for entry in entries for name in sorted(entry.ids)]
    if rows:
        connection.execute(insert(paper_ids), rows)


def _numbers(entries: Iterable[Entry]) -> dict[int, Entry]:
    """Return every row number that an entry stands for, those it absorbed included."""
    return {number: entry for entry in entries for number in (_number(entry), *entry.absorbed)}


def _save_listings(connection: Connection, entries: Sequence[Entry]) -> int:
    touched = _numbers(entry for entry in entries if entry.listings or entry.absorbed)
    stored: dict[int, set[tuple[str, Any]]] = {number: set() for number in touched}
    for row in connection.execute(select(listings).where(listings.c.paper.in_(touched))):
        stored[row.paper].add((row.source, row.listed_on))
    new, rows = 0, []
    for entry in set(touched.values()):
        inherited = set().union(*(stored[number] for number in entry.absorbed))
        own = stored[_number(entry)]
        new += len(entry.listings - own - inherited)
        missing = sorted((entry.listings | inherited) - own)
        rows += [{"paper": entry.number, "source": source, "listed_on": day} for source, day in missing]
    if rows:
        connection.execute(insert(listings), rows)
    return new


def _save_votes(connection: Connection, entries: Sequence[Entry]) -> int:
    touched = _numbers(entry for entry in entries if entry.snapshots or entry.absorbed)
    stored: dict[int, dict[datetime, Counts]] = {number: {} for number in touched}
    for row in connection.execute(select(votes).where(votes.c.paper.in_(touched))):
        stored[row.paper][row.taken_at] = (row.upvotes, row.comments)
    new, gone, rows = 0, [], []
    for entry in set(touched.values()):
        own = stored[_number(entry)]
        inherited = [item for number in entry.absorbed for item in stored[number].items()]
        after = kept(own, [*inherited, *entry.snapshots])
        old = {*own, *(moment for moment, _ in inherited)}
        new += sum(moment not in old for moment in after)
        gone += [(entry.number, moment) for moment, counts in own.items() if after.get(moment) != counts]
        rows += [_vote_row(entry, moment, counts) for moment, counts in after.items() if own.get(moment) != counts]
    _replace_votes(connection, gone, rows)
    return new


def _vote_row(entry: Entry, moment: datetime, counts: Counts) -> dict[str, Any]:
    return {"paper": entry.number, "taken_at": moment, "upvotes": counts[0], "comments": counts[1]}


def _replace_votes(connection: Connection, gone: Sequence[tuple[int | None, datetime]], rows: list[Any]) -> None:
    if gone:
        one = (votes.c.paper == bindparam("of_paper"), votes.c.taken_at == bindparam("at"))
        connection.execute(delete(votes).where(*one), [{"of_paper": paper, "at": moment} for paper, moment in gone])
    if rows:
        connection.execute(insert(votes), rows)


def _let_go(connection: Connection, entries: Iterable[Entry]) -> None:
    """Move what refers to absorbed papers to the papers they are, and delete them."""
    moves = [{"of_paper": number, "to": entry.number} for entry in entries for number in entry.absorbed]
    if not moves:
        return
    _merge_saved(connection, moves)
    for table in (paper_ids, issue_papers, digest_papers):
        connection.execute(
            update(table).where(table.c.paper == bindparam("of_paper")).values(paper=bindparam("to")), moves
        )
    absorbed = [move["of_paper"] for move in moves if move["of_paper"] is not None]
    search.remove(connection, absorbed)
    for table in (listings, votes):
        connection.execute(delete(table).where(table.c.paper.in_(absorbed)))
    connection.execute(delete(papers).where(papers.c.number.in_(absorbed)))


def _merge_saved(connection: Connection, moves: Sequence[dict[str, int | None]]) -> None:
    """Let who saved an absorbed paper have saved the paper that it is; who saved both saved one."""
    twin = saved_papers.alias()
    both = exists(
        select(twin.c.paper).where(
            twin.c.subscriber_id == saved_papers.c.subscriber_id, twin.c.paper == bindparam("to_paper")
        )
    )
    absorbed = saved_papers.c.paper == bindparam("of_paper")
    pairs = [{"of_paper": move["of_paper"], "to_paper": move["to"]} for move in moves]
    connection.execute(delete(saved_papers).where(absorbed, both), pairs)
    connection.execute(update(saved_papers).where(absorbed).values(paper=bindparam("to_paper")), pairs)
