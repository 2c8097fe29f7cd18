"""All that is held of a reader: handed over as a file, or deleted after a page of its own asked once more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from newsletter.links import Purpose
from newsletter.pipeline.subscribing.holding import export, forget
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.web.answers import personal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.pipeline.subscribing.readers import Reader
    from newsletter.web.parts import Parts

_FILE = 'attachment; filename="newsletter-my-data.json"'


class OwnDataPages:
    """Export and deletion, by the link to the preferences."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._clock = parts.clock
        self._desk = parts.app.desk

    def export(self, request: Request, _form: Mapping[str, Sequence[str]]) -> Response:
        """Hand over all that is held, as JSON. By POST, so that no program that follows links gets it."""
        held = json.dumps(export(self._desk, self._reader(request).id), ensure_ascii=False, indent=2) + "\n"
        return personal(held, media_type="application/json", headers={"Content-Disposition": _FILE})

    def ask(self, request: Request) -> Response:
        """Ask whether all of it shall be deleted."""
        reader = self._reader(request)
        preferences = self._pages.path(Purpose.PREFERENCES, request.path_params["token"])
        content = self._pages.html(
            "forget",
            title="Delete everything",
            address=reader.subscriber.address,
            action=f"{preferences}/forget",
            preferences=preferences,
        )
        return personal(content)

    def forget(self, request: Request, _form: Mapping[str, Sequence[str]]) -> Response:
        """Delete all of it."""
        forget(self._desk, self._reader(request).subscriber.address, now=self._clock())
        words = (
            "Everything that was kept of you is deleted, and no mail comes any more. What remains is a keyed hash of "
            "your address, which cannot be read back: it keeps lists from bringing you in again."
        )
        return personal(self._pages.html("told", title="You are forgotten", words=words))

    def _reader(self, request: Request) -> Reader:
        return reader_of(self._desk, Purpose.PREFERENCES, request.path_params["token"], now=self._clock())
