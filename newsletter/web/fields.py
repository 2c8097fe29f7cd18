"""The fields of a reader's wishes: what a form says as the cells that the pipeline takes, and back for the form.

What is wrong is told field by field. It acts on nothing and asks no store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.errors import UsageError
from newsletter.model import Cadence, Subscriber
from newsletter.pipeline.audience import WEEKDAYS, edited, normal_address
from newsletter.values import time_zones
from newsletter.web.forms import first_of
from newsletter.web.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from newsletter.model import Topic

_LISTS = ("interests", "authors", "organisations", "muted")
_SINGLE = {"cadence": "cadence", "weekday": "weekday", "hour": "hour", "zone": "time zone", "size": "size"}
_PARTED = re.compile(r"[\r\n;]+")
_CADENCES = {
    Cadence.DAILY: "Every day",
    Cadence.WEEKDAYS: "Monday to Friday",
    Cadence.WEEKLY: "Once a week",
    Cadence.MONTHLY: "Once a month",
}
_REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
_HOURS = 24
_LONGEST_CHOICE = 100  # letters; a page compares it with each that it offers, and may not compare without a bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """A reader's wishes as a form shows them; lists have a line for each value."""

    topics: frozenset[str]
    interests: str
    authors: str
    organisations: str
    muted: str
    cadence: str
    weekday: str
    hour: str
    zone: str
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What there is to choose from: (value, label) each; `zones` are parted by region."""

    topics: tuple[tuple[str, str], ...]
    cadences: tuple[tuple[str, str], ...]
    weekdays: tuple[tuple[str, str], ...]
    hours: tuple[tuple[str, str], ...]
    zones: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def choices_of(topics: Sequence[Topic]) -> Choices:
    """Return what every form offers."""
    return Choices(
        topics=tuple((topic.name, topic.title) for topic in topics),
        cadences=tuple((cadence.value, label) for cadence, label in _CADENCES.items()),
        weekdays=tuple((name, name.capitalize()) for name in WEEKDAYS),
        hours=tuple((str(hour), f"{hour:02}:00") for hour in range(_HOURS)),
        zones=(("Everywhere", (("UTC", "UTC"),)), *((region, _zones_of(region)) for region in _REGIONS)),
    )


def _zones_of(region: str) -> tuple[tuple[str, str], ...]:
    names = sorted(name for name in time_zones() if name.startswith(f"{region}/"))
    return tuple((name, name.partition("/")[2].replace("_", " ")) for name in names)


def wishes_of(subscriber: Subscriber) -> Wishes:
    """Return a subscriber's wishes for a form."""
    profile = subscriber.profile
    return Wishes(
        topics=frozenset(profile.topics),
        interests="\n".join(profile.interests),
        authors="\n".join(profile.authors),
        organisations="\n".join(profile.organisations),
        muted="\n".join(profile.muted),
        cadence=subscriber.cadence.value,
        weekday=WEEKDAYS[subscriber.weekday],
        hour=str(subscriber.hour),
        zone=subscriber.timezone,
        size=str(subscriber.size),
    )


def wishes_in(form: Mapping[str, Sequence[str]]) -> Wishes:
    """Return what a form said, to show it again; a choice that is longer than any which is offered is cut."""
    return Wishes(
        topics=frozenset(form.get("topic", ())),
        **{name: first_of(form, name) for name in _LISTS},
        **{name: first_of(form, name)[:_LONGEST_CHOICE] for name in _SINGLE},
    )


def cells_in(form: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what a form says as `sign_up` and `change` take it; fields that it does not have are left out."""
    cells = {"topics": ";".join(form.get("topic", ()))}
    cells |= {name: ";".join(_PARTED.split(first_of(form, name))) for name in _LISTS if name in form}
    return cells | {cell: first_of(form, name) for name, cell in _SINGLE.items() if name in form}


def problems_in(cells: Mapping[str, str], known: Subscriber, *, topics: Collection[str]) -> dict[str, str]:
    """Return what is wrong with the cells, in a sentence each, by the names of their fields."""
    names = {cell: name for name, cell in _SINGLE.items()} | {"topics": "topic"}
    found: dict[str, str] = {}
    for cell, value in cells.items():
        try:
            edited(known, {cell: value}, topics=topics)
        except UsageError as error:
            own = "There is no such topic any more. Choose from these." if cell == "topics" else sentence(error)
            found[names.get(cell, cell)] = own
    return found


def address_problem(address: str) -> str:
    """Return what is wrong with an address, "" where nothing is."""
    try:
        normal_address(address)
    except UsageError as error:
        return sentence(error) if address.strip() else "Enter your e-mail address."
    return ""
