"""Template inheritance and includes, resolved before the compile step: many files in, one list of pieces out.

The inliner needs a whole document, and a document is written in parts (`_base.html`, a body that extends it, a card).
So `{% extends "..." %}`, `{% block %}` and `{% include "..." %}` are resolved here, textually, and every piece
remembers the template and line that it came from. What cannot be resolved without data (a computed name, `import`,
macros) or would switch the escaping off is refused. Names seen by an included part are those at its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.render.environment import fault, load_source

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_CARRIED = frozenset({"if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith"})
_RESOLVED = frozenset({"extends", "block", "endblock", "include"})
_WORD = re.compile(r"\{%[-+]?\s*(\w+)")
_QUOTED = re.compile(r"""\{%[-+]?\s*\w+\s+(?:"([^"]+)"|'([^']+)')\s*[-+]?%\}""")
_BLOCK_NAME = re.compile(r"\{%[-+]?\s*block\s+(\w+)\s*[-+]?%\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text (`word` is None), a `{{ }}` (`word` is "") or a `{% word ... %}`, and where it stands."""

    text: str
    template: str
    line: int
    word: str | None = None

    @property
    def place(self) -> tuple[str, int]:
        """The template's name and the line, counted from 1."""
        return self.template, self.line


Blocks = Mapping[str, tuple[Piece, ...]]


def flatten(sandbox: ImmutableSandboxedEnvironment, name: str) -> tuple[Piece, ...]:
    """Return the pieces of the whole document that template `name` stands for, comments left out.

    Raises:
        TemplateError: a part is missing, wrong, includes itself, or uses what cannot be carried.
    """
    return tuple(_document(sandbox, name, {}, (name,)))


def _document(
    sandbox: ImmutableSandboxedEnvironment, name: str, overrides: Blocks, above: tuple[str, ...]
) -> Iterator[Piece]:
    pieces = _read(sandbox, name, above)
    extends = [piece for piece in pieces if piece.word == "extends"]
    if not extends:
        if not pieces:
            raise fault((name, None), "is empty; write the whole document, or remove it to use the shipped one")
        return _expand(sandbox, pieces, overrides, above)
    parent = _quoted_name(extends[0], above)
    return _document(sandbox, parent, {**_blocks(pieces), **overrides}, (*above, parent))


def _expand(
    sandbox: ImmutableSandboxedEnvironment, pieces: tuple[Piece, ...], overrides: Blocks, above: tuple[str, ...]
) -> Iterator[Piece]:
    """Put blocks and includes in their places."""
    rest = iter(enumerate(pieces))
    for index, piece in rest:
        if piece.word == "block":
            end = _block_end(pieces, index)
            name = _block_name(piece)
            others = {key: value for key, value in overrides.items() if key != name}
            yield from _expand(sandbox, overrides.get(name, pieces[index + 1 : end]), others, above)
            _skip_to(rest, end)
        elif piece.word == "include":
            part = _quoted_name(piece, above)
            yield from _expand(sandbox, _read(sandbox, part, (*above, part), piece.place), overrides, (*above, part))
        else:
            yield piece


def _skip_to(rest: Iterator[tuple[int, Piece]], end: int) -> None:
    for index, _ in rest:
        if index == end:
            return


def _blocks(pieces: tuple[Piece, ...]) -> dict[str, tuple[Piece, ...]]:
    return {
        _block_name(piece): pieces[index + 1 : _block_end(pieces, index)]
        for index, piece in enumerate(pieces)
        if piece.word == "block"
    }


def _block_end(pieces: tuple[Piece, ...], start: int) -> int:
    depth = 0
    for index in range(start, len(pieces)):
        depth += {"block": 1, "endblock": -1}.get(pieces[index].word or "", 0)
        if depth == 0:
            return index
    raise fault(pieces[start].place, "this block has no end")


def _block_name(piece: Piece) -> str:
    if match := _BLOCK_NAME.fullmatch(piece.text):
        return match[1]
    raise fault(piece.place, "a block takes a name and nothing else")


def _quoted_name(piece: Piece, above: tuple[str, ...]) -> str:
    match = _QUOTED.fullmatch(piece.text)
    if not match:
        raise fault(piece.place, f"{piece.word} takes one quoted template name and nothing else")
    name = match[1] or match[2]
    if name in above:
        raise fault(piece.place, f"{name} takes itself in again")
    return name


def _read(
    sandbox: ImmutableSandboxedEnvironment, name: str, above: tuple[str, ...], wanted_by: tuple[str, int] | None = None
) -> tuple[Piece, ...]:
    if wanted_by is None and len(above) > 1:
        wanted_by = (above[-2], 1)  # `extends` stands on top of the child
    source = load_source(sandbox, name, wanted_by)
    pieces = tuple(_pieces(sandbox, name, source))
    for piece in pieces:
        if piece.word and piece.word not in _CARRIED | _RESOLVED:
            raise fault(piece.place, f"{{% {piece.word} %}} is not supported in an HTML mail template")
        if piece.word == "set" and "=" not in piece.text:
            raise fault(piece.place, "{% set %} takes a name, = and a value here")
    return pieces


def _pieces(sandbox: ImmutableSandboxedEnvironment, name: str, source: str) -> Iterator[Piece]:
    """Cut a source at its tags with jinja2's own lexer, which also knows strings that hold `%}`."""
    tag: list[str] = []
    start = 1
    inside = ""
    for line, token, value in sandbox.lex(source, name):
        if token in {"variable_begin", "block_begin", "comment_begin", "raw_begin"}:
            inside, start, tag = token.removesuffix("_begin"), line, [value]
        elif not inside:
            yield Piece(value, name, line)
        else:
            tag.append(value)
        if inside and token == f"{inside}_end":
            if inside == "variable":
                yield Piece("".join(tag).strip(), name, start, "")
            elif inside != "comment":
                text = "".join(tag).strip()
                match = _WORD.match(text)
                yield Piece(text, name, start, match[1] if match else "")
            inside = ""
