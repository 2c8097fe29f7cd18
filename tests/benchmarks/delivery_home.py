"""What the benchmark of delivery sends: an issue of made-up papers, readers of 500 different wishes, and their home.

Nothing here is timed. The same seeds give the same papers and readers each time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from newsletter.app import App
from newsletter.deliver.dkim_key import new_key, write_key
from newsletter.model import Links, Paper, Profile, Subscriber, SubscriberStatus
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.editing import Edit, edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from newsletter.model import Issue, Topic

PERIOD = "2026-07-14"
PROFILES = 500  # as many different digests, or nearly so
_PAPERS = 80
_ABSTRACT_WORDS = 150
_NOTE_POINTS = 76  # bring the HTML to some 50 KB
_POINT = "- Point {0} of the note says **why** [this paper](https://papers.example/{0}) is worth an hour of reading."
_SYLLABLES = ("ba", "de", "fi", "ko", "lu", "mar", "nen", "po", "ris", "sta", "tu", "ver")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a home sends: `mailer` log discards; an empty `database` is SQLite in the home."""

    port: int = 25
    connections: int = 1
    signed: bool = False
    mailer: str = "smtp"
    database: str = ""


def write_settings(home: Path, setup: Setup) -> None:
    """Write a home's settings, and the key that signs where none is there."""
    key = home / "dkim" / "bench.pem"
    if not key.exists():
        write_key(new_key("rsa"), key)
    dkim = '[[deliver.dkim]]\ndomain = "newsletter.example"\nselector = "bench"\nkey_file = "dkim/bench.pem"\n'
    (home / "newsletter.toml").write_text(
        '[site]\nweb_url = "https://digest.example"\n'
        f'[store]\nurl = "{setup.database}"\n'
        '[bounces]\nreturn_path = "bounces@newsletter.example"\n'
        f'[deliver]\nmailer = "{setup.mailer}"\nconnections = {setup.connections}\n'
        f'[deliver.smtp]\nhost = "127.0.0.1"\nport = {setup.port}\ntls = "none"\n' + (dkim if setup.signed else "")
    )


def fill(home: Path, readers: int) -> None:
    """Put papers, readers and an approved issue into a home's database."""
    now = datetime.now(UTC)
    with App(home, {}) as app:
        papers = made_up(app.config.topics)
        app.store.papers.add(papers, taken_at=now)
        app.store.subscribers.add(people(app.config.topics, papers, readers), now=now)
        draft(app.store, PERIOD, now=now)
        note = "\n".join(_POINT.format(number) for number in range(_NOTE_POINTS))
        edit(app.store, PERIOD, Edit(note=note), now=now)
        approve(app.store, PERIOD, shaping=app.shaping, now=now)


def issue_in(app: App) -> Issue:
    """Return the issue."""
    issue = app.store.issues.get(PERIOD)
    assert issue
    return issue


def made_up(topics: Sequence[Topic]) -> list[Paper]:
    """Return papers as rich as real ones, each about two topics."""
    chance = random.Random(1)  # noqa: S311 - made-up texts, no secret
    words = ["".join(chance.choices(_SYLLABLES, k=3)) for _ in range(600)]
    return [_paper(number, topics, words, chance) for number in range(_PAPERS)]


def _paper(number: int, topics: Sequence[Topic], words: Sequence[str], chance: random.Random) -> Paper:
    phrases = [chance.choice(topic.phrases) for topic in chance.sample(list(topics), 2)]
    text = [*chance.choices(words, k=_ABSTRACT_WORDS), *phrases, *phrases]
    chance.shuffle(text)
    name, method = chance.choice(words).title(), " ".join(chance.choices(words, k=3))
    return Paper(
        id=f"2607.{number:05}",
        source="huggingface",
        title=f"{name}: {phrases[0]} and {phrases[1]} by {method}",
        abstract=" ".join(text).capitalize() + ".",
        authors=("Ada Example", "Ben Example", "Cyd Example", "Dan Example"),
        author_count=16,
        organisation="Example University",
        listed_on=date(2026, 7, 14),
        upvotes=chance.randrange(200),
        comments=number % 5,
        links=Links(
            page=f"https://papers.example/{number:05}",
            pdf=f"https://papers.example/{number:05}.pdf",
            code=f"https://code.example/{number:05}",
            stars=1234,
            project=f"https://project.example/{number:05}",
        ),
    )


def people(topics: Sequence[Topic], papers: Sequence[Paper], number: int) -> Iterator[Subscriber]:
    """Yield confirmed readers, of 500 profiles in turn: three topics, and two interests of three words."""
    chance = random.Random(2)  # noqa: S311 - made-up readers, no secret
    names = [topic.name for topic in topics]
    profiles = [
        Profile(
            topics=tuple(chance.sample(names, 3)),
            interests=tuple(" ".join(one.title.split()[-3:]) for one in chance.sample(list(papers), 2)),
        )
        for _ in range(PROFILES)
    ]
    for place in range(number):
        yield Subscriber(
            address=f"reader{place}@mail{place % 50}.example",
            status=SubscriberStatus.CONFIRMED,
            profile=profiles[place % PROFILES],
        )
