"""Searched words in a text, and the passage that holds them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.marks import Part, marked, passage, stems_of


def test_words_are_marked_by_their_stems() -> None:
    assert marked("Models model <b>modelling</b>", stems_of("MODEL!")) == (
        Part("Models", hit=True),
        Part(" "),
        Part("model", hit=True),
        Part(" <b>"),
        Part("modelling", hit=True),
        Part("</b>"),
    )


def test_nothing_searched_marks_nothing() -> None:
    assert marked("Models", stems_of("")) == (Part("Models"),)
    assert marked("", stems_of("model")) == ()


@given(text=st.text(), query=st.text())
def test_the_parts_are_the_text(text: str, query: str) -> None:
    assert "".join(part.text for part in marked(text, stems_of(query))) == text


def test_a_passage_begins_a_little_before_what_was_found() -> None:
    text = "word " * 100 + "quokka and more"
    assert passage(text, stems_of("quokkas"), 200) == "…" + " word" * 11 + " quokka and more"
    assert passage(text, stems_of("word"), 200) == text
    assert passage("x" * 500 + " quokka", stems_of("quokka"), 200) == "… quokka"
    assert passage(text, stems_of("nothing"), 200) == text


def test_threads_do_not_disturb_each_other() -> None:
    texts = [" ".join(f"relational{'ization' * (n % 5)}{n}{k} ponies" for k in range(300)) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: marked(text, stems_of("pony")), texts))
    assert [sum(part.hit for part in parts) for parts in found] == [300] * 40
