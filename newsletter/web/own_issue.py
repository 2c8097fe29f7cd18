"""A reader's own frozen digest in the browser: the document of the mail, under a policy that lets it do nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.links import Purpose
from newsletter.model import Digest
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.web.answers import personal
from newsletter.web.safety import MAIL_POLICY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from newsletter.model import Subscriber
    from newsletter.web.parts import Parts

# By the HTML standard a document in a sandbox that asks to be alone among its openers is not shown at all; in its
# sandbox it has no origin that an opener could share.
_HEADERS = {"Content-Security-Policy": MAIL_POLICY, "Cross-Origin-Opener-Policy": "unsafe-none"}


class OwnIssuePages:
    """The digests that were frozen for readers."""

    def __init__(self, parts: Parts) -> None:
        self._app = parts.app
        self._clock = parts.clock
        self._one = threading.Lock()

    def view(self, request: Request) -> Response:
        """Show the digest of the issue that the link is of; 404 where none was frozen for the reader."""
        token = request.path_params["token"]
        reader = reader_of(self._app.desk, Purpose.VIEW, token, now=self._clock())
        digest = self._frozen(reader.subscriber, reader.period)
        if digest is None:
            raise HTTPException(404, "This digest is not kept any more.")
        with self._one:
            press = self._app.press  # made by the first who asks, in a second or so, and once
        html = press.rendered(digest).html
        return personal(html, headers=_HEADERS)

    def _frozen(self, reader: Subscriber, period: str) -> Digest | None:
        store = self._app.store
        issue = store.issues.get(period)
        delivery = store.deliveries.of(issue.id, reader.id) if issue else None
        if issue is None or delivery is None or delivery.digest_id is None:
            return None
        papers, left_out = store.deliveries.selection(delivery.digest_id, issue)
        return Digest(issue=issue, subscriber=reader, papers=papers, left_out=left_out)
