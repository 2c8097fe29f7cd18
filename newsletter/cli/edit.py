"""The command edit: an editor's subject, note, pins and hides of an issue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import Period
from newsletter.cli.files import read_text
from newsletter.cli.home import existing
from newsletter.cli.output import counted, note, say
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from newsletter.model import Issue

_STANDARD_INPUT = "-"
_SHOWN = 60  # characters of a subject


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("edit")(edit)


def edit(
    context: typer.Context,
    period: Period,
    subject: Annotated[
        str | None, typer.Option(metavar="TEXT", help='The subject of every mail; "" gives each reader their own.')
    ] = None,
    note_file: Annotated[
        str | None, typer.Option("--note", metavar="FILE|-", help="Markdown above the papers; - reads standard input.")
    ] = None,
    no_note: Annotated[bool, typer.Option("--no-note", help="Take the note away.")] = False,
    pin: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A paper that comes first for everybody; may be repeated.")
    ] = None,
    unpin: Annotated[list[str] | None, typer.Option(metavar="ID", help="Pin it no more.")] = None,
    hide: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A paper that comes for nobody; may be repeated.")
    ] = None,
    unhide: Annotated[list[str] | None, typer.Option(metavar="ID", help="Hide it no more.")] = None,
) -> None:
    """Change the subject, the note, the pins and the hides of a draft; say what stands there.

    A change voids the approval. Pins come in the order in which they were named. A paper that is pinned is hidden no
    more, and the other way round.
    """
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.editing import Edit  # noqa: PLC0415 - same
    from newsletter.pipeline.editing import edit as run  # noqa: PLC0415 - same

    if note_file is not None and no_note:
        raise UsageError("--note writes a note and --no-note takes it away; give one or the other")
    change = Edit(
        subject=subject,
        note="" if no_note else None if note_file is None else _text(note_file),
        pin=tuple(pin or ()),
        unpin=tuple(unpin or ()),
        hide=tuple(hide or ()),
        unhide=tuple(unhide or ()),
    )
    with existing(context) as app:
        if change == Edit():
            say(f"issue {period}: {_standing(issue_of(app.store, period))}")
            return
        done = run(app.store, period, change, now=context.obj.now())
    say(f"issue {done.issue.period} {'changed' if done.changed else 'was so already'}: {_standing(done.issue)}")
    if done.approval_voided:
        again = f"newsletter approve {done.issue.period}"
        note(f"the approval is void, since the content changed; look at it and approve again: {again}")


def _text(name: str) -> str:
    if name != _STANDARD_INPUT:
        return read_text(Path(name))
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input is not UTF-8 (byte {error.start}); write the note as UTF-8") from None


def _standing(issue: Issue) -> str:
    subject = issue.subject if len(issue.subject) <= _SHOWN else f"{issue.subject[: _SHOWN - 1]}…"
    parts = (
        f'subject "{subject}"' if subject else "each reader's own subject",
        f"a note of {counted(len(issue.note), 'character')}" if issue.note else "no note",
        f"pinned {', '.join(issue.pins)}" if issue.pins else "nothing pinned",
        f"hidden {', '.join(issue.hides)}" if issue.hides else "nothing hidden",
    )
    return "; ".join(parts)
