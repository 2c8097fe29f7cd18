"""How much of each paper a mail shows, so that its HTML stays under 90 KB whatever came in.

Gmail clips a mail at about 102 KB of HTML. Layouts are tried from the fullest to the tightest: first abstracts become
shorter, then cards become lines from the end of the list, then lines lose links and long titles are cut. Only the very
last layouts, for input that is out of all bounds, show fewer papers; the mail then counts them among those left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 90_000
MAX_PAPERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`cards` papers as cards, the others as lines, at most `papers` in all; a line has `links` beside its title's.

    Lengths are in characters.
    """

    cards: int = MAX_PAPERS
    teaser: int = 270
    links: int = 3
    title: int = 300
    name: int = 80
    url: int = 2_000
    papers: int = MAX_PAPERS


LAYOUTS = (
    Layout(),
    Layout(teaser=200),
    Layout(teaser=140),
    *(Layout(teaser=140, cards=cards) for cards in (40, 30, 20, 10, 5, 0)),
    Layout(cards=0, links=1),
    Layout(cards=0, links=0),
    Layout(cards=0, links=0, title=80, name=20, url=150),
    Layout(cards=0, links=0, title=80, name=20, url=150, papers=50),
    Layout(cards=0, links=0, title=80, name=20, url=150, papers=20),
)


def first_fitting(make: Callable[[Layout], str]) -> tuple[Layout, str] | None:
    """Return the first layout whose document is at most 90 KB in UTF-8, and the document; None when none is."""
    for layout in LAYOUTS:
        made = make(layout)
        if len(made.encode()) <= MAX_BYTES:
            return layout, made
    return None
