"""What is held of a reader, as their preferences page lists it: papers they judged or saved, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.pipeline.subscribing.judging import TakenBack
from newsletter.render.cards import Link
from newsletter.render.words import count
from newsletter.web.wording import day_of_event, told_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from newsletter.life import Event
    from newsletter.model import Paper, Subscriber
    from newsletter.store import Store
    from newsletter.web.pages import Pages

_SHOWN = 50  # papers of a kind, the latest ones; the export has all


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPaper:
    """A paper in such a list; `link.url` is "" where it is not stored here."""

    id: str
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPapers:
    """The papers of one kind; `field` names what a button takes back, `more` how many are not shown."""

    heading: str
    field: str
    papers: tuple[HeldPaper, ...]
    more: str


def held_papers(pages: Pages, store: Store, known: Subscriber) -> list[HeldPapers]:
    """Return the papers that a reader liked, disliked and saved, the latest first; no empty list."""
    kinds = (
        ("More like these", TakenBack.TASTE, tuple(reversed(known.profile.liked))),
        ("Less like these", TakenBack.TASTE, tuple(reversed(known.profile.disliked))),
        ("Saved for later", TakenBack.SAVED, tuple(store.saved.of(known.id))),
    )
    stored = store.papers.get(paper for _, _, ids in kinds for paper in ids[:_SHOWN])
    return [_list(pages, stored, heading, what, ids) for heading, what, ids in kinds if ids]


def _list(pages: Pages, stored: Mapping[str, Paper], heading: str, what: TakenBack, ids: tuple[str, ...]) -> HeldPapers:
    return HeldPapers(
        heading=heading,
        field=what.value,
        papers=tuple(_held(pages, paper_id, stored.get(paper_id)) for paper_id in ids[:_SHOWN]),
        more=count(len(ids) - _SHOWN, "older one") if len(ids) > _SHOWN else "",
    )


def _held(pages: Pages, paper_id: str, paper: Paper | None) -> HeldPaper:
    if paper is None:
        return HeldPaper(id=paper_id, link=Link(label=paper_id, url=""))
    return HeldPaper(id=paper_id, link=Link(label=paper.title, url=pages.paper_path(paper.id)))


def history_of(store: Store, known: Subscriber) -> list[tuple[str, str]]:
    """Return what happened to a reader, the latest first, each as its day and a few words."""
    events = store.history.latest(known.id, limit=_SHOWN)
    titles = {key: paper.title for key, paper in store.papers.get(_papers_in(events)).items()}
    return [(day_of_event(event), told_of(event, titles)) for event in events]


def _papers_in(events: Iterable[Event]) -> set[str]:
    return {event.detail["paper"] for event in events if "paper" in event.detail}
