"""Followed authors and organisations: which candidates are theirs.

Authors are compared by their whole names, organisations by their words in a row ("DeepMind" is found in "Google
DeepMind"); case and punctuation do not count. It weighs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.model import title_key
from newsletter.rank.signs import PhraseIndex
from newsletter.rank.terms import written_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.model import Paper, Profile


class Follows:
    """An index of the candidates' authors and organisations."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers
        self._authors: dict[str, dict[int, None]] = {}
        for row, paper in enumerate(papers):
            for name in paper.authors:
                self._authors.setdefault(title_key(name), {})[row] = None
        self._organisations = PhraseIndex([_words(paper.organisation) for paper in papers])

    def rows(self, profile: Profile) -> list[int]:
        """Return the rows of the candidates that someone whom `profile` follows has written, in rising order."""
        by_authors = (row for name in _keys(profile) for row in self._authors.get(name, ()))
        organisations = filter(None, map(_words, profile.organisations))
        return sorted({*by_authors, *(row for words in organisations for row in self._organisations.holding(words))})

    def reason(self, row: int, profile: Profile) -> str:
        """Return the reason for a candidate that `rows` names."""
        paper, wanted = self._papers[row], _keys(profile)
        names = dict.fromkeys(name for name in paper.authors if title_key(name) in wanted)
        if names:
            return f"by an author you follow: {', '.join(names)}"
        return f"from an organisation you follow: {paper.organisation}"


def _keys(profile: Profile) -> set[str]:
    return {title_key(name) for name in profile.authors} - {""}


def _words(name: str) -> str:
    return written_out(title_key(name).split())
