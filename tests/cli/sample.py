"""Papers for the commands to work on, and what of a home they could have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.command import Newsletter

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PAPERS = [
    {
        "id": "2607.00001",
        "title": "Pruning the key-value cache of long dialogues",
        "abstract": "Entries of the kv cache that no later token attends to are dropped.",
        "authors": ["Ada Byron"],
        "upvotes": 12,
        "comments": 1,
        "listed_on": "2026-07-14",
        "published": "2026-07-13",
    },
    {
        "id": "2607.00002",
        "title": "A robot that folds towels",
        "abstract": "A policy for two arms learns from forty demonstrations.",
        "authors": ["Bo Li", "Cy Young"],
        "upvotes": 80,
        "listed_on": "2026-07-14",
    },
    {
        "id": "2607.00003",
        "title": "Video from sketches",
        "abstract": "A diffusion model turns drawings into film.",
        "author_count": 7,
        "upvotes": 3,
        "listed_on": "2026-07-13",
    },
]


def dump(home: Path) -> dict[str, bytes]:
    """Everything a command could have changed."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def statuses(newsletter: Newsletter) -> dict[str, str]:
    found = newsletter.well("subscribers", "list", "--json").json
    return {one["address"].partition("@")[0]: one["status"] for one in found}
