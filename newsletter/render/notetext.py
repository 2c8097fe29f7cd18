"""The little HTML of an editor's note as plain text: paragraphs, lists and quotations, with each link written out.

It takes what `markdown` keeps of a note and nothing else: HTML from anywhere has more elements than these. Lines have
72 columns, but for a longer word, such as an address. It calls nothing of itself, however deep a note is nested.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html.parser import HTMLParser

from newsletter.render.environment import COLUMNS

_LISTS = frozenset({"ol", "ul"})
_BLOCKS = _LISTS | {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "pre"}
_RULE = "* * *"
_CODE = "    "
_DEEPEST = 8  # levels that are indented; those below stand under the last of them


def text_of(html: str) -> str:
    """Return well-formed HTML of a note as text, without white space around it."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    writer.end_block()
    return "".join(writer.written).strip()


@dataclass(slots=True)
class _Level:
    """What stands before the first line inside a list item or a quotation, and before every other."""

    first: str
    rest: str
    is_item: bool


class _Writer(HTMLParser):
    """Collects the text of a block, and writes it with its margin when the block ends."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self._words: list[str] = []
        self._levels: list[_Level] = []
        self._numbers: list[int | None] = []  # of the last item of each open list; None in one without numbers
        self._link: tuple[str, int] | None = None  # its address, and where its text begins
        self._is_code = self._was_in_list = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.end_block()
        if tag == "a":
            self._link = dict(attrs).get("href") or "", len(self._words)
        elif tag == "br":
            self._words.append("\n")
        elif tag == "hr":
            self._words.append(_RULE)
            self.end_block()
        elif tag == "pre":
            self._is_code = True
        elif tag in _LISTS:
            self._numbers.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._levels.append(self._item())
        elif tag == "blockquote":
            self._levels.append(_Level("> ", "> ", is_item=False))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.end_block()
        if tag == "a":
            self._end_link()
        elif tag == "pre":
            self._is_code = False
        elif tag in _LISTS:
            self._numbers.pop()
            self._was_in_list = bool(self._numbers)
        elif tag in {"li", "blockquote"}:
            self._levels.pop()

    def handle_data(self, data: str) -> None:
        self._words.append(data if self._is_code else data.replace("\n", " "))

    def end_block(self) -> None:
        """Write what was collected, if that is anything."""
        text = "".join(self._words)
        self._words.clear()
        if not text.strip():
            return
        levels = self._levels[:_DEEPEST]
        begins_item = any(level.is_item and level.first != level.rest for level in levels)
        self.written.append("\n" if begins_item and self._was_in_list else "\n\n")
        self._was_in_list = any(level.is_item for level in levels)
        lines = text.strip("\n").split("\n") if self._is_code else [" ".join(line.split()) for line in text.split("\n")]
        self.written.append("\n".join([self._filled(line, levels) for line in lines]))

    def _filled(self, line: str, levels: list[_Level]) -> str:
        code = _CODE if self._is_code else ""
        first, rest = ("".join(marks) + code for marks in ([one.first for one in levels], [one.rest for one in levels]))
        for level in levels:
            level.first = level.rest
        filled = textwrap.fill(
            line,
            COLUMNS,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return filled or first.rstrip()

    def _item(self) -> _Level:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return _Level("- ", "  ", is_item=True)
        self._numbers[-1] = number + 1
        mark = f"{number + 1}. "
        return _Level(mark, " " * len(mark), is_item=True)

    def _end_link(self) -> None:
        url, begin = self._link or ("", 0)
        self._link = None
        if url and "".join(self._words[begin:]).strip() != url:
            self._words.append(f" ({url})")
