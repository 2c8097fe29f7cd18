"""Fixtures every room shares: the recorded input, and what a machine may lack.

On a user's machine a missing service or folder skips its tests with a visible reason; with NEWSLETTER_REQUIRE=all
(continuous integration) it fails them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
# No test rests on timing: a machine that is busy with something else must not fail one.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def require(what: str, reason: str) -> NoReturn:
    """Skip the running test because `what` is missing, or fail it where everything is required."""
    message = f"{what} is missing: {reason}"
    if os.environ.get("NEWSLETTER_REQUIRE") == "all":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of recorded input, `$NEWSLETTER_TEST_DATA` or `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("NEWSLETTER_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        require("the recorded input", f"no folder {folder.name}; set NEWSLETTER_TEST_DATA")
    return folder
