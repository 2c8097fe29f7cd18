"""Commands about all that is held of one person: hand it over, or delete it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.files import write_text
from newsletter.cli.home import existing
from newsletter.cli.output import json_of, say
from newsletter.cli.subscribers import Address, known_as

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("export-one")(export_one)
    app.command("forget")(forget)


def export_one(
    context: typer.Context,
    address: Address,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write.", show_default="standard output"),
    ] = None,
) -> None:
    """Export all that is held of one subscriber, as JSON: wishes, history, issues, bounces, saved papers."""
    from newsletter.pipeline.subscribing.holding import export  # noqa: PLC0415 - keeps --help quick

    with existing(context) as program:
        held: Mapping[str, Any] = export(program.desk, known_as(program.store, address).id)
    write_text(json_of(held) + "\n", output)


def forget(context: typer.Context, address: Address) -> None:
    """Delete all that is held of one subscriber, for good.

    A keyed hash of the address stays, so that no list brings it back; issues keep their totals. Mails that were written
    into a folder stay there, and so does a backup.
    """
    from newsletter.pipeline.subscribing.holding import forget as run  # noqa: PLC0415 - keeps --help quick

    with existing(context) as program:
        known_as(program.store, address)
        run(program.desk, address, now=context.obj.now())
    say("forgotten; nothing but a hash of the address is left")
