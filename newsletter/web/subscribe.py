"""The subscribe page: the form, a sample of what the wishes in it would bring, and the sign-up.

Whatever is known of an address, the answer to a sign-up is the same. A sample stores nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from newsletter.errors import BusyError
from newsletter.period import PeriodKind
from newsletter.pipeline.audience import edited, subscriber_from
from newsletter.pipeline.sampling import Sampler
from newsletter.pipeline.subscribing.signing_up import SignUp, sign_up
from newsletter.render.words import count, written_date
from newsletter.web.answers import HTML, personal
from newsletter.web.client import client_of
from newsletter.web.fields import Wishes, address_problem, cells_in, choices_of, problems_in, wishes_in, wishes_of
from newsletter.web.forms import first_of
from newsletter.web.lists import list_link, period_around, ranked_items
from newsletter.web.safety import policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from newsletter.model import Subscriber
    from newsletter.web.parts import Parts

_NOBODY = "nobody@example.org"  # whose wishes a form begins with; nothing is sent there
_MOST_LETTERS = 300  # of an interest in a link
_HOUR = "3600"  # seconds, after which a counter begins anew
_MOMENT = "5"


class SubscribePages:
    """The subscribe page."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._clock = parts.clock
        self._desk = parts.app.desk
        self._web = parts.app.config.web
        self._sampler = Sampler(parts.app.store, lambda: parts.app.ranker)
        self._choices = choices_of(parts.app.config.topics)
        self._scripted = {"Content-Security-Policy": policy(parts.app.config.site, scripts=True)}
        self._default = subscriber_from({"address": _NOBODY}, self._desk.defaults)

    def form(self, request: Request) -> Response:
        """Show the form, with the topics and interests that a link names chosen."""
        asked = request.query_params
        if not asked:
            return self._answer(self._empty, guess=True)
        wishes = replace(
            wishes_of(self._default),
            topics=frozenset(asked.getlist("topic")) & frozenset(self._desk.defaults.topics),
            interests="\n".join(one[:_MOST_LETTERS] for one in asked.getlist("interest")),
        )
        return self._answer(self._html(wishes, guess=True), guess=True)

    def act(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Sign somebody up, or show the sample that the form's other button asks for."""
        cells, address = cells_in(form), first_of(form, "address")
        problems = problems_in(cells, self._default, topics=self._desk.defaults.topics)
        if "sample" in form:
            shown = None if problems else self._sample(cells)
            html = self._html(wishes_in(form), address=address, problems=problems, sample=shown)
            return self._answer(html, wrong=bool(problems))
        if problem := address_problem(address):
            problems = {"address": problem, **problems}
        if problems:
            return self._answer(self._html(wishes_in(form), address=address, problems=problems), wrong=True)
        if not first_of(form, "website"):  # a field that people do not see, and programs fill in
            self._sign_up(request, address, cells)
        content = self._pages.html("look", title="Look into your inbox", section="subscribe", address=address.strip())
        return personal(content)

    def _sign_up(self, request: Request, address: str, cells: Mapping[str, str]) -> None:
        client = client_of(request, self._web)
        if sign_up(self._desk, address, cells, client=client, now=self._clock()) is SignUp.TOO_MANY:
            words = "Too many people signed up in the last hour, from your network or in all. Try again later."
            raise HTTPException(429, words, headers={"Retry-After": _HOUR})

    def _sample(self, cells: Mapping[str, str]) -> dict[str, Any]:
        reader: Subscriber = edited(self._default, cells, topics=self._desk.defaults.topics)
        try:
            found = self._sampler.sample(reader.profile, size=reader.size, now=self._clock())
        except BusyError:
            words = "Many samples are being made just now. Try again in a moment."
            raise HTTPException(503, words, headers={"Retry-After": _MOMENT}) from None
        if found is None:
            return {"day": None}
        matched = [one for one in found.papers if one.matched]
        rest = [one for one in found.papers if not one.matched]
        return {
            "day": list_link(self._pages, period_around(found.day, PeriodKind.DAY)),
            "date": written_date(period_around(found.day, PeriodKind.DAY)),
            "matched": ranked_items(self._pages, matched),
            "rest": ranked_items(self._pages, rest, first=1 + len(matched)),
            "left_out": count(found.left_out, "more paper") if found.left_out else "",
        }

    @cached_property
    def _empty(self) -> str:
        """The form as most people see it first; made once, for its list of time zones is long."""
        return self._html(wishes_of(self._default), guess=True)

    def _html(
        self,
        wishes: Wishes,
        *,
        address: str = "",
        problems: Mapping[str, str] | None = None,
        sample: Mapping[str, Any] | None = None,
        guess: bool = False,
    ) -> str:
        return self._pages.html(
            "subscribe",
            title="Subscribe",
            section="subscribe",
            choices=self._choices,
            wishes=wishes,
            address=address,
            problems=problems or {},
            sample=sample,
            guess=guess,
            script=self._pages.path("static", self._pages.script_name) if guess else "",
        )

    def _answer(self, content: str, *, guess: bool = False, wrong: bool = False) -> Response:
        headers = self._scripted if guess else None
        return Response(content, 422 if wrong else 200, media_type=HTML, headers=headers)
