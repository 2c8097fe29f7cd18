"""Commands about the way of an issue to its readers: send, deliveries, retry, pause, resume, cancel."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.arguments import AsJson, Period
from newsletter.cli.home import Call, existing
from newsletter.cli.output import counted, note, progressing, say, say_json, say_table, standing_of, totals_of
from newsletter.errors import MailerStoppedError, UsageError
from newsletter.model import DeliveryState, IssueState

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from newsletter.app import App
    from newsletter.model import Delivery, Issue

_SHOWN = 3  # reasons of failure that are printed
_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
_OPEN = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.IN_FLIGHT)
_BY_SIGNAL = 128  # a shell's exit code for a program that a signal ended, plus the signal's number


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("send")(send)
    app.command("deliveries")(deliveries)
    app.command("retry")(retry)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("cancel")(cancel)


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
            say(f"issue {issue.period} was already sent: {totals_of(app.store.deliveries.totals(issue.id))}")
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


def deliveries(
    context: typer.Context,
    period: Period,
    state: Annotated[DeliveryState | None, typer.Option("--state", help="Only those in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List every delivery of an issue: to whom, how it stands, and the server's last word."""
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - keeps --help quick

    with existing(context) as app:
        issue = issue_of(app.store, period)
        totals = app.store.deliveries.totals(issue.id)
        rows = list(app.store.deliveries.addressed(issue.id, state))
    if as_json:
        listed = [_as_json(address, one) for address, one in rows]
        say_json({"period": issue.period, "state": issue.state, "totals": dict(totals), "deliveries": listed})
        return
    say_table(
        ("address", "state", "tries", "next try", "reply"),
        ((address, one.state, one.attempts, _time(one), one.reply) for address, one in rows),
    )
    say(f"issue {issue.period} is {standing_of(issue)}: {totals_of(totals)}")


def pause(context: typer.Context, period: Period) -> None:
    """Let no further mail of an issue leave.

    A send that is running waits, whichever machine it runs on; mails under way are finished.
    """
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    with existing(context) as app:
        issue = issue_of(app.store, period)
        sending.pause(app.store, issue, now=context.obj.now())
        totals = app.store.deliveries.totals(issue.id)
    say(f"issue {issue.period} is paused: {totals_of(totals)}; let it go on with: newsletter resume {issue.period}")


def resume(context: typer.Context, period: Period) -> None:
    """Let a paused issue go on: a send that waits does so by itself."""
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    with existing(context) as app:
        issue = issue_of(app.store, period)
        sending.resume(app.store, issue, now=context.obj.now())
    say(f"issue {issue.period} may go on; if no send is running: newsletter send {issue.period}")


def cancel(context: typer.Context, period: Period) -> None:
    """Cancel an issue for good: every mail that waits is skipped, what was sent stays sent."""
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    with existing(context) as app:
        issue = issue_of(app.store, period)
        skipped = sending.cancel(app.store, issue, now=context.obj.now())
        totals = app.store.deliveries.totals(issue.id)
    say(f"issue {issue.period} is cancelled: {counted(skipped, 'mail')} skipped; in all {totals_of(totals)}")


def _send(app: App, issue: Issue, call: Call) -> None:
    from newsletter.cli.freezing import freeze_apart  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline import sending  # noqa: PLC0415 - same
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    app.mailers()().check()
    _ = app.departure  # a key that cannot be used is told before anything is decided
    if issue.state is IssueState.APPROVED:
        app.store.close()  # no connection may be open in two processes; it opens anew by itself
        freeze_apart(app.config.home, call.environ, issue.period, now=call.now())
        issue = issue_of(app.store, issue.period)  # what was frozen, whoever has edited it meanwhile
        sending.check_sendable(app.store, issue, app.shaping)
    waiting = app.store.deliveries.totals(issue.id)
    total = sum(waiting.get(state, 0) for state in (DeliveryState.QUEUED, DeliveryState.DEFERRED))
    stop = threading.Event()
    with _ended_gently(stop) as ended_by:
        try:
            with closing(_steps(app, issue, call, stop)) as rounds:
                for steps in rounds:
                    for _ in progressing(steps, total=total, what="sending", done=lambda states: sum(states.values())):
                        pass
        except MailerStoppedError as error:
            totals = sending.finish(app.store, issue, now=call.now())
            left = f"issue {issue.period} stopped at {totals_of(totals)}; go on with: newsletter send {issue.period}"
            raise MailerStoppedError(f"{error}. {left}") from None
    totals = sending.finish(app.store, issue, now=call.now())
    say(f"issue {issue.period}: {totals_of(totals)}")
    _tell_open_ends(app, issue, totals, stopped=bool(ended_by))
    app.templates.current()
    if app.templates.fault:
        note(f"sent with the templates as they were; they have changed since and are wrong: {app.templates.fault}")
    if ended_by:
        raise typer.Exit(_BY_SIGNAL + ended_by[0])
    if code := _exit_code(totals):
        raise typer.Exit(code)


