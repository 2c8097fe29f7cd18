"""The unsubscribe link: the one click of RFC 8058, a page with one button for people, and its undoing.

The link never ends, so it leads to nothing but leaving and getting fewer mails: never to the preferences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.errors import UsageError
from newsletter.life import Leaving
from newsletter.links import Purpose
from newsletter.model import Cadence, SubscriberStatus
from newsletter.pipeline.subscribing.choosing import change
from newsletter.pipeline.subscribing.leaving import UNDO_HOURS, offers_undo, undo_unsubscribe, unsubscribe
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.render.page import OFTEN
from newsletter.web.answers import personal
from newsletter.web.forms import first_of
from newsletter.web.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.readers import Reader
    from newsletter.web.parts import Parts

_FIELD, _ONE_CLICK = "List-Unsubscribe", "One-Click"  # RFC 8058, section 3.1
_FEWER = {
    Cadence.DAILY: ((Cadence.WEEKLY, "Once a week"), (Cadence.MONTHLY, "Once a month")),
    Cadence.WEEKDAYS: ((Cadence.WEEKLY, "Once a week"), (Cadence.MONTHLY, "Once a month")),
    Cadence.WEEKLY: ((Cadence.MONTHLY, "Once a month"),),
    Cadence.MONTHLY: (),
}
_MAILED = frozenset({SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED})


class LeavingPages:
    """The pages to leave."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._clock = parts.clock
        self._desk = parts.app.desk

    def ask(self, request: Request) -> Response:
        """Show the button; or, to who has left, that they have."""
        reader = self._reader(request)
        return self._page(request, reader.subscriber)

    def leave(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Unsubscribe, by a person's click or a mail program's."""
        how = Leaving.ONE_CLICK if first_of(form, _FIELD) == _ONE_CLICK else Leaving.PAGE
        left = unsubscribe(self._desk, self._reader(request).id, how=how, now=self._clock())
        return self._page(request, left)

    def fewer(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Send fewer mails instead."""
        reader = self._reader(request)
        wanted = first_of(form, "cadence")
        if wanted not in {cadence.value for cadence, _ in _FEWER[reader.subscriber.cadence]}:
            raise HTTPException(422, "Choose one of the rhythms that the page offers.")
        changed = change(self._desk, reader.id, {"cadence": wanted}, now=self._clock())
        return self._page(request, changed, said=f"From now on you get a digest {OFTEN[changed.cadence]}.")

    def undo(self, request: Request, _form: Mapping[str, Sequence[str]]) -> Response:
        """Take back a click to unsubscribe."""
        try:
            back = undo_unsubscribe(self._desk, self._reader(request).id, now=self._clock())
        except UsageError as error:
            raise HTTPException(422, sentence(error)) from None
        return self._page(request, back, said="You are subscribed again, with all that you had chosen.")

    def _reader(self, request: Request) -> Reader:
        return reader_of(self._desk, Purpose.UNSUBSCRIBE, request.path_params["token"], now=self._clock())

    def _page(self, request: Request, known: Subscriber, *, said: str = "") -> Response:
        mailed = known.status in _MAILED
        title = "You are unsubscribed" if not mailed else "Subscribed" if said else "Unsubscribe"
        content = self._pages.html(
            "unsubscribe",
            title=title,
            said=said,
            mailed=mailed,
            address=known.address,
            action=self._pages.path(Purpose.UNSUBSCRIBE, request.path_params["token"]),
            fewer=_FEWER[known.cadence] if known.status is SubscriberStatus.CONFIRMED and not said else (),
            undo=not mailed and offers_undo(self._desk, known, now=self._clock()),
            hours=UNDO_HOURS,
        )
        return personal(content)
