"""Texts in pieces are tidied and wrapped as whole texts are."""

from __future__ import annotations

import textwrap

from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.model import Passage, flat
from newsletter.render.clean import _DROPPED, _LINE_ENDS, clean, one_line
from newsletter.render.environment import COLUMNS, wrap
from newsletter.render.tidy import Tidier, tidied

blanks = st.text("a \n\t", max_size=6)
anything = st.text(max_size=120)
words = st.text(st.sampled_from("ab  é-\u3000\t\u200b"), max_size=200)


@settings(max_examples=500)
@given(st.lists(st.lists(blanks, max_size=8), max_size=4))
@example([["a", " ", "\n", " ", "b "], ["\n\n\n", "a"]])
def test_pieces_are_tidied_as_the_whole_is(texts: list[list[str]]) -> None:
    tidier = Tidier()
    for pieces in texts:
        assert "".join(flat(tidier.pieces(pieces, lambda text: (text,)))) == tidied("".join(pieces))


@settings(max_examples=500)
@given(st.lists(st.lists(st.one_of(blanks, st.lists(blanks, max_size=5)), max_size=6), max_size=4))
@example([["a", ["\n"], ["\n", " "], "\n", [" ", "b "]], [["\n\n\n"], ["a", " "], " ", "\n"], [[], ["a"], []]])
def test_passages_are_tidied_as_their_pieces_are(texts: list[list[str | list[str]]]) -> None:
    tidier = Tidier()
    for text in texts:
        raw = [one if isinstance(one, str) else Passage(tuple(one)) for one in text]
        for _ in range(2):  # made, and remembered
            made = tidier.pieces(raw, lambda piece: (piece,))
            assert "".join(flat(made)) == tidied("".join(flat(raw)))


def test_a_stand_in_stays_a_piece_of_its_own_also_at_a_line_end() -> None:
    def cut(text: str) -> tuple[str, ...]:
        before, found, after = text.partition("LINK")
        return (before, found, after) if found else (text,)

    assert Tidier().pieces(["see LINK", "\n\n\n", "LINK"], cut) == ["see ", "LINK", "\n\n", "", "LINK", "\n"]


@settings(max_examples=500)
@given(words, st.sampled_from([0, 2, 4, 70]))
@example(" ".join("abcdefgh" for _ in range(40)), 4)
@example("x" * 100 + " y", 0)
def test_lines_are_wrapped_as_textwrap_does(text: str, indent: int) -> None:
    margin = " " * indent
    expected = [
        textwrap.fill(
            line,
            COLUMNS,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines() or [""]
    ]
    assert wrap(text, indent) == "\n".join(expected)


@given(anything)
@example("a\u2028b")
@example("a\u00a0b  c")
@example("\ufeffx")
def test_the_quick_look_cleans_as_the_whole_does(text: str) -> None:
    slow = _DROPPED.sub("", _LINE_ENDS.sub("\n", text))
    assert clean(text) == slow
    assert one_line(text) == " ".join(slow.split())
