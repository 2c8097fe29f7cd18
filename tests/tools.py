"""The check-list's tools of this machine: found as the command finds them, in the checkout and on NODE_PATH."""

from __future__ import annotations

import os

from newsletter.pipeline.checking.tools import find_tools
from tests.conftest import ROOT

TOOLS = find_tools([ROOT, ROOT / ".ci"], os.environ)
