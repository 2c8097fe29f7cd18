"""The source `huggingface`: the Daily Papers endpoint, `GET {endpoint}/api/daily_papers?date=YYYY-MM-DD`.

The list of a UTC day is asked in pages; its items are `wire.py`'s. The endpoint cuts a longer list off silently at
its limit, so pages are asked until one is not full. Nothing is stored here.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING

from newsletter.collect.base import Batch
from newsletter.collect.http import shown_url
from newsletter.collect.merge import merge_papers
from newsletter.collect.payload import decode_text, load_json
from newsletter.collect.wire import SOURCE, listed, read_items
from newsletter.errors import BadAnswerError, ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    from newsletter.collect.base import Validators
    from newsletter.collect.http import HttpClient
    from newsletter.settings import HuggingFaceSettings

_MOST_PAPERS = 5_000  # fifty times the longest list seen; a list that goes on after it is no day's list
_MOST_TOKEN_BYTES = 4_096


class HuggingFace:
    """Daily Papers by date; a relative `token_file` lies below `home`. See `newsletter.collect.base.Source`."""

    def __init__(self, settings: HuggingFaceSettings, *, home: Path, client: HttpClient) -> None:
        self._settings = settings
        self._home = home
        self._client = client
        self._url = f"{settings.endpoint}/api/daily_papers"

    @property
    def name(self) -> str:
        """`huggingface`."""
        return SOURCE

    def on(self, day: date, *, now: datetime, validators: Validators | None = None) -> Batch:
        """Return what is listed for the UTC `day`, as `Source.on` says; the endpoint knows no conditional GET.

        Raises:
            UsageError: a day that has not begun.
            ConfigError: a token that cannot be used.
            SourceUnreachableError: no answer, or only errors, after all attempts.
            SourceRefusedError: the endpoint refuses the request.
            BadAnswerError: no JSON list, a list without end, or not one item that can be read.
        """
        if day > now.astimezone(UTC).date():
            raise UsageError(f"{day} has not begun in UTC; choose an earlier date")
        items = self._items(day)
        papers, rejected = read_items(items, where=f"{shown_url(self._url)} ({day})", listed_on=day)
        return Batch(
            source=SOURCE,
            papers=merge_papers(papers),
            entries=len(items),
            taken_at=now,
            rejected=tuple(rejected),
        )

    def check(self) -> str:
        """Ask for one paper, once, as `Source.check` says.

        Raises:
            ConfigError: a token that cannot be used.
            CollectError: it cannot be reached, refuses, or answers with something else.
        """
        self._page({"limit": 1}, about="check", attempts=1)
        return f"{shown_url(self._url)} answers, {'with a token' if self._token() else 'without a token'}"

    def _items(self, day: date) -> list[object]:
        size = self._settings.page_size
        items: list[object] = []
        seen: set[str] = set()
        for number in range(-(-_MOST_PAPERS // size)):
            page = self._page({"date": day.isoformat(), "limit": size, "p": number}, about=day.isoformat())
            fresh = [item for item in page if _key(item) not in seen]
            items += fresh
            if len(page) < size or not fresh:
                return items
            seen.update(map(_key, fresh))
        raise BadAnswerError(f"{shown_url(self._url)} ({day}): the list does not end after {len(items)} papers")

    def _page(self, params: Mapping[str, str | int], *, about: str, attempts: int | None = None) -> list[object]:
        token = self._token()
        headers = {"Authorization": f"Bearer {token}"} if token else None
        answer = self._client.get(self._url, params=params, headers=headers, about=about, attempts=attempts)
        where = f"the answer of {shown_url(self._url)} ({about})"
        return listed(load_json(decode_text(answer.body, where=where), where=where), where=where)

    def _token(self) -> str:
        if self._settings.token:
            return _checked(self._settings.token, "HF_TOKEN")
        if not self._settings.token_file:
            return ""
        path = self._home.joinpath(self._settings.token_file).expanduser()
        try:
            with path.open("rb") as file:
                token = file.read(_MOST_TOKEN_BYTES + 1).decode("ascii", errors="replace")
        except OSError as error:
            raise ConfigError(f"token_file {path} cannot be read: {error.strerror}") from None
        return _checked(token, f"token_file {path}")


def _key(item: object) -> str:
    """Return what tells an item from those of earlier pages: its paper's id, else all of it."""
    paper = item.get("paper") if isinstance(item, dict) else None
    identity = paper.get("id") if isinstance(paper, dict) else None
    return identity if isinstance(identity, str) else json.dumps(item, sort_keys=True)


def _checked(token: str, where: str) -> str:
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token or len(token) > _MOST_TOKEN_BYTES:
        raise ConfigError(f"{where} must hold the token alone, on one line")
    return token
