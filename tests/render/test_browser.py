"""The mail in a real browser: it fits every width, and dark is dark."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import sync_playwright

from newsletter.render.colour import AA, contrast
from tests.conftest import require
from tests.render.digests import HOSTILE_TEXTS, NOTE, UNSUBSCRIBE, digest_of, hostile_paper, made_up_papers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from newsletter.render.digest import DigestRenderer

Scheme = Literal["light", "dark"]

pytestmark = pytest.mark.browser

OPTIONS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
# Every visible text with its colour and the first opaque ground under it.
TEXT_COLOURS = """() => {
  const opaque = (node) => {
    for (; node; node = node.parentElement) {
      const ground = getComputedStyle(node).backgroundColor;
      if (!ground.startsWith("rgba(")) return ground;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.body.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
    .map((node) => [node.className || node.tagName, getComputedStyle(node).color, opaque(node)]);
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        require("Chromium", "install it to see the mail in a browser")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=[*OPTIONS, "--no-sandbox"])
        yield browser
        browser.close()


def look(chromium: Browser, html: str, script: str, *, width: int = 600, scheme: Scheme = "light") -> Any:  # noqa: ANN401 - any JSON
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    try:
        page = context.new_page()
        page.set_content(html)
        return page.evaluate(script)
    finally:
        context.close()


@pytest.fixture(scope="module")
def mails(renderer: DigestRenderer) -> dict[str, str]:
    hostile = [hostile_paper(text) for text in (*HOSTILE_TEXTS, "α" * 2_000)]
    digests = {
        "usual": digest_of(made_up_papers(6), matched=4, note=NOTE, left_out=3),
        "one": digest_of(made_up_papers(1)),
        "hostile": digest_of(hostile, matched=len(hostile) // 2, note="W" * 300),
    }
    return {name: renderer.render(digest, unsubscribe=UNSUBSCRIBE).html for name, digest in digests.items()}


def test_nothing_overflows(chromium: Browser, mails: dict[str, str]) -> None:
    page = chromium.new_page()
    for name, html in mails.items():
        for variant in (html, STYLE.sub("", html)):
            page.set_content(variant)
            for width in (320, 375, 600, 1200):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    page.close()


@pytest.mark.parametrize("width", [375, 1200])
def test_the_sheet_is_640_wide_at_most(chromium: Browser, mails: dict[str, str], width: int) -> None:
    script = "document.querySelector('.sheet').getBoundingClientRect().width"
    assert look(chromium, mails["usual"], script, width=width) == min(width, 640)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(chromium: Browser, mails: dict[str, str], scheme: Scheme) -> None:
    found = look(chromium, mails["usual"], TEXT_COLOURS, scheme=scheme)
    assert len(found) > 40
    for name, text, ground in found:
        assert contrast(_hex(text), _hex(ground)) >= AA, (name, text, ground)


def test_dark_is_dark_and_every_colour_follows(chromium: Browser, mails: dict[str, str]) -> None:
    html = mails["usual"]
    light, dark = (look(chromium, html, TEXT_COLOURS, scheme=scheme) for scheme in ("light", "dark"))
    assert [one[0] for one in light] == [one[0] for one in dark]
    for (name, text, ground), (_, dark_text, dark_ground) in zip(light, dark, strict=True):
        assert text != dark_text, name
        assert contrast(_hex(ground), "#000000") > contrast(_hex(dark_ground), "#000000"), name


def test_without_style_sheets_the_light_look_holds(chromium: Browser, mails: dict[str, str]) -> None:
    html = mails["usual"]
    assert look(chromium, STYLE.sub("", html), TEXT_COLOURS, scheme="dark") == look(chromium, html, TEXT_COLOURS)


def _hex(colour: str) -> str:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return f"#{red:02x}{green:02x}{blue:02x}"
