"""A reader's preferences, by a signed link: all that they chose, shown, and changed a form at a time.

After each change the page is loaded anew, so that a reload repeats nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from newsletter.errors import UsageError
from newsletter.links import Purpose
from newsletter.model import SubscriberStatus
from newsletter.pauses import local_day
from newsletter.period import PeriodKind, parse_day
from newsletter.pipeline.subscribing.choosing import LONGEST_PAUSE, change, pause, resume, revoke_links
from newsletter.pipeline.subscribing.judging import TakenBack, take_back
from newsletter.pipeline.subscribing.moving import request_address
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.render.words import written_date
from newsletter.web.answers import personal
from newsletter.web.fields import cells_in, choices_of, problems_in, wishes_in, wishes_of
from newsletter.web.forms import first_of
from newsletter.web.held import held_papers, history_of
from newsletter.web.lists import period_around
from newsletter.web.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.readers import Reader
    from newsletter.web.parts import Parts

_DONE = {
    "saved": "Your preferences are saved. They count from the next issue on.",
    "paused": "Your digests are paused.",
    "resumed": "Your digests come again.",
    "address": "If the new address can be used, a mail goes there. The change counts once the link in it was used.",
    "removed": "The paper is removed.",
}


class PreferencesPages:
    """The preferences."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._clock = parts.clock
        self._desk = parts.app.desk
        self._choices = choices_of(parts.app.config.topics)

    def show(self, request: Request) -> Response:
        """Show all that a reader chose."""
        done = _DONE.get(request.query_params.get("done", ""), "")
        return self._page(request, self._reader(request).subscriber, done=done)

    def save(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Keep the wishes; where one is wrong, show the form again with all that was entered."""
        reader = self._reader(request)
        if "cadence" not in form:  # no form of this page: without its boxes, all topics would seem unchecked
            raise HTTPException(422)
        cells = cells_in(form)
        problems = problems_in(cells, reader.subscriber, topics=self._desk.defaults.topics)
        if problems:
            return self._page(request, reader.subscriber, form=form, problems=problems)
        change(self._desk, reader.id, cells, now=self._clock())
        return self._done(request, "saved")

    def pause(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Pause until a day."""
        reader, until = self._reader(request), first_of(form, "until").strip()
        try:
            pause(self._desk, reader.id, parse_day(until), now=self._clock())
        except UsageError as error:
            return self._page(request, reader.subscriber, problems={"until": sentence(error)})
        return self._done(request, "paused")

    def resume(self, request: Request, _form: Mapping[str, Sequence[str]]) -> Response:
        """End the pause."""
        resume(self._desk, self._reader(request).id, now=self._clock())
        return self._done(request, "resumed")

    def remove(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Let a paper be neither liked, disliked nor saved, whichever the button says."""
        reader = self._reader(request)
        for what in TakenBack:
            for paper_id in form.get(what.value, ()):
                take_back(self._desk, reader.id, what, paper_id, now=self._clock())
        return self._done(request, "removed")

    def move(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Ask for another address; the answer is the same whether it is known here or not."""
        reader, address = self._reader(request), first_of(form, "address")
        try:
            request_address(self._desk, reader.id, address, now=self._clock())
        except UsageError as error:
            return self._page(request, reader.subscriber, problems={"address": sentence(error)}, address=address)
        return self._done(request, "address")

    def revoke(self, request: Request, _form: Mapping[str, Sequence[str]]) -> Response:
        """End all links in earlier mails, this page's own included; the new one goes out by mail alone."""
        revoke_links(self._desk, self._reader(request).id, now=self._clock())
        words = (
            "No link in an earlier mail opens your preferences any more. A mail with a new one is on its way to you."
        )
        return personal(self._pages.html("told", title="Earlier links are ended", words=words))

    def _reader(self, request: Request) -> Reader:
        return reader_of(self._desk, Purpose.PREFERENCES, request.path_params["token"], now=self._clock())

    def _done(self, request: Request, what: str) -> Response:
        path = self._pages.path(Purpose.PREFERENCES, request.path_params["token"])
        return RedirectResponse(f"{path}?done={what}", 303, headers={"Cache-Control": "no-store"})

    def _page(
        self,
        request: Request,
        known: Subscriber,
        *,
        form: Mapping[str, Sequence[str]] | None = None,
        problems: Mapping[str, str] | None = None,
        done: str = "",
        address: str = "",
    ) -> Response:
        store, today = self._desk.store, local_day(known.timezone, self._clock())
        leave = self._desk.signer.token(Purpose.UNSUBSCRIBE, known.id)
        content = self._pages.html(
            "preferences",
            title="Your preferences",
            choices=self._choices,
            wishes=wishes_of(known) if form is None else wishes_in(form),
            problems=problems or {},
            done=done,
            known=known.address,
            address=address,
            subscribed=known.status is SubscriberStatus.CONFIRMED,
            paused=_paused(known, today),
            first_day=today.isoformat(),
            last_day=(today + LONGEST_PAUSE).isoformat(),
            papers=held_papers(self._pages, store, known),
            history=history_of(store, known),
            action=self._pages.path(Purpose.PREFERENCES, request.path_params["token"]),
            unsubscribe=self._pages.path(Purpose.UNSUBSCRIBE, leave),
        )
        return personal(content, status=422 if problems else 200)


def _paused(known: Subscriber, today: date) -> str:
    """Return the day on which mails leave again, written out; "" where they are not paused."""
    until = known.paused_until
    return written_date(period_around(until, PeriodKind.DAY)) if until and until > today else ""
