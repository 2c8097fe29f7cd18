from __future__ import annotations

import subprocess
import sys

from newsletter.model import Profile, Topic
from newsletter.rank.topics import muted_terms, unknown_topics, wish_of_topic, wishes_of_interest


def test_topics_that_do_not_exist_are_told() -> None:
    known = [Topic(name="agents", title="Agents"), Topic(name="rag", title="RAG")]
    assert unknown_topics(Profile(topics=("rag", "cooking", "agents", "Agents")), known) == ("cooking", "Agents")


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
    assert [wish.label for wish in wishes_of_interest(profile.interests[0])] == ["text-to-image"]


def test_an_interest_of_nothing_wishes_for_nothing() -> None:
    assert wishes_of_interest(" , ;\n") == ()


def test_choosing_papers_and_checking_topics_need_no_numeric_libraries() -> None:
    code = (
        "import sys, newsletter.rank.select, newsletter.rank.topics;"
        "sys.exit(bool({'numpy', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
