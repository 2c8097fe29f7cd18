"""The Nu Html Checker (vnu, a Java program) over many HTML documents in one run. It reads no network."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.errors import RenderError
from newsletter.render.checklist.evidence import Complaint, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.pipeline.checking.tools import Tools

_TIMEOUT = 300  # seconds; a run over fifty mails takes some ten


def complaints(htmls: Sequence[str], tools: Tools) -> tuple[tuple[Complaint, ...], ...] | Missing:
    """Return what the checker says of each document, in order, or why it cannot be asked.

    Raises:
        RenderError: the checker failed.
    """
    for tool in (tools.validator, tools.java):
        if isinstance(tool, Missing):
            return tool
    with TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.html") for number in range(len(htmls))]
        for file, html in zip(files, htmls, strict=True):
            file.write_text(html, "utf-8", errors="replace", newline="")
        said = _run([str(tools.java), "-jar", str(tools.validator), "--format", "json", *map(str, files)])
    found: dict[str, list[Complaint]] = {file.name: [] for file in files}
    for message in said:
        name = Path(urlsplit(message.get("url", "")).path).name
        line = message.get("lastLine", 0)
        found.setdefault(name, []).append(Complaint(line=line, message=message["message"]))
    if unknown := found.keys() - {file.name for file in files}:
        raise RenderError(f"the HTML checker failed: {found[unknown.pop()][0].message}")
    return tuple(tuple(found[file.name]) for file in files)


def _run(command: Sequence[str]) -> list[dict[str, Any]]:
    """Return the messages that one run prints; it exits with 1 where there are errors among them."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)  # noqa: S603 - found on PATH, no shell
        found: list[dict[str, Any]] = json.loads(done.stderr)["messages"]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RenderError(f"the HTML checker cannot be run: {error}; check your Java") from None
    except (ValueError, KeyError):
        said = " ".join(done.stderr.split())[:200]
        raise RenderError(f"the HTML checker failed: {said}; install vnu-jar again") from None
    return found
