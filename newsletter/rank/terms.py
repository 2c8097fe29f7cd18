"""Text to the words and terms that are compared: folded case, singular forms, aliases as one word, stems.

The same steps run over papers, topics, interests and mutes, so that "KV caches" and "key-value cache" meet. It weighs
nothing and knows nothing of papers.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import snowballstemmer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# A word is a run of letters and digits (c++ and c# kept whole). Kana and Han are written without spaces: there each
# character is a word, and the pairs of neighbours stand for what is a word to a reader.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:\+\+|#)?")
_JOINT = "_"  # joins the words of an alias; never part of a word above
_SHORTEST_PLURAL = 4  # "gas" and "bus" are no plurals, "LLMs" is one

# What carries no topic: articles, pronouns, prepositions, conjunctions, auxiliaries.
_STOP_WORDS = """
a about above across after again all also although am among an and any are as at be because been before being below
between both but by can could did do does doing down during each either even ever every few for from further had has
have having he her here hers him his how however i if in into is it its itself just less many may me might more most
much must my neither no nor not of off often on once one only onto or other our ours out over own per rather same
several she should since so some such than that the their theirs them then there thereby therefore these they this
those though through thus to together too toward towards under until up upon us use used uses using very via was we
well were what when where whether which while who whom whose why will with within without would yet you your yours
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


class Vocabulary:
    """How text becomes words, with one table of aliases.

    `aliases` maps a written-out form to its other spellings, for example `"large language model": ["LLM"]`. Case,
    hyphens and plurals need no entry. Where one of the spellings stands in a text, longest first, the text gets one
    word, the written-out form joined by `_`.
    """

    def __init__(self, aliases: Mapping[str, Sequence[str]] | None = None) -> None:
        self._spellings = _by_first_word(aliases or {})

    def words(self, text: str) -> tuple[str, ...]:
        """Return the words of `text` in order: case folded, singular, aliases joined, stop words kept."""
        return tuple(self._joined(_plain_words(text)))

    def _joined(self, words: Sequence[str]) -> Iterator[str]:
        place = 0
        while place < len(words):
            for spelling, joined in self._spellings.get(words[place], ()):
                if tuple(words[place : place + len(spelling)]) == spelling:
                    yield joined
                    place += len(spelling)
                    break
            else:
                yield words[place]
                place += 1


def wished_terms(words: Sequence[str]) -> list[str]:
    """Return the terms of a wish: the stems without stop words, then each pair of neighbours as `first second`."""
    stems = [stem(word) for word in words if word not in STOP_WORDS]
    return stems + [f"{first} {second}" for first, second in pairwise(stems)]


def paper_terms(words: Sequence[str]) -> list[str]:
    """Return the terms of a paper's text: those of a wish, and those inside aliases.

    So "language model" finds a paper that says LLM, while the wish "code LLM" is not drowned in the common words
    that LLM stands for.
    """
    terms = wished_terms(words)
    for word in words:
        if _JOINT in word:
            terms += wished_terms(word.split(_JOINT))
    return terms


def written_out(words: Sequence[str]) -> str:
    """Return words as one string, aliases written out, with a space around each word; empty where there are none.

    So a phrase stands word by word in a text if, and only if, the one string is part of the other.
    """
    return f" {' '.join(words)} ".replace(_JOINT, " ") if words else ""


def holds(text: str, phrase: str) -> bool:
    """Whether `phrase` stands in `text` as whole words in a row; both as `written_out` gives them."""
    return bool(phrase) and phrase in text


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return the Snowball English stem (https://snowballstem.org/algorithms/english/stemmer.html); aliases stay."""
    # A stemmer keeps state while it works: one for each call, so that threads may share this function.
    return word if _JOINT in word else str(snowballstemmer.stemmer("english").stemWord(word))


def _plain_words(text: str) -> list[str]:
    return [_singular(word) for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def _singular(word: str) -> str:
    """Drop a plural's ending; a wrong guess (`diabete`) does no harm, for every text is treated alike."""
    if not word.endswith("s") or len(word) < _SHORTEST_PLURAL or word.endswith(("ss", "us", "is", "as")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "shes", "zzes")) else word[:-1]


def _by_first_word(aliases: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for full_form, others in aliases.items():
        joined = _JOINT.join(_plain_words(full_form))
        for spelling in {tuple(_plain_words(text)) for text in (full_form, *others)}:
            if spelling:
                table.setdefault(spelling[0], []).append((spelling, joined))
    return {first: sorted(entries, key=lambda entry: (-len(entry[0]), entry)) for first, entries in table.items()}
