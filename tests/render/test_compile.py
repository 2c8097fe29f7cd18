"""The compile step: what it carries, what it refuses, and that nothing gets lost on the way."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from markupsafe import Markup

from newsletter.errors import TemplateError
from newsletter.render import compile as compiling
from newsletter.render.compile import Compiled, check_same_structure, compile_template
from newsletter.render.environment import environment, template_loader
from newsletter.render.flatten import flatten
from newsletter.render.fragment import inline_fragment
from newsletter.render.inliner import inline_css
from newsletter.render.layout import Layout
from newsletter.render.markdown import note_html
from newsletter.render.page import Page, make_page
from newsletter.render.tokens import load_tokens
from newsletter.resources import resource
from tests.render.digests import DATES, LINKS, NOTE, SITE, digest_of, recorded_papers, without_wishes
from tests.render.dom import nodes

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {field.name for field in fields(Page)} | {"note"}
HEAD = "<!DOCTYPE html>\n<html><head><title>{{ t }}</title><style>.a { color: #123456; }</style></head>\n<body>\n"
TAIL = "\n</body></html>"
FIRST_BODY_LINE = 4


def compiled(folder: Path, source: str, **others: str) -> Compiled:
    for name, text in {"page.html": source, **{f"{key}.html": value for key, value in others.items()}}.items():
        (folder / name).write_text(text, "utf-8")
    sandbox = environment(template_loader([folder, resource("templates")]), html=True)
    return compile_template(sandbox, "page.html", load_tokens(sandbox, "#0b6e5f"), {"t", "x", "rows"})


def shipped() -> Compiled:
    sandbox = environment(template_loader([resource("templates")]), html=True)
    return compile_template(sandbox, "email/digest/body.html", load_tokens(sandbox, SITE.accent), KNOWN)


def test_styles_reach_elements_whose_number_only_the_data_knows(tmp_path: Path) -> None:
    body = '{% for row in rows %}<p class="a">{{ row }}</p>{% else %}<p class="a">none</p>{% endfor %}'
    template = compiled(tmp_path, HEAD + body + TAIL)
    made = template.render({"t": "T", "x": "", "rows": ["1", "2"]})
    assert made.count('style="color:#123456"') == 2
    assert "tplmark" not in made
    assert "none" in template.render({"t": "T", "x": "", "rows": []})


def test_data_is_escaped_in_text_title_and_attributes(tmp_path: Path) -> None:
    template = compiled(tmp_path, HEAD + '<a href="{{ x }}" title="{{ t }}">{{ t }}</a>' + TAIL)
    made = template.render({"t": '"><script>', "x": "https://a.example/?b=1&c=2"})
    assert "<script>" not in made
    assert made.count("&#34;&gt;&lt;script&gt;") == 3
    assert 'href="https://a.example/?b=1&amp;c=2"' in made


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//a.example", "file:///etc", "x", ""])
def test_no_href_lets_another_scheme_through(tmp_path: Path, url: str) -> None:
    template = compiled(tmp_path, HEAD + '<a href="{{ x }}">y</a>' + TAIL)
    assert 'href=""' in template.render({"t": "", "x": url})


def test_inheritance_and_includes_are_resolved_and_errors_name_the_part(tmp_path: Path) -> None:
    base = HEAD + "{% block one %}old{% endblock %}{% block two %}kept{% endblock %}" + TAIL
    child = '{% extends "base.html" %}\n{% block one %}\n{% for x in rows %}{% include "part.html" %}{% endfor %}'
    child += "\n{% endblock %}"
    made = compiled(tmp_path, child, base=base, part='<b class="a">{{ x }}</b>').render({"t": "", "rows": [1, 2]})
    assert made.count('<b class="a" style="color:#123456">') == 2
    assert "kept" in made
    assert "old" not in made
    with pytest.raises(TemplateError, match=r"^template part\.html, line 2: unknown name 'y'; the names "):
        compiled(tmp_path, child, base=base, part="<b>\n{{ y }}</b>")


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("<div>\n{% if x %}<p>{% endif %}</p></div>", 2, "unbalanced {% endif %}: <p> of line 5"),
        ("<div>\n\n<p></div>", 3, "unbalanced </div>: <p> of line 6 is still open"),
        ("</td>", 1, "unbalanced </td>"),
        ("<p>\n<br></br></p>", 2, "unbalanced </br>"),
        ("\n{% if x %}", 2, "Unexpected end of template"),
        ("{{ x ", 2, "unexpected '/'"),
        ("\n\n{{ unknown }}", 3, "unknown name 'unknown'"),
        ("\n{{ x | safe }}", 2, "No filter named 'safe'"),
        ('<p class="b {% if x %}c{% endif %}">y</p>', 1, "{% if x %} stands inside a tag"),
        ('\n<p class="{{ x }}">y</p>', 2, "{{ x }} stands inside a tag"),
        ('<p style="color:{{ x }}">y</p>', 1, "stands inside a tag"),
        ('<p {{ x }}="y">y</p>', 1, "stands inside a tag"),
        ("<{{ x }}>y</p>", 1, "stands inside a tag"),
        ('<a href="https://a.example/{{ x }}">y</a>', 1, "href takes one {{ }} as its whole value"),
        ("<!-- {{ x }} -->", 1, "stands inside a comment"),
        ("\n<table>{{ x }}<tr><td>y</td></tr></table>", 2, "{{ x }} directly inside <table>"),
        ("<table><tr>y<td>y</td></tr></table>", 1, "text directly inside <tr>"),
        ("<p>\n<div>y</div></p>", 2, "lost or moved <div>"),
        ("\n<p>tplmark00000e</p>", 2, "tplmark00000e is a word of the compile step"),
        ("<script>1</script>", 1, "<script> has no place in a mail"),
        ('<link rel="stylesheet" href="https://a.example/a.css">', 1, "<link> has no place"),
        ('<img src="file:///etc/passwd" alt="">', 1, "src may not be a file: URL"),
        ('<a href=" JavaScript:x">y</a>', 1, "href may not be a JavaScript: URL"),
        ('<p data-premailer="other">y</p>', 1, 'data-premailer takes "ignore"'),
        ("\n{% raw %}{{ x }}{% endraw %}", 2, "{% raw %} is not supported"),
        ("{% macro m() %}{% endmacro %}", 1, "{% macro %} is not supported"),
        ("{% autoescape false %}{{ x }}{% endautoescape %}", 1, "{% autoescape %} is not supported"),
        ("{% set x %}y{% endset %}", 1, "{% set %} takes a name"),
        ('\n{% include "nowhere.html" %}', 2, "there is no template nowhere.html"),
        ("{% include x %}", 1, "include takes one quoted template name"),
        ('{% include "page.html" %}', 1, "page.html takes itself in again"),
        ("{ {{ x }} {{ '{' }}{ {% if x %}{% endif %}", 0, ""),
    ],
)
def test_what_cannot_be_carried_is_refused_with_its_line(tmp_path: Path, body: str, line: int, reason: str) -> None:
    if not reason:
        assert compiled(tmp_path, HEAD + body + TAIL)  # braces that open nothing are no mistake
        return
    with pytest.raises(TemplateError) as caught:
        compiled(tmp_path, HEAD + body + TAIL)
    message = str(caught.value)
    place = f"line {line + FIRST_BODY_LINE - 1}: " if "end of template" not in reason else ""
    assert message.startswith("template page.html")
    assert place in message
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("css", "line", "reason"),
    [
        ('@import "https://a.example/a.css";', 1, "@import is not allowed"),
        ("\n@IMPORT url(a.css);", 2, "@import is not allowed"),
        ("\\40import url(a.css);", 1, "is not allowed"),
        (".a { background: url(file:///etc/passwd) }", 1, "is not allowed"),
        (".a { background: url('http://a.example/a.png') }", 1, "is not allowed"),
        ("\n\n.a:hover { color: #123456 }", 3, "the selector '.a:hover' cannot be inlined"),
        (".a:first-child { color: #123456 }", 1, "cannot be inlined"),
        ("p + p { color: #123456 }", 1, "cannot be inlined"),
        ("a[href] { color: #123456 }", 1, "cannot be inlined"),
        ("@media print { .a { color: #123456 } }", 1, "@media belongs into"),
        ("/* a\ncomment */ .b { color red }", 2, "in this style sheet"),
        (".a { color: #123456 }\n}", 2, "this is no CSS rule"),
        (".a { color: {{ light.nothing }} }", 1, "in this style sheet"),
        (".a { color: {{ x }} }", 1, "in this style sheet"),
    ],
)
def test_styles_that_could_not_hold_are_refused(tmp_path: Path, css: str, line: int, reason: str) -> None:
    head = f"<!DOCTYPE html>\n<html><head><style>{css}</style></head><body></body></html>"
    with pytest.raises(TemplateError, match=rf"^template page\.html, line {line + 1}: ") as caught:
        compiled(tmp_path, head)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


FRAME = "<!DOCTYPE html><html><head></head><body></body></html>"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "template page.html: is empty"),
        ("\n", "template page.html: is empty"),
        ("{# later #}", "template page.html: is empty"),
        ('{% extends "base.html" %}{% block x %}y{% endblock %}', "template base.html: is empty"),
        ("<!DOCTYPE html>", "template page.html: has no <html>; write <html>, <head> and <body>"),
        ("<!DOCTYPE html>words", "template page.html: has no <html>"),
        ("<!DOCTYPE html><p>words</p>", "template page.html: has no <html>"),
        ("<!DOCTYPE html><html></html>", "template page.html: has no <head>"),
        ("<!DOCTYPE html><html><head></head></html>", "template page.html: has no <body>"),
        ("<!DOCTYPE html>{% if x %}<html></html>{% endif %}", "template page.html: has no <head>"),
        ("<!DOCTYPE html><html></html>\n<head></head><body></body>", "template page.html, line 2: <head> must stand"),
        (FRAME.replace("<body></body>", "\n<div><body></body></div>"), "template page.html, line 2: <body> must stand"),
        (f"{FRAME}\n<html></html>", "template page.html, line 2: a second <html>"),
        (FRAME.replace("<body>", "<body>\n<body></body>"), "template page.html, line 2: a second <body>"),
        (FRAME.replace("<html>", "\n<!-- <html>"), "template page.html, line 2: a comment begins here"),
        (FRAME.replace("<html>", "<!-- x --><!--[if mso]><html>"), "template page.html, line 1: a comment begins here"),
    ],
)
def test_what_is_no_whole_document_is_refused_and_says_what_is_missing(
    tmp_path: Path, document: str, reason: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        compiled(tmp_path, document, base="")
    assert str(caught.value).startswith(reason)


def test_comments_for_outlook_are_whole(tmp_path: Path) -> None:
    comments = "<!--[if !mso]><!--><p>x</p><!--<![endif]--><!--[if mso]>y<![endif]-->"
    assert compiled(tmp_path, FRAME.replace("<body>", f"<body>{comments}"))


@pytest.mark.parametrize("start", ["<!doctype html>", "<html>", "<!DOCTYPE HTML>"])
def test_another_doctype_is_refused(tmp_path: Path, start: str) -> None:
    with pytest.raises(TemplateError, match="must begin with <!DOCTYPE html>"):
        compiled(tmp_path, start + "<html><body></body></html>")


def _lose(html: str) -> str:
    return html.replace("<!--tplmark00001e-->", "", 1)


def _double(html: str) -> str:
    return html.replace("tplmark00002e", "tplmark00002e tplmark00002e", 1)


def _move(html: str) -> str:
    return html.replace("tplmark00002e", "", 1).replace("</body>", "tplmark00002e</body>")


@pytest.mark.parametrize("harm", [_lose, _double, _move])
def test_a_placeholder_that_the_inliner_harms_is_an_error_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: type
) -> None:
    monkeypatch.setattr(compiling, "inline_css", lambda html: harm(inline_css(html)))
    with pytest.raises(TemplateError, match=r"^template page\.html, line 5: inlining the styles lost or moved "):
        compiled(tmp_path, HEAD + "<p>y</p>\n{% if x %}<p>{{ x }}</p>{% endif %}" + TAIL)


def test_the_shipped_template_keeps_every_placeholder_and_outlooks_comments() -> None:
    template = shipped()
    check_same_structure(template.marked, template.marked, template.document)
    in_styles = [tag for tag in template.document.tags if tag.template.endswith(".css")]
    assert template.source.count("{{") + template.source.count("{%") == len(template.document.tags) - len(in_styles)
    for comment in (
        '<!--[if mso]><table role="presentation" width="640"',
        "<!--[if mso]></td></tr></table><![endif]-->",
    ):
        assert comment in template.source
    assert template.source.startswith("<!DOCTYPE html>")
    assert "[data-ogsc] .name" in template.source
    assert "prefers-color-scheme: dark" in template.source
    assert "data-premailer" not in template.source


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("note", ["", NOTE])
def test_inlining_first_equals_inlining_the_finished_mail(shared_data: Path, date: str, note: str) -> None:
    template = shipped()
    html = note_html(note, period=date)
    inlined_note = inline_fragment(template, "note", html) if note else ""
    papers = recorded_papers(shared_data, date)
    digest = digest_of(papers, matched=len(papers) // 2, period=date, left_out=3)
    for one in (digest, without_wishes(digest), digest_of(papers[:1], period="2026-W29"), digest_of([])):
        page = make_page(one, SITE, links=LINKS, titles={}, layout=Layout())
        context = {name: getattr(page, name) for name in KNOWN - {"note"}}
        finished = template.template.environment.from_string(template.plain).render(
            context | {"note": Markup(html)}  # noqa: S704 - nh3 has cleaned it
        )
        ready = template.render(context | {"note": Markup(inlined_note)})  # noqa: S704 - same
        assert nodes(ready) == nodes(inline_css(finished))


def test_flattening_keeps_the_origin_of_every_piece() -> None:
    sandbox = environment(template_loader([resource("templates")]), html=True)
    for piece in flatten(sandbox, "email/digest/body.html"):
        first = piece.text.splitlines()[0] if piece.text.strip() else ""
        lines = resource("templates", *piece.template.split("/")).read_text("utf-8").splitlines()
        assert first in lines[piece.line - 1]
