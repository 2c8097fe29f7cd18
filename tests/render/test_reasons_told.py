"""What an author is told of a mistake: the template, the line, plain words and what to do; jinja2 is only quoted."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader

from newsletter.errors import TemplateError
from newsletter.render.environment import environment
from newsletter.render.plain import PlainTemplate, plain_template


def made(source: str, **others: str) -> PlainTemplate:
    files = {"page.txt": source, **{f"{name}.txt": text for name, text in others.items()}}
    return plain_template(environment(DictLoader(files), html=False), "page.txt", {"x"})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("\n{# x", "line 2: cannot be read (jinja2: Missing end of comment tag); mend the tag there"),
        ("\n{% foo %}", "line 2: cannot be read (jinja2: Encountered unknown tag 'foo'); mend the tag there"),
        ("{{ x | foo }}", "line 1: cannot be read (jinja2: No filter named 'foo'); mend the tag there"),
        ("\n{{ y }}", "line 2: unknown name 'y'; the names a template may use stand in templates/README.md"),
        ("{{ x.y }}", "line 1: asks for what is not there (jinja2: 'str object' has no attribute 'y'); the names "),
        ("{{ x.__class__ }}", "line 1: reaches for what no template may touch (jinja2: access to attribute "),
        (
            "{{ 1 // 0 }}",
            "line 1: fails when it is filled in (ZeroDivisionError: integer division or modulo by zero); ",
        ),
    ],
)
def test_the_sentence_is_ours(source: str, told: str) -> None:
    with pytest.raises(TemplateError) as caught:
        made(source).text({"x": "1"})
    assert str(caught.value).startswith(f"template page.txt, {told}")
    assert "\n" not in str(caught.value)


def test_a_long_quotation_leaves_room_for_what_to_do() -> None:
    with pytest.raises(TemplateError) as caught:
        made("{{ x." + "y" * 2_000 + " }}").text({"x": "1"})
    assert str(caught.value).endswith("the names a template may use stand in templates/README.md")


@pytest.mark.parametrize("source", ["", "\n", "  \n\t", "{# no words #}"])
def test_a_template_without_a_word_is_refused_when_it_is_read(source: str) -> None:
    with pytest.raises(TemplateError, match=r"^template page\.txt: prints nothing; write what the mail is to say"):
        made(source)


@pytest.mark.parametrize("source", ["{{ '' }}", "{% if not x %}words{% endif %}", "{{ ' ' * 9 }}\n", "{{ '\u2028' }}"])
def test_a_subject_that_comes_out_empty_is_refused(source: str) -> None:
    with pytest.raises(TemplateError, match=r"^template page\.txt: prints nothing for this mail"):
        made(source).line({"x": "1"})


def test_what_is_extended_or_taken_in_counts_as_words() -> None:
    assert made('{% extends "base.txt" %}', base="words").line({"x": ""}) == "words"
    assert made('{% include "base.txt" %}', base="words").line({"x": ""}) == "words"
