"""What is looked for on every page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render.checklist.evidence import Missing
from tests.tools import TOOLS

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (320, 375, 1200)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = """async tags => (await axe.run({runOnly: tags})).violations.map(
    one => one.id + ": " + one.nodes.map(node => node.target + " " + node.failureSummary).join("; "))"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def faults(page: Page) -> list[str]:
    """Return what axe finds on the page that is open, and at which widths it is too wide."""
    assert not isinstance(TOOLS.axe, Missing)
    page.evaluate(TOOLS.axe.read_text("utf-8"))  # the debugger's scripts are outside the page's policy
    found: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width}: {one}" for one in page.evaluate(AXE, RULES)]
        if page.evaluate(WIDER) > 0:
            found.append(f"{width}: too wide")
    return found
