"""premailer, with its doors shut: CSS moves from `<style>` into `style` attributes, and nothing else happens.

premailer parses CSS with cssutils, which follows `@import` and `url()` by its own default fetcher even under
`allow_network=False`; that fetcher is replaced here, once for the process, by one that returns nothing. cssutils also
logs every word it does not know to standard error; it is silenced for the same reason: mail CSS has words of its own.
"""

from __future__ import annotations

import logging
import os
import re
import xml.dom
from typing import Any

# premailer sizes its cache of parsed selectors when it is imported; its default of 128 thrashes on one template.
os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "2000")

import cssutils
import cssutils.util
from lxml import etree
from premailer import Premailer

# Kept out of HTML attributes: the styles alone carry them, and a dark mode can override a style, not an attribute.
_NO_ATTRIBUTES = ["width", "height", "bgcolor", "align", "valign"]
# How cssutils ends what it says: [LINE:COLUMN: WORD] or ('KIND', 'WORD', LINE, COLUMN).
_WHERE = re.compile(
    r"""\s*(?:\[(?P<line>\d+):\d+:\ (?P<near>.*)\]|:\ \('\w+',\ '(?P<word>.*)',\ (?P<row>\d+),\ \d+\))$""",
    re.DOTALL | re.VERBOSE,
)
_PRODUCTION = re.compile("Missing token for production Choice.*", re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"[^{}]*\{[^{}]*\}?")


def _fetch_nothing(_url: str) -> None:
    """Answer cssutils' question for a style sheet; None means that there is none."""


cssutils.util._defaultFetcher = _fetch_nothing  # noqa: SLF001 - the only way to reach the parser inside premailer
cssutils.log.setLevel(logging.CRITICAL + 1)


def inline_css(html: str) -> str:
    """Return a whole document with its style sheets inlined; `<style data-premailer="ignore">` is kept as it is.

    Raises:
        ValueError: lxml or cssutils cannot read the document.
    """
    try:
        inliner = Premailer(
            html,
            allow_network=False,
            remove_classes=False,
            strip_important=False,
            disable_validation=True,
            disable_link_rewrites=True,
            disable_basic_attributes=_NO_ATTRIBUTES,
        )
        return str(inliner.transform(pretty_print=False))
    except (etree.LxmlError, AssertionError) as error:
        raise ValueError(str(error) or "the document cannot be read") from None


class StyleFaultError(ValueError):
    """A style rule that cssutils would drop, at `line` (from 1) of the CSS."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


def check_css(css: str) -> None:
    """Refuse style rules that cssutils would drop without a word.

    Raises:
        StyleFaultError: a syntax error.
    """
    said = _complaint(css)
    if not said:
        return
    found = _WHERE.search(said)
    reason = _PRODUCTION.sub("no value of CSS", said[: found.start()] if found else said).rstrip(".")
    near = (found["near"] or found["word"] or "").strip() if found else ""
    shown = f"{reason}, near {near}" if near else reason
    line = int(found["line"] or found["row"]) if found else _broken_line(css)
    raise StyleFaultError(f"a rule cannot be read and would be dropped (cssutils: {shown}); mend it", line)


def _complaint(css: str) -> str:
    """Return what cssutils says of the first mistake, "" where there is none."""
    parser: Any = cssutils.CSSParser(validate=False, raiseExceptions=True, fetcher=_fetch_nothing)
    lenient = cssutils.log.raiseExceptions  # a parser that raises leaves this set for all others
    try:
        parser.parseString(css)
    except (xml.dom.DOMException, TypeError) as error:  # TypeError: its own slip over some rules that break off
        return str(error) or type(error).__name__
    finally:
        cssutils.log.raiseExceptions = lenient
    return ""


def _broken_line(css: str) -> int:
    """Return where the first rule begins that is a mistake when it stands alone; cssutils does not tell it of all."""
    bare = _CSS_COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), css)
    for rule in _RULE.finditer(bare):
        if _complaint(rule[0]):
            return bare.count("\n", 0, rule.end() - len(rule[0].lstrip())) + 1
    return 1
