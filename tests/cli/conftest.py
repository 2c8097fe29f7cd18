"""The home that commands work on."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.command import Newsletter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
from tests.cli.sample import PAPERS


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def newsletter(home: Path, tmp_path: Path) -> Newsletter:
    command = Newsletter(home)
    command.well("init")
    papers = tmp_path / "papers.jsonl"
    papers.write_text("\n".join(json.dumps(paper) for paper in PAPERS), "utf-8")
    command.well("import", str(papers))
    return command
