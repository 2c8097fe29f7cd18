r"""TeX commands, scripts and mathematics as plain text: the half of `tex.py` that works alike in and out of `$...$`.

`commands` turns every command of the white-list (`tex_symbols.py`) into its text, `scripts` raises and lowers what
Unicode can raise and lower, `mathematics` does both to what stands between dollars and drops the dollars. What is not
known is left as it stands.
"""

# ruff: noqa: RUF001 - signs that look like others are what this module writes

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from newsletter.collect.tex_symbols import (
    ACCENTS,
    BLACKBOARD,
    COLOURS,
    FORMATS,
    FUNCTIONS,
    SILENT,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SWITCHES,
    SYMBOLS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_NESTING = 4  # how deep groups in groups are followed
_LETTERS = 2  # more of them, raised or lowered, cannot be read: `E_{gen}` becomes `E_gen`


def any_of(names: Iterable[str]) -> str:
    """Return a pattern for any of the names, the longest first."""
    return "|".join(sorted(names, key=len, reverse=True))


# A group without groups in it. Its length is bounded, so that a text of open braces costs linear time.
_GROUP = r"\{([^{}]{0,2000})\}"
_GROUPED = (
    (re.compile(rf"\\href\s?\{{[^{{}}]{{0,2000}}\}}\s?{_GROUP}"), r"\1"),
    (re.compile(rf"\\footnote\s?{_GROUP}"), r" (\1)"),
    (re.compile(rf"\\(?:{any_of(FORMATS | COLOURS | SWITCHES)})\s?{_GROUP}"), r"\1"),
    (re.compile(rf"\{{\s?\\(?:{any_of(SWITCHES)})(?![A-Za-z])\s?([^{{}}]{{0,2000}})\}}"), r"\1"),
    # without its backslash, as the Daily Papers site leaves it; `text` is a word as well and stands inside of one
    (re.compile(rf"(?<![A-Za-z\\./-])(?:{any_of((FORMATS - {'text', 'url'}) | COLOURS)}){_GROUP}"), r"\1"),
    (re.compile(r"(?<![A-Za-z\\./])text\{([A-Za-z]{1,40})\}"), r"\1"),
    (re.compile(r"\{(?:bf|em|sc|tt) ([^{}]{0,2000})\}"), r"\1"),
    # what is left of \href{address}{text}: the text stands in for the address if it is one itself
    (re.compile(r"https?://[^\s{}\\]{1,2000}\{([^\s{}]{0,2000}[./][^\s{}]{0,2000})\}"), r"\1"),
    (re.compile(rf"(https?://[^\s{{}}\\]{{1,2000}}){_GROUP}"), r"\2 (\1)"),
)
_PUNCTUATION_GROUP = re.compile(r"\{([^\x00-\x7f]|[,=+\-.:<>*])\}")
_COMMAND = re.compile(r"\\([A-Za-z]+)(?:\{\})?")
_ACCENT_NAMES = any_of(name for name in ACCENTS if len(name) > 1)
_ACCENT = re.compile(
    rf"""\\(?:([`'^"~])|([.=]|(?:[urHvck]|{_ACCENT_NAMES})(?![A-Za-z]))(?=\s?[{{\\]))\s?"""
    r"""(?:\{\\?([^\W\d_])\}|\\([ij])(?![A-Za-z])|([A-Za-z]))"""
)

# `360^circ`, `A^\star`: what has a raised sign of its own
_RAISED = {"circ": "°", "star": "*", "ast": "*", "top": "ᵀ", "dagger": "†", "prime": "′"}
_RAISED_NAME = re.compile(r"\^(?:\{\\?(%s)\}|\\?(%s)(?![a-su-z]))" % ((any_of(_RAISED),) * 2))
_SCRIPT = re.compile(r"(?<=[^\s\\$])(?:([\^_])\{([^{}]{1,60})\}|\^(-?\d{1,9}(?!\.?\d)|[A-Za-z](?![A-Za-z])|[*+]))")
_MATH_SCRIPT = re.compile(r"([\^_])([A-Za-z\d])(?!\w)")
_WORD = re.compile(r"[\w.]+")

# A price has spaces inside of its dollars or a digit behind: as pandoc tells them apart, and stricter.
_TEXY = re.compile(r"[\\^_{=<>|]")
_VARIABLE = re.compile(r"(?!.*[A-Za-z]{3})\(?[^\W\d_][\w'(),;+-]{0,12}|[-+]?\d+(?:[.,]\d+)*")
_SPACE = re.compile(r"\\(?:[,;: ]|q?quad(?![A-Za-z]))|~")
_FUNCTION = re.compile(rf"(?<=[\w)}}])\\(?=(?:{any_of(FUNCTIONS)})(?![A-Za-z]))")
_BLACKBOARD = re.compile(r"\\mathbb\s?(?:\{([A-Z])\}|([A-Z]))")
_FRACTION = re.compile(r"\\[dt]?frac\{([\w.\\ ]{1,60})\}\{([\w.\\ ]{1,60})\}")
_ROOT = re.compile(r"\\sqrt\{(?:(\\?\w{1,20})|([^{}]{1,200}))\}")
_LONE_GROUP = re.compile(r"(?<![\^_\\])\{([^{}\\]{0,400})\}")
_UNKNOWN = re.compile(r"\\[A-Za-z]|[{}](?<!\\[{}])")


def commands(text: str) -> str:
    """Return `text` with the known commands, accents and groups turned into what they show."""
    text = _ACCENT.sub(_accented, _COMMAND.sub(_shown, text))
    for _ in range(_NESTING):
        before = text
        for pattern, shown in _GROUPED:
            text = pattern.sub(shown, text)
        if text == before:
            break
    text = _RAISED_NAME.sub(lambda match: _RAISED[match[1] or match[2]], text)
    return _PUNCTUATION_GROUP.sub(r"\1", text)


def scripts(text: str) -> str:
    """Return `text` with `x^2`, `x^{10}` and `x_{10}` raised and lowered; a bare `_` is left alone."""
    return _SCRIPT.sub(lambda match: _script(match[1] or "^", match[2] or match[3], match[0]), text)


def is_mathematics(inner: str) -> bool:
    """Whether what stands between two dollars is mathematics and not the text between two prices."""
    return bool(_TEXY.search(inner) or _VARIABLE.fullmatch(inner))


def mathematics(inner: str) -> str | None:
    """Return what stands between two dollars as text, or None if some of it is not known."""
    text = _SPACE.sub(" ", inner.replace(r"\!", "").replace(r"\|", "‖"))
    text = _BLACKBOARD.sub(lambda match: BLACKBOARD.get(match[1] or match[2], match[1] or match[2]), text)
    text = _FRACTION.sub(r"\1/\2", _FUNCTION.sub(r" \\", text))
    text = _ROOT.sub(lambda match: f"√{match[1]}" if match[1] else f"√({match[2]})", text)
    text = commands(text)
    text = _MATH_SCRIPT.sub(lambda match: _script(match[1], match[2], match[0]), scripts(text))
    text = _LONE_GROUP.sub(r"\1", text)
    return None if _UNKNOWN.search(_SCRIPT.sub("", text)) else text.replace(r"\{", "{").replace(r"\}", "}")


def _shown(match: re.Match[str]) -> str:
    name = match[1]
    if name in FUNCTIONS:
        return name
    return "" if name in SILENT else SYMBOLS.get(name, match[0])


def _accented(match: re.Match[str]) -> str:
    sign, name, braced, dotless, bare = match.groups()
    letter = unicodedata.normalize("NFC", (braced or dotless or bare) + ACCENTS[sign or name])
    return letter if len(letter) == 1 or len(name or "") > 1 else match[0]  # outside of mathematics, only real letters


def _script(sign: str, content: str, whole: str) -> str:
    if content == "*":
        return "*"
    table = SUPERSCRIPTS if sign == "^" else SUBSCRIPTS
    letters = sum(character.isalpha() for character in content)
    if letters <= _LETTERS and all(ord(character) in table for character in content):
        return content.translate(table)
    return sign + content if _WORD.fullmatch(content) else whole
