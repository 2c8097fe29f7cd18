r"""TeX in titles and abstracts, turned into the plain text a reader expects: `$O(n^2)$` -> `O(n²)`, `37\%` -> `37%`.

A narrow converter with a white-list: what it does not know it leaves as it stands, so that nothing is ever lost; the
raw text is kept beside it. It also mends what the Daily Papers site makes of TeX by dropping dollars and backslashes
(`1.6times`, `{sim}20`, `360^circ`, `https://a.example/b{here}`). A `$` that is currency stays, and so do a bare `_` and
URLs. White space is not folded here, see `clean.py`. Commands and mathematics are in `tex_math.py`.
"""

# ruff: noqa: RUF001 - signs that look like others are what this module writes

from __future__ import annotations

import re

from newsletter.collect.tex_math import any_of, commands, is_mathematics, mathematics, scripts
from newsletter.collect.tex_symbols import GREEK, SYMBOLS

# A text with none of these is returned at once. Nearly all are told by plain search, which is ten times as fast.
_MARKS = ("\\", "$", "{", "^", "~", "--", "``", "_", "arrow", "infty", "leq", "geq", "neq", "propto", "cdot")
_BARE_WORDS = ("times", "sim", "approx")
_BARE_MARK = re.compile(r"times(?![a-rt-z])|sim\d|\dsim|approx\d")

# Prices are told from mathematics as pandoc does (no space inside of the dollars, no digit behind) and more strictly;
# what begins with a command or a script (`5$\times$`, `R$^2$`) can be no price.
_MATH = re.compile(
    r"\$\$([^$]{1,400})\$\$|\\\(([^$]{1,400}?)\\\)"
    r"|(?<![\\$])\$([\\^_](?!\s)[^$]{1,400})(?<!\\)\$"
    r"|(?<![\\\w$])\$(?!\s)([^$]{1,400})(?<![\s\\])\$(?![\d$])"
)
_URL = re.compile(r"(https?://[^\s{}<>\"]+)")
_ESCAPED = re.compile(r"\\{1,2}([%&#$_])")

# `MLLM\'s` and `\"quoted\"` are escaped quotes, not accents.
_APOSTROPHE = re.compile(r"(?<=\w)\\'(?=(?:s|t|re|ve|ll|d|m)\b)")
_CLOSING_QUOTE = re.compile(r'\\"(?![A-Za-z{\\])')

_BARE_SIGNS = "leq geq neq propto infty cdot uparrow downarrow leftarrow".split()  # noqa: SIM905 - reads as words
_GREEK = re.compile(rf"(?<![A-Za-z\\_/.-])({any_of(GREEK)})(?=[\^_](?:\d|\{{|[A-Za-z](?![A-Za-z])))")
_NUMBER = r"(?=\d[\d.,]*(?:[KMBkx]?(?![A-Za-z])|times))"
_BARE = re.compile(
    "|".join(
        (
            r"(?<=[\d°²³⁴)\]}])(?:times(?![a-rt-z])|sim(?=[\d ])|approx(?=\d))",
            r"(?<=\d )times(?= \d)|(?<=\d\) )times(?= \()",
            r"(?<=\b[B-HJ-Zb-z] )times(?= [B-HJ-Zb-z]\b)|(?<=\b[A-Za-z])times(?![A-Za-z])",
            rf"(?<![A-Za-z\\])(?:times|sim|approx|leq|geq){_NUMBER}|\{{(?:times|sim|approx|pm|deg|leq|geq)\}}",
            rf"(?<![A-Za-z\\])(?:{any_of(_BARE_SIGNS)})(?![A-Za-z])|(?<![\\g])(?:left)?rightarrow",
        )
    )
)

# A tie holds two words together; between digits a tilde is a range, before a call (`x~N(0,1)`) a distribution.
_TIE = re.compile(r"(?<=[\w)\]},.;:%\"'”])(?<![/\d%])(?<!\d[KMBk])~(?=[\w(\\])(?!\w\()|(?<=[\d%])~(?=[A-Za-z(\\])")
_PROSE = (
    (_ESCAPED, r"\1"),
    (re.compile(r"\\[,;:](?=\S)"), " "),
    (re.compile(r"\\(?=\s|~\d)"), ""),
    (re.compile(r"(?<!`)``(?!`)([^`]{1,1000}?)''"), r"“\1”"),
    (re.compile(r"(?<![-!])---(?![->])"), "—"),
    # not the dashes of an option such as `--model`
    (re.compile(r"(?<![-!])(?<!\s(?=--\w))(?<!^)--(?![->])"), "–"),
    (_TIE, " "),
)


def plain_tex(text: str) -> str:
    """Return `text` with its TeX turned into plain text; the very same object where there is nothing to turn.

    Never raises, never truncates; takes time linear in the length of the text.
    """
    if not _may_hold_tex(text):
        return text
    converted = _MATH.sub(_mathematics, _APOSTROPHE.sub("'", text))
    if _CLOSING_QUOTE.search(converted):
        converted = converted.replace('\\"', '"')
    pieces = _URL.split(commands(converted))
    pieces[::2] = map(_prose, pieces[::2])
    pieces[1::2] = (_ESCAPED.sub(r"\1", url) for url in pieces[1::2])
    converted = "".join(pieces)
    return text if converted == text else converted


def _may_hold_tex(text: str) -> bool:
    if any(mark in text for mark in _MARKS):
        return True
    return any(word in text for word in _BARE_WORDS) and _BARE_MARK.search(text) is not None


def _mathematics(match: re.Match[str]) -> str:
    display, inline, texy, dollars = match.groups()
    if dollars and not is_mathematics(dollars):
        return match[0]
    if texy and texy[0] in "^_":
        shown = mathematics(f"x{texy}")  # a script needs something to hang on
        return match[0] if shown is None else shown[1:]
    return mathematics(display or inline or texy or dollars) or match[0]


def _prose(text: str) -> str:
    text = scripts(_GREEK.sub(lambda match: GREEK[match[0]], text))
    text = _BARE.sub(lambda match: SYMBOLS[match[0].strip("{}")], text)
    for pattern, shown in _PROSE:
        text = pattern.sub(shown, text)
    return text
