"""What a reader may wish for, as it is written: topics, interests, follows and mutes, each checked and remarked on.

Pure text in, values out. Whether papers meet a wish is `newsletter.rank`'s to say; here it is only said of words that
no paper could be found by.
"""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.model import Profile
from newsletter.rank.terms import Vocabulary, wished_terms
from newsletter.rank.topics import minus_terms, wishes_of_interest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

LISTS = ("authors", "organisations", "muted")  # what else a profile lists in words, by its own names
_MAX_TEXT = 10_000
_NEAREST = 3  # topics that are named where one is unknown
_TELLING_NAME = 3  # letters of a name that are looked for in others
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's controls, halves of a surrogate pair, line and paragraph ends


def profile_from(topic_cell: str, interest_cell: str, *, topics: Collection[str]) -> Profile:
    """Return what two cells wish for, several values each parted by `;`; `topics` are the names there are.

    Raises:
        UsageError: an unknown topic, an interest with a control character, or too long a cell.
    """
    return Profile(topics=_topics(topic_cell, topics), interests=_interests(interest_cell))


def lists_from(values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return followed authors and organisations, and muted words, of cells named so; empty where there is none.

    Raises:
        UsageError: a value with a control character, or too long a cell.
    """
    return {name: _plain(_split(values.get(name, ""), name), name) for name in LISTS}


def remarks_on(profile: Profile) -> tuple[str, ...]:
    """Return a line for each interest that no paper can be found by, and for each muted word that is no word.

    They are kept all the same: they may come from an older export, and harm nothing but themselves.
    """
    interests = (_remark(interest) for interest in profile.interests)
    minus = [term for interest in profile.interests for term in minus_terms(interest)]
    nothing = [term for term in (*profile.muted, *minus) if not _says_something(term)]
    muted = (f"the muted word {term!r} is in most papers, or in none; mute what tells papers apart" for term in nothing)
    return (*filter(None, interests), *muted)


@lru_cache(maxsize=10_000)
def _remark(interest: str) -> str:
    phrases = [phrase for wish in wishes_of_interest(interest) for phrase in wish.phrases]
    if any(map(_says_something, phrases)):
        return ""
    if minus_terms(interest) and not any(phrases):
        return f"the interest {interest!r} only keeps papers out and asks for none; name what is wanted, too"
    return f"the interest {interest!r} has no word that papers could be found by; write a few that say what it is about"


@lru_cache(maxsize=10_000)
def _says_something(text: str) -> bool:
    """Whether text has more than words of every text, as "the", and single Latin letters or digits."""
    return any(len(term) > 1 or not term.isascii() for term in wished_terms(Vocabulary().words(text)))


def cell_of(values: Iterable[str]) -> str:
    """Return several values as one cell.

    Raises:
        UsageError: a value that says nothing.
    """
    held = list(values)
    if not all(value.replace(";", "").strip() for value in held):
        raise UsageError("a topic, interest, name or muted word is empty; write what is meant, or leave it out")
    return ";".join(held)


def _split(cell: str, what: str) -> tuple[str, ...]:
    if len(cell) > _MAX_TEXT:
        raise UsageError(f"{len(cell)} characters of {what}; {_MAX_TEXT} are the most")
    return tuple(dict.fromkeys(part.strip() for part in cell.split(";") if part.strip()))


def _topics(cell: str, known: Collection[str]) -> tuple[str, ...]:
    topics = _split(cell, "topics")
    if unknown := [topic for topic in topics if topic not in known]:
        near = _nearest(unknown[0], known)
        hint = f"; the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}" if near else ""
        raise UsageError(f"unknown topic {unknown[0]!r}{hint}; see: newsletter topics")
    return topics


def _nearest(name: str, known: Collection[str]) -> list[str]:
    """Return at most three known names: those that hold the name as it is mostly written, then those spelt alike."""
    wanted = name.casefold().replace(" ", "-").replace("_", "-")
    holding = [one for one in known if len(wanted) >= _TELLING_NAME and (wanted in one or one in wanted)]
    return list(dict.fromkeys((*holding, *get_close_matches(wanted, known, n=_NEAREST))))[:_NEAREST]


def _interests(cell: str) -> tuple[str, ...]:
    return _plain(_split(cell, "interests"), "interests")


def _plain(values: tuple[str, ...], what: str) -> tuple[str, ...]:
    for value in values:
        if any(unicodedata.category(character) in _UNPRINTABLE for character in value):
            raise UsageError(f"of the {what} {value!a} holds a control character; write it in one plain line")
    return values