def _steps(
    app: App, issue: Issue, call: Call, stop: threading.Event
) -> Generator[Iterator[Mapping[DeliveryState, int]]]:
    """Yield the steps of the hand-over by several processes, if it is worth it, and then those by this one.

    What a process that was killed left behind is so taken over by this one, and told as uncertain.
    """
    from newsletter.cli.together import Senders, handover_of, processes_for, shares  # noqa: PLC0415 - keeps --help quick

    settings = app.config.deliver
    chunks = app.store.chunks.unfinished(issue.id)
    processes = processes_for(settings, chunks=chunks, cores=os.cpu_count() or 1)
    if processes > 1:
        app.store.close()  # no connection may be open in two processes; it opens anew by itself
        with Senders(app.config.home, call.environ, issue.period, shares(settings.connections, processes)) as senders:
            yield senders.run(stop)
    if not stop.is_set():
        handover = handover_of(app, issue, connections=settings.connections, clock=call.now, stop=stop)
        yield handover.run()


def _exit_code(totals: Mapping[DeliveryState, int]) -> int:
    """Return 1 where somebody must look, 75 where another send must follow, else 0."""
    if totals.get(DeliveryState.UNCERTAIN) or (
        totals.get(DeliveryState.FAILED) and not totals.get(DeliveryState.ACCEPTED)
    ):
        return 1
    return _TRY_AGAIN if any(totals.get(state) for state in _OPEN) else 0


@contextmanager
def _ended_gently(stop: threading.Event) -> Iterator[list[int]]:
    """Let SIGTERM and the first Ctrl-C stop the senders between two mails; yield the signal that came, if one did."""
    came: list[int] = []

    def end(number: int, _frame: object) -> None:
        if came:
            os._exit(_BY_SIGNAL + number)  # asked twice: at once, whatever is under way
        came.append(number)
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_plan(app: App, issue: Issue) -> None:
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick

    if issue.state is IssueState.SENDING:
        totals = totals_of(app.store.deliveries.totals(issue.id))
        say(f"issue {issue.period} is on its way: {totals}; nothing was sent now")
        return
    would = sending.plan(app.store, issue, app.fitter)
    skipped = f", {counted(would.skipped, 'reader')} skipped ({sending.NOTHING_NEW})" if would.skipped else ""
    if not would.mails and not would.skipped:
        raise UsageError(f"issue {issue.period} has no reader: no confirmed subscriber wants it")
    mails = f"{counted(would.mails, 'mail')} with {counted(would.distinct, 'different selection')}"
    say(f"issue {issue.period} would go out as {mails}{skipped}; nothing was sent")


def _tell_open_ends(app: App, issue: Issue, totals: Mapping[DeliveryState, int], *, stopped: bool) -> None:
    from newsletter.pipeline import sending  # noqa: PLC0415 - keeps --help quick

    if count := totals.get(DeliveryState.UNCERTAIN, 0):
        note(f"{count} uncertain: a crash or a lost connection left it open whether they arrived; they are held")
        note(f"to send them again all the same: newsletter retry {issue.period} --uncertain")
    if count := totals.get(DeliveryState.FAILED, 0):
        for reply, number in list(sending.failures(app.store, issue).items())[:_SHOWN]:
            note(f"{number} failed: {reply}")
        note(f"{count} failed in all; when the cause is mended: newsletter retry {issue.period} --failed")
    if count := totals.get(DeliveryState.DEFERRED, 0):
        due = app.store.chunks.next_due(issue.id)
        when = f" from {due:%Y-%m-%d %H:%M} UTC on" if due else ""
        note(f"{count} deferred for now; send again{when}: newsletter send {issue.period}")
    if count := totals.get(DeliveryState.IN_FLIGHT, 0):
        minutes = app.config.deliver.lease_seconds // 60
        note(f"{count} in flight: another send is at work, or ended within the last {minutes} minutes")
    if count := totals.get(DeliveryState.QUEUED, 0):
        why = "this send was stopped" if stopped else "another send has them, or the issue was paused or cancelled"
        note(f"{count} wait, since {why}; go on with: newsletter send {issue.period}")


def _time(one: Delivery) -> str:
    return f"{one.retry_at:%Y-%m-%d %H:%M} UTC" if one.retry_at else ""


def _as_json(address: str, one: Delivery) -> dict[str, object]:
    return {
        "address": address,
        "state": one.state,
        "attempts": one.attempts,
        "reply": one.reply,
        "retry_at": one.retry_at.isoformat() if one.retry_at else None,
        "updated_at": one.updated_at.isoformat() if one.updated_at else None,
    }
