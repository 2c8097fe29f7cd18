"""The design tokens: colours, type scale and spacing of every mail, from one file, `email/tokens.toml`.

A table of the file is a name in a `<style>` of a template, for example `{{ light.ink }}`. What a token of the shipped
file is (a colour, a length, a list of fonts), the operator's token of the same name must be, too; the shipped tables
take no others, so that a slip of the pen is told, and tokens of the operator's own stand in tables of their own. The
site's accent is added to `light` and `dark`, each time in a shade that can be read on that table's backgrounds, and as
`tint`, a ground of its own: the sheet with a little of the accent in it. Nothing else is computed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newsletter.render.colour import AA, mixed, readable
from newsletter.render.environment import fault, load_text
from newsletter.resources import resource

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from newsletter.errors import TemplateError

TOKENS = "email/tokens.toml"
# Coloured small text tires the eye sooner on black than on white: more than AA there.
_PALETTES = {"light": AA, "dark": 6.5}
_TINT = 0.1  # of the accent in the sheet's colour
_GROUNDS = ("page", "sheet")
_COMPUTED = frozenset({"accent", "tint"})
# A value stands inside a CSS declaration: nothing that could end it, open a tag or name a resource.
_VALUE = re.compile(r"[^@\\{}<>;\x00-\x1f]{1,200}")
_FONT = r"""'[^'"]+'|"[^'"]+"|-?[A-Za-z_][\w-]*(?: [A-Za-z_][\w-]*)*"""

Tokens = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a token may be: `shown` says how it is written."""

    shape: re.Pattern[str]
    shown: str


# Mail clients read colours in this form everywhere (Outlook for Windows knows neither rgb() nor all names).
_COLOUR = _Kind(re.compile("#[0-9a-fA-F]{6}"), "a colour, written #rrggbb")
_LENGTH = _Kind(re.compile(r"0|\d{1,4}(?:\.\d{1,3})?(?:px|pt|em|rem|%)"), "a length such as 16px")
_FONTS = _Kind(re.compile(rf"(?:{_FONT})(?:, ?(?:{_FONT}))*"), "names of fonts with commas between them")


def load_tokens(sandbox: ImmutableSandboxedEnvironment, accent: str) -> Tokens:
    """Read the tokens and add `accent` (`#rrggbb`) and its `tint` to both palettes.

    Raises:
        TemplateError: the file is missing, no TOML, or has a value that is no token.
    """
    tables = _checked(_parsed(load_text(sandbox, TOKENS)))
    for palette, ratio in _PALETTES.items():
        for ground in _GROUNDS:
            if ground not in tables.get(palette, {}):
                raise _fault(palette, ground, f"must be {_COLOUR.shown}; it is missing")
        grounds = [tables[palette][ground] for ground in _GROUNDS]
        tint = mixed(tables[palette]["sheet"], readable(accent, grounds, ratio=ratio), _TINT)
        tables[palette] |= {"accent": readable(accent, [*grounds, tint], ratio=ratio), "tint": tint}
    return tables


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise fault((TOKENS, None), f"is not valid TOML: {error}") from None


def _checked(tables: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    shipped = _parsed(resource("templates", *TOKENS.split("/")).read_text("utf-8"))
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise fault((TOKENS, None), f"{name} must stand in a table such as [light]")
        for key, value in table.items():
            if not isinstance(value, str) or not _VALUE.fullmatch(value):
                raise _fault(name, key, "must be text without @ \\ { } < > ; on one line")
            if name in shipped:
                _check_kind(name, key, value, shipped[name])
    return {name: dict(table) for name, table in tables.items()}


def _check_kind(name: str, key: str, value: str, shipped: Mapping[str, str]) -> None:
    if name in _PALETTES and key in _COMPUTED:
        raise _fault(name, key, "is made from [site] accent; set that one in the settings")
    if key not in shipped:
        raise _fault(name, key, "is no token; mend its name, or put it into a table of your own, such as [own]")
    kind = next(kind for kind in (_COLOUR, _LENGTH, _FONTS) if kind.shape.fullmatch(shipped[key]))
    if not kind.shape.fullmatch(value):
        raise _fault(name, key, f"must be {kind.shown}, and is {value!r}")


def _fault(table: str, key: str, reason: str) -> TemplateError:
    return fault((TOKENS, None), f"{table}.{key} {reason}")
