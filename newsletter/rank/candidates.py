"""The papers to rank, made ready once for many readers, and how well each meets a wish.

Papers are kept in the order of their ids, one for each id, so that nothing depends on the order they came in. Matches
are remembered for each wish, for readers share topics; this shows in nothing but time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from newsletter.rank.signs import PhraseIndex, found, signs_of
from newsletter.rank.terms import Vocabulary, wished_terms, written_out
from newsletter.rank.text import Terms, TextModel, Vectors, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from newsletter.model import Paper
    from newsletter.rank.topics import Wish

Scores = NDArray[np.float64]

_DESCRIPTION_WEIGHT = 0.3  # a topic's description beside each of its phrases
_PLAIN_REFERENCE = 0.3  # how near a good paper is to a wish that the corpus knows nothing about
_LEAST_REFERENCE = 0.1  # or else a wish that hardly any paper meets would lift papers by chance words
# Chosen on the development part of the replay, as the figures of text.py.
_UNNAMED = 0.7  # of a match is left where none of a topic's phrases stands in the paper
_IN_TITLE = 0.15  # is added where one of them stands in the title
_REMEMBERED = 20_000
# Papers from which on a corpus is believed in full about what is close to a wish; of fewer papers some are always the
# closest, however far they are, so one that has none of the words keeps only its share.
_KNOWING = 500


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Candidates in the order of their ids; rows of every array and list are theirs. Made by `prepare`."""

    papers: tuple[Paper, ...]
    upvotes: NDArray[np.int64]
    vocabulary: Vocabulary
    model: TextModel
    by_place: Vectors
    index: PhraseIndex
    titles: PhraseIndex
    _matches: dict[Wish, Scores] = field(default_factory=dict)
    _named: dict[Wish, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)

    def match(self, wish: Wish) -> Scores:
        """Return how well each candidate meets `wish`: 0 not at all, about 1 as the nearest papers of the corpus do."""
        if wish not in self._matches:
            _make_room(self._matches)
            self._matches[wish] = self._matched(wish)
        return self._matches[wish]

    def named(self, wish: Wish) -> Mapping[int, tuple[str, ...]]:
        """Return for each row that has words of `wish` which they are, longest first, at most three."""
        if wish not in self._named:
            _make_room(self._named)
            self._named[wish] = found(signs_of(wish, self.vocabulary, self.model), self.index)
        return self._named[wish]

    def holding(self, term: str) -> list[int]:
        """Return the rows of the candidates with `term` in title, abstract or keywords, word by word."""
        return sorted(self.index.holding(written_out(self.vocabulary.words(term))))

    def _matched(self, wish: Wish) -> Scores:
        terms, reference = self.model.expanded(_terms(wish, self.vocabulary, self.model))
        scores = terms.near(self.by_place) / max(reference or _PLAIN_REFERENCE, _LEAST_REFERENCE)
        scores[self._unnamed(wish)] *= min(1.0, self.model.documents / _KNOWING)
        if not wish.is_free_text:
            self._weigh_phrases(wish, scores)
        for phrase in wish.negative:
            scores[self.holding(phrase)] = 0.0
        for phrase in wish.required:
            lacking = np.ones(len(self.papers), dtype=np.bool_)
            lacking[self.holding(phrase)] = False
            scores[lacking] = 0.0
        return scores

    def _weigh_phrases(self, wish: Wish, scores: Scores) -> None:
        """A topic has many phrases: one in a title says much, and none at all that the paper is a neighbour only."""
        scores[self._unnamed(wish)] *= _UNNAMED
        scores[list(found(signs_of(wish, self.vocabulary, self.model), self.titles))] += _IN_TITLE

    def _unnamed(self, wish: Wish) -> list[int]:
        """Return the rows that have none of the words of `wish`."""
        named = self.named(wish)
        return [row for row in range(len(self.papers)) if row not in named]


def prepare(papers: Iterable[Paper], vocabulary: Vocabulary, model: TextModel) -> Candidates:
    """Return the papers made ready; of two with the same id, the one with more votes."""
    kept = _unique(papers)
    return Candidates(
        papers=kept,
        upvotes=np.array([paper.upvotes or 0 for paper in kept], dtype=np.int64),
        vocabulary=vocabulary,
        model=model,
        by_place=model.vectors([terms_of(vocabulary, paper) for paper in kept]).T.tocsr(),
        index=PhraseIndex([_text(paper, vocabulary) for paper in kept]),
        titles=PhraseIndex([written_out(vocabulary.words(paper.title)) for paper in kept]),
    )


def _make_room(remembered: dict[Wish, Any]) -> None:
    if len(remembered) >= _REMEMBERED:
        remembered.clear()


def _unique(papers: Iterable[Paper]) -> tuple[Paper, ...]:
    best: dict[str, Paper] = {}
    # The whole paper breaks the tie, so that the choice does not depend on which came first.
    for paper in sorted(papers, key=lambda paper: (paper.upvotes or 0, repr(paper))):
        best[paper.id] = paper
    return tuple(best[key] for key in sorted(best))


def _text(paper: Paper, vocabulary: Vocabulary) -> str:
    # "|" is no word, so that no phrase runs from one field into the next.
    fields = (paper.title, paper.abstract or paper.summary, *paper.keywords)
    return "|".join(written_out(vocabulary.words(text)) for text in fields)


def _terms(wish: Wish, vocabulary: Vocabulary, model: TextModel) -> Terms:
    phrases = [wished_terms(vocabulary.words(phrase)) for phrase in wish.phrases]
    weights = [1.0] * len(phrases)
    if wish.description:
        phrases.append(wished_terms(vocabulary.words(wish.description)))
        weights.append(_DESCRIPTION_WEIGHT)
    return model.wish(phrases, weights)
