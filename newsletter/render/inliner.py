"""premailer, with its doors shut: CSS moves from `<style>` into `style` attributes, and nothing else happens.

premailer parses CSS with cssutils, which follows `@import` and `url()` by its own default fetcher even under
`allow_network=False`; that fetcher is replaced here, once for the process, by one that returns nothing. cssutils also
logs every word it does not know to standard error; it is silenced for the same reason: mail CSS has words of its own.
"""

from __future__ import annotations

import logging
import os
from typing import Any

# premailer sizes its cache of parsed selectors when it is imported; its default of 128 thrashes on one template.
os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "2000")

import cssutils
import cssutils.util
from lxml import etree
from premailer import Premailer

# Kept out of HTML attributes: the styles alone carry them, and a dark mode can override a style, not an attribute.
_NO_ATTRIBUTES = ["width", "height", "bgcolor", "align", "valign"]


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


def check_css(css: str) -> None:
    """Refuse style rules that cssutils would drop without a word.

    Raises:
        ValueError: a syntax error; the text says what and where in `css`.
    """
    parser: Any = cssutils.CSSParser(validate=False, raiseExceptions=True, fetcher=_fetch_nothing)
    lenient = cssutils.log.raiseExceptions  # a parser that raises leaves this set for all others
    try:
        parser.parseString(css)
    except Exception as error:  # noqa: BLE001 - cssutils raises DOM exceptions that share no base but Exception
        raise ValueError(str(error)) from None
    finally:
        cssutils.log.raiseExceptions = lenient
