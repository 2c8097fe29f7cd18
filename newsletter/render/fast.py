"""The fast path of an issue's mails: a digest as pieces, most of which were rendered for an earlier reader.

Put together, the pieces are letter by letter what the templates give when they are filled in whole (`digest`), which
stays the reference. Templates are taken apart once (`program`); papers become cards once a variant; and since a page is
filled in with the links of nobody, a reader's own only need to be put in their places. What this path cannot do, an
unforeseen template or a link of another shape, it declines, and the reference does it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from newsletter.model import Pieces
from newsletter.render.budget import BoundError
from newsletter.render.drafts import Draft, Kept
from newsletter.render.layout import LAYOUTS, MAX_BYTES, Layout
from newsletter.render.opened import html_program, html_tree, printed_always, text_program, text_tree
from newsletter.render.page import Page, masthead, shared_page
from newsletter.render.reads import UnforeseenError
from newsletter.render.shelf import CardShelf
from newsletter.render.subject import SharedSubject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.links import MailLinks
    from newsletter.render.compile import Compiled
    from newsletter.render.page import Selection
    from newsletter.render.parts import Names
    from newsletter.render.plain import PlainTemplate
    from newsletter.render.stand_ins import StandIns
    from newsletter.settings import Site

_KEPT_NOBODIES = 4
_PAGE_NAMES = tuple(one.name for one in fields(Page))


class FastPath:
    """Digests as pieces, from the three templates of one renderer."""

    def __init__(self, site: Site, html: Compiled, text: PlainTemplate, subject: PlainTemplate) -> None:
        """Take the templates apart.

        Raises:
            TemplateError: one cannot be, which is no mistake of it; the message says where and why.
        """
        self._site = site
        of_html, of_text = html_tree(html), text_tree(text)
        self._fixed = "\n".join([repr(masthead(site)), printed_always(of_html), printed_always(of_text)])
        self._html, self._text = html_program(html, of_html), text_program(text, of_text)
        self._subject = SharedSubject(subject)
        self._cards = CardShelf()
        self._by_nobody: dict[MailLinks, Kept] = {}

    def pieces(
        self, selection: Selection, own_words: Names, *, links: MailLinks, nobody: MailLinks, notes: tuple[str, str]
    ) -> Pieces | None:
        """Return a digest in pieces, or None where this path declines: the reference makes it, or tells what fails.

        `own_words` are the words of the page that are the reader's alone; `notes` are the editor's note as HTML and as
        text.

        Raises:
            UsageError: the issue's period is none.
            TemplateError: the subject's template failed on the data.
        """
        kept = self._kept(nobody)
        if (own := kept.stand_ins.replaced_by(links)) is None or kept.stand_ins.in_record(own_words):
            return None
        try:
            return self._pieces(kept, selection, own_words, own, notes)
        except (UnforeseenError, BoundError):
            return None

    def _pieces(
        self,
        kept: Kept,
        selection: Selection,
        own_words: Names,
        own: Mapping[str, str],
        notes: tuple[str, str],
    ) -> Pieces | None:
        key = _key(selection)
        drafts = (self._draft(kept, selection, key, layout, notes) for layout in LAYOUTS)
        for draft in drafts:
            html = kept.html(draft, own_words)
            if kept.sizes.of(html) <= MAX_BYTES:
                text = kept.text(draft, own_words)
                return Pieces(subject=self._subject.line(draft.of_text), html=html, text=text, own=own)
        return None

    def _kept(self, nobody: MailLinks) -> Kept:
        found = self._by_nobody.get(nobody)
        if found is None:
            if len(self._by_nobody) >= _KEPT_NOBODIES:
                self._by_nobody.clear()
            found = self._by_nobody[nobody] = Kept(nobody, self._fixed)
        return found

    def _draft(self, kept: Kept, selection: Selection, key: object, layout: Layout, notes: tuple[str, str]) -> Draft:
        if found := kept.draft((key, id(layout))):
            return found
        kept.check(selection, notes)
        return kept.keep((key, id(layout)), self._made(kept.stand_ins, selection, layout, notes))

    def _made(self, stand_ins: StandIns, selection: Selection, layout: Layout, notes: tuple[str, str]) -> Draft:
        def names(layout: Layout, note: object) -> Names:
            page = shared_page(selection, self._site, links=stand_ins.nobody, layout=layout, cards=self._cards)
            return {name: getattr(page, name) for name in _PAGE_NAMES} | {"note": note}

        of_html = names(layout, notes[0])
        # the text shows all of each paper that the HTML shows at all, but for what is out of all bounds
        whole = of_html if layout is LAYOUTS[0] else names(layout.of_text, None)
        of_text = {**whole, "note": notes[1]}
        html, text = self._html.begun(of_html, stand_ins.cut, stand_ins.present), self._text.begun(of_text, _uncut)
        return Draft(selection, of_html, of_text, html, text)


def _key(selection: Selection) -> object:
    papers = tuple([(id(one.paper), one.reasons, one.matched) for one in selection.papers])
    return id(selection.issue), papers, selection.left_out, selection.has_wishes, selection.test


def _uncut(text: str) -> tuple[str, ...]:
    return (text,)
