"""The papers to rank, made ready once for many readers, and how well each meets a wish.

Papers are kept in the order of their ids, one for each id, so that nothing depends on the order they came in. Matches
that were asked for are not remembered here: see `newsletter.rank.matching`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from newsletter.rank.known import Known
from newsletter.rank.signs import PhraseIndex, Sign, found, signs_of
from newsletter.rank.terms import Vocabulary, wished_terms, written_out
from newsletter.rank.text import TextModel, weighed_terms
from newsletter.rank.vectors import Vectors, few, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from newsletter.model import Paper
    from newsletter.rank.meaning import Meaning
    from newsletter.rank.topics import Wish

Matches = NDArray[np.float32]

_DESCRIPTION_WEIGHT = 0.3  # a topic's description beside each of its phrases
_PLAIN_REFERENCE = 0.3  # how near a good paper is to a wish that the corpus knows nothing about
_LEAST_REFERENCE = 0.1  # or else a wish that hardly any paper meets would lift papers by chance words
# Chosen on the development part of the replay, as the figures of text.py.
_UNNAMED = 0.7  # of a match is left where none of a topic's phrases stands in the paper
_IN_TITLE = 0.15  # is added where one of them stands in the title
# Papers from which on a corpus is believed in full about what is close to a wish; of fewer papers some are always the
# closest, however far they are, so one that has none of the words keeps only its share.
_KNOWING = 500
_COMPARED = 500  # candidates compared with all others at a time
_AT_ONCE = 256  # wishes compared with the corpus at a time, so that memory stays flat
_REMEMBERED = 50_000  # wishes whose words were looked for


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidates in the order of their ids; rows or columns of every array and list are theirs. Made by `prepare`.

    `meaning` and `meaning_weight` blend in what an embedding model says (see `newsletter.rank.meaning`).
    """

    papers: tuple[Paper, ...]
    vocabulary: Vocabulary
    model: TextModel
    vectors: Vectors
    texts: tuple[str, ...]
    titles: tuple[str, ...]
    meaning: Meaning | None = None
    meaning_weight: float = 0.0
    _named: dict[Wish, Mapping[int, tuple[str, ...]]] = field(default_factory=dict, init=False, repr=False)

    def matches(self, wishes: Sequence[Wish]) -> Matches:
        """Return how well candidates meet each wish (rows): 0 not at all, about 1 as the nearest known papers do."""
        blocks = (wishes[first : first + _AT_ONCE] for first in range(0, len(wishes), _AT_ONCE))
        none = np.zeros((0, len(self.papers)), dtype=np.float32)
        return np.concatenate([none, *map(self._computed, blocks)])

    def _computed(self, wishes: Sequence[Wish]) -> Matches:
        terms, references = self.model.expanded(
            rows_of([self._terms(wish) for wish in wishes]), without=(paper.id for paper in self.papers)
        )
        known = np.where(references > 0, references, np.float32(_PLAIN_REFERENCE))
        matches: Matches = (terms @ self.by_place).toarray() / np.maximum(known, np.float32(_LEAST_REFERENCE))[:, None]
        if self.meaning:
            near = self.meaning.matches([wish.phrases for wish in wishes], self.about)
            matches += np.float32(self.meaning_weight) * (near - matches)
        for row, wish in zip(matches, wishes, strict=True):
            self._judge(wish, row)
        return matches

    def _terms(self, wish: Wish) -> dict[int, float]:
        phrases = [wished_terms(self.vocabulary.words(phrase)) for phrase in wish.phrases]
        weights = [1.0] * len(phrases)
        if wish.description:
            phrases.append(wished_terms(self.vocabulary.words(wish.description)))
            weights.append(_DESCRIPTION_WEIGHT)
        return few(phrases, weights, self.model.idf)

    def _judge(self, wish: Wish, scores: NDArray[np.float32]) -> None:
        """Change the scores by what stands in the papers, word by word."""
        is_small = self.model.documents < _KNOWING
        if is_small or not wish.is_free_text:
            unnamed = np.ones(len(self.papers), dtype=np.bool_)
            unnamed[list(self.named(wish))] = False
            scores[unnamed] *= min(1.0, self.model.documents / _KNOWING)
            if not wish.is_free_text:
                # A topic has many phrases: one in a title says much, none at all that the paper is a neighbour only.
                scores[unnamed] *= _UNNAMED
                scores[list(found(self._signs(wish), self._title_index))] += _IN_TITLE
        for phrase in wish.negative:
            scores[self.holding(phrase)] = 0.0
        for phrase in wish.required:
            lacking = np.ones(len(self.papers), dtype=np.bool_)
            lacking[self.holding(phrase)] = False
            scores[lacking] = 0.0

    def named(self, wish: Wish) -> Mapping[int, tuple[str, ...]]:
        """Return for each row that has words of `wish` which they are, longest first, at most three."""
        if wish not in self._named:
            if len(self._named) >= _REMEMBERED:
                self._named.clear()
            self._named[wish] = found(self._signs(wish), self._index)
        return self._named[wish]

    def _signs(self, wish: Wish) -> tuple[Sign, ...]:
        return signs_of(wish, self.vocabulary, self.model)

    def holding(self, term: str) -> list[int]:
        """Return the rows of the candidates with `term` in title, abstract or keywords, word by word."""
        return sorted(self._index.holding(written_out(self.vocabulary.words(term))))

    @cached_property
    def by_place(self) -> Vectors:
        """The candidates' text vectors, places x candidates."""
        return self.vectors.T.tocsr()

    @cached_property
    def _index(self) -> PhraseIndex:
        return PhraseIndex(self.texts)

    @cached_property
    def _title_index(self) -> PhraseIndex:
        return PhraseIndex(self.titles)

    @cached_property
    def about(self) -> NDArray[np.float32]:
        """What each candidate is about, as `meaning` has it."""
        assert self.meaning is not None, "asked only where there is one"  # noqa: S101 - narrows the type, never input
        return self.meaning.about(self.papers)

    @cached_property
    def learned_from(self) -> Known:
        """The candidates as papers that tastes are learned from and judge."""
        space = self.model.space
        terms = space.terms(self.vectors)
        rows = {paper.id: row for row, paper in enumerate(self.papers)}
        return Known(terms, space.along_axes(terms), rows)

    @cached_property
    def known(self) -> Known:
        """All papers that tastes can be learned from: the candidates as they are now, then those of the corpus."""
        space, own = self.model.space, self.learned_from
        rows = {key: row + len(self.papers) for key, row in self.model.rows.items()} | own.rows
        terms = csr_array(vstack([own.terms, space.papers], format="csr"))
        return Known(terms, np.concatenate([own.latents, space.latents]), rows)

    def title(self, known: int) -> str:
        """Return the title of a paper by its row in `known`."""
        number = len(self.papers)
        return self.papers[known].title if known < number else self.model.titles[known - number]

    def alike(self, least: float) -> Sequence[tuple[int, int, float]]:
        """Return the pairs of candidates whose texts are alike by `least` or more (above 0, to 1), and how much."""
        found: list[tuple[int, int, float]] = []
        for first in range(0, len(self.papers), _COMPARED):
            products = (self.vectors[first : first + _COMPARED] @ self.by_place).tocoo()
            rows, columns = products.coords
            kept = (products.data >= least) & (rows + first < columns)
            found += zip(
                (rows[kept] + first).tolist(), columns[kept].tolist(), products.data[kept].tolist(), strict=True
            )
        return found


