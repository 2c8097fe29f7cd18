"""Who may use the JSON API, and for what. Only types, as in `model`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Scope(StrEnum):
    """What a key of the JSON API may do."""

    PAPERS_READ = "papers:read"
    ISSUES_READ = "issues:read"
    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    SUBSCRIBERS_IMPORT = "subscribers:import"
    EVENTS_READ = "events:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key of the JSON API, without the key itself, which nobody keeps. Times are aware, UTC.

    `used_at` is when it was last used, give or take an hour; a key with `revoked_at` is of no use any more.
    """

    id: int
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
