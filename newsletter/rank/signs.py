"""The words of a wish that a person would recognise in a paper: what a reason may name.

A sign is a phrase of a topic, or a run of one to three words of an interest. Whether it stands in a paper is decided
by its words alone, in a row; how rare the words are comes from the text model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.rank.terms import STOP_WORDS, Vocabulary, holds, wished_terms, written_out
from newsletter.rank.vectors import place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from newsletter.rank.text import TextModel
    from newsletter.rank.topics import Wish

_LONGEST_RUN = 3
_MOST_SIGNS = 60  # of a very long interest not every run of words can be looked for
_COMMON_SHARE = 0.15  # a single word that more papers hold says nothing by itself
_FEWEST_COMMON = 2  # papers: of a handful, two that hold a word do not make it common
_NAMED = 3
_EDGES = "\"'`.,;:!?()[]{}<>"


@dataclass(frozen=True, slots=True)
class Sign:
    """How a wish's words read (`label`), and the same words as `terms.written_out` gives them."""

    label: str
    words: str


class PhraseIndex:
    """Which texts hold a phrase, word by word in a row; texts and phrases as `terms.written_out` gives them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._rows: dict[str, set[int]] = {}
        for row, text in enumerate(texts):
            for word in set(text.split()):
                self._rows.setdefault(word, set()).add(row)

    def holding(self, phrase: str) -> Collection[int]:
        """Return the rows of the texts that hold `phrase`; none for an empty phrase."""
        words = phrase.split()
        rows = set.intersection(*(self._rows.get(word, set()) for word in words)) if words else set()
        return rows if len(words) == 1 else [row for row in rows if holds(self._texts[row], phrase)]


def signs_of(wish: Wish, vocabulary: Vocabulary, model: TextModel) -> tuple[Sign, ...]:
    """Return the signs of a wish, at most 60: longest first, then rarest; none where the wish has no word."""
    whole = set(wish.phrases)
    signs: dict[Sign, tuple[int, float]] = {}
    for phrase in dict.fromkeys(_candidates(wish)):
        words = vocabulary.words(phrase)
        places = [place_of(term) for term in wished_terms(words)]
        if places and (phrase in whole or not _is_common(places, model)):
            sign = Sign(phrase, written_out(words))
            signs[sign] = -sign.words.count(" "), -sum(float(model.idf[place]) for place in places)
    return tuple(sorted(signs, key=lambda sign: (signs[sign], sign.label))[:_MOST_SIGNS])


def found(signs: Iterable[Sign], index: PhraseIndex) -> dict[int, tuple[str, ...]]:
    """Return for each text that holds signs the labels of at most three; none that is part of another one."""
    named: dict[int, list[Sign]] = {}
    for sign in signs:
        for row in index.holding(sign.words):
            others = named.setdefault(row, [])
            if len(others) < _NAMED and not any(holds(other.words, sign.words) for other in others):
                others.append(sign)
    return {row: tuple(sign.label for sign in signs) for row, signs in named.items()}


def _candidates(wish: Wish) -> Iterator[str]:
    yield from wish.phrases
    if wish.is_free_text:
        for phrase in wish.phrases:
            yield from _runs(phrase.split())


def _runs(tokens: Sequence[str]) -> Iterator[str]:
    """Yield each run of one to three words that neither begins nor ends with a stop word."""
    bare = [token.strip(_EDGES) for token in tokens]
    for length in range(_LONGEST_RUN, 0, -1):
        for start in range(len(bare) - length + 1):
            run = bare[start : start + length]
            if not {run[0].casefold(), run[-1].casefold()} & STOP_WORDS:
                yield " ".join(run)


def _is_common(places: Sequence[int], model: TextModel) -> bool:
    most = max(_COMMON_SHARE * model.documents, _FEWEST_COMMON)
    return len(places) == 1 and int(model.frequency[places[0]]) > most
