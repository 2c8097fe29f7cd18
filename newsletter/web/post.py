"""The letters of a server: a thread beside it sends those that are due, and purges once an hour what is of no use.

It wakes when a page queued one, and every few seconds for what other programs queued or what is to be tried again. What
goes wrong is logged without an address, and tried again ever later.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.errors import NewsletterError
from newsletter.pipeline.subscribing.holding import purge
from newsletter.web.safety import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newsletter.app import App

log = logging.getLogger("newsletter.web")

_PAUSE = 5.0  # seconds between two looks
_LONGEST_PAUSE = 300.0  # after errors, each of which doubles it
_PURGE = timedelta(hours=1)
_GRACE = 10.0  # seconds for a letter under way when the server ends; it is claimed again after its lease
_ADDRESS = re.compile(r"[^\s<>\"'(]+@[^\s<>\"')]+")


@dataclass
class Post:
    """Sends letters until it is stopped. `pages` is where the pages are reached, for a site without a `web_url`."""

    app: App
    clock: Callable[[], datetime]
    pages: str = ""
    _bell: threading.Event = field(default_factory=threading.Event)
    _stopped: bool = False
    _purged_at: datetime | None = None

    def ring(self) -> None:
        """Look for letters now; it does not wait for them."""
        self._bell.set()

    def stop(self) -> None:
        """End after the letter that is being sent."""
        self._stopped = True
        self._bell.set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send letters in a thread of its own, beside what is done meanwhile."""
        thread = threading.Thread(target=self.run, name="letters", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(_GRACE)
            if thread.is_alive():
                log.warning("a letter was still under way; it is tried again when its claim has ended")

    def run(self) -> None:
        """Send letters until it is stopped."""
        pause = 0.0
        while not self._stopped:
            self._bell.wait(pause)
            self._bell.clear()
            if not self._stopped:
                pause = _PAUSE if self.look() else min(max(pause, _PAUSE) * 2, _LONGEST_PAUSE)

    def _send(self) -> None:
        """Send letter after letter until none is due, or the server ends: the rest waits for the next one."""
        with closing(self.app.letter_queue(pages=self.pages).each_due(self.clock)) as sent:
            for _ in sent:
                if self._stopped:
                    break

    def look(self) -> bool:
        """Purge where it is time, and send what is due; return whether nothing went wrong."""
        try:
            now = self.clock()
            if self._purged_at is None or now - self._purged_at >= _PURGE:
                purge(self.app.desk, now=now)  # before letters, which may fail for as long as a relay is gone
                self._purged_at = now
            if self.app.store.letters.is_due(now):
                self._send()
        except NewsletterError as error:
            log.error("letters wait: %s", _ADDRESS.sub("(an address)", str(error)))  # noqa: TRY400 - the text says it all
            return False
        except Exception as error:  # noqa: BLE001 - the last net: a thread that ended would be missed by nobody
            log.error("letters wait: %s", told(error))  # noqa: TRY400 - see `told`
            return False
        return True
