"""Made-up papers, profiles and rankers of a few words, small enough for many tries; and a slow, plain way to pick.

The papers of `corpus` fall into subjects, so that there is something to learn. Nothing here asks the code under test
how to pick: `picked_slowly` says it again in the plainest way.
"""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from newsletter.model import Paper, Profile, RankedPaper, Topic
from newsletter.rank.ranker import Ranker
from newsletter.rank.reasons import EDITORS_PICK
from newsletter.rank.score import STEPS
from newsletter.rank.votes import vote_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from newsletter.rank.candidates import Candidates

NOW = datetime(2026, 7, 18, 6, tzinfo=UTC)
SUBJECTS = (
    "LLM agents tool use memory planning",
    "video generation diffusion motion frames camera",
    "cheese milk rennet cellar rind dairy",
    "chemistry molecule reaction catalyst bond synthesis",
    "robot arm grasp gripper policy control",
)
TOPICS = (
    Topic(name="agents", title="LLM agents", phrases=("tool use", "agent memory"), negative=("chemistry",)),
    Topic(name="video", title="Video generation", phrases=("video diffusion", "camera motion")),
    Topic(name="robots", title="Robots", description="Arms that grasp.", phrases=("robot arm", "grasp")),
)
PLAIN = Ranker(TOPICS, topic_weight=1.0, votes_weight=0.1, floor=0.2, aliases={"large language model": ["LLM"]})
KEYS = "abcdefghijkl"


def corpus(number: int) -> tuple[Paper, ...]:
    """Return so many papers with the ids p000, p001 ..., each of the subject that its number names in turn."""
    return tuple(_made(place, random.Random(place)) for place in range(number))  # noqa: S311 - texts, no secrets


def _made(place: int, chance: random.Random) -> Paper:
    own, other = SUBJECTS[place % len(SUBJECTS)].split(), SUBJECTS[chance.randrange(len(SUBJECTS))].split()
    told = chance.sample(own, 4) + chance.sample(other, 2) + chance.sample(["results", "study", "new", "data"], 2)
    return Paper(
        id=f"p{place:03}",
        source="t",
        title=" ".join(chance.sample(own, 2)),
        abstract=" ".join(told),
        listed_on=date(2026, 1, 1) + timedelta(days=place % 40),
    )


@cache
def fitted(number: int) -> Ranker:
    """Return a ranker fitted on so many made-up papers: below 100 it has no model of its own, below 300 no axes."""
    return PLAIN.fit(corpus(number))


words = st.sampled_from([*" ".join(SUBJECTS).split(), "of", "强化", "🤖"])
texts = st.lists(words, max_size=8).map(" ".join)
ids = st.sampled_from(KEYS)
some_ids = st.lists(ids, max_size=5, unique=True).map(tuple)
# Papers that tastes can be learned from: candidates, papers of the corpus, and some that nobody knows.
tastes = st.lists(ids | st.sampled_from([*(f"p{place:03}" for place in range(12)), "x", ""]), max_size=5, unique=True)
papers = st.builds(
    Paper,
    id=ids,
    source=st.just("t"),
    title=texts,
    abstract=texts,
    keywords=st.lists(texts, max_size=2).map(tuple),
    authors=st.lists(st.sampled_from(["Ada", "Bo"]), max_size=2).map(tuple),
    organisation=st.sampled_from(["", "Google DeepMind"]),
    listed_on=st.none() | st.dates(date(2026, 7, 10), date(2026, 7, 18)),
    upvotes=st.none() | st.integers(0, 99),
)
candidates = st.lists(papers, max_size=10)
profiles = st.builds(
    Profile,
    topics=st.lists(st.sampled_from(["agents", "video", "robots", "cooking"]), max_size=3).map(tuple),
    interests=st.lists(
        texts
        | st.text(max_size=20)
        | words.map('"{}"'.format)
        | st.builds("{} -{}".format, texts, words)
        | st.builds('{} -"{} {}"'.format, texts, words, words),
        max_size=2,
    ).map(tuple),
    muted=st.lists(words, max_size=1).map(tuple),
    authors=st.lists(st.sampled_from(["Ada", "Zoe"]), max_size=1).map(tuple),
    organisations=st.lists(st.sampled_from(["DeepMind", "Mind"]), max_size=1).map(tuple),
    liked=tastes.map(tuple),
    disliked=tastes.map(tuple),
)


def apart(given: Sequence[Paper]) -> list[Paper]:
    """Return the papers with forty words more, each of them in no other paper, so that no two are alike."""
    return [
        dataclasses.replace(paper, abstract=f"{paper.abstract} {' '.join(_own_words(paper.id))}") for paper in given
    ]


def _own_words(key: str) -> Iterator[str]:
    return (f"q{ord(key[-1])}q{place}" for place in range(40))


def once(given: Sequence[Paper]) -> list[Paper]:
    """Return of papers with one id the one with the most votes, in the order of their ids."""
    best: dict[str, Paper] = {}
    for paper in sorted(given, key=lambda paper: (paper.upvotes or 0, repr(paper))):
        best[paper.id] = paper
    return [best[key] for key in sorted(best)]


def picked_slowly(
    given: Sequence[Paper],
    ranked: Sequence[RankedPaper],
    *,
    size: int,
    pins: Sequence[str] = (),
    barred: Collection[str] = (),
    said: Callable[[Paper, Paper], float] = lambda _, __: 0.0,
) -> tuple[RankedPaper, ...]:
    """Return what a reader to whom `given` were `ranked` so should get.

    `said` is how much of a paper (the first) another one says: 0 nothing that counts, 1 all of it.
    """
    open_papers = {one.paper.id: one for one in ranked if one.paper.id not in barred}
    votes = {paper.id: reason for paper, reason in zip(once(given), vote_reasons(once(given)), strict=True)}
    pinned = [open_papers.pop(key) for key in dict.fromkeys(pins) if key in open_papers]
    chosen = [dataclasses.replace(one, reasons=(EDITORS_PICK, *one.reasons), matched=True) for one in pinned]
    chosen = chosen[: max(size, 0)]
    while open_papers and len(chosen) < size:
        key = min(open_papers, key=lambda key: _place(open_papers[key], chosen, said))
        one = open_papers.pop(key)
        by_votes = tuple(dict.fromkeys(reason for reason in (votes[key], *one.reasons) if reason))
        chosen.append(one if one.matched else dataclasses.replace(one, reasons=by_votes))
    return tuple(chosen)


def _place(
    one: RankedPaper, chosen: Sequence[RankedPaper], said: Callable[[Paper, Paper], float]
) -> tuple[int, int, int, str]:
    already = max((said(one.paper, other.paper) for other in chosen), default=0.0)
    steps = round(one.score * STEPS) - round(already * STEPS) if one.matched else 0
    is_lost = already >= 1 or (already > 0 and steps < 0)
    is_unwanted = not one.matched and one.score < 0
    section = 2 if is_lost or is_unwanted else 0 if one.matched else 1
    return section, 0 if is_lost else -steps, -(one.paper.upvotes or 0), one.paper.id


def likeness_of(ready: Candidates) -> NDArray[np.float32]:
    """Return how alike the texts of any two candidates are, candidates x candidates."""
    return np.asarray((ready.vectors @ ready.by_place).toarray(), dtype=np.float32)
