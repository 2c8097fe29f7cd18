"""Reasons in words: what was found, each thing once."""

from __future__ import annotations

import pytest

from newsletter.rank.reasons import for_terms


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ((), ""),
        (("kv cache", "quantization"), "matches: kv cache, quantization"),
        (("tool use", "tool"), "matches: tool use"),
        (("tool", "tool use"), "matches: tool use"),
        (
            ("vision-language navigation", "vision language navigation", "language"),
            "matches: vision-language navigation",
        ),
        (("RL", "rl", "GRPO"), "matches: RL, GRPO"),
        (("art", "artist"), "matches: art, artist"),
        (("a", "b", "c", "d", "e"), "matches: a, b, c, d"),
    ],
)
def test_a_term_that_is_part_of_another_is_not_said_again(terms: tuple[str, ...], reason: str) -> None:
    assert for_terms(terms) == reason
