"""Our own errors, and what happened to a subscriber, as a page says them. Pure, and English only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.life import Happening, Leaving
from newsletter.model import Letter
from newsletter.period import PeriodKind
from newsletter.render.words import listed, written_date
from newsletter.web.lists import period_around

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.errors import NewsletterError
    from newsletter.life import Event

_LETTERS = {
    Letter.CONFIRM: "the mail that asks to confirm",
    Letter.WELCOME: "the welcome",
    Letter.PREFERENCES: "the mail with the link to the preferences",
    Letter.GOODBYE: "the goodbye",
    Letter.ADDRESS: "the mail to the new address",
    Letter.ADDRESS_CHANGED: "the mail to the address before",
}
_SAID = {
    Happening.SIGNED_UP: "Signed up on the page",
    Happening.CONFIRMED: "Confirmed the subscription",
    Happening.ADDED: "Added by the newsletter's editors",
    Happening.IMPORTED: "Came in with a list of the newsletter's editors",
    Happening.ADDRESS_REQUESTED: "Asked for another address",
    Happening.ADDRESS_CHANGED: "Confirmed the new address",
    Happening.RESUMED: "Ended the pause",
    Happening.CAME_BACK: "Came back",
    Happening.BOUNCED: "Mail came back for good, so no more was sent",
    Happening.COMPLAINED: "A mail was reported as spam, so no more was sent",
    Happening.LINKS_REVOKED: "Ended the links of earlier mails",
}
_WAYS = {
    Leaving.PAGE: "on the page",
    Leaving.ONE_CLICK: "by the mail program's button",
    Leaving.MAIL: "by mail",
    Leaving.OPERATOR: "by the newsletter's editors",
}
_VERDICTS = {"more": "More like", "less": "Less like", "neither": "Took back what was said of"}


def sentence(error: NewsletterError) -> str:
    """Return an error's text as a sentence of its own."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def told_of(event: Event, titles: Mapping[str, str]) -> str:
    """Return what happened in a few words; `titles` are those of papers, by their ids."""
    detail = event.detail
    if event.kind is Happening.PREFERENCES_CHANGED:
        return f"Changed {listed(detail.get('what', 'preferences').split(', '))}"
    if event.kind is Happening.PAUSED:
        return f"Paused until {detail.get('until', '')}"
    if event.kind is Happening.JUDGED:
        paper = detail.get("paper", "")
        return f"{_VERDICTS.get(detail.get('verdict', ''), 'Judged')} “{titles.get(paper, paper)}”"
    if event.kind is Happening.UNSUBSCRIBED:
        return f"Unsubscribed {_way(detail.get('how', ''))}".rstrip()
    if event.kind in {Happening.LETTER_SENT, Happening.LETTER_FAILED}:
        return f"{'Sent' if event.kind is Happening.LETTER_SENT else 'Could not send'} {_letter(detail)}"
    agreed = f" ({detail['consent']}, {detail['consent date']})" if "consent date" in detail else ""
    return f"{_SAID.get(event.kind, event.kind.value)}{agreed}"


def day_of_event(event: Event) -> str:
    """Return the UTC day of what happened, written out."""
    return written_date(period_around(event.at.date(), PeriodKind.DAY))


def _way(how: str) -> str:
    return next((words for way, words in _WAYS.items() if way.value == how), "")


def _letter(detail: Mapping[str, str]) -> str:
    name = detail.get("letter", "")
    return next((words for letter, words in _LETTERS.items() if letter.value == name), "a letter")
