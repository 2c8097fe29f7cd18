"""Design tokens: each is of its kind, a slip of the pen is told, and an operator may have tokens of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.errors import TemplateError
from newsletter.render import tokens
from newsletter.render.digest import DigestRenderer
from newsletter.render.environment import environment, template_loader
from newsletter.render.tokens import load_tokens
from newsletter.resources import resource
from tests.render.digests import SITE

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.render.tokens import Tokens

SHIPPED = resource("templates", "email", "tokens.toml").read_text("utf-8")


def own(folder: Path, old: str, new: str) -> None:
    assert old in SHIPPED
    (folder / "email").mkdir()
    (folder / "email" / "tokens.toml").write_text(SHIPPED.replace(old, new, 1), "utf-8")


def loaded(folder: Path) -> Tokens:
    return load_tokens(environment(template_loader([folder, resource("templates")]), html=True), SITE.accent)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('ink = "#17191c"', 'ink = "#17191"', "light.ink must be a colour, written #rrggbb, and is '#17191'"),
        ('ink = "#17191c"', 'ink = "blueish"', "light.ink must be a colour"),
        ('ink = "#17191c"', "ink = 17", "light.ink must be text"),
        ('ink = "#17191c"', 'ink = ["#17191c"]', "light.ink must be text"),
        ('ink = "#17191c"', 'ink = ""', "light.ink must be text"),
        ('ink = "#17191c"', 'ink = """#17191c\n"""', "light.ink must be text"),
        ('mute = "#9ba1a7"', 'mute = "40px"', "dark.mute must be a colour"),
        ('page = "#f3f1ec"', "", "light.page must be a colour, written #rrggbb; it is missing"),
        ('side = "40px"', 'side = "40"', "space.side must be a length such as 16px, and is '40'"),
        ('side = "40px"', 'side = "forty"', "space.side must be a length"),
        ('text = "15px"', 'text = "#123456"', "type.text must be a length"),
        ('text = "15px"', 'text = "-15px"', "type.text must be a length"),
        ('serif = "Georgia, serif"', 'serif = "Georgia, \'serif"', "type.serif must be names of fonts"),
        ('serif = "Georgia, serif"', 'serif = "Georgia,, serif"', "type.serif must be names of fonts"),
        ('ink = "#17191c"', 'ink = "#17191c"\ninc = "#17191c"', "light.inc is no token; mend its name"),
        ('ink = "#17191c"', 'ink = "#17191c"\naccent = "#ff0000"', "light.accent is made from [site] accent"),
        ('side = "40px"', 'side = "40px"\nsied = "40px"', "space.sied is no token"),
    ],
)
def test_a_token_that_is_none_is_refused_with_file_key_and_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    own(tmp_path, old, new)
    with pytest.raises(TemplateError, match=r"^template email/tokens\.toml: ") as caught:
        DigestRenderer(SITE, template_folders=[tmp_path])
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('ink = "#17191c"', 'ink = "#ABCdef"'),
        ('side = "40px"', 'side = "2.5em"'),
        ('side = "40px"', 'side = "0"'),
        ('serif = "Georgia, serif"', "serif = \"'Source Serif 4',Georgia, Times New Roman, serif\""),
        ("[space]", '[own]\nhero = "url"\nwide = "12 columns"\n\n[space]'),
    ],
)
def test_what_is_of_its_kind_is_taken(tmp_path: Path, old: str, new: str) -> None:
    own(tmp_path, old, new)
    assert loaded(tmp_path)
    assert DigestRenderer(SITE, template_folders=[tmp_path])


def test_every_shipped_token_is_of_one_kind_alone(tmp_path: Path) -> None:
    kinds = (tokens._COLOUR, tokens._LENGTH, tokens._FONTS)
    computed = {"accent", "tint"}
    for name, table in loaded(tmp_path).items():
        for key, value in table.items():
            assert key in computed or sum(bool(kind.shape.fullmatch(value)) for kind in kinds) == 1, f"{name}.{key}"
