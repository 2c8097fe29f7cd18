"""The fast path of an issue's mails: a digest as pieces, most of which were rendered for an earlier reader.

Put together, the pieces are letter by letter what the templates give when they are filled in whole (`digest`), which
stays the reference. Templates are taken apart once (`program`); papers become cards once a variant; and since a page is
filled in with the links of nobody, a reader's own only need to be put in their places. What this path cannot do, an
unforeseen template or a link of another shape, it declines, and the reference does it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from newsletter.model import Pieces
from newsletter.render.bounds import spending
from newsletter.render.environment import fault, load_source
from newsletter.render.layout import LAYOUTS, MAX_BYTES, Layout, utf8_bytes
from newsletter.render.page import OWN_WORDS, Page, masthead, shared_page
from newsletter.render.program import Program
from newsletter.render.reads import LINKS, Reads, UnforeseenError, page_scope, reads_of
from newsletter.render.shelf import CardShelf
from newsletter.render.stand_ins import StandIns
from newsletter.render.tidy import Tidier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

    from newsletter.config import Site
    from newsletter.links import MailLinks
    from newsletter.model import Paper
    from newsletter.render.compile import Compiled
    from newsletter.render.environment import Place
    from newsletter.render.page import Selection
    from newsletter.render.plain import PlainTemplate
    from newsletter.render.program import Begun
    from newsletter.render.steps import Names

_KEPT = 50_000  # of subjects, and of pieces' lengths
_KEPT_DRAFTS = 2_000
_KEPT_NOBODIES = 4
_SETTLES = 2
_COPIED = "a link of nobody's, as tests of an issue have them, stands in the issue itself"
_PAGE_NAMES = tuple(one.name for one in fields(Page))


class FastPath:
    """Digests as pieces, from the three templates of one renderer."""

    def __init__(self, site: Site, html: Compiled, text: PlainTemplate, subject: PlainTemplate) -> None:
        """Take the templates apart.

        Raises:
            TemplateError: one cannot be, which is no mistake of it; the message says where and why.
        """
        self._site = site
        tree = html.template.environment.parse(html.source)
        fixed = [repr(masthead(site)), _data(tree)]
        self._html = _program(tree, html.template, html.name, html.lines, whole_cards=False)
        name = str(text.template.name)
        tree = _with_includes(_sandbox(text.template), name)
        self._fixed = "\n".join([*fixed, _data(tree)])
        self._text = _program(tree, text.template, name, None, whole_cards=True)
        self._subject = _Subject(subject)
        self._cards = CardShelf()
        self._by_nobody: dict[MailLinks, _Kept] = {}

    def pieces(
        self, selection: Selection, own_words: Names, *, links: MailLinks, nobody: MailLinks, notes: tuple[str, str]
    ) -> Pieces | None:
        """Return a digest in pieces, or None where its links do not fit in the places of nobody's.

        `own_words` are the words of the page that are the reader's alone; `notes` are the editor's note as HTML and as
        text.

        Raises:
            Exception: what a template raises on the data; the reference tells it as a TemplateError.
        """
        kept = self._kept(nobody)
        if (own := kept.stand_ins.replaced_by(links)) is None or kept.stand_ins.in_record(own_words):
            return None
        with spending():
            return self._pieces(kept, selection, own_words, own, notes)

    def _pieces(
        self,
        kept: _Kept,
        selection: Selection,
        own_words: Names,
        own: Mapping[str, str],
        notes: tuple[str, str],
    ) -> Pieces | None:
        key = _key(selection)
        drafts = (self._draft(kept, selection, key, layout, notes) for layout in LAYOUTS)
        for draft in drafts:
            html = draft.html(own_words)
            if kept.sizes.of(html) <= MAX_BYTES:
                text = kept.tidier.pieces(draft.text(own_words), kept.stand_ins.cut)
                kept.sizes.of(text)  # so that these are looked at too
                return Pieces(subject=self._subject.line(draft.of_text), html=html, text=text, own=own)
        return None

    def _kept(self, nobody: MailLinks) -> _Kept:
        found = self._by_nobody.get(nobody)
        if found is None:
            if len(self._by_nobody) >= _KEPT_NOBODIES:
                self._by_nobody.clear()
            found = self._by_nobody[nobody] = _Kept(nobody, self._fixed)
        return found

    def _draft(self, kept: _Kept, selection: Selection, key: object, layout: Layout, notes: tuple[str, str]) -> _Draft:
        found = kept.drafts.get((key, id(layout)))
        if found is None:
            kept.check(selection, notes)
            if len(kept.drafts) >= _KEPT_DRAFTS:
                kept.drafts.clear()
            found = kept.drafts[key, id(layout)] = self._made(kept.stand_ins, selection, layout, notes)
        return found

    def _made(self, stand_ins: StandIns, selection: Selection, layout: Layout, notes: tuple[str, str]) -> _Draft:
        def names(layout: Layout, note: object) -> Names:
            page = shared_page(selection, self._site, links=stand_ins.nobody, layout=layout, cards=self._cards)
            return {name: getattr(page, name) for name in _PAGE_NAMES} | {"note": note}

        of_html = names(layout, notes[0])
        # the text shows all of each paper that the HTML shows at all, but for what is out of all bounds
        whole = of_html if layout is LAYOUTS[0] else names(layout.of_text, None)
        of_text = {**whole, "note": notes[1]}
        html, text = self._html.begun(of_html, stand_ins.cut, stand_ins.present), self._text.begun(of_text, _uncut)
        return _Draft(selection, of_html, of_text, html, text)


class _Kept:
    """All that was made with the links of one nobody, which is one issue's.

    A call looks it up once: another call, of another issue and at the same time, can so never change it meanwhile.
    """

    def __init__(self, nobody: MailLinks, fixed: str) -> None:
        """Begin with nothing; `fixed` is what no issue changes, the words of the templates and the site's."""
        self.stand_ins = StandIns(nobody)
        self.tidier = Tidier()
        self.sizes = _Sizes(self.stand_ins)
        self.drafts: dict[object, _Draft] = {}
        self._looked_at: dict[int, Paper] = {}  # by identity, and kept since that is the key
        self._last_words: tuple[str, ...] = ()  # that hold no stand-in: most often those of the only issue
        self._fixed_holds_one = self.stand_ins.in_text(fixed)

    def check(self, selection: Selection, notes: tuple[str, str]) -> None:
        """Look whether a stand-in stands in the issue's own words, where no reader's link must take its place.

        Raises:
            UnforeseenError: it does.
        """
        reasons = [reason for one in selection.papers for reason in one.reasons]
        words = (*notes, selection.issue.subject)
        known = words == self._last_words
        if self._fixed_holds_one or self.stand_ins.in_text(*reasons) or not (known or self._plain(words)):
            raise UnforeseenError(1, _COPIED)
        for one in selection.papers:
            if self._looked_at.get(id(one.paper)) is None:
                if self.stand_ins.in_record(one.paper):
                    raise UnforeseenError(1, _COPIED)
                if len(self._looked_at) >= _KEPT:
                    self._looked_at.clear()
                self._looked_at[id(one.paper)] = one.paper

    def _plain(self, words: tuple[str, ...]) -> bool:
        if self.stand_ins.in_text(*words):
            return False
        self._last_words = words
        return True


