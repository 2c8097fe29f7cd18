"""Templates read again, to be taken apart: each as one tree, with what it includes in its place.

What cannot be taken apart is told as a TemplateError with its place, which is no mistake of the template. Nothing is
rendered here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from newsletter.render.environment import fault, load_source
from newsletter.render.program import Program
from newsletter.render.reads import UnforeseenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

    from newsletter.render.compile import Compiled
    from newsletter.render.environment import Place
    from newsletter.render.plain import PlainTemplate


def html_tree(html: Compiled) -> nodes.Template:
    """Return the tree of a compiled template, which includes nothing any more."""
    return html.template.environment.parse(html.source)


def text_tree(text: PlainTemplate) -> nodes.Template:
    """Return the tree of a plain text template, with what it includes in its place.

    Raises:
        TemplateError: what it includes cannot be put there.
    """
    return _with_includes(_sandbox(text.template), name_of(text))


def name_of(text: PlainTemplate) -> str:
    """Return a text template's name."""
    return str(text.template.name)


def printed_always(tree: nodes.Template) -> str:
    """Return what a template may print whatever it is given."""
    data = [node.data for node in tree.find_all(nodes.TemplateData)]
    return "\n".join([*data, *(str(node.value) for node in tree.find_all(nodes.Const))])


def html_program(html: Compiled, tree: nodes.Template) -> Program:
    """Return the program of an HTML template, whose `tree` is used up by it; a card is as many pieces as it has parts.

    Raises:
        TemplateError: it cannot be taken apart.
    """
    return _program(tree, html.template, html.name, html.lines, whole_cards=False)


def text_program(text: PlainTemplate, tree: nodes.Template) -> Program:
    """Return the program of a plain text template, whose `tree` is used up by it; a card is one piece.

    Raises:
        TemplateError: it cannot be taken apart.
    """
    return _program(tree, text.template, name_of(text), None, whole_cards=True)


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
