"""The subject, made once for all mails for which it reads the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render.budget import measured, spend
from newsletter.render.environment import fault
from newsletter.render.opened import name_of, text_tree
from newsletter.render.page import OWN_WORDS
from newsletter.render.parts import Made
from newsletter.render.reads import LINKS, Reads, UnforeseenError, page_scope, reads_of

if TYPE_CHECKING:
    from newsletter.render.parts import Names
    from newsletter.render.plain import PlainTemplate

_KEPT = 20_000


class SharedSubject:
    """Renders the subject of a page, and keeps it under the values that it read."""

    def __init__(self, template: PlainTemplate) -> None:
        """Look at what the template reads.

        Raises:
            TemplateError: it shows what is one reader's own, or cannot be looked into.
        """
        name = name_of(template)
        try:
            reads = reads_of(text_tree(template), page_scope())
        except UnforeseenError as error:
            raise fault((name, error.line), error) from None
        if own := sorted({read.name for read in reads} & (OWN_WORDS | LINKS)):
            raise fault((name, None), f"{own[0]} in the subject is each reader's own")
        self._template, self._reads = template, Reads(reads)
        self._lines: dict[object, Made] = {}

    def line(self, names: Names) -> str:
        """Return the subject of a page, and count what it spends.

        Raises:
            TemplateError: the template failed on the data.
        """
        key = tuple(self._reads.values(names))
        if (found := self._lines.get(key)) is None:
            if len(self._lines) >= _KEPT:
                self._lines.clear()
            with measured() as spent:
                line = self._template.line(names)
            self._lines[key] = Made((line,), spent.steps, spent.output)
            return line
        spend(steps=found.steps, output=found.output)
        return found.pieces[0]
