"""What every group of pages is made with. It holds and does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.app import App
    from newsletter.web.pages import Pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A home's parts, its pages, and the clock (it returns the present instant, aware, UTC).

    `ring` is called when something was acted on, so that whoever sends letters looks whether one waits.
    """

    app: App
    pages: Pages
    clock: Callable[[], datetime]
    ring: Callable[[], None]
