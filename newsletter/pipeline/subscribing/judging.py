"""What a reader says of a paper, by the link beside it in a mail or on their preferences: more, less, save; or nothing.

Only a paper counts that is stored, or was in the very issue that the link came with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.life import Event, Happening
from newsletter.links import Verdict
from newsletter.pipeline.tastes import Taste, settled, with_taste, without_taste
from newsletter.store.membership import Step

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.model import Subscriber
    from newsletter.pipeline.subscribing.desk import Desk
    from newsletter.pipeline.subscribing.readers import Reader
    from newsletter.store.membership import Standing

_TASTES = {Verdict.MORE: Taste.LIKED, Verdict.LESS: Taste.DISLIKED}


class TakenBack(StrEnum):
    """What is taken back of a paper: that it is liked or disliked, or that it is saved."""

    TASTE = "taste"
    SAVED = "saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was said of which paper; `title` is what the issue, or the store, calls it."""

    paper_id: str
    title: str


def paper_of(desk: Desk, reader: Reader, paper_id: str) -> Judged:
    """Return the paper that a feedback link is about, under its present id.

    Raises:
        UsageError: it is neither stored nor in the issue of the link.
    """
    present = desk.store.lookup.ids([paper_id]).get(paper_id, "")
    issue = desk.store.issues.get(reader.period) if reader.period else None
    held = next((one for one in issue.papers if one.id == paper_id), None) if issue else None
    paper = held or desk.store.papers.get([present]).get(present)
    if paper is None:
        raise UsageError("there is no such paper here; open the link again from the mail")
    return Judged(paper_id=present or paper.id, title=paper.title)


def judge(desk: Desk, reader: Reader, verdict: Verdict, paper_id: str, *, now: datetime) -> Judged:
    """Keep what a reader says of a paper: what resembles it stands higher or lower from now on, or it is saved.

    Raises:
        UsageError: there is no such paper, or the reader liked and disliked more than a profile holds.
    """
    paper = paper_of(desk, reader, paper_id)
    if verdict is Verdict.SAVE:
        if not desk.store.saved.add(reader.id, paper.paper_id, now=now):
            raise UsageError("this paper is not kept here any more, so it cannot be saved")
        return paper
    former, taste = desk.store.lookup.former(), _TASTES[verdict]

    def decide(standing: Standing) -> Step:
        known = standing.subscriber
        profile = with_taste(settled(known.profile, former), taste, [paper.paper_id])
        return _judged(known, replace(known, profile=profile), verdict.value, paper.paper_id, now)

    desk.known(reader.id, decide, now=now)
    return paper


def take_back(desk: Desk, who: int, what: TakenBack, paper_id: str, *, now: datetime) -> None:
    """Let a paper be neither liked nor disliked, or not saved; nothing happens where it is not.

    Raises:
        UsageError: the subscription is not there any more.
    """
    if what is TakenBack.SAVED:
        desk.store.saved.remove(who, paper_id)
        return
    former = desk.store.lookup.former()

    def decide(standing: Standing) -> Step:
        known = standing.subscriber
        profile = without_taste(settled(known.profile, former), {paper_id, former.get(paper_id, paper_id)})
        return _judged(known, replace(known, profile=profile), "neither", paper_id, now)

    desk.known(who, decide, now=now)


def _judged(known: Subscriber, after: Subscriber, verdict: str, paper_id: str, now: datetime) -> Step:
    if after == known:
        return Step()
    event = Event(kind=Happening.JUDGED, at=now, detail={"verdict": verdict, "paper": paper_id})
    return Step(subscriber=after, events=(event,))
