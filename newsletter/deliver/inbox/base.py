"""What an inbox is: the one seam between mails that came in and whoever reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType


class Fate(StrEnum):
    """What becomes of a mail that was looked at: it stays and is marked as seen, or it goes."""

    SEEN = "seen"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One mail that waits: the inbox's own name for it, and its first bytes; None where it could not be read."""

    key: str
    head: bytes | None = field(repr=False)


class Inbox(Protocol):
    """Gives out the mails that wait, one by one, and none of them twice; used as a context manager.

    A mail that is not settled waits again the next time: nothing is marked or deleted before the caller says so.
    """

    def __enter__(self) -> Self:
        """Open the inbox.

        Raises:
            InboxError: it cannot be opened; the message says what to check.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it; what was settled is done for good."""

    def waiting(self) -> int:
        """Return how many mails wait, 0 where that is not known beforehand.

        Raises:
            InboxError: the inbox cannot be read.
        """

    def items(self) -> Iterator[Item]:
        """Yield the mails that wait; `settle` may be called between two of them.

        Raises:
            InboxError: the inbox cannot be read any further.
        """

    def settle(self, fates: Mapping[str, Fate]) -> None:
        """Mark or delete mails by their keys.

        Raises:
            InboxError: the inbox cannot be changed.
        """

    def check(self) -> str:
        """Return one line for `doctor` without marking anything; called outside the context.

        Raises:
            InboxError: it cannot be opened; the message says what to check.
        """