@dataclass(slots=True)
class _Draft:
    """What readers of the same papers have in common, in one layout. The second reader's mail settles it.

    The selection is kept, since its papers' identities are in its key.
    """

    selection: Selection
    of_html: Names
    of_text: Names
    html_program: Begun
    text_program: Begun
    readers: int = 0

    def html(self, own_words: Names) -> list[str]:
        """Return a reader's HTML in pieces."""
        self.readers += 1
        if self.readers == _SETTLES:
            self.html_program = self.html_program.settled(self.of_html, OWN_WORDS)
            self.text_program = self.text_program.settled(self.of_text, OWN_WORDS)
        return self.html_program.pieces({**self.of_html, **own_words})

    def text(self, own_words: Names) -> list[str]:
        """Return a reader's text in raw pieces."""
        return self.text_program.pieces({**self.of_text, **own_words})


class _Subject:
    """The subject, made once for all mails for which it reads the same."""

    def __init__(self, template: PlainTemplate) -> None:
        """Look at what the template reads.

        Raises:
            TemplateError: it shows what is one reader's own, or cannot be looked into.
        """
        name = str(template.template.name)
        try:
            reads = reads_of(_with_includes(_sandbox(template.template), name), page_scope())
        except UnforeseenError as error:
            raise fault((name, error.line), error) from None
        if own := sorted({read.name for read in reads} & (OWN_WORDS | LINKS)):
            raise fault((name, None), f"{own[0]} in the subject is each reader's own")
        self._template, self._reads = template, Reads(reads)
        self._lines: dict[object, str] = {}

    def line(self, names: Names) -> str:
        """Return the subject of a page."""
        key = tuple(self._reads.values(names))
        if (found := self._lines.get(key)) is None:
            if len(self._lines) >= _KEPT:
                self._lines.clear()
            found = self._lines[key] = self._template.line(names)
        return found


