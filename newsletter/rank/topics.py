"""What a reader wishes for: named topics and free-text interests in one form.

An interest may hold a phrase in quotes, which must stand in a paper, and `-word` or `-"a phrase"`, which mutes as the
profile's own list does. Commas and line breaks part an interest. Nothing here weighs or looks at papers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.model import Topic

_MUTED = re.compile(r'(?<!\S)-(?:"([^"]+)"|([^\s,;"]+))')
_QUOTED = re.compile(r'"([^"]+)"')
# Between commas and their like, also those of Chinese and Japanese, but not within quotes.
_PART = re.compile(r'(?:"[^"]*"|[^,;|\n\r\t\u3001\uff0c\uff1b])+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One thing wished for. `phrases` raise a paper, one of `negative` or a lack of one of `required` takes it out."""

    label: str
    phrases: tuple[str, ...]
    description: str = ""
    required: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    is_free_text: bool = False


def wish_of_topic(topic: Topic) -> Wish:
    """Return the wish for a named topic."""
    return Wish(
        label=topic.title,
        phrases=tuple(dict.fromkeys((_within_sentence(topic.title), *topic.phrases))),
        description=topic.description,
        negative=tuple(topic.negative),
    )


def _within_sentence(title: str) -> str:
    """Return a title as it reads within a sentence: `Video generation` as `video generation`, `LLM agents` as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def wishes_of_interest(text: str) -> tuple[Wish, ...]:
    """Return the wishes in an interest of a reader's own words: one for each part between commas or line breaks."""
    parts = (part.strip() for part in _PART.findall(_MUTED.sub(" ", text)))
    return tuple(_wish_of_part(part) for part in parts if part)


def _wish_of_part(part: str) -> Wish:
    phrase = " ".join(part.replace('"', " ").split())
    return Wish(label=phrase, phrases=(phrase,), required=tuple(_QUOTED.findall(part)), is_free_text=True)


def minus_terms(text: str) -> tuple[str, ...]:
    """Return what an interest mutes: its `-word`s and `-"phrases"`."""
    return tuple(quoted or bare for quoted, bare in _MUTED.findall(text))
