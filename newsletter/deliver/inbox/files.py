"""Mails in files: one by itself (RFC 5322 text) or many in an mbox (RFC 4155), named or on standard input.

Read as a stream, so that neither a large mail nor a large mbox is ever in memory. Files are never changed.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Self

from newsletter.deliver.inbox.base import Item
from newsletter.deliver.incoming import READ_BYTES
from newsletter.errors import InboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from newsletter.deliver.inbox.base import Fate

_FROM = b"From "  # begins each mail of an mbox, after an empty line


class StreamInbox:
    """An `Inbox` of what a stream holds; it does not close the stream."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name

    def __enter__(self) -> Self:
        """Nothing is to be opened."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def waiting(self) -> int:
        """Return 0: a stream says what it holds by its end."""
        return 0

    def items(self) -> Iterator[Item]:
        """Yield the mails; all of the stream is read, so that whoever writes it is not cut off."""
        try:
            for number, head in enumerate(_heads(self._stream), start=1):
                yield Item(key=f"{self._name}:{number}", head=head)
        except OSError as error:
            raise InboxError(f"{self._name} cannot be read: {error.strerror}") from None

    def settle(self, fates: Mapping[str, Fate]) -> None:
        """Leave everything as it is."""

    def check(self) -> str:
        """Return the name."""
        return self._name


class FileInbox(StreamInbox):
    """An `Inbox` of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            InboxError: it cannot be read.
        """
        try:
            stream = self._path.open("rb")
        except OSError as error:
            raise InboxError(f"{self._path} cannot be read: {error.strerror}") from None
        super().__init__(stream, str(self._path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._stream.close()


def _heads(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the first READ_BYTES of each mail. Only a stream that begins as an mbox is divided."""
    head, blank, is_mbox = bytearray(), True, None
    while line := stream.readline(READ_BYTES):
        begins = line.startswith(_FROM)
        is_mbox = begins if is_mbox is None else is_mbox
        if is_mbox and begins and blank:
            if head:
                yield bytes(head)
            head.clear()
        elif len(head) < READ_BYTES:
            head += line[: READ_BYTES - len(head)]
        blank = not line.strip(b"\r\n")
    if head:
        yield bytes(head)
