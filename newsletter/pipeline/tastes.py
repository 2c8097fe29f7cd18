"""What a reader likes and dislikes: references matched with the stored papers, and the profile that follows.

Only `match` asks the store; the rest is decided from its arguments. It opens no file and stores nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.model import arxiv_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from newsletter.collect.reference import Reference
    from newsletter.model import Profile
    from newsletter.store import Store

MOST_PAPERS = 5_000  # liked and disliked of one reader together
_MOST_CHARACTERS = 100_000  # of the ids of either, so that an export's cell can be read back (csv's limit is 131,072)
_FEW = 3  # ids that a message names


class Taste(StrEnum):
    """What a reader says of a paper; the values are the names in a profile."""

    LIKED = "liked"
    DISLIKED = "disliked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The papers that references mean, each once, in their order, and one line for each that means none.

    `waiting` are the arXiv ids among `ids` that no stored paper has: they count once such a paper is collected.
    """

    ids: tuple[str, ...]
    waiting: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def stored(self) -> int:
        """How many of the papers are stored."""
        return len(self.ids) - len(self.waiting)


def match(store: Store, references: Sequence[Reference], *, held: Iterable[str] = ()) -> Matched:
    """Match references with the stored papers: by an id they have or had, else by the normalised title.

    An arXiv id that is not stored means a paper of the same title only where that one has no arXiv id of its own:
    the two become one when the first is collected (see `store.identity`). `held` are ids that a profile has anyway:
    they are good without being stored, so that what came from another home's export can be taken back.
    """
    known = {paper: paper for paper in held} | store.lookup.ids(one.id for one in references if one.id)
    titled = store.lookup.titled(one.title for one in references if one.title and one.id not in known)
    found: dict[str, bool] = {}
    problems = []
    for one in references:
        try:
            paper, is_stored = _meant(one, known, titled.get(one.title, ()))
        except UsageError as error:
            problems.append(f"{one.name}: {error}")
        else:
            found[paper] = found.get(paper, False) or is_stored
    waiting = tuple(paper for paper, is_stored in found.items() if not is_stored)
    return Matched(ids=tuple(found), waiting=waiting, problems=tuple(dict.fromkeys(problems)))


def _meant(one: Reference, known: Mapping[str, str], same_title: Sequence[str]) -> tuple[str, bool]:
    if one.id in known:
        return known[one.id], True
    if arxiv_id(one.id):
        twins = [paper for paper in same_title if not arxiv_id(paper)]
        return (twins[0], True) if twins else (one.id, False)
    if len(same_title) > 1:
        raise UsageError(f"{len(same_title)} stored papers have this title ({_some(same_title)}); name the id")
    if not same_title:
        raise UsageError("no arXiv id, and no stored paper has this id or title")
    return same_title[0], True


def with_taste(profile: Profile, taste: Taste, papers: Iterable[str]) -> Profile:
    """Return the profile with these papers liked or disliked too; a paper is one or the other, and the newer word wins.

    Raises:
        UsageError: that would be more than a profile holds.
    """
    new = dict.fromkeys(papers)
    if taste is Taste.LIKED:
        changed = replace(profile, liked=_joined(profile.liked, new), disliked=_without(profile.disliked, new))
    else:
        changed = replace(profile, liked=_without(profile.liked, new), disliked=_joined(profile.disliked, new))
    check_tastes(changed)
    return changed


def without_taste(profile: Profile, papers: Collection[str]) -> Profile:
    """Return the profile with these papers neither liked nor disliked."""
    return replace(profile, liked=_without(profile.liked, papers), disliked=_without(profile.disliked, papers))


def settled(profile: Profile, present: Mapping[str, str]) -> Profile:
    """Return the profile with each paper under its present id; `present` leads there from ids that papers had.

    Where an old and a new id of one paper stand on different lists nobody can tell which came last: it is liked.
    """
    liked = tuple(dict.fromkeys(present.get(paper, paper) for paper in profile.liked))
    disliked = dict.fromkeys(present.get(paper, paper) for paper in profile.disliked)
    return replace(profile, liked=liked, disliked=_without(disliked, frozenset(liked)))


def check_tastes(profile: Profile) -> None:
    """Refuse a profile with too many papers, or with one that is both liked and disliked.

    Raises:
        UsageError: which; the message says how many there may be.
    """
    disliked = frozenset(profile.disliked)
    if both := [paper for paper in profile.liked if paper in disliked]:
        raise UsageError(f"both liked and disliked: {_some(both)}; name each paper once")
    number = len(profile.liked) + len(profile.disliked)
    if number > MOST_PAPERS:
        raise UsageError(f"{number:,} liked and disliked papers; {MOST_PAPERS:,} are the most for one reader")
    longest = max(sum(map(len, papers)) + len(papers) for papers in (profile.liked, profile.disliked))
    if longest > _MOST_CHARACTERS:
        raise UsageError(
            f"the papers' ids are {longest:,} characters; {_MOST_CHARACTERS:,} are the most for one reader"
        )


def _joined(papers: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*papers, *new)))


def _without(papers: Iterable[str], gone: Collection[str]) -> tuple[str, ...]:
    return tuple(paper for paper in papers if paper not in gone)


def _some(papers: Sequence[str]) -> str:
    more = f" and {len(papers) - _FEW} more" if len(papers) > _FEW else ""
    return ", ".join(papers[:_FEW]) + more
