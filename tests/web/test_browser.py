"""Every page in a real browser, at three widths, light and dark: nothing for axe to find, nothing too wide.

Nor does a page ask another host for anything, or do what the content security policy forbids. What the pages look like
is for a person to judge; this keeps them readable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from newsletter.render.checklist.evidence import Missing
from tests.tools import TOOLS
from tests.web.browsing import AXE, RULES, WIDER, faults
from tests.web.home import HOSTILE, ODD

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = [
    "/",
    "/issues",
    "/issues?by=week",
    "/issues/2026-07-14",
    "/issues/2026-07",
    "/papers",
    "/days/2026-07-12",
    "/weeks/2026-W29",
    "/months/2026-07",
    "/papers/2607.09003",
    *(f"/papers/{paper_id}" for paper_id in HOSTILE),
    f"/papers/{quote(ODD, safe='')}",
    "/topics",
    "/topics/agents",
    "/search",
    "/subscribe?topic=agents&interest=kv+cache",
    f"/subscribe?interest={'W' * 300}",
    "/confirm/none",
    "/search?q=model&topic=agents",
    f"/search?q={'W' * 300}",
    "/nothing",
]


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_everybody_and_keeps_to_its_host(
    looking: tuple[Page, list[str]], url: str, path: str
) -> None:
    page, noted = looking
    page.goto(url + path)
    assert faults(page) == []
    others = [one for one in noted if not one.startswith(f"{url}/")]
    assert others == (["console: " + NOT_FOUND] if path in MISSING else [])


MISSING = {"/nothing", "/confirm/none"}
NOT_FOUND = "Failed to load resource: the server responded with a status of 404 (Not Found)"


@pytest.mark.browser
def test_a_broken_page_would_be_found(looking: tuple[Page, list[str]], url: str) -> None:
    assert not isinstance(TOOLS.axe, Missing)
    page, noted = looking
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{url}/search")
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate("document.querySelector('h1').append('W'.repeat(99), document.createElement('img'))")
    page.evaluate("document.querySelector('h1').style.setProperty('white-space', 'nowrap')")
    page.evaluate("document.querySelector('img').src = 'https://elsewhere.example/x.png'")
    page.evaluate(TOOLS.axe.read_text("utf-8"))
    found = " ".join(page.evaluate(AXE, RULES))
    assert "label" in found
    assert "image-alt" in found
    assert page.evaluate(WIDER) > 0
    assert any("elsewhere.example" in one for one in noted)


@pytest.mark.browser
def test_the_keyboard_reaches_the_content_first(looking: tuple[Page, list[str]], url: str) -> None:
    page, _ = looking
    page.goto(url)
    page.keyboard.press("Tab")
    focused: Any = page.evaluate("document.activeElement.textContent")
    assert focused == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") == 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "button"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.browser
def test_the_policy_lets_nothing_foreign_run(looking: tuple[Page, list[str]], url: str) -> None:
    page, noted = looking
    page.goto(url)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p id=x style=\"color: red\" onclick=\"f()\">x</p>')")
    assert page.evaluate("getComputedStyle(document.getElementById('x')).color") != "rgb(255, 0, 0)"
    assert any("Content Security Policy" in one for one in noted)
