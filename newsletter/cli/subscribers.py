"""Commands about subscribers: add, edit, list, import, export, remove. What they like is in `tastes`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.files import read_text, write_text
from newsletter.cli.home import existing, made, opened
from newsletter.cli.output import counted, note, say, say_json, say_table
from newsletter.errors import UsageError
from newsletter.life import Happening, Leaving
from newsletter.model import Subscriber, SubscriberStatus
from newsletter.pauses import local_day
from newsletter.period import parse_day

if TYPE_CHECKING:
    from datetime import date, datetime

    from newsletter.app import App
    from newsletter.life import Event
    from newsletter.model import Profile
    from newsletter.store import AddOutcome, Store

app = typer.Typer(help="Manage who gets a digest, and what is in it.", no_args_is_help=True, rich_markup_mode=None)
_TOLD = 20  # remarks on rows of a file that are printed
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
Authors = Annotated[
    list[str] | None, typer.Option("--author", metavar="NAME", help="An author to follow; may be repeated.")
]
Organisations = Annotated[
    list[str] | None,
    typer.Option("--organisation", metavar="NAME", help="An organisation to follow; may be repeated."),
]
Mutes = Annotated[
    list[str] | None, typer.Option("--mute", metavar="WORDS", help="Words that keep a paper out; may be repeated.")
]
Rhythm = Annotated[str, typer.Option("--cadence", metavar="CADENCE", help="daily, weekdays, weekly or monthly.")]
Zone = Annotated[str, typer.Option("--time-zone", metavar="ZONE", help="IANA name, for example Europe/Berlin.")]
Hour = Annotated[str, typer.Option("--hour", metavar="0-23", help="Local hour for scheduled mails.")]
Size = Annotated[str, typer.Option("--size", metavar="1-100", help="Papers in a digest.")]
Weekday = Annotated[str, typer.Option(metavar="DAY", help="The day of a weekly digest, for example friday.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="With --confirmed: how they agreed to be mailed.")]
ConsentDay = Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="With --confirmed: when they agreed.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="E-mail address.")]


@app.command("add")
def add(
    context: typer.Context,
    address: Address,
    topic: Topics = None,
    interest: Interests = None,
    author: Authors = None,
    organisation: Organisations = None,
    mute: Mutes = None,
    cadence: Rhythm = "",
    time_zone: Zone = "",
    hour: Hour = "",
    size: Size = "",
    weekday: Weekday = "",
    confirmed: Confirmed = False,
    consent_reason: Reason = "",
    consent_date: ConsentDay = "",
) -> None:
    """Add one subscriber.

    What is not named is as [subscribers] in your settings says. With --confirmed, one who is pending or has left is
    taken (back) in, and why and when they agreed is kept in their history; `edit` changes what somebody wants.
    """
    from newsletter.pipeline.audience import subscriber_from  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.consent import ADDED_BY_OPERATOR, consent  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.suppression import suppressed  # noqa: PLC0415 - same

    words = _words(topics=topic, interests=interest, authors=author, organisations=organisation, muted=mute)
    values = words | _given(
        {"cadence": cadence, "weekday": weekday, "time zone": time_zone, "hour": hour, "size": size}
    )
    now = context.obj.now()
    event = consent(
        Happening.ADDED,
        confirmed=confirmed,
        reason=consent_reason or ADDED_BY_OPERATOR,
        day=consent_date or now.date().isoformat(),
        now=now,
    )
    with opened(context) as program:
        wanted = subscriber_from({"address": address} | values, program.defaults(confirmed=confirmed))
        if program.exists and program.suppressions.holds([wanted.address]):
            raise suppressed(wanted.address)
        with made(program):
            outcome = program.store.subscribers.add([wanted], now=now, event=event)
        if outcome.added:
            _remark(wanted.profile)
            say(f"{wanted.address} added, {wanted.status}")
            return
        _already_there(program.store, wanted, event, confirmed=confirmed, wishes=bool(values), now=now)


@app.command("edit")
def edit(
    context: typer.Context,
    address: Address,
    topic: Topics = None,
    interest: Interests = None,
    author: Authors = None,
    organisation: Organisations = None,
    mute: Mutes = None,
    cadence: Rhythm = "",
    time_zone: Zone = "",
    hour: Hour = "",
    size: Size = "",
    no_topics: Annotated[bool, typer.Option("--no-topics", help="Take all topics away.")] = False,
    no_interests: Annotated[bool, typer.Option("--no-interests", help="Take all interests away.")] = False,
    no_authors: Annotated[bool, typer.Option("--no-authors", help="Follow no author.")] = False,
    no_organisations: Annotated[bool, typer.Option("--no-organisations", help="Follow no organisation.")] = False,
    no_mutes: Annotated[bool, typer.Option("--no-mutes", help="Mute nothing.")] = False,
    weekday: Weekday = "",
    pause_until: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="No mail before this day, in the subscriber's time zone.")
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="End the pause.")] = False,
) -> None:
    """Change what one subscriber wants.

    What is named replaces what was there: all topics by the --topic options, all interests by the --interest options,
    and so on. What is not named stays.
    """
    words = _words(topics=topic, interests=interest, authors=author, organisations=organisation, muted=mute)
    values = words | _given(
        {"cadence": cadence, "weekday": weekday, "time zone": time_zone, "hour": hour, "size": size}
    )
    gone = {"topics": no_topics, "interests": no_interests, "authors": no_authors}
    gone |= {"organisations": no_organisations, "muted": no_mutes}
    if both := [name for name, is_gone in gone.items() if is_gone and name in values]:
        raise UsageError(f"{both[0]} are both named and taken away; do one or the other")
    if pause_until and resume:
        raise UsageError("--pause-until and --resume cannot both be; do one or the other")
    values |= {name: "" for name, is_gone in gone.items() if is_gone}
    if not (values or pause_until or resume):
        raise UsageError("nothing to change; name what shall be different, for example --topic agents")
    until = parse_day(pause_until) if pause_until else None
    with existing(context) as program:
        changed = _edited(program, address, values, until, resume=resume, now=context.obj.now())
    _remark(changed.profile)
    named = [*values, *(["pause"] if until or resume else [])]
    say(f"{changed.address} changed: {', '.join(named)}")


def _edited(
    program: App, address: str, values: dict[str, str], until: date | None, *, resume: bool, now: datetime
) -> Subscriber:
    from newsletter.pipeline.subscribing import choosing  # noqa: PLC0415 - keeps --help quick

    changed = known_as(program.store, address)
    if until:
        choosing.check_pause(until, local_day(values.get("time zone", changed.timezone), now))
    if values:
        changed = choosing.change(program.desk, changed.id, values, now=now)
    if until:
        return choosing.pause(program.desk, changed.id, until, now=now)
    return choosing.resume(program.desk, changed.id, now=now) if resume else changed


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
    consent_reason: Reason = "",
    consent_date: ConsentDay = "",
) -> None:
    """Import subscribers from a CSV file.

    Its header names the columns: address, and if wanted topics, interests, authors, organisations, muted, cadence,
    weekday, time zone, hour, size, status, liked, disliked. Several values in a cell are parted by a semicolon, ids of
    papers by a space. Broken rows are named and left out, and the exit code is 1 then. Whoever left, bounced or
    complained by its status gets no mail, also when here already; nobody who left comes back by a file. With
    --confirmed say how and when these people agreed: both are kept in the history of each.
    """
    from newsletter.pipeline.audience import read_csv  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.consent import consent  # noqa: PLC0415 - same

    now = context.obj.now()
    event = consent(Happening.IMPORTED, confirmed=confirmed, reason=consent_reason, day=consent_date, now=now)
    text = read_text(file)
    with opened(context) as program:
        sheet = read_csv(text, where=str(file), defaults=program.defaults(confirmed=confirmed))
        for problem in sheet.problems:
            note(f"left out: {problem}")
        wanted, refused = (
            program.suppressions.admitted(sheet.subscribers) if program.exists else (sheet.subscribers, ())
        )
        for address in refused:
            note(f"left out: {address} is suppressed; see: newsletter suppressions --help")
        if not wanted:
            raise UsageError(f"{file}: no row could be imported")
        with made(program):
            outcome = program.store.subscribers.add(wanted, now=now, settle_known=True, event=event)
    for remark in sheet.remarks[:_TOLD]:
        note(remark)
    if len(sheet.remarks) > _TOLD:
        note(f"{len(sheet.remarks) - _TOLD} more of the like")
    left_out = len(sheet.problems) + len(refused)
    _tell_import(outcome, left_out=left_out)
    if left_out:
        raise typer.Exit(1)


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

    The address is kept, so that no later import brings it back; `forget` deletes it.
    """
    from newsletter.pipeline.subscribing.leaving import unsubscribe  # noqa: PLC0415 - keeps --help quick

    with existing(context) as program:
        person = known_as(program.store, address)
        done = unsubscribe(program.desk, person.id, how=Leaving.OPERATOR, now=context.obj.now())
    say(f"{done.address} unsubscribed; no further mail goes there")


