"""The links of nobody, with which pages are filled in, and how a reader's own take their places.

That goes well only where nobody's links stand nowhere else, in an editor's note for example that was copied from a test
mail; `in_text` looks for them. Nothing is rendered here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.render.clean import clean, safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.links import MailLinks

# What reads the same in HTML, in a text and in a URL that is checked once more.
_PLAIN_URL = re.compile(r"[A-Za-z0-9:/._~%@?=+-]+")
# How `repr` writes what no mail shows, and what could so hide a link until it is shown.
_UNSEEN = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


class StandIns:
    """The links of nobody, with which pages are filled in, and how a reader's own take their places."""

    def __init__(self, nobody: MailLinks) -> None:
        """Look at nobody's links; where one could read otherwise than a reader's own, none is ever replaced."""
        self.nobody = nobody
        present = [one for one in _written(nobody) if one]
        self.present = frozenset(present)
        self._usable = len(self.present) == len(present) and all(
            safe_url(one) and _PLAIN_URL.fullmatch(one) for one in present
        )
        self._starts = [_start(one) for one in _written(nobody)]
        self._found = re.compile(f"({'|'.join(map(re.escape, sorted(present, key=len, reverse=True))) or '(?!)'})")

    def cut(self, text: str) -> tuple[str, ...]:
        """Return a text as pieces, each stand-in a piece of its own and never the last."""
        *before, last = self._found.split(text)
        return (*filter(None, before), last)

    def stand_in(self, text: str) -> bool:
        """Whether a text, as it is, holds a stand-in."""
        return self._found.search(text) is not None

    def in_text(self, *texts: str) -> bool:
        """Whether one of these texts holds a stand-in once it is shown."""
        return self.stand_in(clean("\n".join(texts)))

    def in_record(self, record: object) -> bool:
        """Whether a text of a record, or of one that it holds, does."""
        text = repr(record)
        return self.stand_in(_UNSEEN.sub("", text) if "\\" in text else text)

    def replaced_by(self, links: MailLinks) -> Mapping[str, str] | None:
        """Return what takes each stand-in's place, or None where a link is of another length or kind than nobody's."""
        own = {}
        for start, stand_in, link in zip(self._starts, _written(self.nobody), _written(links), strict=True):
            if len(link) != len(stand_in) or not link.startswith(start):
                return None
            if link:
                own[stand_in] = link
        # one search for all: what is joined is plain if each is
        return own if self._usable and _PLAIN_URL.fullmatch("".join(own.values())) else None


def _written(links: MailLinks) -> tuple[str, ...]:
    return links.unsubscribe, links.preferences, links.view, links.feedback


def _start(link: str) -> str:
    """Return what two links must have in common to be as good as each other: scheme and host."""
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else link.partition(":")[0]
