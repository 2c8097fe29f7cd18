"""A letter as MIME: a single mail to one person about their own subscription, such as a welcome.

It is made as an issue's mail is, under other headers. A program sends it, and Auto-Submitted says so (RFC 3834, section
5), `auto-replied` with In-Reply-To where it answers a mail, else `auto-generated`: no vacation program answers that.
The headers of a list stand only where the reader is on it: nobody can leave who has not joined, or has left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.deliver.message import assembled, envelope_headers, list_headers, matching_message_id, named

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.model import Message, Rendered
    from newsletter.settings import Site


def build_letter(
    rendered: Rendered,
    *,
    site: Site,
    recipient: str,
    message_id: str,
    date: datetime,
    unsubscribe: str | None = None,
    unsubscribe_page: str = "",
    answers: str = "",
) -> Message:
    """Return one letter; its form is that of `newsletter.deliver.message.build_message`.

    `unsubscribe` (a mailto: URL) and `unsubscribe_page` are given where the reader is subscribed. `answers` is the
    Message-ID of the mail that this one answers, "" where it answers none. `date` is aware.

    Raises:
        DeliveryError: a header would hold a control character or is malformed, or a text is not Unicode.
    """
    with named("a letter", again="mend its template"):
        headers = envelope_headers(rendered, site=site, recipient=recipient, message_id=message_id, date=date)
        if unsubscribe is not None:
            headers |= list_headers(site, unsubscribe, unsubscribe_page)
        if answers:
            headers["In-Reply-To"] = headers["References"] = matching_message_id(answers)
        headers["Auto-Submitted"] = "auto-replied" if answers else "auto-generated"
        return assembled(headers, rendered, sender=site.from_address)
