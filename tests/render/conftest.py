"""One renderer for the tests that change no template."""

from __future__ import annotations

import pytest

from newsletter.render.digest import DigestRenderer
from tests.render.digests import SITE


@pytest.fixture(scope="session")
def renderer() -> DigestRenderer:
    return DigestRenderer(SITE)
