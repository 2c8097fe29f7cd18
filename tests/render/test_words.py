"""Dates, counts, names and cut texts as a reader sees them; and the last check on texts and URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.period import parse_period
from newsletter.render.clean import clean, one_line, safe_url
from newsletter.render.environment import wrap
from newsletter.render.words import authors, beginning, count, cut, listed, short_count, written_date


@pytest.mark.parametrize(
    ("period", "written"),
    [
        ("2026-07-14", "Tuesday, 14 July 2026"),
        ("2026-W29", "13\N{EN DASH}19 July 2026"),
        ("2026-W27", "29 June \N{EN DASH} 5 July 2026"),
        ("2026-W53", "28 December 2026 \N{EN DASH} 3 January 2027"),
        ("2026-02", "February 2026"),
    ],
)
def test_periods_are_written_out(period: str, written: str) -> None:
    assert written_date(parse_period(period)) == written


@pytest.mark.parametrize(
    ("names", "total", "shown", "said"),
    [
        ([], 0, 3, ""),
        ([], 1, 3, "1 author"),
        ([], 3, 3, "3 authors"),
        (["A"], 1, 3, "A"),
        (["A", "B"], 2, 3, "A and B"),
        (["A", "B", "C", "D"], 4, 3, "A, B, C and D"),
        (["A", "B", "C", "D"], 15, 3, "A, B, C and 12 more"),
        (["A", "B"], 1200, 3, "A, B and 1,198 more"),
        (["A", "B", "C"], 3, 1, "A and 2 more"),
        (["A", "B"], 2, 1, "A and B"),
        (["A", "B"], 0, 3, "A and B"),
    ],
)
def test_authors_are_named_and_counted(names: list[str], total: int, shown: int, said: str) -> None:
    assert authors(names, total, shown=shown) == said


def test_counts_and_lists() -> None:
    assert [count(1, "vote"), count(0, "vote"), count(1234, "vote")] == ["1 vote", "0 votes", "1,234 votes"]
    assert [short_count(n) for n in (7, 999, 1000, 1234, 9949, 12345)] == ["7", "999", "1k", "1.2k", "9.9k", "12k"]
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_texts_are_cut_at_a_word() -> None:
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 12) == "one two…"
    assert cut("one two, three", 9) == "one two…"
    assert cut("x" * 20, 10) == "x" * 9 + "…"


@given(st.text(), st.integers(2, 50))
def test_a_cut_text_is_never_longer(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit


@given(st.text())
def test_cleaned_texts_hold_nothing_that_a_mail_may_not(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert not set(cleaned) & set("\x00\x07\x1b\x7f\x85\u2028\u2029\u202e\u2066\ufffe\r")
    assert clean(cleaned) == cleaned
    assert one_line(text) == " ".join(one_line(text).split())


def test_marks_that_writing_needs_are_kept() -> None:
    text = "\u200fשלום \U0001f469\u200d\U0001f52c a\tb\nc"
    assert clean(text) == text


@pytest.mark.parametrize(
    "url",
    ["https://a.example/x?y=1&z#f", "http://[2001:db8::1]/", "mailto:a@b.example?subject=x%20y", "https://é.example/"],
)
def test_good_urls_pass(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        " https://a.example",
        "https://",
        "https:a.example",
        "//a.example/x",
        "ftp://a.example",
        "data:text/html,x",
        "mailto:",
        "https://a.example/\n",
        "https://a.example/\u202e",
        'https://a.example/"x',
        "https://a.example/<x>",
        "https://a.example\\x",
        "https://[x/",
        "https://a.example/" + "x" * 2_000,
    ],
)
def test_bad_urls_do_not(url: str) -> None:
    assert safe_url(url) == ""


def test_text_is_wrapped_at_72_columns() -> None:
    lines = wrap("word " * 40, 4, " 1. ").splitlines()
    assert lines[0].startswith(" 1. word")
    assert all(line.startswith("    word") for line in lines[1:])
    assert max(len(line) for line in lines) <= 72
    assert wrap("x" * 100) == "x" * 100
    assert wrap("a\n\nb") == "a\n\nb"
    assert wrap("") == ""


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "Nd", "Zs"]), max_size=300), st.integers(0, 8))
def test_wrapping_loses_no_word(text: str, indent: int) -> None:
    assert wrap(text, indent).split() == text.split()


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("A first sentence is here. However, a second one follows it.", 40, "A first sentence is here."),
        ("A first sentence is here. However, a second one follows it.", 80, None),
        ("Short. However, a second one follows and goes on for long.", 30, "Short. However, a second one…"),
        ("Smith et al. Show that this is so, and more of the like.", 20, "Smith et al. Show…"),
        (
            "It works at 3.5 Hz and no faster than that. More follows here.",
            50,
            "It works at 3.5 Hz and no faster than that.",
        ),
        ("Does it hold? We say that it does, and we show it by proof.", 20, "Does it hold?"),
        ("Work by J. Doe and others who have long been at it there.", 14, "Work by J…"),
        ('They say "it works." Others have not found that to be so.', 28, 'They say "it works."'),
    ],
)
def test_a_beginning_ends_with_a_sentence_where_that_fills_most_of_the_room(
    text: str, limit: int, shown: str | None
) -> None:
    assert beginning(text, limit) == (shown or text)


@given(st.text(st.sampled_from("ab A.!?\"'()1 "), max_size=60), st.integers(2, 40))
def test_a_beginning_is_never_longer_and_never_made_up(text: str, limit: int) -> None:
    made = beginning(text, limit)
    assert len(made) <= limit or made == text
    assert text.startswith(made.removesuffix("…"))
