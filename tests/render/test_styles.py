"""A fault in a style sheet is told at the file and line where it stands, whatever takes the file in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.errors import TemplateError
from newsletter.render.compile import compile_template
from newsletter.render.digest import DigestRenderer
from newsletter.render.environment import environment, template_loader
from newsletter.resources import resource
from tests.render.digests import SITE

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = {"light": {"ink": "#123456"}}
FRAME = """<!DOCTYPE html>
<html><head>
<style>
{% include "one.css" %}
{% include "two.css" %}
</style>
</head><body></body></html>"""


def refusal(folder: Path, one: str, two: str = ".b { color: #123456; }\n", frame: str = FRAME) -> str:
    for name, text in {"page.html": frame, "one.css": one, "two.css": two}.items():
        (folder / name).write_text(text, "utf-8")
    sandbox = environment(template_loader([folder]), html=True)
    with pytest.raises(TemplateError) as caught:
        compile_template(sandbox, "page.html", TOKENS, set())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("css", "line"),
    [
        (".a { color red }\n", 1),
        (".a { x: y }\n\n.b { color: #12345 }\n", 3),
        (".a {\n  x: y;\n  back ground: red\n}\n", 3),
        ("/* two\nlines */\n.a { color: }\n.b { x: y }\n", 3),
        (".a { x: y }\n.b { color: {{ light.ink }}; width:: 12px }\n", 2),
        (".a { x: y }\n.b { color: {{ light.inc }} }\n", 2),
        (".a { x: y }\n.b { color: {{ shade.ink }} }\n", 2),
        (".a { x: y }\n.b { color: {{ light.ink | nothing }} }\n", 2),
        (".a { x: y }\n.b { color: {{ light.ink * 9999999 }} }\n", 2),
        (".a { x: y }\n.b { color: {{ light.ink.__class__ }} }\n", 2),
        ("{% for side in ['left', 'right'] %}\n.a { padding-{{ side }}: 1px }\n{% endfor %}\n.b { color: ) }\n", 4),
        ("{% if light.none is defined %}\n.a { x: y }\n.b { x: y }\n{% endif %}\n.c { color: ) }\n", 5),
        ("{% for side in [1, 2] %}\n.a { x: y }\n  {%- endfor %}\n.b { color: ) }\n", 4),
        (".a { color: {{\n  light.ink\n}} }\n.b { color: ) }\n", 4),
    ],
)
def test_a_fault_names_the_file_that_was_taken_in_and_its_line(tmp_path: Path, css: str, line: int) -> None:
    assert refusal(tmp_path, css).startswith(f"template one.css, line {line}: in this style sheet: ")
    good = ".a { x: y }\n\n.b { x: y }\n"
    assert refusal(tmp_path, good, css).startswith(f"template two.css, line {line}: in this style sheet: ")


def test_a_style_that_is_kept_is_told_by_its_own_lines_too(tmp_path: Path) -> None:
    kept = FRAME.replace("<style>", '<style data-premailer="ignore">')
    told = refusal(tmp_path, "@media print {\n .a { color: {{ dark.ink }} }\n}\n", frame=kept)
    assert told.startswith("template one.css, line 2: in this style sheet: names what is no token (jinja2: ")
    assert told.endswith("the tokens stand in email/tokens.toml")


def test_a_fault_in_the_shipped_sheet_is_not_put_down_to_the_frame(tmp_path: Path) -> None:
    shipped = resource("templates", "email", "_inlined.css").read_text("utf-8")
    at = shipped.index("color: ")
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "_inlined.css").write_text(f"{shipped[:at]}color {shipped[at + 7 :]}", "utf-8")
    line = shipped.count("\n", 0, at) + 1
    with pytest.raises(TemplateError, match=rf"^template email/_inlined\.css, line {line}: .*would be dropped"):
        DigestRenderer(SITE, template_folders=[tmp_path])


def test_numbers_of_lines_leave_no_trace_in_the_mail(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        FRAME.replace('{% include "one.css" %}\n{% include "two.css" %}', ".a {\n color: {{ light.ink }} }").replace(
            "<body>", '<body class="a">'
        ),
        "utf-8",
    )
    made = compile_template(environment(template_loader([tmp_path]), html=True), "page.html", TOKENS, set())
    assert "\0" not in made.source + made.marked
    assert 'style="color:#123456"' in made.source
