"""A template that would not end, would fill the memory or break out is refused with template, line and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jinja2 import DictLoader

from newsletter.errors import TemplateError
from newsletter.render.budget import MAX_OUTPUT, MAX_STEPS, spending
from newsletter.render.compile import compile_template
from newsletter.render.environment import environment, run
from newsletter.render.plain import plain_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.render.tokens import Tokens

CONTEXT: Mapping[str, object] = {"x": "words " * 3000, "rows": tuple(range(100)), "n": 3}
HTML = "<!DOCTYPE html>\n<html><head><style>{css}</style></head><body>\n{body}\n</body></html>"
TOKENS: Tokens = {"light": {"ink": "#123456"}}


def text_of(source: str, **others: str) -> str:
    templates = {"page.txt": source, **{f"{name}.txt": other for name, other in others.items()}}
    sandbox = environment(DictLoader(templates), html=False)
    return plain_template(sandbox, "page.txt", set(CONTEXT)).text(CONTEXT)


def html_of(body: str, css: str = "") -> str:
    sandbox = environment(DictLoader({"page.html": HTML.format(css=css, body=body)}), html=True)
    return compile_template(sandbox, "page.html", TOKENS, set(CONTEXT)).render(CONTEXT)


ENDLESS = [
    "{% for a in range(99999) %}\n{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}",
    "{% for a in rows %}\n{% for b in x %}{{ a }}{% endfor %}{% endfor %}",
    "{% for a in range(999) %}\n{% for b in rows | map('string') %}{{ b }}{% endfor %}{% endfor %}",
    "{% for a in range(90000) %}\n{{ x }}{% endfor %}",
]
HUGE = [
    "\n{{ 'x' * 1000000000 }}",
    "\n{{ x * 100000 }}",
    "\n{{ [1] * 1000000000 }}",
    "\n{{ 10 ** 1000000 }}",
    "\n{{ 'x' | center(1000000000) }}",
    "\n{{ 'x' | indent(1000000000, true) }}",
    "\n{{ '%1000000000d' | format(1) }}",
    "\n{{ '%1000000000d' % 1 }}",
    "\n{{ '%*d' | format(1000000000, 1) }}",
    "\n{{ '{:1000000000}'.format(1) }}",
    "\n{{ 'x'.ljust(1000000000) }}",
    "\n{{ x | replace('w', x) }}",
    "\n{{ x.replace('w', x) }}",
    "\n{{ [x, x] | join(x) }}",
]
BREAK_OUTS = [
    "\n{{ x.__class__ }}",
    "\n{{ x.__class__.__mro__[1].__subclasses__() }}",
    "\n{{ x['__class__'] }}",
    "\n{{ x | attr('__class__') }}",
    "\n{{ '{0.__class__}'.format(x) }}",
    "\n{{ ('{0.__class__.__init__.__globals__}' | string).format(x) }}",
    "\n{{ range.__globals__ }}",
    "\n{{ dict.__base__.__subclasses__() }}",
    "\n{{ rows.__getattribute__('count') }}",
    "\n{{ [].append(1) }}",
]


ALL = [
    *((source, "it takes more than|it prints more than") for source in ENDLESS),
    *((source, "larger than|five digits") for source in HUGE),
    *((source, "unsafe|has no attribute|is not safely callable") for source in BREAK_OUTS),
]


@pytest.mark.parametrize(("source", "reason"), ALL)
def test_in_a_text_it_is_refused_with_its_line(source: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=rf"^template page\.txt, line [12]: .*({reason})") as caught:
        text_of(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("source", "reason"), ALL)
def test_in_an_html_template_it_is_refused_with_its_line(source: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=rf"^template page\.html, line [34]: .*({reason})") as caught:
        html_of(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
            "it takes more than",
        ),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        (
            "{% macro m(s, n) %}{{ m(s ~ s, n - 1) if n else s }}{% endmacro %}{{ m('xx', 60) }}",
            "it would (keep|read) something larger|it takes more than",
        ),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{{ loop([1]) }}{% endfor %}", "recursion"),
        (
            "{% set ns = namespace(s='xx') %}{% for a in range(90) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "it would keep something larger",
        ),
        (
            "{% set ns = namespace(n=9) %}{% for a in range(90) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
            "it would (keep|make) something larger",
        ),
        ("{% include 'page.txt' %}", "takes itself in again"),
        ("{% include x %}", "by a computed name"),
        ("{{ x | random }}", "No filter named 'random'"),
        ("{{ lipsum() }}", "unknown name 'lipsum'"),
    ],
)
def test_no_other_way_leads_around_the_bounds(source: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=rf"^template page\.txt.*{reason}"):
        text_of(source)


@pytest.mark.parametrize(
    "css", [f"</style><style data-premailer='ignore'>{ENDLESS[0].strip()}", ".a { color: {{ light.ink * 9999999 }} }"]
)
def test_a_style_is_bounded_too(css: str) -> None:
    with pytest.raises(
        TemplateError, match=r"^template page\.html, line [23]: in this style sheet: it (takes more|would make)"
    ):
        html_of("", css)


def test_what_a_mail_needs_lies_far_within_the_bounds() -> None:
    body = "{% for a in rows %}{% for b in range(50) %}{{ a }} {{ b | string | upper }}{% endfor %}\n{% endfor %}"
    assert len(text_of(body + "{{ x | wrap(4, '%2d. ' | format(n)) }}").splitlines()) > 250
    assert "2 ** 10 = 1024" in text_of("2 ** 10 = {{ 2 ** 10 }}, {{ '-' * 72 }}, {{ '%d' | format(1234567) }}")
    assert MAX_STEPS > 10 * 5100
    assert MAX_OUTPUT > 100 * 90_000


HIDDEN = [
    "{{ ('x'.encode() * 1500000000) | length }}",
    "{{ ('x' | attr('encode'))() }}",
    "{{ (1).to_bytes(1500000000, 'big') | length }}",
    "{{ '%*d' % (1500000000, 1) }}",
    "{{ '{0[0]:{0[1]}}'.format([1, 1500000000]) }}",
    "{{ range(300) | join('x' * 5000000) }}",
    "{{ range(300) | map('string') | join('x' * 500000) }}",
    "{% set s = 'x' * 1000000 %}{% set a = [s] * 9 %}{% set b = [a] * 60 %}{{ b }}",
    "{% set s = 'x' * 100000 %}{% set a = [s, s, s, s, s] %}{% set b = [a, a, a, a] %}{{ [b, b, b, b, b, b] }}",
    "{% set ns = namespace(s=[]) %}{% for a in range(99) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
    "{% set s = 'x' * 900000 %}{{ (" + " ~ ".join(["s"] * 200) + ") | length }}",
    "{% set s = 'x' * 900000 %}{{ (" + " + ".join(["s"] * 40) + ") | length }}",
]
SLOW = [
    "{% set s = 'x y' * 200000 %}{% for i in rows %}{% if s | title == 'q' %}{% endif %}{% endfor %}",
    "{% set s = 'x y' * 3000000 %}{% if s | title == 'q' %}{% endif %}",
    "{% set s = 'x y ' * 200000 %}{% for i in rows %}{{ s | wordwrap(1) | length }}{% endfor %}",
    "{% set s = 'a' * 900000 %}{% for i in rows %}{% if 'ab' in s %}{% endif %}{% endfor %}",
    "{% set s = 'a' * 900000 %}{% for i in rows %}{% if s is eq 'b' %}{% endif %}{% endfor %}",
    "{% set s = 'a' * 900000 %}{% for i in rows %}{% if s[1:] %}{% endif %}{% endfor %}",
    "{% set s = 'a' * 900000 %}{% for i in rows %}{% if s.find('b') %}{% endif %}{% endfor %}",
    "{% set l = range(90000) | list %}{% for i in rows %}{{ l | unique | list | length }}{% endfor %}",
    "{{ range(99999) | map('string') | map('upper') | list | length }}",
]


@pytest.mark.parametrize("source", HIDDEN)
def test_what_is_large_is_found_in_bytes_lists_ranges_and_widths(source: str) -> None:
    with pytest.raises(TemplateError, match=r"larger than|unsafe|five digits|lists deep|prints more|takes more"):
        text_of(source)


@pytest.mark.parametrize("source", SLOW)
def test_what_is_read_counts_by_its_size(source: str) -> None:
    with pytest.raises(TemplateError, match=r"it takes more than|it would read"):
        text_of(source)


@pytest.mark.parametrize("filters", ["title", "upper", "title | upper | title"])
def test_a_constant_is_worked_out_within_the_bounds_too(filters: str) -> None:
    sums = " ~ ".join([f"('x y' * 200000) | {filters}"] * 60)
    with pytest.raises(TemplateError, match="it takes more than"):
        text_of("{{ " + sums + " }}")


@pytest.mark.parametrize(
    "source", ["{{ cycler('a') }}", "{{ joiner() }}", "{{ x.upper }}", "{{ x.upper ~ '' }}", "{{ [x.upper] | string }}"]
)
def test_nothing_prints_where_in_the_memory_it_is(source: str) -> None:
    with pytest.raises(TemplateError, match=r"unknown name|without a call"):
        text_of(source)


def test_what_a_filter_gives_bit_by_bit_prints_as_a_list() -> None:
    assert text_of("{{ rows | map('string') | first }} {{ [1, 2] | map('string') }}") == "0 ['1', '2']\n"


def test_one_budget_holds_for_all_inside() -> None:
    sandbox = environment(DictLoader({"page.txt": "{% for a in range(60000) %}{% endfor %}done"}), html=False)
    template = sandbox.get_template("page.txt")
    with spending():
        assert run(template, {}) == "done"
        with pytest.raises(TemplateError, match="it takes more than"):
            run(template, {})


def test_each_rendering_has_the_whole_budget() -> None:
    sandbox = environment(DictLoader({"page.txt": "{% for a in range(60000) %}{% endfor %}done"}), html=False)
    template = sandbox.get_template("page.txt")
    assert [run(template, {}) for _ in range(3)] == ["done"] * 3


def test_loops_can_still_ask_for_their_length() -> None:
    source = (
        "{% for a in rows | map('string') %}{% if loop.last %}{{ loop.length }} {{ loop.index }}{% endif %}{% endfor %}"
    )
    assert text_of(source) == "100 100\n"


NESTED = [
    "{{ " + "(1 + " * 100 + "n" + ")" * 100 + " }}",
    "{{ " + "(" * 5000 + "n" + ")" * 5000 + " }}",
    "{{ n" + " + 1" * 5000 + " }}",
    "{{ n" + " | abs" * 300 + " }}",
    "{{ " + "not " * 130 + "n }}",
    "{{ " + "[" * 300 + "]" * 300 + " }}",
    "{% for a in rows %}" * 30 + "{% endfor %}" * 30,
    "{% if n %}" * 150 + "{% endif %}" * 150,
]


@pytest.mark.parametrize("source", NESTED)
def test_what_is_nested_too_deep_for_python_is_refused_with_its_line(source: str) -> None:
    with pytest.raises(TemplateError, match=r"^template page\.txt, line 2: .*nested too deep"):
        text_of(f"{{{{ n }}}}\n{source}\n{{{{ n }}}}")
    with pytest.raises(TemplateError, match=r"^template page\.html, line 4: .*nested too deep"):
        html_of(f"\n{source}\n{{{{ n }}}}")


def test_what_people_nest_is_taken() -> None:
    sums, blocks = "{{ " + "(1 + " * 40 + "n" + ")" * 40 + " }}", "{% if n %}" * 20 + "x" + "{% endif %}" * 20
    loops = "{% for a in rows[:2] %}" * 5 + "y" + "{% endfor %}" * 5
    assert text_of(f"{sums} {blocks} {loops}") == "43 x " + "y" * 32 + "\n"
