"""The mails about one reader's own subscription: rendered, with links of their own, and finished.

It decides nothing about who gets one or when, and hands nothing over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.deliver.identity import letter_id_for, unsubscribe_url
from newsletter.deliver.letter import build_letter
from newsletter.links import MailLinks, Purpose, address_links, letter_links
from newsletter.model import Letter
from newsletter.render.letters import SUBSCRIBED

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.links import LinkSigner
    from newsletter.model import Message, Rendered, Subscriber
    from newsletter.render.letters import LetterRenderer
    from newsletter.settings import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterPress:
    """What turns an occasion into a letter: the renderer, the sender's identity, this home's secret and its links."""

    renderer: LetterRenderer
    site: Site
    key: bytes = field(repr=False)
    signer: LinkSigner = field(repr=False)

    def rendered(self, letter: Letter, subscriber: Subscriber, *, now: datetime) -> Rendered:
        """Return the three texts of a letter; `now` begins the time within which something is to be confirmed.

        The letter goes to the subscriber's address; one that confirms a new address is given a subscriber who has it.

        Raises:
            RenderError: the letter leads to a web page, and there are none.
        """
        return self.renderer.render(letter, subscriber, links=self._links(letter, subscriber, now))

    def message(self, letter: Letter, subscriber: Subscriber, *, now: datetime, answers: str = "") -> Message:
        """Return the finished letter, dated `now`; `answers` is the Message-ID of the mail that it answers, if any.

        Raises:
            RenderError: the letter leads to a web page, and there are none.
        """
        links = self._links(letter, subscriber, now)
        domain = self.site.from_address.rpartition("@")[2]
        return build_letter(
            self.renderer.render(letter, subscriber, links=links),
            site=self.site,
            recipient=subscriber.address,
            message_id=letter_id_for(self.key, letter=letter, subscriber_id=subscriber.id, sent_at=now, domain=domain),
            date=now,
            unsubscribe=self._mailto(subscriber) if letter in SUBSCRIBED else None,
            unsubscribe_page=links.unsubscribe if self.site.web_url else "",
            answers=answers,
        )

    def _links(self, letter: Letter, subscriber: Subscriber, now: datetime) -> MailLinks:
        if not self.site.web_url:
            return MailLinks(unsubscribe=self._mailto(subscriber))
        signer, base, number = self.signer, self.site.web_url, subscriber.id
        if letter is Letter.ADDRESS:
            return address_links(signer, base, number, address=subscriber.address, now=now)
        pending = letter is Letter.CONFIRM
        return letter_links(signer, base, number, now=now, pending=pending, epoch=subscriber.link_epoch)

    def _mailto(self, subscriber: Subscriber) -> str:
        return unsubscribe_url(self.site, self.signer.token(Purpose.UNSUBSCRIBE, subscriber.id))
