"""Why a paper stands where it does, in plain words; each reason names only what raised the paper's score.

It weighs nothing: what each part added is told by the caller.
"""

from __future__ import annotations

from functools import lru_cache
from textwrap import shorten
from typing import TYPE_CHECKING

from newsletter.model import title_key

if TYPE_CHECKING:
    from collections.abc import Iterable

EDITORS_PICK = "editor's pick"
LIKES = "close to what you liked"  # where no single liked paper is behind it
_MOST_TERMS = 4
_LABEL_WIDTH = 60


def said(reasons: Iterable[tuple[float, str]]) -> tuple[str, ...]:
    """Return the reasons that raised the score, strongest first; each is given with how much it added."""
    raising = [(-gain, reason) for gain, reason in reasons if gain > 0 and reason]
    return tuple(reason for _, reason in sorted(raising))


def for_terms(terms: Iterable[str]) -> str:
    """Return the reason for wished-for words that stand in the paper; at most four, none that is part of another."""
    once = {_bare(term): term for term in reversed(list(terms))}
    whole = [term for bare, term in reversed(once.items()) if not any(bare in other != bare for other in once)]
    return "matches: " + ", ".join(map(_short, whole[:_MOST_TERMS])) if whole else ""


@lru_cache(maxsize=50_000)
def _bare(term: str) -> str:
    """Return the words of a term between blanks, so that `in` compares whole words."""
    return f" {title_key(term)} "


def for_likeness(label: str) -> str:
    """Return the reason for a paper that shares the vocabulary of a wish but none of its phrases."""
    return f"close to: {_short(label)}"


def for_like(title: str) -> str:
    """Return the reason for a paper that resembles a liked one, by that one's title; none for no title."""
    return f"because you liked {_short(title)}" if title else ""


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_WIDTH else shorten(label, _LABEL_WIDTH, placeholder="…")