def _data(tree: nodes.Template) -> str:
    """Return what a template prints whatever it is given."""
    data = [node.data for node in tree.find_all(nodes.TemplateData)]
    return "\n".join([*data, *(str(node.value) for node in tree.find_all(nodes.Const))])


def _key(selection: Selection) -> object:
    papers = tuple([(id(one.paper), one.reasons, one.matched) for one in selection.papers])
    return id(selection.issue), papers, selection.left_out, selection.has_wishes, selection.test


class _Sizes(dict[str, int]):
    """How many bytes pieces have in UTF-8; each is counted once, and looked at."""

    def __init__(self, stand_ins: StandIns) -> None:
        super().__init__()
        self._stand_ins = stand_ins

    def of(self, pieces: list[str]) -> int:
        """Return the bytes of all.

        Raises:
            UnforeseenError: a stand-in is not a piece of its own, so that nobody's link would be sent.
        """
        return sum(map(self.__getitem__, pieces))

    def __missing__(self, piece: str) -> int:
        if piece not in self._stand_ins.present and self._stand_ins.stand_in(piece):
            raise UnforeseenError(1, "a link was not cut out")
        if len(self) >= _KEPT:
            self.clear()
        size = self[piece] = utf8_bytes(piece)
        return size


def _program(
    tree: nodes.Template, template: Template, name: str, lines: Mapping[int, Place] | None, *, whole_cards: bool
) -> Program:
    try:
        return Program(_sandbox(template), tree, whole_cards=whole_cards)
    except UnforeseenError as error:
        place = (name, error.line) if lines is None else lines.get(error.line, (name, None))
        raise fault(place, error) from None


def _sandbox(template: Template) -> ImmutableSandboxedEnvironment:
    sandbox = template.environment
    assert isinstance(sandbox, ImmutableSandboxedEnvironment)  # noqa: S101 - all ours are; this tells the type checker
    return sandbox


def _with_includes(sandbox: ImmutableSandboxedEnvironment, name: str) -> nodes.Template:
    """Parse a text template, with what it includes in its place."""
    tree = sandbox.parse(load_source(sandbox, name), name)
    return nodes.Template(_Includes(sandbox).visit(tree).body, lineno=1)


class _Includes(NodeTransformer):
    """Puts included templates into the place of their `{% include %}`; they are known not to include themselves."""

    def __init__(self, sandbox: ImmutableSandboxedEnvironment) -> None:
        self._sandbox = sandbox

    def visit_Include(self, node: nodes.Include) -> nodes.Node | list[nodes.Node]:  # noqa: N802 - jinja2 looks it up by this name
        if not isinstance(node.template, nodes.Const) or node.ignore_missing or not node.with_context:
            return node  # and so it is found to be unforeseen
        included = _with_includes(self._sandbox, str(node.template.value))
        own = included.find(nodes.Assign) or included.find(nodes.AssignBlock)
        if own is not None:  # what it sets is its own alone
            raise fault((str(node.template.value), own.lineno), "{% set %} in an included part is not taken apart")
        return included.body


def _uncut(text: str) -> tuple[str, ...]:
    return (text,)
