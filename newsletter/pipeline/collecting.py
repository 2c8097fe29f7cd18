"""The first step: what sources and files hold goes into the store, a day or a file at a time.

Each day of each source, and each file, is stored whole in one transaction or not at all; what went wrong is part of
the outcome. It prints nothing and ranks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.collect.base import Validators
from newsletter.collect.files import read_file
from newsletter.errors import CollectError, SourceUnreachableError, UsageError
from newsletter.model import Collection, DayState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from newsletter.collect.base import Batch, Rejected, Source
    from newsletter.store import Added, Store

# Two days in a row without any answer: it is the source that is away, not one date that is broken.
_GIVE_UP_AFTER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What became of one day of one source. `error` is set when nothing of it could be had."""

    source: str
    day: date
    state: DayState
    listed: int = 0
    added: Added | None = None
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one file. `error` is set when nothing of it could be read."""

    path: Path
    entries: int = 0
    papers: int = 0
    added: Added | None = None
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""


def check_days(days: Sequence[date], *, now: datetime) -> None:
    """Refuse what no source can answer for.

    Raises:
        UsageError: no day at all, or a UTC day that has not begun.
    """
    if not days:
        raise UsageError("there is no day between --since and --until; --since must not be after --until")
    if days[-1] > now.date():
        raise UsageError(f"{days[-1]} has not begun (it is {now:%Y-%m-%d %H:%M} UTC); choose an earlier date")


def collect(store: Store, sources: Iterable[Source], days: Sequence[date], *, now: datetime) -> Iterator[Collected]:
    """Collect each day, oldest first, from each source; yields as it goes.

    A source that does not answer two days running is not asked again in this run.

    Raises:
        UsageError: see `check_days`.
    """
    check_days(days, now=now)
    for source in sources:
        silent = 0
        for day in days:
            outcome, answered = _collect_day(store, source, day, now=now)
            yield outcome
            silent = 0 if answered else silent + 1
            if silent >= _GIVE_UP_AFTER and day != days[-1]:
                yield _given_up(source, day, days[-1])
                break


def readable(paths: Iterable[Path], *, now: datetime, year: int | None) -> None:
    """Refuse files of which none can be read, before a home is made for them.

    Raises:
        CollectError: what is wrong with the last one.
    """
    last: CollectError | None = None
    for path in paths:
        try:
            read_file(path, now=now, year=year)
        except CollectError as error:
            last = error
        else:
            return
    if last:
        raise last


def import_files(
    store: Store, paths: Iterable[Path], *, now: datetime, year: int | None = None, captured: datetime | None = None
) -> Iterator[Imported]:
    """Import each file whole or not at all; yields as it goes.

    `year` completes the year-less dates of saved pages; `captured` (aware) dates the votes of files whose name
    holds no time.
    """
    for path in paths:
        try:
            batch = read_file(path, now=captured or now, year=year)
        except CollectError as error:
            yield Imported(path=path, error=str(error))
            continue
        added = store.papers.add(batch.papers, taken_at=batch.taken_at, collections=_days_of(batch, at=batch.taken_at))
        yield Imported(
            path=path,
            entries=batch.entries,
            papers=len({paper.id for paper in batch.papers}),
            added=added,
            rejected=batch.rejected,
            notes=batch.notes,
        )


def _collect_day(store: Store, source: Source, day: date, *, now: datetime) -> tuple[Collected, bool]:
    """Return the outcome, and whether the source answered at all."""
    known = store.papers.validators(source.name)
    validators = Validators(etag=known[0], last_modified=known[1]) if known else None
    try:
        batch = source.on(day, now=now, validators=validators)
    except CollectError as error:
        failed = Collected(source=source.name, day=day, state=_stored_state(store, source, day), error=str(error))
        return failed, not isinstance(error, SourceUnreachableError)
    return _keep(store, source, day, batch, now=now), True


def _keep(store: Store, source: Source, day: date, batch: Batch, *, now: datetime) -> Collected:
    too_old = batch.reaches_back_to is not None and day < batch.reaches_back_to
    asked = () if too_old else (Collection(source=source.name, day=day, state=DayState.COLLECTED, collected_at=now),)
    feed = (source.name, batch.validators.etag, batch.validators.last_modified) if batch.validators else None
    added = store.papers.add(batch.papers, taken_at=batch.taken_at, collections=asked, feed=feed)
    notes = batch.notes
    if too_old:
        notes += (f"{source.name} reaches back to {batch.reaches_back_to} only; {day} stays as it was",)
    return Collected(
        source=source.name,
        day=day,
        state=_stored_state(store, source, day),
        listed=sum(name == source.name for _, name, _ in store.papers.listings(day, day)),
        added=added,
        rejected=batch.rejected,
        notes=notes,
    )


def _stored_state(store: Store, source: Source, day: date) -> DayState:
    found = store.papers.collections(day, day, source=source.name)
    return found[0].state if found else DayState.NOT_COLLECTED


def _given_up(source: Source, day: date, last: date) -> Collected:
    error = f"{source.name} did not answer for {_GIVE_UP_AFTER} days running; the days after {day} up to {last} "
    return Collected(
        source=source.name,
        day=last,
        state=DayState.NOT_COLLECTED,
        error=f"{error}were not asked; try again later",
    )


def _days_of(batch: Batch, *, at: datetime) -> tuple[Collection, ...]:
    days = sorted({paper.listed_on for paper in batch.papers if paper.listed_on})
    return tuple(Collection(source=batch.source, day=day, state=DayState.COLLECTED, collected_at=at) for day in days)
