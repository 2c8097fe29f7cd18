"""The plain text templates: checked when they are read, and their output tidied.

They use jinja2 as it is, inheritance included, since there is nothing to inline. Wrapping to 72 columns is the `wrap`
filter's work, which a template calls where it prints running text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Template, TemplateSyntaxError, meta, nodes

from newsletter.render.clean import one_line
from newsletter.render.environment import fault, load_source, reason_of, run, unknown_name, unknown_names
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
        """Return the text as one line, as the subject needs it.

        Raises:
            TemplateError: the template failed on the data, or made an empty line of it.
        """
        if line := one_line(run(self.template, context)):
            return line
        raise fault((self.template.name or "", None), "prints nothing for this mail; let it print a subject for each")


def plain_template(sandbox: ImmutableSandboxedEnvironment, name: str, known: AbstractSet[str]) -> PlainTemplate:
    """Read and check one text template and whatever it extends or includes.

    Raises:
        TemplateError: missing, a syntax error, an unknown name or nothing that it prints; the message names template
            and line.
    """
    _check(sandbox, name, known, seen=frozenset())
    if not _prints(sandbox.parse(load_source(sandbox, name), name)):
        raise fault((name, None), "prints nothing; write what the mail is to say, or remove it to use the shipped one")
    try:
        return PlainTemplate(sandbox.get_template(name))
    except TemplateSyntaxError as error:  # what only compiling finds
        raise fault((error.name or name, error.lineno), reason_of(error)) from None


def _check(sandbox: ImmutableSandboxedEnvironment, name: str, known: AbstractSet[str], *, seen: frozenset[str]) -> None:
    if name in seen:
        raise fault((name, None), "takes itself in again")
    tree = sandbox.parse(load_source(sandbox, name), name)
    try:
        unknown = unknown_names(tree, known | set(sandbox.globals))
    except TemplateSyntaxError as error:  # what only code generation finds, an unknown filter for example
        raise fault((name, error.lineno), reason_of(error)) from None
    if unknown:
        raise fault((name, unknown[0][1]), unknown_name(unknown[0][0]))
    for other in meta.find_referenced_templates(tree):
        if other is None:
            raise fault(
                (name, _computed(tree)), "names a template by a computed name; write the name itself, in quotes"
            )
        _check(sandbox, other, known, seen=seen | {name})


def _prints(tree: nodes.Template) -> bool:
    """Whether a template holds more than white space; what its tags print is for the data to show."""
    printed = [node.nodes if isinstance(node, nodes.Output) else [node] for node in tree.body]
    return any(not isinstance(one, nodes.TemplateData) or one.data.strip() for parts in printed for one in parts)


def _computed(tree: nodes.Template) -> int | None:
    naming = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
    computed = (node for node in tree.find_all(naming) if not isinstance(getattr(node, "template", None), nodes.Const))
    return next((node.lineno for node in computed), None)
