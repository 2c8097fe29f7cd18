"""The plain text templates: checked when they are read, and their output tidied.

They use jinja2 as it is, inheritance included, since there is nothing to inline. Wrapping to 72 columns is the `wrap`
filter's work, which a template calls where it prints running text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Template, TemplateSyntaxError, meta, nodes

from newsletter.render.clean import one_line
from newsletter.render.environment import fault, load_source, run, unknown_names
from newsletter.render.tidy import tidied

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from jinja2.sandbox import ImmutableSandboxedEnvironment


@dataclass(frozen=True, slots=True)
class PlainTemplate:
    """A text template that is known to parse and to use known names only."""

    template: Template

    def text(self, context: Mapping[str, object]) -> str:
        """Return the text: no trailing white space, one empty line at most, one line end at the end.

        Raises:
            TemplateError: the template failed on the data.
        """
        return tidied(run(self.template, context))

    def line(self, context: Mapping[str, object]) -> str:
        """Return the text as one line, as a header needs it.

        Raises:
            TemplateError: the template failed on the data.
        """
        return one_line(run(self.template, context))


def plain_template(sandbox: ImmutableSandboxedEnvironment, name: str, known: AbstractSet[str]) -> PlainTemplate:
    """Read and check one text template and whatever it extends or includes.

    Raises:
        TemplateError: missing, a syntax error or an unknown name; the message names template and line.
    """
    _check(sandbox, name, known, seen=frozenset())
    return PlainTemplate(sandbox.get_template(name))


def _check(sandbox: ImmutableSandboxedEnvironment, name: str, known: AbstractSet[str], *, seen: frozenset[str]) -> None:
    if name in seen:
        raise fault((name, None), "takes itself in again")
    tree = sandbox.parse(load_source(sandbox, name), name)
    try:
        unknown = unknown_names(tree, known | set(sandbox.globals))
    except TemplateSyntaxError as error:  # what only code generation finds, an unknown filter for example
        raise fault((name, error.lineno), error.message) from None
    if unknown:
        raise fault((name, unknown[0][1]), f"unknown name {unknown[0][0]!r}")
    for other in meta.find_referenced_templates(tree):
        if other is None:
            raise fault(
                (name, _computed(tree)), "names a template by a computed name; write the name itself, in quotes"
            )
        _check(sandbox, other, known, seen=seen | {name})


def _computed(tree: nodes.Template) -> int | None:
    naming = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
    computed = (node for node in tree.find_all(naming) if not isinstance(getattr(node, "template", None), nodes.Const))
    return next((node.lineno for node in computed), None)