def _words(**options: list[str] | None) -> dict[str, str]:
    """Return the options of several values that were given, by the names of the CSV's columns."""
    from newsletter.pipeline.wishes import cell_of  # noqa: PLC0415 - keeps --help quick

    return _given({name: cell_of(values or []) for name, values in options.items()})


def _given(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _remark(profile: Profile) -> None:
    from newsletter.pipeline.wishes import remarks_on  # noqa: PLC0415 - keeps --help quick

    for remark in remarks_on(profile):
        note(remark)


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


def _already_there(
    store: Store, wanted: Subscriber, event: Event, *, confirmed: bool, wishes: bool, now: datetime
) -> None:
    known = known_as(store, wanted.address)
    if wishes or not confirmed or known.status is SubscriberStatus.CONFIRMED:
        change = f"; change what they want with: newsletter subscribers edit {known.address}" if wishes else ""
        raise UsageError(f"{known.address} is already {known.status}; nothing was changed{change}")
    store.subscribers.set_status(wanted.address, SubscriberStatus.CONFIRMED, now=now, event=event)
    say(f"{wanted.address} was {known.status} and is now confirmed; topics and times stay as they were")


def _tell_import(outcome: AddOutcome, *, left_out: int) -> None:
    stopped = f"{len(outcome.stopped)} taken out, " if outcome.stopped else ""
    say(
        f"{len(outcome.added)} added, {len(outcome.confirmed)} of those waiting confirmed, {stopped}"
        f"{len(outcome.known)} already there and left as they were, {left_out} left out"
    )


def _wishes(profile: Profile) -> str:
    numbers = {
        "followed": len(profile.authors) + len(profile.organisations),
        "muted": len(profile.muted),
        "liked": len(profile.liked),
        "disliked": len(profile.disliked),
    }
    rest = ", ".join(f"{number} {what}" for what, number in numbers.items() if number)
    return "; ".join((*profile.topics, *profile.interests, *([f"({rest})"] if rest else [])))


def _as_json(one: Subscriber) -> dict[str, Any]:
    return {
        "address": one.address,
        "status": one.status,
        "topics": one.profile.topics,
        "interests": one.profile.interests,
        "authors": one.profile.authors,
        "organisations": one.profile.organisations,
        "muted": one.profile.muted,
        "liked": one.profile.liked,
        "disliked": one.profile.disliked,
        "cadence": one.cadence,
        "weekday": one.weekday,
        "hour": one.hour,
        "time_zone": one.timezone,
        "size": one.size,
        "paused_until": one.paused_until,
        "created_at": one.created_at,
    }
