"""Commands about issues: draft, issues, preview, approve, send, retry."""

from __future__ import annotations

import os
import secrets
import socket
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.files import write_bytes
from newsletter.cli.home import Call, existing
from newsletter.cli.output import counted, note, progressing, say, say_json, say_table
from newsletter.errors import NewsletterError, UsageError
from newsletter.model import DeliveryState, IssueState, Letter, SubscriberStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from newsletter.app import App
    from newsletter.model import Digest, Issue, Rendered, Subscriber

Period = Annotated[str, typer.Argument(metavar="PERIOD", help="A day 2026-07-14, a week 2026-W29 or a month 2026-07.")]
_OWN = "(each reader's own)"
_SHOWN = 3  # reasons of failure that are printed
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Format(StrEnum):
    """What a preview shows."""

    HTML = "html"
    TEXT = "text"
    EML = "eml"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("draft")(draft)
    app.command("issues")(issues)
    app.command("preview")(preview)
    app.command("approve")(approve)
    app.command("send")(send)
    app.command("retry")(retry)


def draft(context: typer.Context, period: Period) -> None:
    """Make or renew the draft of a period.

    An open draft is brought up to date with what is stored; a change voids its approval.
    """
    from newsletter.pipeline.drafting import draft as run  # noqa: PLC0415 - keeps --help quick

    with existing(context) as app:
        outcome = run(app.store, period, now=context.obj.now())
    for line in outcome.notes:
        note(line)
    issue = outcome.issue
    done = "drafted" if outcome.created else "brought up to date" if outcome.changed else "is up to date"
    papers = counted(len(issue.papers), "paper")
    say(f"issue {issue.period} {done}: {papers}")
    if outcome.approval_voided:
        note(f"the approval is void, since the content changed; approve again: newsletter approve {issue.period}")


def issues(context: typer.Context, as_json: AsJson = False) -> None:
    """List the issues with their state and deliveries.

    An approval that something changed after is called void: `send` refuses it.
    """
    with existing(context) as app:
        listed = app.store.issues.summaries()
        found = [(issue, papers, app.store.deliveries.totals(issue.id)) for issue, papers in listed]
        void = _void(app, [issue.period for issue, _ in listed if issue.state is IssueState.APPROVED])
    if as_json:
        say_json([_as_json(issue, papers, totals, void) for issue, papers, totals in found])
        return
    rows = (
        (one.period, f"{one.state}{' (void)' * (one.period in void)}", papers, _totals(totals), one.subject or _OWN)
        for one, papers, totals in found
    )
    say_table(("period", "state", "papers", "deliveries", "subject"), rows)
    for period, why in void.items():
        note(f"the approval of {period} is void: {why}")


def _void(app: App, periods: Sequence[str]) -> dict[str, str]:
    """Return which approvals hold no more, with the reason and what to do."""
    from newsletter.pipeline.drafting import approval_holds, issue_of  # noqa: PLC0415 - keeps --help quick

    if not periods:
        return {}
    try:
        shaping = app.shaping
    except NewsletterError as error:  # a template that is wrong, say: nothing can be sent
        return dict.fromkeys(periods, str(error))
    changed = "it, its template, its ranking or what that learns from has changed since; look at it, then approve again"
    return {
        period: f"{changed}: newsletter approve {period}"
        for period in periods
        if not approval_holds(app.store, issue_of(app.store, period), shaping)
    }


def preview(
    context: typer.Context,
    period: Annotated[
        str, typer.Argument(metavar="[PERIOD]", help="A day 2026-07-14, a week 2026-W29 or a month 2026-07.")
    ] = "",
    address: Annotated[
        str | None,
        typer.Option("--for", metavar="ADDRESS", help="This subscriber's mail; else the public edition."),
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="As the editor's test of the issue.")] = False,
    letter: Annotated[
        Letter | None, typer.Option("--letter", help="Instead of an issue, a mail about a subscription.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", metavar="html|text|eml", help="What to show.")] = Format.HTML,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write.", show_default="standard output"),
    ] = None,
) -> None:
    """Show a digest, or a letter, exactly as it would be sent."""
    if bool(period) == bool(letter):
        raise UsageError("name the period of an issue, or one --letter; one of the two")
    if letter and test:
        raise UsageError("--test is for an issue; a letter has no test")
    with existing(context) as app:
        content = _letter(app, letter, address, form, call=context.obj) if letter else None
        if content is None:
            content = _digest(app, period, address, form, test=test, call=context.obj)
    if output is None:
        typer.echo(content, nl=False)
    else:
        write_bytes(content, output)
        say(str(output))


