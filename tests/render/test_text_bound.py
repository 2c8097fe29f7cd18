"""The text part is bounded as the HTML is: what is out of all bounds is cut in both, and nothing else in the text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.model import Links
from newsletter.render.layout import LAYOUTS, Layout
from tests.render.digests import LINKS, digest_of, made_up_papers

if TYPE_CHECKING:
    from newsletter.render.digest import DigestRenderer


def test_the_text_keeps_the_bounds_of_the_layout_and_shows_the_rest_in_full() -> None:
    for layout in LAYOUTS:
        found = layout.of_text
        assert (found.title, found.name, found.url, found.papers) == (
            layout.title,
            layout.name,
            layout.url,
            layout.papers,
        )
        assert replace(found, title=300, name=80, url=2_000, papers=100) == Layout()


@pytest.mark.parametrize("length", [20, 1_900])
def test_long_links_do_not_make_a_long_text(renderer: DigestRenderer, length: int) -> None:
    url = "https://a.example/" + "x" * length
    long = Links(page=url, pdf=f"{url}.pdf", code=f"{url}.git", project=f"{url}/")
    papers = [replace(paper, links=long) for paper in made_up_papers(100)]
    made = renderer.render(digest_of(papers), links=LINKS)
    assert len(made.text) < 200_000
    assert (url in made.text) is (length == 20)
    pieces = renderer.pieces(digest_of(papers), links=LINKS, nobody=LINKS)
    assert pieces.whole().text == made.text
