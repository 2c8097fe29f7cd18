"""Papers and profiles as rows and as JSON, and back. Pure: no database, no clock.

What was written by a newer version is read as far as it is known here: unknown keys are passed over, missing ones
take the type's own default.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Any

from newsletter.model import Cadence, Links, Paper, Profile, Subscriber, title_key
from newsletter.store.columns import storable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import RowMapping

_FORMAT = 1
_LINK_NAMES = tuple(field.name for field in fields(Links))
_LONGEST_TITLE = 10_000  # letters that are compared; nothing longer is a title
_LISTS = ("authors", "keywords")
_DAYS = ("published", "listed_on")
_PROFILE_NAMES = tuple(field.name for field in fields(Profile))
_PAPER_NAMES = tuple(field.name for field in fields(Paper))
# Stored as listings and snapshots, or derived from these, not in the paper's row.
_DATED = frozenset({"listed_on", "upvotes", "comments", "growth"})
PLAIN_NAMES = tuple(field.name for field in fields(Paper) if field.name not in _DATED | {"links"})


def title_digest(title: str) -> str | None:
    """Return what titles are looked up by: a digest of the normalised title, None if that has nothing in it."""
    key = title_key(title[:_LONGEST_TITLE])
    return hashlib.sha256(key.encode()).hexdigest()[:32] if key else None


def fit(paper: Paper) -> Paper:
    """Return the paper as every database takes it, its count of authors at least the number of its names."""
    return paper_of(storable(_flat(paper)) | {"author_count": max(storable(paper.author_count), len(paper.authors))})


def paper_row(paper: Paper) -> dict[str, Any]:
    """Return the columns of table `papers` that a paper fills."""
    row = {name: getattr(paper, name) for name in PLAIN_NAMES}
    return row | {name: getattr(paper.links, name) for name in _LINK_NAMES} | {"title_key": title_digest(paper.title)}


def row_paper(
    row: RowMapping, *, listed_on: date | None = None, upvotes: int | None = None, comments: int | None = None
) -> Paper:
    """Return the paper of a row of table `papers`, with what stands in other tables."""
    values: dict[str, Any] = {name: row[name] for name in PLAIN_NAMES}
    values.update((name, tuple(values[name])) for name in _LISTS)
    links = Links(**{name: row[name] for name in _LINK_NAMES})
    return Paper(**values, links=links, listed_on=listed_on, upvotes=upvotes, comments=comments)


def paper_payload(paper: Paper) -> dict[str, Any]:
    """Return a whole paper for JSON, as an issue keeps it."""
    flat = _flat(paper)
    return flat | {name: day.isoformat() for name in _DAYS if (day := flat[name])} | {"format": _FORMAT}


def payload_paper(payload: Mapping[str, Any]) -> Paper:
    """Return the paper that `paper_payload` wrote."""
    days = {name: date.fromisoformat(day) for name in _DAYS if (day := payload.get(name))}
    return paper_of({**payload, **days})


def profile_payload(profile: Profile) -> dict[str, Any]:
    """Return a profile for JSON."""
    return {"format": _FORMAT} | {name: list(getattr(profile, name)) for name in _PROFILE_NAMES}


def payload_profile(payload: Mapping[str, Any]) -> Profile:
    """Return the profile that `profile_payload` wrote."""
    return Profile(**{name: tuple(payload[name]) for name in _PROFILE_NAMES if name in payload})


def wishes_payload(subscriber: Subscriber) -> dict[str, Any]:
    """Return all that a subscriber wants for JSON: the profile, and when how much of it shall come."""
    return {
        "format": _FORMAT,
        "profile": profile_payload(subscriber.profile),
        "cadence": subscriber.cadence.value,
        "weekday": subscriber.weekday,
        "hour": subscriber.hour,
        "timezone": subscriber.timezone,
        "size": subscriber.size,
    }


def payload_wishes(payload: Mapping[str, Any], address: str) -> Subscriber:
    """Return a subscriber with the wishes that `wishes_payload` wrote."""
    return Subscriber(
        address=address,
        profile=payload_profile(payload["profile"]),
        cadence=Cadence(payload["cadence"]),
        weekday=payload["weekday"],
        hour=payload["hour"],
        timezone=payload["timezone"],
        size=payload["size"],
    )


def paper_of(values: Mapping[str, Any]) -> Paper:
    """Return the paper with these values, `links` a dict, lists as any sequence."""
    known = {name: value for name, value in values.items() if name in _PAPER_NAMES}
    links = {name: value for name, value in known.pop("links", {}).items() if name in _LINK_NAMES}
    known.update((name, tuple(known[name])) for name in _LISTS if name in known)
    return Paper(**known, links=Links(**links))


def _flat(paper: Paper) -> dict[str, Any]:
    flat = {name: getattr(paper, name) for name in _PAPER_NAMES}
    return flat | {"links": {name: getattr(paper.links, name) for name in _LINK_NAMES}}
