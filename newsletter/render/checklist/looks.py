"""Rules about what a browser showed: every text readable in every light, nothing wider than its place."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from newsletter.render.checklist.evidence import Evidence, Looks, Missing, TextLook, Violation
from newsletter.render.checklist.rule import Finding, Rule, excerpt
from newsletter.render.colour import AA, contrast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_AA_LARGE = 3.0  # WCAG 2.2, success criterion 1.4.3, of large text
_DARK_SHARE = 0.9  # of the characters; a label may stand on a bright ground of its own


def faint(texts: Iterable[TextLook]) -> Iterator[Finding]:
    """Yield the texts whose contrast is under AA: 4.5, or 3 of large text."""
    for text in texts:
        ratio = contrast(text.ink, text.ground)
        needed = _AA_LARGE if text.large else AA
        if ratio < needed:
            what = f"{text.ink} on {text.ground} has a contrast of {ratio:.2f}, needs {needed}: {excerpt(text.shown)!r}"
            yield Finding(where=text.where, what=what)


def _faint_in(look: Callable[[Looks], tuple[TextLook, ...]], looks: Looks) -> Iterator[Finding]:
    return faint(look(looks))


def _dark(looks: Looks) -> Iterator[Finding]:
    """Light text on dark ground wherever the reader asked for dark, and the same texts as in light."""
    yield from _same_texts(looks.light, looks.dark, "in dark mode")
    bright = [text for text in looks.dark if contrast(text.ground, "#ffffff") < contrast(text.ground, "#000000")]
    total, shining = (sum(len(text.shown) for text in texts) for texts in (looks.dark, bright))
    if shining > (1 - _DARK_SHARE) * total:
        for text in bright:
            what = f"stays on a bright ground ({text.ground}) in dark mode; give its ground a dark colour"
            yield Finding(where=text.where, what=f"{excerpt(text.shown)!r} {what}")


def _forced(looks: Looks) -> Iterator[Finding]:
    yield from faint(looks.forced)
    for finding in faint(looks.forced_bare):
        yield Finding(where=f"{finding.where}, without style sheets", what=finding.what)


def _bare(looks: Looks) -> Iterator[Finding]:
    yield from _same_texts(looks.light, looks.bare, "without style sheets")
    yield from faint(looks.bare)


def _same_texts(wanted: Iterable[TextLook], found: Iterable[TextLook], when: str) -> Iterator[Finding]:
    before, after = Counter(text.shown for text in wanted), Counter(text.shown for text in found)
    for shown in before - after:
        yield Finding(where=excerpt(shown), what=f"cannot be seen {when}; let no style sheet decide whether it shows")
    for shown in after - before:
        yield Finding(where=excerpt(shown), what=f"shows {when} only; hide it with a style attribute, or take it out")


def _overflow(looks: Looks) -> Iterator[Finding]:
    for one in looks.overflows:
        without = "" if one.styled else " without style sheets"
        what = f"is {one.pixels} pixels too wide in a window of {one.width}{without}; let it wrap or shrink"
        yield Finding(where=one.where, what=what)


def _violations(found: tuple[Violation, ...]) -> Iterator[Finding]:
    for one in found:
        yield Finding(where=f"{one.where} ({one.scheme})", what=f"{one.rule}: {excerpt(one.what)}")


def _looks(evidence: Evidence) -> Looks | Missing:
    return evidence.looks


def _axe(evidence: Evidence) -> tuple[Violation, ...] | Missing:
    return evidence.looks if isinstance(evidence.looks, Missing) else evidence.looks.violations


def _light_look(looks: Looks) -> tuple[TextLook, ...]:
    return looks.light


def _dark_look(looks: Looks) -> tuple[TextLook, ...]:
    return looks.dark


RULES = (
    Rule(name="contrast", demand="every text reads (AA)", part=_looks, look=partial(_faint_in, _light_look)),
    Rule(name="dark-contrast", demand="so it does in dark mode", part=_looks, look=partial(_faint_in, _dark_look)),
    Rule(name="dark", demand="dark mode is dark, and shows the same", part=_looks, look=_dark),
    Rule(name="forced-dark", demand="every text reads where the client forces dark", part=_looks, look=_forced),
    Rule(name="no-styles", demand="it reads the same with every <style> removed", part=_looks, look=_bare),
    Rule(name="overflow", demand="nothing is too wide at 320, 375, 600 and 1200 px", part=_looks, look=_overflow),
    Rule(name="axe", demand="axe-core finds nothing against WCAG A and AA", part=_axe, look=_violations),
)
