"""What cleaning keeps and drops; hostile strings included."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.clean import (
    MAX_NAME,
    MAX_RAW,
    MAX_TEXT,
    MAX_TITLE,
    clean_name,
    clean_text,
    clean_title,
    http_url,
    storable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_TEXT = st.text(st.characters(codec=None, categories=None))
CLEANERS = [(clean_title, MAX_TITLE), (clean_text, MAX_TEXT), (clean_name, MAX_NAME)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  A title\n  over two\r\nlines\t", "A title over two lines"),
        ("no\u00a0break\u2028line\u2029para\u3000wide", "no break line para wide"),
        ("nul\0 bell\x07 c1\x9b del\x7f", "nul bell c1 del"),
        ("\u202eright to left\u202c \u2066isolate\u2069", "right to left isolate"),
        ("zero\u200bwidth \ufeffmark soft\u00adhyphen", "zerowidth mark softhyphen"),
        ("lone \ud83d surrogate, private \ue000, not a character \uffff", "lone surrogate, private , not a character"),
        ("Schro\u0308dinger", "Schrödinger"),
        ("a \u200b b", "a b"),
        ("", ""),
        (" \u200b\0 ", ""),
    ],
)
def test_tidied(raw: str, expected: str) -> None:
    assert clean_title(raw) == clean_text(raw) == clean_name(raw) == expected


@pytest.mark.parametrize(
    "title", ["<think> tokens", "<script>alert(1)</script>", "R&amp;D at AT&T", "5 < 6", "日本語 🎉"]
)
def test_markup_and_scripts_are_text(title: str) -> None:
    assert clean_title(title) == title


def test_tex_is_turned_into_text() -> None:
    assert clean_title("An $O(n^2)$\n bound, 37\\% less") == "An O(n²) bound, 37% less"
    assert clean_text("We are 1.6times faster~(on GPUs)") == "We are 1.6× faster (on GPUs)"
    assert clean_name("Fran\\c{c}ois") == "François"


def test_a_long_title_ends_at_a_word() -> None:
    cleaned = clean_title("word " * 1_000)

    assert len(cleaned) <= MAX_TITLE
    assert cleaned.endswith("word…")
    assert clean_title("x" * MAX_TITLE) == "x" * MAX_TITLE
    assert clean_title("x" * (MAX_TITLE + 1)) == "x" * (MAX_TITLE - 1) + "…"


@pytest.mark.parametrize(
    "unit", ["a ", "x", "\u200b", " ", "e\u0301\u0316", "\u0301\u0316", "$", "{", "\\textbf{", "<"]
)
@pytest.mark.parametrize(("cleaner", "limit"), CLEANERS)
def test_ten_megabytes_are_bounded(cleaner: Callable[[str], str], limit: int, unit: str) -> None:
    # quadratic work on ten million characters would not end in the lifetime of a test run
    assert len(cleaner(unit * (10_000_000 // len(unit)))) <= limit


@given(ANY_TEXT)
@pytest.mark.parametrize(("cleaner", "limit"), CLEANERS)
def test_any_text_comes_out_as_one_clean_line(cleaner: Callable[[str], str], limit: int, text: str) -> None:
    cleaned = cleaner(text)

    assert len(cleaned) <= limit
    assert cleaned == " ".join(cleaned.split())
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not {unicodedata.category(character) for character in cleaned} & {"Cc", "Cf", "Cs", "Co"}
    cleaned.encode("utf-8")


@given(st.text(st.characters(exclude_characters="\\${}^~-`'_", codec="utf-8")))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text)

    assert clean_text(once) == once


@given(ANY_TEXT)
def test_whatever_is_stored_can_be_stored(text: str) -> None:
    kept = storable(text)

    assert "\0" not in kept
    kept.encode("utf-8")
    assert len(storable("x" * (MAX_RAW + 1))) == MAX_RAW


@pytest.mark.parametrize(
    "url",
    [
        "https://arxiv.org/abs/2607.10383",
        "http://localhost:8000/a?b=c#d",
        "HTTPS://Example.org",
        "https://[::1]/a",
        "https://münchen.example/ü",
        "https://github.com/a/b_c~d",
    ],
)
def test_plain_urls_are_kept(url: str) -> None:
    assert http_url(f" {url}\n") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://example.org/",
        "//example.org/",
        "/path",
        "example.org",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:word@example.org/",
        "https://good.example\\@evil.example/",
        "https://example.org:99999/",
        "https://[::1/",
        "https://%00.example/",
        "https://example.org/a b",
        "https://example.org/\u202ea",
        "https://example.org/\0",
        "https://example.org/\u2028a",
        'https://example.org/"onload=x',
        "https://example.org/<script>",
        "https://example.org/" + "a" * 2_000,
        "x" * 10_000_000,
    ],
)
def test_other_urls_are_dropped(url: str | None) -> None:
    assert http_url(url) == ""


@given(ANY_TEXT)
def test_any_text_is_a_plain_url_or_none(text: str) -> None:
    for raw in (text, f"https://{text}", f"http://a.example/{text}"):
        url = http_url(raw)
        assert url == "" or (url.isprintable() and url.lower().startswith(("http://", "https://")))
