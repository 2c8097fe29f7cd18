"""Connections on which nothing comes are ended: they cost a file each, of which a process has a thousand or so.

uvicorn itself ends those that are silent after an answer, but waits without an end for the head of a first request.
Here it is only decided when to hang up; bodies have their own bound in `safety`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 20.0  # within which the head of a request must have come, from its first byte or the connection on


class Hearing(H11Protocol):
    """uvicorn's protocol, with a bound on how long the head of a request may take."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """Take what comes in; while it is not a whole head, the wait for that goes on and is not begun anew."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._heard()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._heard()
        super().connection_lost(exc)

    def _heard(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
