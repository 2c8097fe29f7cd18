"""Commands about subscribers: add, list, import, export, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.files import read_text, write_text
from newsletter.cli.home import existing, made, opened
from newsletter.cli.output import counted, note, say, say_json, say_table
from newsletter.errors import UsageError
from newsletter.model import Subscriber, SubscriberStatus

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.store import AddOutcome, Store

app = typer.Typer(help="Manage who gets a digest, and what is in it.", no_args_is_help=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Confirmed = Annotated[bool, typer.Option("--confirmed", help="They have agreed to be mailed; else they are pending.")]
Status = Annotated[
    SubscriberStatus | None,
    typer.Option(metavar="STATUS", help="Only those: pending, confirmed, unsubscribed, bounced or complained."),
]


@app.command("add")
def add(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="E-mail address.")],
    topic: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A topic by its name; may be repeated.")
    ] = None,
    interest: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="An interest in free words; may be repeated.")
    ] = None,
    cadence: Annotated[
        str, typer.Option(metavar="CADENCE", help="daily, weekdays, weekly or monthly.", show_default="as set")
    ] = "",
    time_zone: Annotated[
        str, typer.Option(metavar="ZONE", help="IANA name, for example Europe/Berlin.", show_default="as set")
    ] = "",
    hour: Annotated[str, typer.Option(metavar="0-23", help="Local hour of the mail.", show_default="as set")] = "",
    size: Annotated[str, typer.Option(metavar="1-100", help="Papers in a digest.", show_default="as set")] = "",
    confirmed: Confirmed = False,
) -> None:
    """Add one subscriber.

    With --confirmed, one who is pending or has left is taken (back) in.
    """
    from newsletter.pipeline.audience import cell_of, subscriber_from  # noqa: PLC0415 - keeps --help quick

    values = {
        "address": address,
        "topics": cell_of(topic or []),
        "interests": cell_of(interest or []),
        "cadence": cadence,
        "time zone": time_zone,
        "hour": hour,
        "size": size,
    }
    now = context.obj.now()
    with opened(context) as program:
        wanted = subscriber_from(values, program.defaults(confirmed=confirmed))
        with made(program):
            outcome = program.store.subscribers.add([wanted], now=now)
        if outcome.added:
            say(f"{wanted.address} added, {wanted.status}")
            return
        _already_there(program.store, wanted, confirmed=confirmed, now=now)


@app.command("list")
def list_subscribers(context: typer.Context, status: Status = None, as_json: AsJson = False) -> None:
    """List the subscribers."""
    with existing(context) as program:
        found = list(program.store.subscribers.all(statuses=(status,) if status else None))
    if as_json:
        say_json([_as_json(one) for one in found])
        return
    rows = (
        (one.address, one.status, one.cadence, one.timezone, "; ".join((*one.profile.topics, *one.profile.interests)))
        for one in found
    )
    say_table(("address", "status", "cadence", "time zone", "topics and interests"), rows)
    note(counted(len(found), "subscriber"))


@app.command("import")
def import_csv(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header: address, topics, interests, cadence, time zone.")],
    confirmed: Confirmed = False,
) -> None:
    """Import subscribers from a CSV file.

    Its header names the columns: address, and if wanted topics, interests, cadence, time zone, hour, size, status.
    Several values in a cell are parted by a semicolon. Broken rows are named and left out. Whoever left, bounced or
    complained by its status gets no mail, also when here already; nobody who left comes back by a file.
    """
    from newsletter.pipeline.audience import read_csv  # noqa: PLC0415 - keeps --help quick

    now = context.obj.now()
    text = read_text(file)
    with opened(context) as program:
        sheet = read_csv(text, where=str(file), defaults=program.defaults(confirmed=confirmed))
        for problem in sheet.problems:
            note(f"left out: {problem}")
        if not sheet.subscribers:
            raise UsageError(f"{file}: no row could be imported")
        with made(program):
            outcome = program.store.subscribers.add(sheet.subscribers, now=now, settle_known=True)
    _tell_import(outcome, left_out=len(sheet.problems))


@app.command("export")
def export(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write.", show_default="standard output"),
    ] = None,
    status: Status = None,
) -> None:
    """Export the subscribers as a CSV file."""
    from newsletter.pipeline.audience import write_csv  # noqa: PLC0415 - keeps --help quick

    with existing(context) as program:
        text = write_csv(program.store.subscribers.all(statuses=(status,) if status else None))
    write_text(text, output)


@app.command("remove")
def remove(context: typer.Context, address: Annotated[str, typer.Argument(help="E-mail address.")]) -> None:
    """Unsubscribe somebody.

    The address is kept, so that no later import brings it back.
    """
    with existing(context) as program:
        done = program.store.subscribers.set_status(
            address.strip(), SubscriberStatus.UNSUBSCRIBED, now=context.obj.now()
        )
    if done is None:
        raise UsageError(f"there is no subscriber {address}; list them with: newsletter subscribers list")
    say(f"{done.address} unsubscribed; no further mail goes there")


def _already_there(store: Store, wanted: Subscriber, *, confirmed: bool, now: datetime) -> None:
    known = store.subscribers.find(wanted.address)
    if known is None or not confirmed or known.status is SubscriberStatus.CONFIRMED:
        state = known.status if known else "there"
        raise UsageError(f"{wanted.address} is already {state}; nothing was changed")
    store.subscribers.set_status(wanted.address, SubscriberStatus.CONFIRMED, now=now)
    say(f"{wanted.address} was {known.status} and is now confirmed; topics and times stay as they were")


def _tell_import(outcome: AddOutcome, *, left_out: int) -> None:
    stopped = f"{len(outcome.stopped)} taken out, " if outcome.stopped else ""
    say(
        f"{len(outcome.added)} added, {len(outcome.confirmed)} confirmed, {stopped}{len(outcome.known)} already there "
        f"and left as they were, {left_out} left out"
    )


def _as_json(one: Subscriber) -> dict[str, Any]:
    return {
        "address": one.address,
        "status": one.status,
        "topics": one.profile.topics,
        "interests": one.profile.interests,
        "cadence": one.cadence,
        "hour": one.hour,
        "time_zone": one.timezone,
        "size": one.size,
        "created_at": one.created_at,
    }
