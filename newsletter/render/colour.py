"""Contrast of two colours, and the nearest variant of a colour that can be read on given backgrounds.

WCAG 2.2 defines relative luminance and the contrast ratio (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio): each
sRGB channel c (0..1) is made linear, c / 12.92 up to 0.04045 and ((c + 0.055) / 1.055) ** 2.4 above it; luminance is
L = 0.2126 R + 0.7152 G + 0.0722 B; the ratio of a lighter L1 to a darker L2 is (L1 + 0.05) / (L2 + 0.05), from 1 to 21.
Level AA asks 4.5 of body text (success criterion 1.4.3). Colours are written `#rrggbb`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

AA = 4.5
_STEPS = 50
_LINEAR_UP_TO = 0.04045


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1.0 to 21.0."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, on: Sequence[str], *, ratio: float = AA) -> str:
    """Return `colour`, moved towards black or white just as far as it takes to reach `ratio` on every background.

    It moves away from the backgrounds: towards black on light ones, towards white on dark ones. At the end of the way
    is black or white itself, which reaches 4.5 on any single background.
    """
    far = "#000000" if min(contrast("#000000", ground) for ground in on) >= AA else "#ffffff"
    for step in range(_STEPS):
        variant = mixed(colour, far, step / _STEPS)
        if all(contrast(variant, ground) >= ratio for ground in on):
            return variant
    return far


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= _LINEAR_UP_TO else ((channel + 0.055) / 1.055) ** 2.4


def mixed(colour: str, other: str, share: float) -> str:
    """Return `colour` with a share (0 to 1) of `other` in it, channel by channel."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(mine + (theirs - mine) * share):02x}" for mine, theirs in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
