"""Commands about issues: draft, issues, preview, approve."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import AsJson, Period
from newsletter.cli.files import write_bytes
from newsletter.cli.home import Call, existing
from newsletter.cli.output import counted, note, say, say_json, say_table, standing_of, totals_of
from newsletter.errors import NewsletterError, UsageError
from newsletter.model import IssueState, Letter, SubscriberStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from newsletter.app import App
    from newsletter.model import DeliveryState, Digest, Issue, Rendered, Subscriber

_OWN = "(each reader's own)"


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
        (
            one.period,
            f"{standing_of(one)}{' (void)' * (one.period in void)}",
            papers,
            totals_of(totals),
            one.subject or _OWN,
        )
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
        "paused_at": issue.paused_at,
        "sent_at": issue.sent_at,
    }
