"""How much of each paper a mail shows, so that its HTML stays under 90 KB whatever came in.

Gmail clips a mail at about 102 KB of HTML. Layouts are tried from the fullest to the tightest: first abstracts become
shorter, then cards become lines from the end of the list, then lines lose links and long titles are cut. Only the very
last layouts, for input that is out of all bounds, show fewer papers; the mail then counts them among those left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")

MAX_BYTES = 90_000
MAX_PAPERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`cards` papers as cards, the others as lines, at most `papers` in all; a line has `links` beside its title's.

    Lengths are in characters.
    """

    cards: int = MAX_PAPERS
    teaser: int = 160  # four lines of a phone, two or three elsewhere
    links: int = 3
    title: int = 300
    name: int = 80
    url: int = 2_000
    papers: int = MAX_PAPERS

    @property
    def of_text(self) -> Layout:
        """How the text part beside this HTML is laid out: nothing is left out, but what is out of all bounds is cut.

        No mail program clips a text, yet a hundred papers with four links of 2,000 characters each would make 800 KB.
        """
        return Layout(title=self.title, name=self.name, url=self.url, papers=self.papers)


LAYOUTS = (
    Layout(),
    Layout(teaser=140),
    Layout(teaser=120),
    *(Layout(teaser=120, cards=cards) for cards in (40, 30, 20, 10, 5, 0)),
    Layout(cards=0, links=1),
    Layout(cards=0, links=0),
    Layout(cards=0, links=0, title=80, name=20, url=150),
    Layout(cards=0, links=0, title=80, name=20, url=150, papers=50),
    Layout(cards=0, links=0, title=80, name=20, url=150, papers=20),
)


def first_fitting(make: Callable[[Layout], Made], size: Callable[[Made], int]) -> tuple[Layout, Made] | None:
    """Return the first layout whose document has at most 90,000 bytes by `size`, and the document; None if none has."""
    for layout in LAYOUTS:
        made = make(layout)
        if size(made) <= MAX_BYTES:
            return layout, made
    return None


def utf8_bytes(text: str) -> int:
    """Return how many bytes a text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())
