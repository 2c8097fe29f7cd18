"""The guide to the settings names every setting that there is."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from newsletter.resources import resource

DEFAULTS: dict[str, Any] = tomllib.loads(resource("config", "default.toml").read_text("utf-8"))


def names(table: dict[str, Any], heading: str = "") -> list[tuple[str, str]]:
    """Return each setting with the heading it stands under."""
    found = []
    for name, value in table.items():
        path = f"{heading}.{name}".lstrip(".")
        found += [*names(value, path), (path, "")] if isinstance(value, dict) else [(heading, name)]
    return found


@pytest.mark.parametrize(("heading", "name"), names(DEFAULTS))
def test_the_guide_explains_it(heading: str, name: str) -> None:
    guide = resource("config", "README.md").read_text("utf-8")

    _, found, rest = guide.partition(f"`[{heading}]`")

    assert found
    assert f"`{name}`" in rest or not name