def approve(context: typer.Context, period: Period) -> None:
    """Approve a draft as it stands.

    Any later change of its content, its templates or the ranking voids the approval.
    """
    from newsletter.pipeline.drafting import approve as run  # noqa: PLC0415 - keeps --help quick

    with existing(context) as app:
        issue = run(app.store, period, shaping=app.shaping, now=context.obj.now())
    say(f"issue {issue.period} approved (content {issue.approved_hash[:12]}); send it with: newsletter send {period}")


def send(
    context: typer.Context,
    period: Period,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
) -> None:
    """Send an approved issue, once to each reader.

    Every confirmed subscriber of the issue's cadence gets it. Running it again goes on where it stopped, and sends
    nothing twice.
    """
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    call: Call = context.obj
    with existing(context) as app:
        issue = issue_of(app.store, period)
        sending.check_sendable(app.store, issue, app.shaping)
        if issue.state is IssueState.SENT:
            say(f"issue {issue.period} was already sent: {_totals(app.store.deliveries.totals(issue.id))}")
            return
        if dry_run:
            _tell_plan(app, issue)
            return
        _send(app, issue, call)


def retry(
    context: typer.Context,
    period: Period,
    failed: Annotated[bool, typer.Option("--failed", help="Those that were refused for good.")] = False,
    uncertain: Annotated[
        bool, typer.Option("--uncertain", help="Those of which nobody knows whether they arrived.")
    ] = False,
) -> None:
    """Let failed or uncertain mails wait again.

    Nothing is sent now: `send` sends them. An uncertain mail may then arrive twice, with the same Message-ID.
    """
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    if failed == uncertain:
        raise UsageError("name one of --failed and --uncertain")
    state = DeliveryState.FAILED if failed else DeliveryState.UNCERTAIN
    with existing(context) as app:
        issue = issue_of(app.store, period)
        number = sending.retry(app.store, issue, state, now=context.obj.now())
    if not number:
        say(f"issue {issue.period} has no mail that is {state}; nothing was changed")
        return
    say(f"issue {issue.period}: {number} {state} now wait again; send them with: newsletter send {issue.period}")


def _send(app: App, issue: Issue, call: Call) -> None:
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick

    mailer = app.mailer()
    mailer.check()
    sending.freeze(app.store, issue, app.fitter, app.press, shaping=app.shaping, now=call.now())
    handover = sending.Handover(
        store=app.store,
        issue=issue,
        press=app.press,
        mailer=mailer,
        settings=app.config.deliver,
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        clock=call.now,
    )
    waiting = sum(app.store.deliveries.totals(issue.id).values())
    for _ in progressing(handover.run(), total=waiting, what="sending"):
        pass
    totals = sending.finish(app.store, issue, now=call.now())
    say(f"issue {issue.period}: {_totals(totals)}")
    _tell_open_ends(app, issue, totals)
    app.templates.current()
    if app.templates.fault:
        note(f"sent with the templates as they were; they have changed since and are wrong: {app.templates.fault}")
    if totals.get(DeliveryState.FAILED) and not totals.get(DeliveryState.ACCEPTED):
        raise typer.Exit(1)


def _tell_plan(app: App, issue: Issue) -> None:
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick

    if issue.state is IssueState.SENDING:
        totals = _totals(app.store.deliveries.totals(issue.id))
        say(f"issue {issue.period} is on its way: {totals}; nothing was sent now")
        return
    would = sending.plan(app.store, issue, app.fitter)
    skipped = f", {counted(would.skipped, 'reader')} skipped ({sending.NOTHING_NEW})" if would.skipped else ""
    if not would.mails and not would.skipped:
        raise UsageError(f"issue {issue.period} has no reader: no confirmed subscriber wants it")
    mails = f"{counted(would.mails, 'mail')} with {counted(would.distinct, 'different selection')}"
    say(f"issue {issue.period} would go out as {mails}{skipped}; nothing was sent")


