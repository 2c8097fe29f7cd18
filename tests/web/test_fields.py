"""Between a form and the cells of the pipeline, and what pages say of errors and of what happened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.errors import UsageError
from newsletter.life import Event, Happening, Leaving
from newsletter.model import Cadence, Letter, Profile, Subscriber
from newsletter.pipeline.audience import edited
from newsletter.web.fields import address_problem, cells_in, choices_of, problems_in, wishes_in, wishes_of
from newsletter.web.wording import sentence, told_of

AT = datetime(2026, 7, 14, 8, 0, tzinfo=UTC)
TOPICS = ("agents", "robotics")
KNOWN = Subscriber(
    address="ada@example.org",
    profile=Profile(topics=("agents",), interests=('"kv cache"', "audio"), muted=("survey",), liked=("2607.00001",)),
    cadence=Cadence.WEEKLY,
    weekday=3,
    hour=0,
    timezone="Europe/Berlin",
    size=7,
)


def form_of(subscriber: Subscriber) -> dict[str, list[str]]:
    shown = wishes_of(subscriber)
    single = {name: [getattr(shown, name)] for name in ("cadence", "weekday", "hour", "zone", "size")}
    lists = {name: [getattr(shown, name)] for name in ("interests", "authors", "organisations", "muted")}
    return {"topic": sorted(shown.topics), **lists, **single}


def test_a_form_that_is_sent_as_it_was_shown_changes_nothing() -> None:
    cells = cells_in(form_of(KNOWN))
    assert problems_in(cells, KNOWN, topics=TOPICS) == {}
    assert edited(KNOWN, cells, topics=TOPICS) == KNOWN
    assert wishes_in(form_of(KNOWN)) == wishes_of(KNOWN)


def test_fields_that_a_form_does_not_have_are_left_as_they_are() -> None:
    assert cells_in({"topic": ["agents"], "size": ["9"]}) == {"topics": "agents", "size": "9"}


def test_each_problem_stands_at_its_field() -> None:
    form = form_of(KNOWN) | {"size": ["0"], "zone": ["Mars/Base"], "topic": ["x"], "muted": ["a\x00b"], "hour": ["24"]}
    found = problems_in(cells_in(form), KNOWN, topics=TOPICS)
    assert set(found) == {"size", "zone", "topic", "muted", "hour"}
    assert found["size"] == "Size '0' is no whole number from 1 to 100."
    assert address_problem(" ") == "Enter your e-mail address."
    assert address_problem("ada@example.org") == ""


def test_every_zone_and_hour_that_is_offered_is_taken() -> None:
    choices = choices_of(())
    zones = [value for _, names in choices.zones for value, _ in names]
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata"} < set(zones)
    for zone in zones:
        assert problems_in({"time zone": zone}, KNOWN, topics=()) == {}
    for hour, label in choices.hours:
        assert problems_in({"hour": hour}, KNOWN, topics=()) == {}
        assert label.startswith(f"{int(hour):02}")


def test_an_error_is_a_sentence() -> None:
    assert sentence(UsageError("it is too late")) == "It is too late."


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        (Happening.PREFERENCES_CHANGED, {"what": "topics, cadence, size"}, "Changed topics, cadence and size"),
        (Happening.PAUSED, {"until": "2026-08-01"}, "Paused until 2026-08-01"),
        (Happening.JUDGED, {"verdict": "less", "paper": "1"}, "Less like “A title”"),
        (Happening.JUDGED, {"verdict": "more", "paper": "2"}, "More like “2”"),
        (Happening.UNSUBSCRIBED, {"how": "one-click", "was": "confirmed"}, "Unsubscribed by the mail program's button"),
        (Happening.LETTER_FAILED, {"letter": "welcome", "reply": "550"}, "Could not send the welcome"),
        (
            Happening.IMPORTED,
            {"consent": "signed", "consent date": "2026-01-31"},
            "Came in with a list of the newsletter's editors (signed, 2026-01-31)",
        ),
    ],
)
def test_what_happened_is_told_in_plain_words(kind: Happening, detail: dict[str, str], words: str) -> None:
    assert told_of(Event(kind=kind, at=AT, detail=detail), {"1": "A title"}) == words


def test_nothing_that_can_happen_is_without_words() -> None:
    for kind in Happening:
        assert told_of(Event(kind=kind, at=AT), {})[0].isupper()
    for way in Leaving:
        assert len(told_of(Event(kind=Happening.UNSUBSCRIBED, at=AT, detail={"how": way.value}), {}).split()) > 2
    for letter in Letter:
        said = told_of(Event(kind=Happening.LETTER_SENT, at=AT, detail={"letter": letter.value}), {})
        assert said != "Sent a letter"
