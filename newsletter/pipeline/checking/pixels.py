"""The colours of a text as they were painted, read from a screenshot.

Where a browser darkens a page by itself its style sheets say nothing of it, so the pixels must. In the box of a line of
text the most frequent colour is the ground; the ink is the colour that is farthest from it in contrast. Strokes thinner
than a pixel never reach their full colour, so this errs on the side of too little contrast.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from newsletter.render.colour import contrast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.Image import Image

_INSET = 0.1  # of a box's height, above and below: keeps borders and neighbours out
Box = tuple[float, float, float, float]  # left, top, width, height, in pixels of the picture


def picture(png: bytes) -> Image:
    """Return a screenshot as a picture in RGB."""
    from PIL import Image as images  # noqa: N813, PLC0415 - a module, in an extra that only this part needs

    with images.open(BytesIO(png)) as opened:
        return opened.convert("RGB")


def painted(image: Image, boxes: Iterable[Box]) -> tuple[str, str] | None:
    """Return ink and ground (`#rrggbb`) of the text in these boxes; None where no box lies in the picture.

    Of several boxes the one with the most contrast counts: a line of a single full stop says little.
    """
    found = [pair for box in boxes if (pair := _ink_and_ground(image, box))]
    return max(found, key=lambda pair: _contrast(*pair), default=None)


def _ink_and_ground(image: Image, box: Box) -> tuple[str, str] | None:
    left, top, width, height = box
    inset = height * _INSET
    edges = (round(left), round(top + inset), round(left + width), round(top + height - inset))
    inside = edges[0] >= 0 and edges[1] >= 0 and edges[2] <= image.width + 1 and edges[3] <= image.height
    if not inside or edges[0] >= edges[2] or edges[1] >= edges[3]:
        return None
    cut = image.crop(edges)
    colours = cut.getcolors(maxcolors=cut.width * cut.height) or []  # never so many: the argument sizes a table
    ground = _hex(max(colours)[1])
    return max((_hex(colour) for _, colour in colours), key=lambda ink: _contrast(ink, ground)), ground


@cache
def _contrast(one: str, other: str) -> float:
    return contrast(one, other)


@cache
def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