def _tell_open_ends(app: App, issue: Issue, totals: Mapping[DeliveryState, int]) -> None:
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick

    if count := totals.get(DeliveryState.UNCERTAIN, 0):
        note(f"{count} uncertain: a crash or a lost connection left it open whether they arrived; they are held")
        note(f"to send them again all the same: newsletter retry {issue.period} --uncertain")
    if count := totals.get(DeliveryState.FAILED, 0):
        for reply, number in list(sending.failures(app.store, issue).items())[:_SHOWN]:
            note(f"{number} failed: {reply}")
        note(f"{count} failed in all; when the cause is mended: newsletter retry {issue.period} --failed")
    if count := totals.get(DeliveryState.DEFERRED, 0):
        note(f"{count} deferred for now; run again later: newsletter send {issue.period}")
    if count := totals.get(DeliveryState.IN_FLIGHT, 0):
        minutes = app.config.deliver.lease_seconds // 60
        note(f"{count} in flight: another send is at work, or ended within the last {minutes} minutes")


def _reader(app: App, address: str | None) -> Subscriber:
    from newsletter.pipeline.digests import public_reader  # noqa: PLC0415 - keeps --help quick

    if address is None:
        return public_reader(app.config.site, size=app.config.subscribers.size)
    found = app.store.subscribers.find(address)
    if found is None:
        raise UsageError(f"there is no subscriber {address}; list them with: newsletter subscribers list")
    return found


def _digest(app: App, period: str, address: str | None, form: Format, *, test: bool, call: Call) -> bytes:
    """Return a digest as it is to be shown, and tell why its reader would not get it."""
    from newsletter.pipeline.digests import digest_for  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    issue = issue_of(app.store, period)
    digest = digest_for(app.store, issue, _reader(app, address), app.fitter)
    if why := _not_due(digest):
        note(why)
    if not digest.papers:
        note(f"this reader knows every paper of {issue.period} already (sent, liked or disliked), so gets no mail")
    if form is Format.EML:
        return app.press.message(digest, now=call.now(), test=test).content
    return _shown(app.press.rendered(digest, test=test), form)


def _letter(app: App, letter: Letter, address: str | None, form: Format, *, call: Call) -> bytes:
    """Return a letter as it is to be shown, to the subscriber or, for a look, to the newsletter's own address."""
    reader, now = _reader(app, address), call.now()
    if form is Format.EML:
        return app.letters.message(letter, reader, now=now).content
    return _shown(app.letters.rendered(letter, reader, now=now), form)


def _shown(rendered: Rendered, form: Format) -> bytes:
    return (rendered.html if form is Format.HTML else rendered.text).encode()


def _not_due(digest: Digest) -> str:
    """Say where this reader would not get this issue at all."""
    from newsletter.pipeline.digests import cadences_for  # noqa: PLC0415 - keeps --help quick

    reader, period = digest.subscriber, digest.issue.period
    if reader.id and reader.status is not SubscriberStatus.CONFIRMED:
        return f"{reader.address} is {reader.status} and would not get this mail"
    if reader.id and reader.cadence not in cadences_for(period):
        return f"{reader.address} reads {reader.cadence} issues and would not get {period}"
    return ""


def _as_json(
    issue: Issue, papers: int, totals: Mapping[DeliveryState, int], void: Collection[str]
) -> dict[str, object]:
    return {
        "period": issue.period,
        "state": issue.state,
        "subject": issue.subject,
        "papers": papers,
        "deliveries": dict(totals),
        "created_at": issue.created_at,
        "approved_at": issue.approved_at,
        "approval_void": issue.period in void,
        "sent_at": issue.sent_at,
    }


def _totals(totals: Mapping[DeliveryState, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in totals.items() if count) or "none"
