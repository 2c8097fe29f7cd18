"""Rules about what a mail points to, and what it loads: links that work anywhere, and nothing fetched unasked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from newsletter.render.checklist.document import elements, page, page_as_made, place, shown
from newsletter.render.checklist.rule import Finding, Rule, excerpt
from newsletter.render.clean import safe_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.render.checklist.document import PageAsMade
    from newsletter.render.checklist.evidence import Page

_CSS_URL = re.compile(r"""url\(\s*['"]?([^'")]{1,2000})|@import\s+['"]([^'"]{1,2000})""", re.IGNORECASE)
_LENGTH = re.compile(r"(?:^|;)\s*(?:max-)?(width|height):\s*([\d.]+)(?:px)?\s*(?:;|$)", re.IGNORECASE)
_HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden|opacity:\s*0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)
_SMALLEST = 3  # pixels; a smaller picture shows nobody anything
_SOURCE = re.compile(r"""\b(?:src|background)=["']?([^"'\s>]+)""", re.IGNORECASE)
_LOADS = "loads {!r}; only the pictures of your [site] settings (logo, thumbnails) may be loaded"
_LOADING = ("src", "background", "poster", "srcset", "data")


def _links(page: Page) -> Iterator[Finding]:
    for link in elements(page, "a", "area"):
        url = link.get("href")
        if url is None:
            yield Finding(where=place(link), what="has no href; give it one, or make it plain text")
        elif not safe_url(url):
            what = f"leads to {excerpt(url)!r}; a link is a whole http, https or mailto address"
            yield Finding(where=place(link), what=what)
        if link.tag == "a" and not shown(link) and not any(image.get("alt") for image in link.iter("img")):
            yield Finding(where=place(link), what="has no text; say where it leads")


def _loaded(page: Page) -> Iterator[tuple[Any, str, str]]:
    """Yield what a mail client would fetch by itself: the element, the attribute or `style`, and the URL."""
    for element in elements(page):
        for name in _LOADING:
            if url := (element.get(name) or "").strip():
                yield element, name, url
        css = (element.text or "") if element.tag == "style" else element.get("style") or ""
        for one, other in _CSS_URL.findall(css):
            yield element, "style", (one or other).strip()


def _loaded_by_outlook(page: Page) -> Iterator[tuple[int, str]]:
    """Yield what the markup in comments would fetch, with its line."""
    for comment in page.comments:
        for one, other in _CSS_URL.findall(comment.text):
            yield comment.line, (one or other).strip()
        for url in _SOURCE.findall(comment.text):
            yield comment.line, url


def _images(made: PageAsMade) -> Iterator[Finding]:
    allowed = made.given.images
    for element, name, url in _loaded(made.page):
        configured = url.startswith("https://") if allowed is None else url in allowed
        if element.tag != "img" or name != "src" or not configured:
            yield Finding(where=place(element), what=_LOADS.format(excerpt(url)))
    for line, url in _loaded_by_outlook(made.page):
        yield Finding(where=f"line {line}, in a comment", what=_LOADS.format(excerpt(url)))


def _tracking(page: Page) -> Iterator[Finding]:
    for image in elements(page, "img"):
        style = image.get("style") or ""
        sizes = {name.lower(): value for name, value in _LENGTH.findall(style)}
        sizes |= {name: image.get(name) for name in ("width", "height") if image.get(name)}
        if _HIDDEN.search(style) or any(_tiny(size) for size in sizes.values()):
            yield Finding(where=place(image), what="is too small to be seen, as a tracking pixel is; take it out")


def _tiny(size: str) -> bool:
    try:
        return float(size.removesuffix("px")) < _SMALLEST
    except ValueError:  # 50%, auto
        return False


RULES = (
    Rule(name="links", demand="links are whole addresses and have a text", part=page, look=_links),
    Rule(name="images", demand="nothing is loaded but configured pictures", part=page_as_made, look=_images),
    Rule(name="tracking", demand="no tracking pixel", part=page, look=_tracking),
)
