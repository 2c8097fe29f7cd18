"""Markup that comes with an issue (the editor's note), inlined in its place in a compiled template.

A note is written after the template was compiled, so its own elements still need the template's styles. It is put into
the marked document where its `{{ }}` stands, inlined there once, and cut out again.
"""

from __future__ import annotations

from newsletter.render.compile import Compiled, inline
from newsletter.render.environment import fault
from newsletter.render.markup import mark

_BEGIN, _END = "<!--fragment begins-->", "<!--fragment ends-->"


def check_fragment_place(compiled: Compiled, name: str) -> None:
    """Check that a template shows `{{ name }}` exactly once.

    Raises:
        TemplateError: it shows it never or more than once.
    """
    if len(numbers := _numbers(compiled, name)) != 1:
        raise fault((compiled.name, None), f"it must hold {{{{ {name} }}}} once, and holds it {len(numbers)} times")


def inline_fragment(compiled: Compiled, name: str, html: str) -> str:
    """Return `html`, well-formed and without comments, with the styles it gets where `{{ name }}` stands.

    Raises:
        TemplateError: the place cannot hold it, a `<p>` for example.
    """
    place = mark(_numbers(compiled, name)[0])
    inlined = inline(compiled.marked.replace(place, f"{_BEGIN}{html}{_END}"), compiled.document)
    return inlined.partition(_BEGIN)[2].partition(_END)[0]


def _numbers(compiled: Compiled, name: str) -> list[int]:
    return [
        number
        for number, tag in enumerate(compiled.document.tags)
        if tag.word == "" and tag.text.strip("{}-+ \n") == name
    ]
