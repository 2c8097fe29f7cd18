"""Why a paper stands where it does, in plain words; each reason names only what raised the paper's score.

It weighs nothing: what each part added is told by the caller.
"""

from __future__ import annotations

from functools import lru_cache
from textwrap import shorten
from typing import TYPE_CHECKING

from newsletter.model import Paper, Profile, title_key
from newsletter.rank.terms import holds, written_out

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

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


def for_votes(upvotes: int) -> str:
    """Return the reason for votes."""
    return f"{upvotes} upvote{'' if upvotes == 1 else 's'}"


def followed(papers: Sequence[Paper], profile: Profile) -> list[str]:
    """Return for each paper the reason for an author or organisation that the profile follows, or an empty string.

    Authors are compared by their whole names, organisations by their words in a row ("DeepMind" is found in "Google
    DeepMind"); case and punctuation do not count.
    """
    authors = {title_key(name) for name in profile.authors} - {""}
    organisations = [words for name in profile.organisations if (words := _words(name))]
    if not authors and not organisations:
        return [""] * len(papers)
    return [_for_authors(paper, authors) or _for_organisation(paper, organisations) for paper in papers]


def _for_authors(paper: Paper, wanted: Collection[str]) -> str:
    names = dict.fromkeys(name for name in paper.authors if title_key(name) in wanted) if wanted else ()
    return f"by an author you follow: {', '.join(names)}" if names else ""


def _for_organisation(paper: Paper, wanted: Iterable[str]) -> str:
    own = _words(paper.organisation)
    is_followed = any(holds(own, words) for words in wanted)
    return f"from an organisation you follow: {paper.organisation}" if is_followed else ""


def _words(name: str) -> str:
    return written_out(title_key(name).split())
