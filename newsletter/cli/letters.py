"""Commands about letters, the mails about somebody's own subscription: what waits, and send what is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.home import existing
from newsletter.cli.output import counted, note, say, say_json, say_table

if TYPE_CHECKING:
    from newsletter.store.letters import Waiting


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("letters")(letters)


def letters(
    context: typer.Context,
    show: Annotated[bool, typer.Option("--list", help="Send nothing, list what waits.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send the letters that are due: to confirm, welcomes, preferences, goodbyes, changes of address.

    They are queued when somebody signs up or changes something. What is refused for now is tried again later, as mails
    of an issue are.
    """
    now = context.obj.now()
    with existing(context) as program:
        fates = {} if show else program.letter_queue().send_due(now)
        waiting = program.store.letters.waiting()
    if as_json:
        told: dict[str, Any] = {"waiting": [_as_json(one) for one in waiting]}
        say_json(told if show else {**{fate.value: number for fate, number in fates.items()}, **told})
        return
    if not show:
        say(", ".join(f"{number} {fate}" for fate, number in fates.items()) or "no letter was due")
    if waiting:
        rows = [(one.letter, one.address, f"{one.due_at:%Y-%m-%d %H:%M}", one.attempts) for one in waiting]
        say_table(("letter", "address", "due (UTC)", "tries"), rows)
    note(f"{counted(len(waiting), 'letter')} waiting")


def _as_json(one: Waiting) -> dict[str, Any]:
    return {
        "letter": one.letter,
        "address": one.address,
        "queued_at": one.queued_at,
        "due_at": one.due_at,
        "tries": one.attempts,
    }
