"""The editor's note: little markup, styled in its place, and nothing that runs, loads or leads astray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import RenderError
from newsletter.render.markdown import MAX_NOTE, note_html, note_text
from tests.render.digests import LINKS, NOTE, digest_of, made_up_papers
from tests.render.dom import texts, tree

if TYPE_CHECKING:
    from newsletter.render.digest import DigestRenderer

KEPT = {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "ul"}


def test_the_note_is_styled_like_the_rest_of_the_mail(renderer: DigestRenderer) -> None:
    root = tree(renderer.render(digest_of(made_up_papers(1), note=NOTE), links=LINKS).html)
    (note,) = root.cssselect(".note")
    assert next(heading.text for heading in root.cssselect("h2")) == "From the editor"
    for css in ("p", "li", "blockquote p", "code", "a"):
        assert note.cssselect(css)
        assert all(element.get("style") for element in note.cssselect(css))
    assert note.cssselect("a")[0].get("href") == "https://papers.example/a?b=1&c=2"
    assert texts(renderer.render(digest_of([], note=NOTE), links=LINKS).html, "p strong")[-1] == "A heading"


def test_without_a_note_there_is_no_heading_for_it(renderer: DigestRenderer) -> None:
    for note in ("", " \n\t"):
        made = renderer.render(digest_of(made_up_papers(1), note=note), links=LINKS)
        assert "From the editor" not in made.html
        assert "FROM THE EDITOR" not in made.text


@pytest.mark.parametrize(
    ("note", "html"),
    [
        ("[x](javascript:alert(1))", "<p>x</p>"),
        ("[x](JaVaScRiPt:alert(1))", "<p>x</p>"),
        ("[x](/relative)", "<p>x</p>"),
        ("[x](data:text/html,1)", "<p>x</p>"),
        ("![alt text](https://a.example/x.png)", "<p>alt text</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ('<p style="color:red">a</p>', '<p>&lt;p style="color:red"&gt;a&lt;/p&gt;</p>'),
        ("<https://a.example/x>", '<p><a href="https://a.example/x">https://a.example/x</a></p>'),
        ("<!-- x -->", "<p>&lt;!-- x --&gt;</p>"),
        ("# One\n\n### Three", "<p><strong>One</strong></p>\n<p><strong>Three</strong></p>"),
        ("a\x00b\u202ec", "<p>abc</p>"),
        ("{{ x }} {% if %}", "<p>{{ x }} {% if %}</p>"),
        ("    <b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>"),
    ],
)
def test_what_a_note_may_hold(note: str, html: str) -> None:
    assert note_html(note, period="2026-07-14") == html


def test_template_marks_in_a_note_are_text(renderer: DigestRenderer) -> None:
    note = "{{ subject }} tplmark00001e {% raw %}"
    html = renderer.render(digest_of([], note=note), links=LINKS).html
    assert texts(html, ".note p") == [note]


def test_a_changed_note_is_shown_changed(renderer: DigestRenderer) -> None:
    for note in ("first", "second", "first"):
        html = renderer.render(digest_of([], note=note), links=LINKS).html
        assert texts(html, ".note p") == [note]


def test_a_note_that_is_too_long_is_refused(renderer: DigestRenderer) -> None:
    with pytest.raises(RenderError, match=r"note of issue 2026-07-14 has 20001 characters; shorten it to 20000"):
        renderer.render(digest_of([], note="x" * (MAX_NOTE + 1)), links=LINKS)
    wordy = "&" * MAX_NOTE
    with pytest.raises(RenderError, match="does not fit into 90,000 bytes; shorten its note"):
        renderer.render(digest_of([], note=wordy), links=LINKS)


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("\r\n**a**\x07 *b*\r\n`c` ", "a b c"),
        ("# One **two**\n\nThree", "One two\n\nThree"),
        ("See [this page](https://a.example/x).", "See this page (https://a.example/x)."),
        ("<https://a.example/x>", "https://a.example/x"),
        ("[x](javascript:alert(1)) ![alt](https://a.example/x.png)", "x alt"),
        ("One  \ntwo", "One\ntwo"),
        (
            "Before\n\n- one\n    - [two](https://a.example)\n- three\n\nAfter",
            "Before\n\n- one\n  - two (https://a.example)\n- three\n\nAfter",
        ),
        ("1. one\n2. two\n\n    more\n\n- x", "1. one\n2. two\n\n   more\n\n- x"),
        ("> quoted\n>\n> - item", "> quoted\n\n> - item"),
        ("a\n\n---\n\n    x = 1\n      y", "a\n\n* * *\n\n    x = 1\n      y"),
        ("<b>a</b> &amp; {{ x }}", "<b>a</b> & {{ x }}"),
        (" \n\t", ""),
    ],
)
def test_the_text_part_shows_the_note_without_its_marks(note: str, text: str) -> None:
    assert note_text(note) == text


def test_a_long_note_has_72_columns_in_the_text_part(renderer: DigestRenderer) -> None:
    words = "several words of a note " * 20
    note = f"{words}\n\n- {words}\n\n> {words}\n\n    {words}\n"
    shown = renderer.render(digest_of([], note=note), links=LINKS).text
    lines = shown[shown.index("several") : shown.index("TOP PAPERS")].splitlines()
    assert 60 < max(map(len, lines)) <= 72
    assert {line[:2] for line in lines} >= {"- ", "  ", "> ", "se"}


PARTS = ["# a", "* b", "1. c", "> d", "<p>", "</p>", "<h1>", "</h1>", "<b>", "</td>", "<li>", "<pre>", "e", "**", "`"]
PARTS += [
    "[f](https://a.example)",
    "**g**",
    "`h`",
    "\n",
    "\n\n",
    "    ",
    "<a>",
    "<script>",
    "<!--",
    "-->",
    "]]>",
    "&",
    "![",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_any_note_can_be_shown_and_holds_what_is_allowed(renderer: DigestRenderer, parts: list[str]) -> None:
    root = tree(renderer.render(digest_of([], note="".join(parts)), links=LINKS).html)
    notes = root.cssselect(".note")
    assert all(len(line.strip().rpartition(" ")[0]) <= 72 for line in note_text("".join(parts)).split("\n"))
    found = {element.tag for note in notes for element in note.iterdescendants()}
    assert found - {"h2"} <= KEPT
    without = tree(renderer.render(digest_of([]), links=LINKS).html)
    assert len(root.cssselect("td")) == len(without.cssselect("td")) + 2 * len(notes)  # its own and the gap under it
