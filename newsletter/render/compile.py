"""The compile step: a template's CSS is inlined once, before any data is known, and not once a mail.

Inlining costs some 20 ms, filling in data 0.2 ms. So each `{{ }}` and `{% %}` of the flattened template becomes an
ASCII mark (a `{% %}` in text by a comment that holds one), premailer runs on the marked document, and the tags are put
back. Before that, the elements and marks must come out of premailer in the order in which they went in; a lost, doubled
or moved one is an error that names its place. Tags inside `<style>` are filled in at once, from the design tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from jinja2 import Template, TemplateSyntaxError

from newsletter.render.environment import Place, fault, reason_of, run, unknown_name, unknown_names
from newsletter.render.flatten import flatten
from newsletter.render.inliner import inline_css
from newsletter.render.lint import STYLE, URL_ATTRIBUTES, lint_document
from newsletter.render.markup import MARK, Event, MarkedDocument, read_markup
from newsletter.render.styles import fill_styles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from newsletter.render.tokens import Tokens

_INDENT = re.compile(r"[ \t]*\n[ \t\n]*")
_COMMENTED = re.compile(rf"<!--(?={MARK.pattern}-->)({MARK.pattern})-->".replace(r"(\d{5})", r"\d{5}"))
_TEMPLATE_TAG = re.compile(r"\{[{%#]")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to be filled in.

    `source` is the inlined jinja2 source, `plain` the same without inlining (what the compiled one must equal once both
    are filled in and `plain` is inlined), `marked` the document that premailer was given, `lines` where each line of
    `source` and `plain` that holds a tag comes from.
    """

    name: str
    source: str
    plain: str
    marked: str
    document: MarkedDocument
    lines: Mapping[int, Place]
    template: Template

    def render(self, context: Mapping[str, object]) -> str:
        """Fill in the data.

        Raises:
            TemplateError: the template failed on it.
        """
        return run(self.template, context, self.lines)


def compile_template(
    sandbox: ImmutableSandboxedEnvironment, name: str, tokens: Tokens, known: AbstractSet[str]
) -> Compiled:
    """Flatten, check, inline and compile one HTML template; `known` are the names that it will be given.

    Raises:
        TemplateError: template, line and reason.
    """
    document = MarkedDocument(flatten(sandbox, name))
    events = read_markup(document.html)
    lint_document(document, events)
    marked = _mark_for_inlining(document, events, sandbox, tokens)
    inlined = inline(marked, document)
    source, lines = _with_tags(_INDENT.sub("\n", inlined), document)
    plain, _ = _with_tags(_INDENT.sub("\n", marked), document)
    template = _jinja_template(sandbox, source, lines, known, name)
    return Compiled(name, source, plain, marked, document, lines, template)


def inline(marked: str, document: MarkedDocument) -> str:
    """Run premailer on a marked document and check that nothing was lost, doubled or moved.

    Raises:
        TemplateError: something was; the message names the first such place.
    """
    try:
        inlined = inline_css(marked)
    except ValueError as error:
        raise fault(document.place(0), f"the styles cannot be inlined: {error}") from None
    check_same_structure(marked, inlined, document)
    return inlined


def check_same_structure(before: str, after: str, document: MarkedDocument) -> None:
    """Compare elements and marks in document order, but for the style sheets that inlining takes away.

    Raises:
        TemplateError: the first difference.
    """
    for number, (old, new) in enumerate(zip_longest(_structure(before), _structure(after))):
        if old is None or new is None or (old.kind, old.name) != (new.kind, new.name):
            shown = "an element" if old is None else _shown(old, document)
            raise fault(_place(number, document), f"inlining the styles lost or moved {shown}; check the markup there")


def _structure(html: str) -> list[Event]:
    without_styles = STYLE.sub(lambda style: " " * len(style[0]), html)
    return [event for event in read_markup(without_styles) if event.kind in {"start", "end", "mark"}]


def _place(number: int, document: MarkedDocument) -> Place:
    """Return where the element or mark with this number in document order stands."""
    events = _structure(document.html)
    event = events[min(number, len(events) - 1)]
    return document.tags[int(event.name)].place if event.kind == "mark" else document.place(event.offset)


def _shown(event: Event, document: MarkedDocument) -> str:
    if event.kind == "mark":
        number = int(event.name)
        return document.tags[number].text if number < len(document.tags) else "a placeholder"
    return f"<{'/' if event.kind == 'end' else ''}{event.name}>"


def _mark_for_inlining(
    document: MarkedDocument, events: tuple[Event, ...], sandbox: ImmutableSandboxedEnvironment, tokens: Tokens
) -> str:
    in_text = {
        int(event.name) for event in events if event.kind == "mark" and not event.within.startswith(("@", "!", "style"))
    }

    def written(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"<!--{match[0]}-->" if number in in_text and document.tags[number].word else match[0]

    return MARK.sub(written, fill_styles(document, sandbox, tokens))


def _with_tags(marked: str, document: MarkedDocument) -> tuple[str, dict[int, Place]]:
    """Put the tags back; each gets a line of its own, so that a line number names one tag."""
    if found := _TEMPLATE_TAG.search(marked):
        raise fault((document.place(0)[0], None), f"{found[0]} appears in the finished markup; write it another way")
    out: list[str] = []
    lines: dict[int, Place] = {}
    line = 1
    bare = _COMMENTED.sub(r"\1", marked)
    end = 0
    for match in MARK.finditer(bare):
        tag = document.tags[int(match[1])]
        text = _checked_url(tag.text) if _is_url(bare, match) else tag.text
        before = bare[end : match.start()]
        line += before.count("\n") + 1
        sign = 3 if text[2] in "-+" else 2
        out += [before, text[:sign], "\n", text[sign:]]
        lines |= {line + extra: tag.place for extra in range(text.count("\n") + 1)}
        line += text.count("\n")
        end = match.end()
    return "".join([*out, bare[end:]]), lines


def _is_url(html: str, match: re.Match[str]) -> bool:
    before = html[max(0, match.start() - 12) : match.start()].lower()
    return any(before.endswith((f' {name}="', f" {name}='", f" {name}=")) for name in URL_ATTRIBUTES)


def _checked_url(text: str) -> str:
    """Let no URL out of a template unchecked, whatever the template forgot."""
    inner = text.removeprefix("{{").removesuffix("}}").strip("-+ \n")
    return f"{{{{ ({inner})|safe_url }}}}"


def _jinja_template(
    sandbox: ImmutableSandboxedEnvironment,
    source: str,
    lines: Mapping[int, Place],
    known: AbstractSet[str],
    name: str,
) -> Template:
    carried = sandbox.overlay(trim_blocks=False, lstrip_blocks=False)
    try:
        tree = carried.parse(source)
        for unknown, line in unknown_names(tree, known | set(carried.globals)):
            raise fault(lines.get(line, (name, None)), unknown_name(unknown))
        return carried.from_string(source)
    except TemplateSyntaxError as error:
        raise fault(lines.get(error.lineno, (name, None)), reason_of(error)) from None
