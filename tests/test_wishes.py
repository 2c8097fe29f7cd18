"""Wishes in words: which of them say something, and which topics a wrong name is near to."""

from __future__ import annotations

import pytest

from newsletter.errors import UsageError
from newsletter.model import Profile
from newsletter.pipeline.wishes import lists_from, profile_from, remarks_on

TOPICS = ("agents", "gui-agents", "video-generation", "video-understanding", "speech-audio", "3d")


@pytest.mark.parametrize("interest", ["the", "of the", "x", "R", "+++", '"the"', "the -crypto", "a, b"])
def test_an_interest_without_a_word_is_remarked_on(interest: str) -> None:
    (remark,) = remarks_on(Profile(interests=(interest, "kv cache")))
    assert remark.startswith(f"the interest {interest!r} has no word")


@pytest.mark.parametrize("interest", ["kv cache", "C++", "3d", "脑", "long, the", "robots -towels", '"tool use"'])
def test_an_interest_with_a_word_is_not(interest: str) -> None:
    assert remarks_on(Profile(interests=(interest,))) == ()


def test_what_only_mutes_or_mutes_everything_is_remarked_on() -> None:
    remarks = remarks_on(Profile(interests=("-crypto", "bees -a"), muted=("the", "wasps")))
    assert [remark.partition(" is ")[0].partition(" only")[0] for remark in remarks] == [
        "the interest '-crypto'",
        "the muted word 'the'",
        "the muted word 'a'",
    ]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("agent", "the nearest are agents, gui-agents; "),
        ("Video", "the nearest are video-generation, video-understanding; "),
        ("speech", "the nearest is speech-audio; "),
        ("Video Generation", "the nearest are video-generation, "),
        ("q", "see: newsletter topics"),
        ("zebras", "see: newsletter topics"),
    ],
)
def test_the_nearest_topics_are_named(name: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        profile_from(name, "", topics=TOPICS)
    assert str(caught.value).startswith(f"unknown topic {name!r}; {near}")
    assert str(caught.value).endswith("see: newsletter topics")


@pytest.mark.parametrize("name", ["authors", "organisations", "muted"])
def test_names_and_mutes_are_plain_lines(name: str) -> None:
    assert lists_from({name: " Bo Li; ;Cy Young;Bo Li"})[name] == ("Bo Li", "Cy Young")
    with pytest.raises(UsageError, match="holds a control character"):
        lists_from({name: "Bo\x1b[31mLi"})
    with pytest.raises(UsageError, match=f"10001 characters of {name}"):
        lists_from({name: "x" * 10_001})
