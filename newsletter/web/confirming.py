"""What a link in a letter asks a person to confirm: a subscription, or a new address. The link shows a button only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.links import Purpose
from newsletter.pipeline.subscribing.moving import confirm_address
from newsletter.pipeline.subscribing.readers import pending_address, reader_of
from newsletter.pipeline.subscribing.signing_up import Confirmation, confirm
from newsletter.render.page import OFTEN
from newsletter.web.answers import personal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Subscriber
    from newsletter.web.parts import Parts


class ConfirmPages:
    """The pages that confirm."""

    def __init__(self, parts: Parts) -> None:
        self._pages = parts.pages
        self._clock = parts.clock
        self._desk = parts.app.desk

    def ask(self, request: Request) -> Response:
        """Ask for the click that confirms a subscription."""
        token = request.path_params["token"]
        reader = reader_of(self._desk, Purpose.CONFIRM, token, now=self._clock())
        return self._asked("Confirm your subscription", "Confirm", Purpose.CONFIRM, token, reader.subscriber.address)

    def confirm(self, request: Request, _form: Mapping[str, Sequence[str]]) -> Response:
        """Confirm a subscription. The link to the preferences is given once: an older mail must not open them."""
        outcome, reader = confirm(self._desk, request.path_params["token"], now=self._clock())
        if outcome is Confirmation.ALREADY:
            return self._done("You are subscribed", "This was confirmed before. There is nothing left to do.", None)
        title = "Welcome back" if outcome is Confirmation.CAME_BACK else "You are subscribed"
        return self._done(
            title, f"Your first digest comes with the next issue, {OFTEN[reader.cadence]} from then.", reader
        )

    def ask_address(self, request: Request) -> Response:
        """Ask for the click that confirms a new address."""
        token = request.path_params["token"]
        reader = reader_of(self._desk, Purpose.ADDRESS, token, now=self._clock())
        request_held = pending_address(self._desk, reader.id)
        address = request_held.address if request_held else ""
        return self._asked("Confirm your new address", "Use this address", Purpose.ADDRESS, token, address)

    def confirm_address(self, request: Request, _form: Mapping[str, Sequence[str]]) -> Response:
        """Make a new address the reader's."""
        reader = confirm_address(self._desk, request.path_params["token"], now=self._clock())
        words = f"Digests go to {reader.address} from now on. Links in earlier mails work no more."
        return self._done("Your address is changed", words, reader)

    def _asked(self, title: str, button: str, purpose: Purpose, token: str, address: str) -> Response:
        action = self._pages.path(purpose, token)
        return personal(self._pages.html("confirm", title=title, button=button, action=action, address=address))

    def _done(self, title: str, words: str, reader: Subscriber | None) -> Response:
        preferences = ""
        if reader:
            token = self._desk.signer.token(Purpose.PREFERENCES, reader.id, epoch=reader.link_epoch)
            preferences = self._pages.path(Purpose.PREFERENCES, token)
        return personal(self._pages.html("confirmed", title=title, words=words, preferences=preferences))
