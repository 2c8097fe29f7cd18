"""The style sheets of a template: filled in with the design tokens, and checked, so that a fault is told at its line.

A style sheet is most often a file of its own (`_inlined.css`) that a frame takes in. Each line of it is numbered before
it is filled in, whatever loops and conditions do to it then, and the number leads back to the file. Which rules a style
may hold is for `lint` to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, UndefinedError

from newsletter.render.budget import spending
from newsletter.render.environment import Place, failing_line, fault, reason_of
from newsletter.render.inliner import StyleFaultError, check_css
from newsletter.render.lint import KEPT_STYLE, STYLE
from newsletter.render.markup import MARK, MarkedDocument, mark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from newsletter.render.tokens import Tokens

_UNKNOWN = "names what is no token (jinja2: {}); the tokens stand in email/tokens.toml"
_NUMBER = re.compile(r"\0(\d+)\0")


def fill_styles(document: MarkedDocument, sandbox: ImmutableSandboxedEnvironment, tokens: Tokens) -> str:
    """Return the marked document with the design tokens filled into every `<style>`; the rest stays marked.

    Raises:
        TemplateError: a style names what is no token, or cssutils would drop a rule of it without a word.
    """
    joints = _joints(document)

    def filled(style: re.Match[str]) -> str:
        sheet = _Sheet(document, tuple(_lines(document, style, joints)))
        css = sheet.filled(sandbox, tokens)
        if not KEPT_STYLE.search(style[1]):
            sheet.check(css)
        return f"{style[1]}{_NUMBER.sub('', css)}{style[3]}"

    return STYLE.sub(filled, document.html)


def _joints(document: MarkedDocument) -> frozenset[int]:
    """Return the offsets in the marked document at which another file begins."""
    lengths = (len(piece.text if piece.word is None else mark(0)) for piece in document.pieces)
    ends = zip(accumulate(lengths), pairwise(document.pieces), strict=False)
    return frozenset(end for end, (one, other) in ends if one.template != other.template)


def _lines(document: MarkedDocument, style: re.Match[str], joints: AbstractSet[int]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a style sheet, each with its offset in the marked document.

    jinja2 takes away the line end after a `{% %}` and the one at the end of a file: a line begins there, too.
    """
    begin, end = style.span(2)
    tags = [found.end() for found in MARK.finditer(document.html, begin, end) if document.tags[int(found[1])].word]
    breaks = [found.end() for found in re.compile("\n").finditer(document.html, begin, end)]
    cuts = {at for at in (*tags, *joints) if begin < at < end and _is_between_rules(document.html[begin:at])}
    for start, stop in pairwise(sorted({begin, *cuts, *breaks, end})):
        yield start, document.html[start:stop].removesuffix("\n")


def _is_between_rules(before: str) -> bool:
    """Whether a line end changes nothing behind this CSS; in the middle of a name it would."""
    text = MARK.sub("", before)
    return not text.strip() or text[-1].isspace() or text[-1] in "{};/"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The marked lines of one style sheet, each with its offset in the document."""

    document: MarkedDocument
    lines: tuple[tuple[int, str], ...]

    def filled(self, sandbox: ImmutableSandboxedEnvironment, tokens: Tokens) -> str:
        """Return the CSS; at the end of each line stands the number, from 1, of the line that it was made from.

        Raises:
            TemplateError: the template failed on the tokens.
        """
        source = "\n".join([f"{self._with_tags(line)}\0{number}\0" for number, (_, line) in enumerate(self.lines, 1)])
        template = None
        try:
            with spending():
                template = sandbox.overlay(autoescape=False, trim_blocks=False).from_string(source)
                return template.render(tokens)
        except Exception as error:  # noqa: BLE001 - an operator's template can raise anything
            line = error.lineno if isinstance(error, TemplateSyntaxError) else failing_line(error, template)[1]
            reason = _UNKNOWN.format(error) if isinstance(error, UndefinedError) else reason_of(error)
            raise fault(self._place(line), f"in this style sheet: {reason}") from None

    def check(self, css: str) -> None:
        """Look for rules that would be dropped.

        Raises:
            TemplateError: there is one.
        """
        try:
            check_css(_NUMBER.sub("", css))
        except StyleFaultError as error:
            lines = css.split("\n")
            numbers = _NUMBER.findall(lines[min(error.line, len(lines)) - 1])
            place = self._place(int(numbers[-1]) if numbers else None)
            raise fault(place, f"in this style sheet: {error}") from None

    def _with_tags(self, line: str) -> str:
        tags = self.document.tags
        return MARK.sub(lambda match: tags[int(match[1])].text.replace("\n", " "), line)

    def _place(self, number: int | None) -> Place:
        """Return where a line, counted from 1, comes from; the first one where it is not known."""
        start, line = self.lines[(number or 1) - 1]
        return self.document.place(start + len(line) - len(line.lstrip()))
