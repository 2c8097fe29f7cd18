"""Freezes an issue: who gets which papers is stored in one transaction before the first mail leaves."""

from __future__ import annotations

import hashlib
import json
from array import array
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, insert, select, update

from newsletter.errors import IssueStateError, StoreError
from newsletter.model import DeliveryState, IssueState, RankedPaper
from newsletter.store.engine import refresh_statistics
from newsletter.store.forgetting import erase
from newsletter.store.schema import chunks, deliveries, digest_papers, digests, issue_papers, issues, subscribers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

# What one subscriber gets: their id, the papers in order, and how many more the period had.
Selection = tuple[int, tuple[RankedPaper, ...], int]

_BATCH = 2000
CHUNK = 500  # deliveries that a sender takes at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """How many deliveries were stored, and how many different digests they share.

    `stale` says that nothing was, because another issue was frozen after the choice had begun.
    """

    deliveries: int = 0
    digests: int = 0
    stale: bool = False


def start_sending(connection: Connection, issue_id: int, content_hash: str, now: datetime) -> bool:
    """Move an approved issue to sending; False where it is being sent or sent already.

    Raises:
        IssueStateError: the issue is in another state, or its content is not what was approved.
    """
    approved = (issues.c.id == issue_id, issues.c.state == IssueState.APPROVED.value)
    begin = update(issues).where(*approved, issues.c.approved_hash == content_hash)
    if connection.execute(begin.values(state=IssueState.SENDING.value, updated_at=now)).rowcount:
        return True
    row = connection.execute(select(issues).where(issues.c.id == issue_id)).first()
    if row is None:
        raise IssueStateError(f"there is no issue with the id {issue_id}; draft it first")
    if row.state not in {IssueState.APPROVED, IssueState.SENDING, IssueState.SENT}:
        raise IssueStateError(f"issue {row.period} is {row.state}, not approved; only an approved issue can be sent")
    if row.approved_hash != content_hash:
        raise IssueStateError(f"issue {row.period} was edited after it was approved; preview and approve it again")
    return False


class Freezer:
    """Writes the deliveries of one issue inside the caller's transaction."""

    def __init__(self, connection: Connection, issue_id: int, now: datetime) -> None:
        self._connection = connection
        self._issue_id = issue_id
        self._now = now
        self._digests: dict[bytes, int] = {}
        self._places = _places(connection, issue_id)
        # Eight bytes each: who gets a digest, and which.
        self._readers, self._theirs = array("q"), array("q")

    def freeze(self, selections: Iterable[Selection], skipped: Iterable[tuple[int, str]]) -> Frozen:
        """Store every selection, equal ones once, and who is left out with the reason."""
        rest = iter(selections)
        while batch := list(islice(rest, _BATCH)):
            self._freeze(batch)
        self._store_deliveries()
        left = iter(skipped)
        while out := list(islice(left, _BATCH)):
            self._insert([self._row(who, state=DeliveryState.SKIPPED, reply=reason) for who, reason in out])
        count = select(func.count()).select_from(deliveries).where(deliveries.c.issue_id == self._issue_id)
        number = self._connection.execute(count).scalar_one()
        refresh_statistics(self._connection, number, deliveries, digests, digest_papers, chunks)
        self._erase_forgotten()
        return Frozen(deliveries=number, digests=len(self._digests))

    def _freeze(self, batch: Sequence[Selection]) -> None:
        # Subscribers of one profile are handed one tuple: within a batch, where it cannot die, its identity will do.
        contents: dict[tuple[int, int], bytes] = {}
        new: dict[bytes, Selection] = {}
        keys: list[bytes] = []
        for selection in batch:
            _, ranked, left_out = selection
            key = contents.get((id(ranked), left_out))
            if key is None:
                key = contents[id(ranked), left_out] = _key(ranked, left_out)
                if key not in self._digests:
                    new.setdefault(key, selection)
            keys.append(key)
        self._store_digests(new)
        self._readers.extend([who for who, _, _ in batch])
        self._theirs.extend([self._digests[key] for key in keys])

    def _store_deliveries(self) -> None:
        """Store the deliveries digest by digest, so that a sender makes mails that are alike one after another."""
        import numpy as np  # noqa: PLC0415 - whoever chose the papers has it; a command that only looks need not

        readers, theirs = np.frombuffer(self._readers, np.int64), np.frombuffer(self._theirs, np.int64)
        order = np.argsort(theirs, kind="stable")
        for start in range(0, len(order), CHUNK):
            some = order[start : start + CHUNK]
            self._store_chunk(list(zip(readers[some].tolist(), theirs[some].tolist(), strict=True)))

    def _erase_forgotten(self) -> None:
        """Let nothing be kept of readers who were forgotten between the choice and now."""
        there = exists(select(subscribers.c.id).where(subscribers.c.id == deliveries.c.subscriber_id))
        theirs = select(deliveries.c.subscriber_id).where(deliveries.c.issue_id == self._issue_id, ~there)
        for who in self._connection.execute(theirs).scalars().all():
            erase(self._connection, who)

    def _store_chunk(self, readers: Sequence[tuple[int, int]]) -> None:
        """Store the deliveries of one chunk; `readers` are (subscriber id, digest id)."""
        values = {"issue_id": self._issue_id, "size": len(readers), "owner": "", "fence": 0}
        opened = insert(chunks).values(**values, opened_at=self._now, due_at=self._now).returning(chunks.c.id)
        chunk = self._connection.execute(opened).scalar_one()
        self._insert([self._row(who, digest_id=digest, chunk_id=chunk) for who, digest in readers])

    def _store_digests(self, new: dict[bytes, Selection]) -> None:
        if not new:
            return
        rows = [
            {"issue_id": self._issue_id, "key": key.hex(), "left_out": selection[2]} for key, selection in new.items()
        ]
        stored = self._connection.execute(insert(digests).returning(digests.c.id, digests.c.key), rows)
        self._digests.update((bytes.fromhex(row.key), row.id) for row in stored)
        papers = [row for key, (_, ranked, _) in new.items() for row in self._paper_rows(self._digests[key], ranked)]
        if papers:
            self._connection.execute(insert(digest_papers), papers)

    def _paper_rows(self, digest_id: int, ranked: Iterable[RankedPaper]) -> list[dict[str, Any]]:
        return [
            {
                "digest_id": digest_id,
                "position": position,
                **self._place(one.paper.id),
                "score": float(one.score),
                "matched": bool(one.matched),
                "reasons": list(one.reasons),
            }
            for position, one in enumerate(ranked)
        ]

    def _place(self, paper_id: str) -> dict[str, int]:
        if paper_id not in self._places:
            raise StoreError(f"paper {paper_id} is not in the issue that is to be sent; draft the issue again")
        position, number = self._places[paper_id]
        return {"issue_position": position, "paper": number}

    def _row(
        self,
        who: int,
        *,
        digest_id: int | None = None,
        chunk_id: int | None = None,
        state: DeliveryState = DeliveryState.QUEUED,
        reply: str = "",
    ) -> dict[str, Any]:
        return {
            "issue_id": self._issue_id,
            "subscriber_id": who,
            "digest_id": digest_id,
            "chunk_id": chunk_id,
            "state": state.value,
            "attempts": 0,
            "fence": 0,
            "reply": reply,
            "updated_at": self._now,
        }

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        self._connection.execute(insert(deliveries), rows)


def _places(connection: Connection, issue_id: int) -> dict[str, tuple[int, int]]:
    """Return for each paper of the issue, by the id it had when drafted, its position there and its number."""
    rows = connection.execute(select(issue_papers).where(issue_papers.c.issue_id == issue_id))
    return {row.payload["id"]: (row.position, row.paper) for row in rows}


def _key(ranked: Sequence[RankedPaper], left_out: int) -> bytes:
    content = [[one.paper.id, float(one.score), bool(one.matched), list(one.reasons)] for one in ranked]
    return hashlib.sha256(json.dumps([left_out, content]).encode()).digest()
