from __future__ import annotations

import subprocess
import sys

from newsletter.model import Profile, Topic
from newsletter.rank.panel import muted_terms
from newsletter.rank.topics import minus_terms, wish_of_topic, wishes_of_interest


def test_a_topic_wishes_for_its_title_and_its_phrases_once() -> None:
    topic = Topic(name="x", title="LLM agents", phrases=("tool use", "LLM agents"), negative=("chemistry",))
    wish = wish_of_topic(topic)
    assert wish.phrases == ("LLM agents", "tool use")
    assert wish.negative == ("chemistry",)


def test_a_title_reads_as_within_a_sentence() -> None:
    assert wish_of_topic(Topic(name="x", title="Video generation")).phrases == ("video generation",)


def test_an_interest_is_parted_at_commas_but_not_within_quotes() -> None:
    wishes = wishes_of_interest('code, "speech, audio" models；robots\n\n,')
    assert [wish.label for wish in wishes] == ["code", "speech, audio models", "robots"]
    assert [wish.required for wish in wishes] == [(), ("speech, audio",), ()]


def test_a_minus_mutes_and_a_hyphen_does_not() -> None:
    profile = Profile(interests=('text-to-image -medical -"chest x-ray"',), muted=("crypto",))
    assert muted_terms(profile) == ("crypto", "medical", "chest x-ray")
    assert minus_terms(profile.interests[0]) == ("medical", "chest x-ray")
    assert muted_terms(Profile(interests=("text-to-image",), muted=("crypto",))) == ("crypto",)
    assert [wish.label for wish in wishes_of_interest(profile.interests[0])] == ["text-to-image"]


def test_an_interest_of_nothing_wishes_for_nothing() -> None:
    assert wishes_of_interest(" , ;\n") == ()


def test_reading_a_wish_needs_no_numeric_libraries() -> None:
    code = (
        "import sys, newsletter.rank.reasons, newsletter.rank.topics;"
        "sys.exit(bool({'numpy', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
