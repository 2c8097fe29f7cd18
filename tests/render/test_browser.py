"""The mail in a real browser: readable in light, dark and forced dark, with and without styles, at every width."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

import pytest

from newsletter.pipeline.checking.browser import Viewer, viewer
from newsletter.pipeline.checking.validator import complaints
from newsletter.render.checklist import check
from newsletter.render.checklist.evidence import Evidence, Missing
from newsletter.render.checklist.rule import State
from newsletter.render.colour import AA, contrast
from tests.conftest import require
from tests.render.mails import PICTURE, made_up, recorded, usual
from tests.tools import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from newsletter.pipeline.checking import Checked
    from newsletter.render.checklist.evidence import Looks
    from newsletter.render.checklist.rule import Finding

MEASURED = ("contrast", "dark-contrast", "dark", "forced-dark", "no-styles", "overflow", "axe")


@pytest.fixture(scope="module")
def eyes() -> Iterator[Viewer]:
    for name, tool in (("Chromium", TOOLS.chromium), ("axe-core", TOOLS.axe)):
        if isinstance(tool, Missing):
            require(name, tool.reason)
    with viewer(TOOLS) as found:
        assert isinstance(found, Viewer), found
        yield found


@pytest.fixture(scope="module")
def usual_looks(eyes: Viewer) -> Looks:
    return eyes.look(html_of(usual()))


def html_of(checked: Checked) -> str:
    assert isinstance(checked.mail.html, str)
    return checked.mail.html


def findings(checked: Checked, looks: Looks) -> dict[str, tuple[Finding, ...]]:
    """Return what the measured rules find, and demand that none was skipped."""
    outcomes = {one.rule: one for one in check(Evidence(checked.mail, checked.given, looks=looks))}
    assert {outcomes[name].state for name in MEASURED} <= {State.OK, State.FAILED}
    return {name: outcomes[name].findings for name in MEASURED if outcomes[name].findings}


@pytest.mark.browser
def test_mails_of_all_kinds_can_be_read(eyes: Viewer) -> None:
    found = {name: findings(one, eyes.look(html_of(one))) for name, one in made_up().items()}
    assert {name: broken for name, broken in found.items() if broken} == {}


@pytest.mark.browser
@pytest.mark.shared_data
def test_mails_of_every_recorded_date_and_week_can_be_read(eyes: Viewer, shared_data: Path) -> None:
    mails = recorded(shared_data)
    found = {name: findings(one, eyes.look(html_of(one))) for name, one in mails.items()}
    assert len(found) == 36
    assert {name: broken for name, broken in found.items() if broken} == {}


@pytest.mark.browser
def test_every_text_is_measured_in_every_light(usual_looks: Looks) -> None:
    shown = [text.shown for text in usual_looks.light]
    assert len(shown) > 60
    for looks in (usual_looks.dark, usual_looks.bare):
        assert [text.shown for text in looks] == shown
    for looks in (usual_looks.forced, usual_looks.forced_bare):
        assert {text.shown for text in looks} == set(shown)


@pytest.mark.browser
def test_forced_dark_is_dark_and_its_pixels_are_what_is_measured(usual_looks: Looks) -> None:
    for looks in (usual_looks.forced, usual_looks.forced_bare):
        grounds = [text.ground for text in looks]
        assert sum(dark(ground) for ground in grounds) > 0.9 * len(grounds)
    assert not any(dark(text.ground) for text in usual_looks.light)


@pytest.mark.browser
def test_every_text_of_ours_has_the_contrast_of_small_text(usual_looks: Looks) -> None:
    for text in (*usual_looks.light, *usual_looks.dark, *usual_looks.bare):
        assert contrast(text.ink, text.ground) >= AA, text


@pytest.mark.browser
def test_dark_is_dark_and_every_colour_follows(usual_looks: Looks) -> None:
    for light, dark_text in zip(usual_looks.light, usual_looks.dark, strict=True):
        assert light.ink != dark_text.ink, light
        assert contrast(light.ground, "#000000") > contrast(dark_text.ground, "#000000"), light


@pytest.mark.browser
def test_without_style_sheets_the_light_look_holds(usual_looks: Looks) -> None:
    assert usual_looks.bare == usual_looks.light


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 1200])
def test_the_sheet_is_640_wide_at_most(eyes: Viewer, width: int) -> None:
    eyes._show(html_of(usual()))
    eyes._page.set_viewport_size({"width": width, "height": 800})
    script = "document.querySelector('.sheet').getBoundingClientRect().width"
    assert eyes._page.evaluate(script) == min(width, 640)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "room"), [(375, "height"), (1200, "width")])
def test_a_picture_that_is_not_loaded_takes_no_room_from_the_title(eyes: Viewer, width: int, room: str) -> None:
    html = html_of(usual())
    assert PICTURE in html
    eyes._show(html.replace(PICTURE, "data:image/png;base64,"))
    eyes._page.set_viewport_size({"width": width, "height": 800})
    script = f"[...document.querySelectorAll('.thumb')].map(one => one.getBoundingClientRect().{room})"
    assert set(eyes._page.evaluate(script)) == {0}


@pytest.mark.browser
@pytest.mark.parametrize(("width", "shown"), [(375, 307), (1200, 132)])
def test_a_large_picture_is_small_beside_the_title_and_as_wide_as_the_text_on_a_phone(
    eyes: Viewer, width: int, shown: int
) -> None:
    large = "<svg xmlns='http://www.w3.org/2000/svg' width='1200' height='648'/>"
    eyes._show(html_of(usual()).replace(PICTURE, f"data:image/svg+xml;base64,{b64encode(large.encode()).decode()}"))
    eyes._page.set_viewport_size({"width": width, "height": 800})
    eyes._page.wait_for_load_state("load")
    box = "document.querySelector('.thumb').getBoundingClientRect()"
    assert eyes._page.evaluate(f"{box}.width") == pytest.approx(shown, abs=1)
    assert eyes._page.evaluate(f"{box}.height") == pytest.approx(shown * 648 / 1200, abs=1)


def body(extra: str) -> tuple[str, str]:
    return "</body>", extra + "</body>"


def style(css: str) -> tuple[str, str]:
    return "</head>", f"<style>{css}</style></head>"


def in_the_dark(css: str) -> tuple[str, str]:
    return style(f"@media (prefers-color-scheme: dark) {{ {css} }}")


BREAKS: dict[str, tuple[tuple[str, str], ...]] = {
    "contrast": (body('<p style="color: #999999; background: #ffffff">Pale words</p>'),),
    "contrast, see-through": (body('<p style="color: #000000; opacity: 0.4; background: #ffffff">Pale words</p>'),),
    "contrast, large": (body('<p style="font-size: 30px; color: #999999; background: #ffffff">Pale words</p>'),),
    "dark-contrast": (in_the_dark("h3.title a { color: #333333 !important }"),),
    "dark": (("prefers-color-scheme: dark", "prefers-color-scheme: lark"),),
    "dark, less shown": (in_the_dark("h3 { display: none }"),),
    # 6.0 as it stands; Chromium makes black text white and leaves the middle grey
    "forced-dark": (body('<p style="color: #000000; background: #8a8a8a">Words on grey</p>'),),
    "no-styles, seen": (style(".x { display: none }"), body('<p class="x">Hidden</p>')),
    "no-styles, hidden": (style(".x { display: block !important }"), body('<p class="x" style="display: none">x</p>')),
    "no-styles, pale": (
        style(".x { color: #000000 !important }"),
        body('<p class="x" style="color: #cccccc; background: #ffffff">Pale words</p>'),
    ),
    "overflow": (body('<div style="width: 500px">Wide words</div>'),),
    "overflow, in a cell": (
        body('<table role="presentation" style="table-layout: fixed; width: 200px"><tr>'),
        body(f"<td>{'W' * 90}</td></tr></table>"),
    ),
    "overflow, a picture": (body('<img style="width: 700px" alt="" src="https://x.example/x.png">'),),
    "overflow, without styles": (
        style(".x { width: 99px !important }"),
        body('<div class="x" style="width: 700px">Wide words</div>'),
    ),
    "axe": (('lang="en"', ""),),
    "axe, pale in the dark": (in_the_dark("h3.title a { color: #333333 !important }"),),
}


@pytest.mark.browser
@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_mail_turns_its_rule_red(eyes: Viewer, usual_looks: Looks, broken: str) -> None:
    rule = broken.partition(",")[0]
    html = html_of(usual())
    assert rule not in findings(usual(), usual_looks)
    for old, new in BREAKS[broken]:
        assert old in html
        html = html.replace(old, new)
    found = findings(usual(), eyes.look(html))
    assert rule in found
    assert all(one.where and one.what for one in found[rule])


def test_every_measured_rule_is_broken_here() -> None:
    assert {broken.partition(",")[0] for broken in BREAKS} == set(MEASURED)


@pytest.mark.browser
def test_large_text_may_have_less_contrast_and_a_dark_label_in_light_is_no_fault(eyes: Viewer) -> None:
    label = '<p style="font-size: 30px; color: #8a8a8a; background: #ffffff">Large words</p>'
    found = findings(usual(), eyes.look(html_of(usual()).replace("</body>", label + "</body>")))
    assert {"contrast", "dark-contrast", "dark", "no-styles", "axe"}.isdisjoint(found)


@pytest.mark.browser
def test_a_mail_taller_than_a_picture_can_be_is_measured_to_its_end(eyes: Viewer) -> None:
    lines = "".join(f'<p style="margin: 60px; color: #000000; background: #ffffff">Line {n}</p>' for n in range(300))
    grey = '<p style="color: #000000; background: #8a8a8a">The last line</p>'
    looks = eyes.look(html_of(usual()).replace("</body>", lines + grey + "</body>"))
    assert {text.shown for text in looks.forced} >= {f"Line {n}" for n in range(300)}
    assert [found.what for found in findings(usual(), looks)["forced-dark"] if "The last line" in found.what]


def dark(colour: str) -> bool:
    return contrast(colour, "#ffffff") > contrast(colour, "#000000")


@cache
def _everything(folder: Path) -> Mapping[str, Checked]:
    return {**made_up(), **recorded(folder)}


@pytest.mark.validator
@pytest.mark.shared_data
def test_every_mail_is_valid_html_and_a_broken_one_is_not(shared_data: Path) -> None:
    for name, tool in (("Java", TOOLS.java), ("vnu-jar", TOOLS.validator)):
        if isinstance(tool, Missing):
            require(name, tool.reason)
    mails = _everything(shared_data)
    broken = html_of(usual()).replace("</h1>", '</h1><p align="justify"><div></p><hr align="left">')
    said = complaints([*map(html_of, mails.values()), broken], TOOLS)
    assert not isinstance(said, Missing)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, one, lines in zip([*mails, "broken"], [*mails.values(), usual()], said, strict=True):
        (outcome,) = (o for o in check(Evidence(one.mail, one.given, complaints=lines)) if o.rule == "valid-html")
        found[name] |= {finding.what for finding in outcome.findings}
        assert lines, "each mail has what mail needs and HTML calls obsolete"
    assert any("No “p” element in scope" in what for what in found.pop("broken"))
    assert {name: whats for name, whats in found.items() if whats} == {}
