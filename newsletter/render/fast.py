"""The fast path of an issue's mails: a digest as pieces, most of which were rendered for an earlier reader.

Put together, the pieces are letter by letter what the templates give when they are filled in whole (`digest`), which
stays the reference. Templates are taken apart once (`program`); papers become cards once a variant; and since a page is
filled in with the links of nobody, a reader's own only need to be put in their places. What this path cannot do, an
unforeseen template or a link of another shape, it declines, and the reference does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from newsletter.links import MailLinks
from newsletter.model import Pieces
from newsletter.render.clean import safe_url
from newsletter.render.environment import fault, load_source
from newsletter.render.layout import LAYOUTS, MAX_BYTES, Layout, utf8_bytes
from newsletter.render.page import OWN_WORDS, Page, shared_page
from newsletter.render.program import Program
from newsletter.render.reads import LINKS, Reads, UnforeseenError, page_scope, reads_of
from newsletter.render.shelf import CardShelf
from newsletter.render.tidy import Tidier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

    from newsletter.config import Site
    from newsletter.render.compile import Compiled
    from newsletter.render.environment import Place
    from newsletter.render.page import Selection
    from newsletter.render.plain import PlainTemplate
    from newsletter.render.program import Begun
    from newsletter.render.steps import Names

_KEPT = 50_000  # of subjects, and of pieces' lengths
_KEPT_DRAFTS = 2_000
_SETTLES = 2
# What reads the same in HTML, in a text and in a URL that is checked once more.
_PLAIN_URL = re.compile(r"[A-Za-z0-9:/._~%@?=+-]+")
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
        self._html = _program(tree, html.template, html.name, html.lines, whole_cards=False)
        name = str(text.template.name)
        tree = _with_includes(_sandbox(text.template), name)
        self._text = _program(tree, text.template, name, None, whole_cards=True)
        self._subject = _Subject(subject)
        self._tidier = Tidier()
        self._cards = CardShelf()
        self._sizes = _Sizes()
        self._stand_ins = StandIns(MailLinks(unsubscribe=""))
        self._drafts: dict[object, _Draft] = {}

    def pieces(
        self, selection: Selection, own_words: Names, *, links: MailLinks, nobody: MailLinks, notes: tuple[object, str]
    ) -> Pieces | None:
        """Return a digest in pieces, or None where its links do not fit in the places of nobody's.

        `own_words` are the words of the page that are the reader's alone; `notes` are the editor's note as HTML and as
        text.

        Raises:
            Exception: what a template raises on the data; the reference tells it as a TemplateError.
        """
        if self._stand_ins.nobody != nobody:
            self._stand_ins = StandIns(nobody)
            self._drafts.clear()
        if (own := self._stand_ins.replaced_by(links)) is None:
            return None
        key = _key(selection)
        drafts = (self._draft(selection, key, layout, notes) for layout in LAYOUTS)
        for draft in drafts:
            html = draft.html(own_words)
            if self._sizes.of(html) <= MAX_BYTES:
                text = self._tidier.pieces(draft.text(own_words), self._stand_ins.cut)
                return Pieces(subject=self._subject.line(draft.of_text), html=html, text=text, own=own)
        return None

    def _draft(self, selection: Selection, key: object, layout: Layout, notes: tuple[object, str]) -> _Draft:
        found = self._drafts.get((key, id(layout)))
        if found is None:
            if len(self._drafts) >= _KEPT_DRAFTS:
                self._drafts.clear()
            found = self._drafts[key, id(layout)] = self._made(selection, layout, notes)
        return found

    def _made(self, selection: Selection, layout: Layout, notes: tuple[object, str]) -> _Draft:
        def names(layout: Layout, note: object) -> Names:
            page = shared_page(selection, self._site, links=self._stand_ins.nobody, layout=layout, cards=self._cards)
            return {name: getattr(page, name) for name in _PAGE_NAMES} | {"note": note}

        of_html = names(layout, notes[0])
        # the text shows all of each paper that the HTML shows at all
        whole = of_html if layout is LAYOUTS[0] else names(Layout(papers=layout.papers), None)
        of_text = {**whole, "note": notes[1]}
        stand_ins = self._stand_ins
        html, text = self._html.begun(of_html, stand_ins.cut, stand_ins.present), self._text.begun(of_text, _uncut)
        return _Draft(selection, of_html, of_text, html, text)


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


def _key(selection: Selection) -> object:
    papers = tuple([(id(one.paper), one.reasons, one.matched) for one in selection.papers])
    return id(selection.issue), papers, selection.left_out, selection.has_wishes, selection.test


class StandIns:
    """The links of nobody, with which pages are filled in, and how a reader's own take their places."""

    def __init__(self, nobody: MailLinks) -> None:
        """Look at nobody's links; where one could read otherwise than a reader's own, none is ever replaced."""
        self.nobody = nobody
        present = [one for one in _written(nobody) if one]
        self.present = frozenset(present)
        self._usable = len(self.present) == len(present) and all(
            safe_url(one) and _PLAIN_URL.fullmatch(one) for one in present
        )
        self._starts = [_start(one) for one in _written(nobody)]
        self._found = re.compile("|".join(map(re.escape, sorted(present, key=len, reverse=True))).join("()") or "(?!)")

    def cut(self, text: str) -> tuple[str, ...]:
        """Return a text as pieces, each stand-in a piece of its own and never the last."""
        *before, last = self._found.split(text)
        return (*filter(None, before), last)

    def replaced_by(self, links: MailLinks) -> Mapping[str, str] | None:
        """Return what takes each stand-in's place, or None where a link is of another length or kind than nobody's."""
        own = {}
        for start, stand_in, link in zip(self._starts, _written(self.nobody), _written(links), strict=True):
            if len(link) != len(stand_in) or not link.startswith(start):
                return None
            if link:
                own[stand_in] = link
        # one search for all: what is joined is plain if each is
        return own if self._usable and _PLAIN_URL.fullmatch("".join(own.values())) else None


class _Sizes(dict[str, int]):
    """How many bytes pieces have in UTF-8; each is counted once."""

    def of(self, pieces: list[str]) -> int:
        """Return the bytes of all."""
        return sum(map(self.__getitem__, pieces))

    def __missing__(self, piece: str) -> int:
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
        return _with_includes(self._sandbox, str(node.template.value)).body


def _written(links: MailLinks) -> tuple[str, ...]:
    return links.unsubscribe, links.preferences, links.view, links.feedback


def _start(link: str) -> str:
    """Return what two links must have in common to be as good as each other: scheme and host."""
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else link.partition(":")[0]


def _uncut(text: str) -> tuple[str, ...]:
    return (text,)
