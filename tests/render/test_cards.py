"""What a card says of why a paper is there."""

from __future__ import annotations

import pytest

from newsletter.model import Paper, RankedPaper
from newsletter.rank.votes import said
from newsletter.render.cards import _why


@pytest.mark.parametrize("votes", [said(142, 2, 14), said(7, 3, 14, shared=2), said(1_200, 9, 14), said(1, 0, 3)])
def test_votes_are_told_once_and_not_among_the_reasons(votes: str) -> None:
    paper = Paper(id="2607.00001", source="x", title="A title", upvotes=142)
    ranked = RankedPaper(paper=paper, score=1.0, reasons=("matches: kv cache", votes), matched=True)
    assert "upvote" in votes
    assert _why(ranked) == "Matches: kv cache"
