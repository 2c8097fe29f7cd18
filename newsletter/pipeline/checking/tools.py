"""Where the programs of the check-list's browser part are: Chromium, axe-core, Java and the Nu Html Checker.

Nothing is installed or fetched. axe-core and vnu-jar are packages of npm: `npm install axe-core vnu-jar` in the home,
in the current folder, or anywhere that NODE_PATH names (Node's own variable for folders of packages).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.render.checklist.evidence import Missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_PACKAGES = ("playwright", "PIL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Each tool's file, or why there is none. `java` runs `validator`."""

    chromium: Path | Missing
    axe: Path | Missing
    java: Path | Missing
    validator: Path | Missing


def find_tools(folders: Sequence[Path], environ: Mapping[str, str]) -> Tools:
    """Look for the tools: programs on the PATH, npm's packages in `node_modules` of `folders` and on NODE_PATH."""
    on_path = [Path(folder) for folder in environ.get("NODE_PATH", "").split(os.pathsep) if folder]
    packages = [*(folder / "node_modules" for folder in folders), *on_path]
    return Tools(
        chromium=_chromium(environ),
        axe=_package(packages, "axe-core/axe.min.js"),
        java=_program(("java",), environ, "no Java: install it (Debian: default-jre-headless)"),
        validator=_package(packages, "vnu-jar/build/dist/vnu.jar"),
    )


def _chromium(environ: Mapping[str, str]) -> Path | Missing:
    if any(find_spec(name) is None for name in _PACKAGES):
        return Missing(reason="no playwright or Pillow: pip install 'newsletter[check]'")
    return _program(_CHROMIUM, environ, "no Chromium: install it (Debian: chromium)")


def _program(names: Sequence[str], environ: Mapping[str, str], reason: str) -> Path | Missing:
    found = next(filter(None, (shutil.which(name, path=environ.get("PATH", "")) for name in names)), None)
    return Path(found) if found else Missing(reason=reason)


def _package(packages: Sequence[Path], file: str) -> Path | Missing:
    found = next((path for folder in packages if (path := folder / file).is_file()), None)
    name = file.partition("/")[0]
    return found or Missing(reason=f"no {name}: npm install {name}, in the home or the current folder")
