"""The design tokens: colours, type scale and spacing of every mail, from one file, `email/tokens.toml`.

A table of the file is a name in a `<style>` of a template, for example `{{ light.ink }}`. The site's accent is added to
`light` and `dark`, each time in a shade that can be read on that table's backgrounds, and as `tint`, a ground of its
own: the sheet with a little of the accent in it. Nothing else is computed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from newsletter.render.colour import AA, mixed, readable
from newsletter.render.environment import fault, load_text

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

TOKENS = "email/tokens.toml"
# Coloured small text tires the eye sooner on black than on white: more than AA there.
_PALETTES = {"light": AA, "dark": 6.5}
_TINT = 0.1  # of the accent in the sheet's colour
_GROUNDS = ("page", "sheet")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# A value stands inside a CSS declaration: nothing that could end it, open a tag or name a resource.
_VALUE = re.compile(r"[^@\\{}<>;]{1,200}")

Tokens = Mapping[str, Mapping[str, str]]


def load_tokens(sandbox: ImmutableSandboxedEnvironment, accent: str) -> Tokens:
    """Read the tokens and add `accent` (`#rrggbb`) and its `tint` to both palettes.

    Raises:
        TemplateError: the file is missing, no TOML, or has a value that is no token.
    """
    tables = _checked(_read(sandbox))
    for palette, ratio in _PALETTES.items():
        for ground in _GROUNDS:
            if not _COLOUR.fullmatch(tables.get(palette, {}).get(ground, "")):
                raise fault((TOKENS, None), f"{palette}.{ground} must be a colour, written #rrggbb")
        grounds = [tables[palette][ground] for ground in _GROUNDS]
        tint = mixed(tables[palette]["sheet"], readable(accent, grounds, ratio=ratio), _TINT)
        tables[palette] |= {"accent": readable(accent, [*grounds, tint], ratio=ratio), "tint": tint}
    return tables


def _read(sandbox: ImmutableSandboxedEnvironment) -> dict[str, Any]:
    try:
        return tomllib.loads(load_text(sandbox, TOKENS))
    except tomllib.TOMLDecodeError as error:
        raise fault((TOKENS, None), f"is not valid TOML: {error}") from None


def _checked(tables: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise fault((TOKENS, None), f"{name} must stand in a table such as [light]")
        for key, value in table.items():
            if not isinstance(value, str) or not _VALUE.fullmatch(value):
                raise fault((TOKENS, None), f"{name}.{key} must be text without @ \\ {{ }} < > ;")
    return {name: dict(table) for name, table in tables.items()}
