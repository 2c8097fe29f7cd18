"""What the links beside a paper in a mail lead to: more like this, less like this, save. Each shows a button only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.errors import UsageError
from newsletter.links import Purpose, Verdict, feedback_page
from newsletter.pipeline.subscribing.judging import TakenBack, judge, paper_of, take_back
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.web.answers import personal
from newsletter.web.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.pipeline.subscribing.judging import Judged
    from newsletter.pipeline.subscribing.readers import Reader
    from newsletter.web.parts import Parts

_ASKED = {
    Verdict.MORE: ("More like this?", "Papers that resemble it will stand higher in your digests."),
    Verdict.LESS: ("Less like this?", "Papers that resemble it will stand lower in your digests."),
    Verdict.SAVE: ("Save this paper?", "It is kept on your preferences page until you remove it."),
}
_BUTTONS = {Verdict.MORE: "More like this", Verdict.LESS: "Less like this", Verdict.SAVE: "Save"}
_DONE = {
    Verdict.MORE: ("More like this", "Thank you. Papers that resemble it stand higher in your digests from now on."),
    Verdict.LESS: ("Less like this", "Thank you. Papers that resemble it stand lower in your digests from now on."),
    Verdict.SAVE: ("Saved", "You find it on your preferences page."),
}


class FeedbackPages:
    """The pages of feedback."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._clock = parts.clock
        self._desk = parts.app.desk

    def ask(self, request: Request) -> Response:
        """Ask for the click."""
        reader, verdict, paper_id = self._read(request)
        try:
            paper = paper_of(self._desk, reader, paper_id)
        except UsageError as error:
            raise HTTPException(404, sentence(error)) from None
        title, words = _ASKED[verdict]
        return self._page(request, reader, verdict, paper, title=title, words=words, button=_BUTTONS[verdict])

    def act(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        """Keep what is said of the paper; with the field `back`, take it back."""
        reader, verdict, paper_id = self._read(request)
        try:
            if "back" in form:
                paper = paper_of(self._desk, reader, paper_id)
                what = TakenBack.SAVED if verdict is Verdict.SAVE else TakenBack.TASTE
                take_back(self._desk, reader.id, what, paper.paper_id, now=self._clock())
            else:
                paper = judge(self._desk, reader, verdict, paper_id, now=self._clock())
        except UsageError as error:
            raise HTTPException(422, sentence(error)) from None
        title, words = ("Taken back", "It is as if you had said nothing.") if "back" in form else _DONE[verdict]
        button = _BUTTONS[verdict] if "back" in form else ""
        return self._page(request, reader, verdict, paper, title=title, words=words, button=button)

    def _read(self, request: Request) -> tuple[Reader, Verdict, str]:
        params = request.path_params
        reader = reader_of(self._desk, Purpose.FEEDBACK, params["token"], now=self._clock())
        if params["verdict"] not in set(Verdict):
            raise HTTPException(404)
        return reader, Verdict(params["verdict"]), params["paper"]

    def _page(
        self, request: Request, reader: Reader, verdict: Verdict, paper: Judged, *, title: str, words: str, button: str
    ) -> Response:
        params, signer = request.path_params, self._desk.signer
        beginning = self._pages.path(Purpose.FEEDBACK, params["token"])
        own = signer.token(Purpose.PREFERENCES, reader.id, epoch=reader.subscriber.link_epoch)
        content = self._pages.html(
            "feedback",
            title=title,
            words=words,
            button=button,
            paper=paper.title,
            action=feedback_page(beginning, verdict, params["paper"]),
            preferences=self._pages.path(Purpose.PREFERENCES, own),
        )
        return personal(content)
