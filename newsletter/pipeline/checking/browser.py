"""A mail in a real browser: what it looks like in light, dark and forced dark, at every width, with and without styles.

It measures; the rules in `newsletter.render.checklist` judge. The page can reach nothing: the mail itself and a
stand-in for every picture are answered from here, any other request is refused, no name is resolved, the context is
offline, and a content security policy lets no script of the mail run.
"""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

from newsletter.errors import RenderError
from newsletter.pipeline.checking.pixels import painted, picture
from newsletter.pipeline.checking.scripts import AXE, OVERFLOWS, TEXTS
from newsletter.render.checklist.evidence import Looks, Missing, Overflow, TextLook, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from PIL.Image import Image
    from playwright.sync_api import Browser, Page, Route

    from newsletter.pipeline.checking.tools import Tools

WIDTHS = (320, 375, 600, 1200)
STYLE = re.compile(r"<style\b.*?</style>", re.DOTALL | re.IGNORECASE)
_OPTIONS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_ADDRESS = "http://mail.invalid/"  # RFC 2606: never a real host
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src * data:"
# One grey pixel: pictures take their room as they do where they are shown.
_PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
_WIDTH = 600
_HEIGHT = 800
_SLICE = 8_000  # pixels: Chromium repeats itself in a picture taller than 16,384
_OVERLAP = 200
_TIMEOUT = 60_000  # milliseconds
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
Scheme = Literal["light", "dark"]


class Viewer:
    """Shows one mail after the other in one page of a browser."""

    def __init__(self, page: Page, axe: str | Missing) -> None:
        """Take a page that nothing was shown in, and axe-core's source."""
        self._context = page.context
        self._axe = axe
        self._html = ""
        self._is_broken = False
        self._open(page)
        self._context.route("**/*", self._answer)

    def look(self, html: str) -> Looks:
        """Return how a mail looks.

        Raises:
            RenderError: the browser could not show it.
        """
        from playwright.sync_api import Error  # noqa: PLC0415 - of an extra

        try:
            if self._is_broken:
                self._open(self._context.new_page())
            return self._look(html)
        except Error as error:
            self._is_broken = True
            reason = str(error).partition("\n")[0]
            raise RenderError(f"Chromium cannot show this mail: {reason}; try it in another browser") from None

    def _open(self, page: Page) -> None:
        """Take a new page: one that failed may be dead, or hold what made it fail."""
        self._page = page
        self._cdp = self._context.new_cdp_session(page)
        self._is_broken = False

    def _look(self, html: str) -> Looks:
        self._show(html)
        light = self._texts("light")
        violations = self._violations("light")
        dark = self._texts("dark")
        violations += self._violations("dark", rules=["color-contrast"])
        overflows = self._overflows(styled=True)
        forced = self._forced()
        self._show(STYLE.sub("", html))
        return Looks(
            light=light,
            dark=dark,
            bare=self._texts("dark"),
            forced=forced,
            forced_bare=self._forced(),
            overflows=overflows + self._overflows(styled=False),
            violations=self._axe if isinstance(self._axe, Missing) else violations,
        )

    def _show(self, html: str) -> None:
        self._html = html
        self._page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
        self._page.goto(_ADDRESS)

    def _answer(self, route: Route) -> None:
        request = route.request
        if request.is_navigation_request() and request.frame == self._page.main_frame and request.url == _ADDRESS:
            headers = {"Content-Security-Policy": _POLICY}
            route.fulfill(body=self._html, content_type="text/html; charset=utf-8", headers=headers)
        elif request.is_navigation_request():
            route.fulfill(status=204)  # stay where you are: a mail that leads away by itself is shown all the same
        elif request.resource_type == "image":
            route.fulfill(body=_PICTURE, content_type="image/png")
        else:
            route.abort()

    def _texts(self, scheme: Scheme) -> tuple[TextLook, ...]:
        self._page.emulate_media(color_scheme=scheme)
        return tuple(_text_look(found) for found in self._page.evaluate(TEXTS))

    def _violations(self, scheme: Scheme, *, rules: Sequence[str] = ()) -> tuple[Violation, ...]:
        if isinstance(self._axe, Missing):
            return ()
        if not self._page.evaluate("'axe' in window"):
            self._page.evaluate(self._axe)
        found = self._page.evaluate(AXE, [_TAGS, list(rules)])
        return tuple(Violation(rule=rule, scheme=scheme, where=where, what=what) for rule, where, what in found)

    def _overflows(self, *, styled: bool) -> tuple[Overflow, ...]:
        found: list[Overflow] = []
        for width in WIDTHS:
            self._page.set_viewport_size({"width": width, "height": _HEIGHT})
            for where, pixels in self._page.evaluate(OVERFLOWS):
                found.append(Overflow(width=width, styled=styled, where=where, pixels=pixels))
        self._page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
        return tuple(found)

    def _forced(self) -> tuple[TextLook, ...]:
        """Return the texts as painted where the browser darkens a light page, as its WebContentsForceDark does."""
        self._page.emulate_media(color_scheme="light")
        self._darken(enabled=True)
        try:
            found = self._page.evaluate(TEXTS)
            shots = list(self._slices())
        finally:
            self._darken(enabled=False)
        return tuple(look for one in found if (look := _painted_look(one, shots)) is not None)

    def _darken(self, *, enabled: bool) -> None:
        # https://chromedevtools.github.io/devtools-protocol/tot/Emulation/#method-setAutoDarkModeOverride
        self._cdp.send("Emulation.setAutoDarkModeOverride", {"enabled": True} if enabled else {})

    def _slices(self) -> Iterator[tuple[float, Image]]:
        """Yield pictures of the whole page from the top down, each with its top in pixels.

        Chromium is asked itself: it compresses them less than playwright lets it, which takes half the time.
        """
        height = cast("float", self._page.evaluate("document.documentElement.scrollHeight"))
        top = 0.0
        while True:
            tall = min(_SLICE, height - top)
            clip = {"x": 0, "y": top, "width": _WIDTH, "height": tall, "scale": 1}
            wanted = {"format": "png", "optimizeForSpeed": True, "captureBeyondViewport": True, "clip": clip}
            yield top, picture(b64decode(self._cdp.send("Page.captureScreenshot", wanted)["data"]))
            if top + tall >= height:
                return
            top += _SLICE - _OVERLAP


