"""`newsletter check`: the mail's own check-list, run by an editor before approval."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.home import Call, existing, opened
from newsletter.cli.output import counted, progressing, say, say_json, say_table
from newsletter.errors import UsageError
from newsletter.period import parse_period

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from newsletter.app import App
    from newsletter.pipeline.checking import Checked
    from newsletter.render.checklist.rule import Outcome, State

_SHOWN = 5  # findings of one rule that are printed; --json has all


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("check")(check)


def check(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(metavar="PERIOD|FILE", help="An issue's mails, or one .eml or .html file.", show_default=False),
    ],
    readers: Annotated[
        int, typer.Option(min=0, max=1000, help="Of an issue, so many different readers' mails, and the extremes.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check mails before they leave: markup, links, text part, headers, contrast, width.

    Exits with 1 when a rule is broken. What needs a browser or a validator that this machine lacks is skipped, and the
    report says so.
    """
    from newsletter.pipeline.checking import evidence  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.checking.tools import find_tools  # noqa: PLC0415 - same
    from newsletter.render.checklist import check as judge  # noqa: PLC0415 - same

    call: Call = context.obj
    mails = _mails(context, subject, most=readers)
    tools = find_tools([call.folder, Path.cwd()], call.environ)
    measured = progressing(evidence(mails, tools), total=len(mails), what="checking")
    outcomes = [outcome for one in measured for outcome in judge(one)]
    names = [one.mail.name for one in mails]
    if as_json:
        say_json(_as_json(names, outcomes))
    else:
        _tell(names, outcomes)
    if any(outcome.state == "failed" for outcome in outcomes):
        raise typer.Exit(1)


def _mails(context: typer.Context, subject: str, *, most: int) -> Sequence[Checked]:
    from newsletter.pipeline.checking import mails_of_file  # noqa: PLC0415 - keeps --help quick

    try:
        period = parse_period(subject).text
    except UsageError:
        with opened(context) as app:  # a file needs no home: without one the shipped settings hold
            return mails_of_file(Path(subject), app.config.site)
    with existing(context) as app:
        return _mails_of_issue(app, context.obj, period, most=most)


def _mails_of_issue(app: App, call: Call, period: str, *, most: int) -> Sequence[Checked]:
    from newsletter.pipeline.checking import mails_of_issue, template_conditionals  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.digests import public_reader  # noqa: PLC0415 - same
    from newsletter.pipeline.drafting import issue_of  # noqa: PLC0415 - same

    return mails_of_issue(
        app.store,
        issue_of(app.store, period),
        app.fitter,
        app.press,
        public=public_reader(app.config.site, size=app.config.subscribers.size),
        topics=app.config.topics,
        comments=template_conditionals(app.template_folders),
        most=most,
        now=call.now(),
    )


def _by_rule(outcomes: Iterable[Outcome]) -> Mapping[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        found[outcome.rule].append(outcome)
    return found


def _state(outcomes: Sequence[Outcome]) -> State:
    """Return how a rule went for all mails: the worst, but skipped only where no mail was looked at."""
    order = ("skipped", "ok", "hint", "failed")
    return max((outcome.state for outcome in outcomes), key=order.index)


def _tell(names: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    say(f"{counted(len(names), 'mail')} checked: {', '.join(names)}")
    rules = _by_rule(outcomes)
    rows = ((name, _state(every), _asked(every)) for name, every in rules.items())
    say_table(("rule", "state", "what it asks"), rows)
    for name, every in rules.items():
        found = [(outcome.mail, finding) for outcome in every for finding in outcome.findings]
        for mail, finding in found[:_SHOWN]:
            say(f"{name}: {mail}: {finding.where}: {finding.what}")
        if len(found) > _SHOWN:
            say(f"{name}: and {len(found) - _SHOWN} more; see them with --json")


def _asked(outcomes: Sequence[Outcome]) -> str:
    """Return what a rule asks, and why it was skipped where no mail was looked at."""
    first = outcomes[0]
    return f"{first.demand} ({first.why})" if _state(outcomes) == "skipped" else first.demand


def _as_json(names: Sequence[str], outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        "mails": list(names),
        "rules": [
            {
                "rule": name,
                "asks": every[0].demand,
                "state": _state(every),
                "skipped": {outcome.mail: outcome.why for outcome in every if outcome.why},
                "findings": [
                    {"mail": outcome.mail, "where": finding.where, "what": finding.what}
                    for outcome in every
                    for finding in outcome.findings
                ],
            }
            for name, every in _by_rule(outcomes).items()
        ],
    }
