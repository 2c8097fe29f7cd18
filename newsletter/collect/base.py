"""What every source answers with, and what a source is. It fetches and parses nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date, datetime

    from newsletter.model import Paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One broken entry that was left out: where it stood (file, line, date, position) and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server gave for a conditional GET (RFC 9110, section 13.1): its ETag and Last-Modified, or ""."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one source or file held.

    `entries` counts what was read, before papers listed twice were merged and broken ones left out; `taken_at`
    (aware, UTC) dates the votes. `unchanged` is True when a conditional GET answered 304: what was stored before
    still holds and `papers` is empty. `reaches_back_to` is the oldest UTC day this answer can speak of, None when
    it speaks of every day asked. `validators` are to be kept for the next conditional GET. `notes` are lines for
    the person who ran it ("the page names no year ...").
    """

    source: str
    papers: tuple[Paper, ...]
    entries: int
    taken_at: datetime
    rejected: tuple[Rejected, ...] = ()
    unchanged: bool = False
    reaches_back_to: date | None = None
    validators: Validators | None = None
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """A community's or archive's list by date."""

    @property
    def name(self) -> str:
        """The name it is chosen by (`--source NAME`) and stored under."""

    def on(self, day: date, *, now: datetime, validators: Validators | None = None) -> Batch:
        """Return what is listed for the UTC `day`; an empty list is an answer, not an error.

        Raises:
            SourceUnreachableError: no answer, or only errors, after all attempts.
            SourceRefusedError: the source refuses this request.
            BadAnswerError: the answer is not what it should be.
        """

    def check(self) -> str:
        """Ask the cheapest thing once, without retries, and return one line for `doctor`.

        Raises:
            CollectError: it cannot be reached; the message says what to do.
        """