@contextmanager
def viewer(tools: Tools) -> Iterator[Viewer | Missing]:
    """Start Chromium and give a viewer, or the reason why there is none."""
    if isinstance(tools.chromium, Missing):
        yield tools.chromium
        return
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - of an extra

    with sync_playwright() as running:
        try:
            browser = running.chromium.launch(executable_path=tools.chromium, args=list(_OPTIONS))
        except Error as error:
            yield Missing(reason=f"Chromium does not start: {str(error).partition(chr(10))[0]}")
            return
        try:
            yield _viewer(browser, tools.axe)
        finally:
            browser.close()


def _viewer(browser: Browser, axe: Path | Missing) -> Viewer:
    context = browser.new_context(offline=True, service_workers="block")
    context.set_default_timeout(_TIMEOUT)
    return Viewer(context.new_page(), axe if isinstance(axe, Missing) else axe.read_text("utf-8"))


def _text_look(found: dict[str, Any]) -> TextLook:
    return TextLook(**{name: value for name, value in found.items() if name != "boxes"})


def _painted_look(found: dict[str, Any], shots: Sequence[tuple[float, Image]]) -> TextLook | None:
    """Return a text with the colours that its pixels have; None where none of its boxes can be seen."""
    for top, image in shots:
        boxes = [(left, y - top, width, height) for left, y, width, height in found["boxes"]]
        if pair := painted(image, boxes):
            ink, ground = pair
            return TextLook(where=found["where"], shown=found["shown"], ink=ink, ground=ground, large=found["large"])
    return None
