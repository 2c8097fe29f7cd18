"""Commands about mail that comes back: reading bounces, and the list of addresses that get no mail."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.home import existing
from newsletter.cli.output import complain, counted, note, progressing, say, say_json, say_table
from newsletter.errors import InboxError, NewsletterError, UsageError
from newsletter.model import BounceKind, SuppressionReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.app import App
    from newsletter.deliver.inbox import Inbox
    from newsletter.model import Bounce
    from newsletter.pipeline.bounces import Ledger, Tally

_STDIN = "-"
_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the mail server that pipes a mail in keeps it and tries again
_KINDS = {
    BounceKind.HARD: "for good",
    BounceKind.SOFT: "for now",
    BounceKind.POLICY: "for policy",
    BounceKind.DELAYED: "delayed",
    BounceKind.COMPLAINT: "complaint",
    BounceKind.UNSUBSCRIBE: "unsubscribed",
    "repeated": "known already",
    "nobody": "of readers who are gone",
    "unsigned": "unsigned",
    "broken": "unreadable",
    "junk": "of no use",
}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="E-mail address.")]

suppressions = typer.Typer(help="Manage the addresses that get no mail.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("bounces")(bounces)
    app.add_typer(suppressions, name="suppressions")


def bounces(
    context: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Mails: .eml, mbox, a maildir; - is standard input."),
    ] = None,
    issue: Annotated[str, typer.Option(metavar="PERIOD", help="Read nothing; list what came back of an issue.")] = "",
    as_json: AsJson = False,
) -> None:
    """Read bounces, complaints and wishes to leave.

    Without FILE they come from the inbox of your settings. Whom a mail is about is believed only where we signed it.
    Reading a mail again changes nothing. From standard input whatever is wrong here, the database or a setting, exits
    with 75, so that a mail server tries again.
    """
    if issue and files:
        raise UsageError("--issue lists what is recorded and reads no files; name one or the other")
    try:
        with existing(context) as app:
            if issue:
                _list(app, issue, as_json=as_json)
                return
            ledger = app.bounce_ledger(context.obj.now)
            tally, failed = _read_files(files, ledger) if files else (_read(app.inbox(), ledger), False)
    except NewsletterError as error:
        if _STDIN not in (files or []):
            raise
        raise typer.Exit(complain(str(error), code=_TRY_AGAIN)) from None
    _tell(tally, as_json=as_json)
    if failed:
        raise typer.Exit(1)


@suppressions.command("list")
def list_suppressions(context: typer.Context, as_json: AsJson = False) -> None:
    """List them, oldest first.

    An address is kept as a keyed hash; it is shown while a subscriber has it.
    """
    with existing(context) as app:
        found = list(app.suppressions.all())
    if as_json:
        say_json([{"address": one.address or None, "reason": one.reason, "since": one.since} for one in found])
        return
    rows = ((f"{one.since:%Y-%m-%d}", one.reason, one.address or "(kept as a hash only)") for one in found)
    say_table(("since", "reason", "address"), rows)
    note(counted(len(found), "suppressed address", "suppressed addresses"))


@suppressions.command("add")
def add_suppression(context: typer.Context, address: Address) -> None:
    """Let an address get no mail, whoever asks for some; who has it is unsubscribed."""
    with existing(context) as app:
        new = app.suppressions.add(address, reason=SuppressionReason.REQUESTED, now=context.obj.now())
    say(f"{address} {'is suppressed' if new else 'was suppressed already'}; no mail goes there")


@suppressions.command("remove")
def remove_suppression(context: typer.Context, address: Address) -> None:
    """Let an address be mailed again, if its owner asks for mail; what came back from it is forgiven."""
    with existing(context) as app:
        was = app.suppressions.remove(address)
    if not was:
        raise UsageError(f"{address} is not suppressed; list them with: newsletter suppressions list")
    say(f"{address} may have mail again; take it (back) in with: newsletter subscribers add {address} --confirmed")


def _read(inbox: Inbox, ledger: Ledger) -> Tally:
    from newsletter.pipeline.bounces import take_in  # noqa: PLC0415 - keeps --help quick

    with inbox:
        steps = progressing(inbox.items(), total=inbox.waiting(), what="Reading mails")
        return take_in(steps, inbox, ledger)


def _read_files(names: Sequence[str], ledger: Ledger) -> tuple[Tally, bool]:
    """Read each file; one that cannot be read is named and the others go on."""
    from newsletter.pipeline.bounces import Tally  # noqa: PLC0415 - keeps --help quick

    tally, failed = Tally(mails=Counter(), ended=0), False
    for name in names:
        try:
            tally += _read(_opened(name), ledger)
        except InboxError as error:
            note(f"left out: {error}")
            failed = True
    return tally, failed


def _opened(name: str) -> Inbox:
    from newsletter.deliver.inbox import FileInbox, MaildirInbox, StreamInbox  # noqa: PLC0415 - keeps --help quick

    if name == _STDIN:
        return StreamInbox(sys.stdin.buffer, "standard input")
    path = Path(name)
    return MaildirInbox(path, read_only=True) if path.is_dir() else FileInbox(path)


def _tell(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        say_json({"read": tally.read, "ended": tally.ended, **{name: tally.mails.get(name, 0) for name in _KINDS}})
        return
    told = [f"{number} {words}" for name, words in _KINDS.items() if (number := tally.mails.get(name, 0))]
    say(f"{counted(tally.read, 'mail')} read{': ' if told else ''}{', '.join(told)}")
    if tally.ended:
        say(f"{counted(tally.ended, 'reader')} will get no more mail")
    if unsigned := tally.mails.get("unsigned"):
        note(
            f"{counted(unsigned, 'mail')} asked to unsubscribe or complained without our signature: they changed"
            " nothing and were left for you to look at"
        )
    if policy := tally.mails.get(BounceKind.POLICY):
        note(f"{counted(policy, 'mail')} refused for policy, which no reader is to blame for; see: newsletter doctor")


def _list(app: App, period: str, *, as_json: bool) -> None:
    issue = app.store.issues.get(period)
    if issue is None:
        raise UsageError(f"there is no issue {period}; list them with: newsletter issues")
    found = list(app.store.bounces.of_issue(issue.id))
    if as_json:
        say_json([_as_json(address, one) for address, one in found])
        return
    rows = ((f"{one.at:%Y-%m-%d %H:%M}", one.kind, one.status, address, one.diagnostic) for address, one in found)
    say_table(("read", "kind", "status", "address", "what the other server said"), rows)
    counts = app.store.bounces.counts(issue.id)
    note(", ".join(f"{kind}: {number}" for kind, number in counts.items()) or "nothing came back")


def _as_json(address: str, one: Bounce) -> dict[str, Any]:
    return {
        "address": address,
        "kind": one.kind,
        "status": one.status,
        "diagnostic": one.diagnostic,
        "at": one.at,
    }
