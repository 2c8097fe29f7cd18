"""The arguments and options that several commands take, in one wording."""

from __future__ import annotations

from typing import Annotated

import typer

Period = Annotated[str, typer.Argument(metavar="PERIOD", help="A day 2026-07-14, a week 2026-W29 or a month 2026-07.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
