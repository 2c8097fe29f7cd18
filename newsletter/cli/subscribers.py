"""Commands about subscribers: add, edit, list, import, export, remove. What they like is in `tastes`."""

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

    from newsletter.model import Profile
    from newsletter.store import AddOutcome, Store

app = typer.Typer(help="Manage who gets a digest, and what is in it.", no_args_is_help=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Confirmed = Annotated[bool, typer.Option("--confirmed", help="They have agreed to be mailed; else they are pending.")]
Status = Annotated[
    SubscriberStatus | None,
    typer.Option(metavar="STATUS", help="Only those: pending, confirmed, unsubscribed, bounced or complained."),
]


Topics = Annotated[list[str] | None, typer.Option("--topic", metavar="NAME", help="A topic; may be repeated.")]
Interests = Annotated[
    list[str] | None, typer.Option("--interest", metavar="TEXT", help="An interest in free words; may be repeated.")
]
Rhythm = Annotated[str, typer.Option("--cadence", metavar="CADENCE", help="daily, weekdays, weekly or monthly.")]
Zone = Annotated[str, typer.Option("--time-zone", metavar="ZONE", help="IANA name, for example Europe/Berlin.")]
Hour = Annotated[str, typer.Option("--hour", metavar="0-23", help="Local hour for scheduled mails.")]
Size = Annotated[str, typer.Option("--size", metavar="1-100", help="Papers in a digest.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="E-mail address.")]


@app.command("add")
def add(
    context: typer.Context,
    address: Address,
    topic: Topics = None,
    interest: Interests = None,
    cadence: Rhythm = "",
    time_zone: Zone = "",
    hour: Hour = "",
    size: Size = "",
    confirmed: Confirmed = False,
) -> None:
    """Add one subscriber.

    What is not named is as [subscribers] in your settings says. With --confirmed, one who is pending or has left is
    taken (back) in; `edit` changes what somebody wants.
    """
    from newsletter.pipeline.audience import subscriber_from  # noqa: PLC0415 - keeps --help quick

    values = _values(topic, interest, cadence=cadence, time_zone=time_zone, hour=hour, size=size)
    now = context.obj.now()
    with opened(context) as program:
        wanted = subscriber_from({"address": address} | values, program.defaults(confirmed=confirmed))
        with made(program):
            outcome = program.store.subscribers.add([wanted], now=now)
        if outcome.added:
            say(f"{wanted.address} added, {wanted.status}")
            return
        _already_there(program.store, wanted, confirmed=confirmed, wishes=bool(values), now=now)


@app.command("edit")
def edit(
    context: typer.Context,
    address: Address,
    topic: Topics = None,
    interest: Interests = None,
    cadence: Rhythm = "",
    time_zone: Zone = "",
    hour: Hour = "",
    size: Size = "",
    no_topics: Annotated[bool, typer.Option("--no-topics", help="Take all topics away.")] = False,
    no_interests: Annotated[bool, typer.Option("--no-interests", help="Take all interests away.")] = False,
) -> None:
    """Change what one subscriber wants.

    What is named replaces what was there: all topics by the --topic options, all interests by the --interest options.
    What is not named stays.
    """
    from newsletter.pipeline.audience import edited  # noqa: PLC0415 - keeps --help quick

    values = _values(topic, interest, cadence=cadence, time_zone=time_zone, hour=hour, size=size)
    values |= {name: "" for name, gone in (("topics", no_topics), ("interests", no_interests)) if gone}
    if not values:
        raise UsageError("nothing to change; name what shall be different, for example --topic agents")
    with existing(context) as program:
        names = [one.name for one in program.config.topics]
        changed = program.store.subscribers.change(
            address, lambda known: edited(known, values, topics=names), now=context.obj.now()
        )
    if changed is None:
        raise nobody(address)
    say(f"{changed.address} changed: {', '.join(values)}")


@app.command("list")
def list_subscribers(context: typer.Context, status: Status = None, as_json: AsJson = False) -> None:
    """List the subscribers."""
    with existing(context) as program:
        found = list(program.store.subscribers.all(statuses=(status,) if status else None))
    if as_json:
        say_json([_as_json(one) for one in found])
        return
    rows = ((one.address, one.status, one.cadence, one.timezone, _wishes(one.profile)) for one in found)
    say_table(("address", "status", "cadence", "time zone", "topics and interests"), rows)
    note(counted(len(found), "subscriber"))


@app.command("import")
def import_csv(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header: address, topics, interests, cadence, time zone.")],
    confirmed: Confirmed = False,
) -> None:
    """Import subscribers from a CSV file.

    Its header names the columns: address, and if wanted topics, interests, cadence, time zone, hour, size, status,
    liked, disliked. Several values in a cell are parted by a semicolon, ids of papers by a space. Broken rows are named
    and left out. Whoever left, bounced or complained by its status gets no mail, also when here already; nobody who
    left comes back by a file.
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
def remove(context: typer.Context, address: Address) -> None:
    """Unsubscribe somebody.

    The address is kept, so that no later import brings it back.
    """
    with existing(context) as program:
        done = program.store.subscribers.set_status(
            address.strip(), SubscriberStatus.UNSUBSCRIBED, now=context.obj.now()
        )
    if done is None:
        raise nobody(address)
    say(f"{done.address} unsubscribed; no further mail goes there")


def _values(
    topic: list[str] | None, interest: list[str] | None, *, cadence: str, time_zone: str, hour: str, size: str
) -> dict[str, str]:
    """Return the options that were given, by the names of the CSV's columns."""
    from newsletter.pipeline.audience import cell_of  # noqa: PLC0415 - keeps --help quick

    given = {
        "topics": cell_of(topic or []),
        "interests": cell_of(interest or []),
        "cadence": cadence,
        "time zone": time_zone,
        "hour": hour,
        "size": size,
    }
    return {name: value for name, value in given.items() if value}


def known_as(store: Store, address: str) -> Subscriber:
    """Return the subscriber with this address.

    Raises:
        UsageError: there is none.
    """
    found = store.subscribers.find(address)
    if found is None:
        raise nobody(address)
    return found


def nobody(address: str) -> UsageError:
    """Return the error that says that nobody has this address."""
    return UsageError(f"there is no subscriber {address}; list them with: newsletter subscribers list")


def _already_there(store: Store, wanted: Subscriber, *, confirmed: bool, wishes: bool, now: datetime) -> None:
    known = known_as(store, wanted.address)
    if wishes or not confirmed or known.status is SubscriberStatus.CONFIRMED:
        change = f"; change what they want with: newsletter subscribers edit {known.address}" if wishes else ""
        raise UsageError(f"{known.address} is already {known.status}; nothing was changed{change}")
    store.subscribers.set_status(wanted.address, SubscriberStatus.CONFIRMED, now=now)
    say(f"{wanted.address} was {known.status} and is now confirmed; topics and times stay as they were")


def _tell_import(outcome: AddOutcome, *, left_out: int) -> None:
    stopped = f"{len(outcome.stopped)} taken out, " if outcome.stopped else ""
    say(
        f"{len(outcome.added)} added, {len(outcome.confirmed)} of those waiting confirmed, {stopped}"
        f"{len(outcome.known)} already there and left as they were, {left_out} left out"
    )


def _wishes(profile: Profile) -> str:
    tastes = [f"{len(held)} {name}" for name in ("liked", "disliked") if (held := getattr(profile, name))]
    return "; ".join((*profile.topics, *profile.interests, *([f"({', '.join(tastes)})"] if tastes else [])))


def _as_json(one: Subscriber) -> dict[str, Any]:
    return {
        "address": one.address,
        "status": one.status,
        "topics": one.profile.topics,
        "interests": one.profile.interests,
        "liked": one.profile.liked,
        "disliked": one.profile.disliked,
        "cadence": one.cadence,
        "hour": one.hour,
        "time_zone": one.timezone,
        "size": one.size,
        "created_at": one.created_at,
    }
