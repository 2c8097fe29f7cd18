"""How well candidates meet what many readers wish for: each wish is matched once, and readers name rows of one table.

Topics and interests are looked up by their text, so that a reader costs a few look-ups. It weighs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from newsletter.rank.topics import Wish, wish_of_topic, wishes_of_interest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from newsletter.model import Profile, Topic
    from newsletter.rank.candidates import Candidates, Matches

_REMEMBERED = 50_000  # wishes: 40 MB for 200 candidates; then it starts anew
# Wishes of one reader that count: the first ones. More are no interest but a text, and would be a table of their own.
_MOST_WISHES = 100


class MatchTable:
    """The matches (wishes x candidates) of all wishes that readers had so far. Row 0 is that of no wish."""

    def __init__(self, ready: Candidates, topics: Mapping[str, Topic]) -> None:
        self._ready = ready
        self._topics = topics
        self._start_anew()

    def _start_anew(self) -> None:
        self.wishes: list[Wish] = [Wish(label="", phrases=())]
        self.matches: Matches = np.zeros((1, len(self._ready.papers)), dtype=np.float32)
        self._rows: dict[Wish, int] = {}
        self._of_topic: dict[str, tuple[int, ...]] = {}
        self._of_interest: dict[str, tuple[int, ...]] = {}

    def rows(self, profiles: Sequence[Profile]) -> NDArray[np.int64]:
        """Return which rows are each profile's wishes, each once, 0 where it has no more: profiles x most wishes.

        Unknown topics and empty interests are passed over. The rows hold until this is called again.
        """
        self._learn(profiles)
        topics, interests = self._of_topic, self._of_interest
        found = []
        for profile in profiles:
            rows = [row for name in profile.topics for row in topics[name]]
            rows += [row for text in profile.interests for row in interests[text]]
            found.append([*dict.fromkeys(rows)][:_MOST_WISHES])
        number = np.array([len(rows) for rows in found], dtype=np.int64)
        table = np.zeros((len(found), max(number, default=0)), dtype=np.int64)
        table[np.arange(table.shape[1]) < number[:, None]] = [row for rows in found for row in rows]
        return table

    def _learn(self, profiles: Sequence[Profile]) -> None:
        """Match what no profile wished for before, all of it together."""
        names = {name for profile in profiles for name in profile.topics}
        texts = {text for profile in profiles for text in profile.interests}
        fresh = texts - self._of_interest.keys()
        if len(self.wishes) + len(fresh) > _REMEMBERED or len(self._of_interest) > _REMEMBERED:
            self._start_anew()
            fresh = texts
        of_topic = {name: self._wishes_of_topic(name) for name in sorted(names - self._of_topic.keys())}
        of_interest = {text: _wishes_of(text)[:_MOST_WISHES] for text in sorted(fresh)}
        self._add(wish for found in (of_topic, of_interest) for wishes in found.values() for wish in wishes)
        self._of_topic |= {name: tuple(self._rows[wish] for wish in found) for name, found in of_topic.items()}
        self._of_interest |= {text: tuple(self._rows[wish] for wish in found) for text, found in of_interest.items()}

    def _wishes_of_topic(self, name: str) -> tuple[Wish, ...]:
        topic = self._topics.get(name)
        return (wish_of_topic(topic),) if topic else ()

    def _add(self, wishes: Iterable[Wish]) -> None:
        new = [wish for wish in dict.fromkeys(wishes) if wish not in self._rows]
        if new:
            self._rows.update((wish, len(self.wishes) + place) for place, wish in enumerate(new))
            self.wishes += new
            self.matches = np.concatenate([self.matches, self._ready.matches(new)])


def _wishes_of(text: str) -> tuple[Wish, ...]:
    return tuple(wish for wish in wishes_of_interest(text) if any(wish.phrases))
