"""Which readers' digests are looked at: a few that stand for all.

Pure. Two readers with the same papers in the same places get the same mail but for their address, so selections are
told apart, not readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from newsletter.model import Digest


def sample(digests: Iterable[Digest], *, most: int) -> tuple[Digest, ...]:
    """Return the first `most` different digests, and beside them the longest, the shortest and one without a match.

    Digests without papers are left out, since no mail is made of them. What is returned is in the order of what came.
    """
    chosen: dict[object, tuple[int, Digest]] = {}
    extremes: dict[str, tuple[int, Digest]] = {}
    for place, digest in enumerate(digests):
        if not digest.papers:
            continue
        if len(chosen) < most:
            chosen.setdefault(_selection(digest), (place, digest))
        for name, leads in _EXTREMES.items():
            if leads(digest, extremes[name][1] if name in extremes else None):
                extremes[name] = (place, digest)
    for place, digest in extremes.values():
        chosen.setdefault(_selection(digest), (place, digest))
    return tuple(digest for _, digest in sorted(chosen.values(), key=lambda pair: pair[0]))


def _selection(digest: Digest) -> object:
    return tuple((one.paper.id, one.matched) for one in digest.papers)


def _size(digest: Digest) -> tuple[int, int]:
    """Return how long a digest is: papers, then characters of what a card shows."""
    texts = (one.paper for one in digest.papers)
    return len(digest.papers), sum(len(paper.title) + len(paper.summary or paper.abstract) for paper in texts)


def _longer(digest: Digest, best: Digest | None) -> bool:
    return best is None or _size(digest) > _size(best)


def _shorter(digest: Digest, best: Digest | None) -> bool:
    return best is None or _size(digest) < _size(best)


def _without_match(digest: Digest, best: Digest | None) -> bool:
    return best is None and not any(one.matched for one in digest.papers)


_EXTREMES: dict[str, Callable[[Digest, Digest | None], bool]] = {
    "longest": _longer,
    "shortest": _shorter,
    "without a match": _without_match,
}
