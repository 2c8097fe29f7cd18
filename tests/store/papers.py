"""Papers as two sources give them, and all that is kept of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.model import Links, Paper

if TYPE_CHECKING:
    from newsletter.store import Store


DAY = date(2026, 7, 14)
NOW = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=18)

HF = Paper(
    id="2607.10001",
    source="huggingface",
    title="Caching: Keys & Values",
    abstract="About caches.",
    authors=("Ada Lovelace", "Zoë Müller"),
    author_count=2,
    organisation="Lab",
    published=date(2026, 7, 12),
    listed_on=DAY,
    upvotes=5,
    comments=1,
    keywords=("kv cache",),
    summary="Caches.",
    links=Links(page="https://p.example", stars=3),
    thumbnail="https://t.example/1.png",
    raw_title="Caching:\nKeys & Values",
    raw_abstract="About caches.",
)
PAGE = Paper(
    id="saved_page:caching-keys-values",
    source="saved_page",
    title="Caching - Keys &  Values",
    author_count=2,
    listed_on=date(2026, 7, 13),
    comments=4,
)


def stored(store: Store) -> tuple[object, ...]:
    """Return everything that is kept of papers, as it can be asked for."""
    papers = list(store.papers.all())
    first, last = date(2000, 1, 1), date(2100, 1, 1)
    return papers, store.papers.listings(first, last), [store.papers.votes(paper.id) for paper in papers]