def prepare(
    papers: Iterable[Paper],
    vocabulary: Vocabulary,
    model: TextModel,
    *,
    meaning: Meaning | None = None,
    meaning_weight: float = 0.0,
) -> Candidates:
    """Return the papers made ready; of two with the same id, the one with more votes."""
    kept = _unique(papers)
    parts = [_parts(paper, vocabulary) for paper in kept]
    return Candidates(
        papers=kept,
        vocabulary=vocabulary,
        model=model,
        vectors=model.vectors([weighed_terms(title, abstract, rest) for title, abstract, *rest in parts]),
        # "|" is no word, so that no phrase runs from one field into the next.
        texts=tuple("|".join(map(written_out, part)) for part in parts),
        titles=tuple(written_out(part[0]) for part in parts),
        meaning=meaning,
        meaning_weight=meaning_weight,
    )


def _unique(papers: Iterable[Paper]) -> tuple[Paper, ...]:
    best: dict[str, Paper] = {}
    # The whole paper breaks the tie, so that the choice does not depend on which came first.
    for paper in sorted(papers, key=lambda paper: (paper.upvotes or 0, repr(paper))):
        best[paper.id] = paper
    return tuple(best[key] for key in sorted(best))


def _parts(paper: Paper, vocabulary: Vocabulary) -> list[tuple[str, ...]]:
    """Return the words of title, abstract and each keyword."""
    return [vocabulary.words(text) for text in (paper.title, paper.abstract or paper.summary, *paper.keywords)]
