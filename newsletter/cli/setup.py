"""Commands about the program itself: init, demo, doctor."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.app import App
from newsletter.cli.files import write_new
from newsletter.cli.home import Call, existing
from newsletter.cli.output import say
from newsletter.config import CONFIG_NAME
from newsletter.errors import UsageError
from newsletter.resources import resource

if TYPE_CHECKING:
    from newsletter.pipeline.demo import Shown

_DEMO_FOLDER = "newsletter-demo"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("init")(init)
    app.command("demo")(demo)
    app.command("doctor")(doctor)


def init(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Folder to make.", show_default="--home, else the current folder"),
    ] = None,
) -> None:
    """Make a home for a newsletter.

    A home is a folder with settings, a database and a secret of its own.
    """
    call: Call = context.obj
    home = (folder or call.folder).expanduser().absolute()
    with App(home, call.environ) as app:
        app.make_home()
        fresh = write_new(resource("config", "starter.toml").read_text("utf-8"), home / CONFIG_NAME)
        _ = app.key, app.store
    if not fresh:
        say(f"{home} is a newsletter already; its settings were left as they are")
        return
    say(f"made a newsletter in {home}")
    say(f"next: put your addresses into {home / CONFIG_NAME}, then run: newsletter --home {home} doctor")


def demo(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Folder for the demo.", metavar="DIR", show_default=_DEMO_FOLDER)
    ] = None,
) -> None:
    """Show it all on sample papers; needs no network.

    Collects, ranks, drafts, approves and sends five issues to three sample readers, into a folder.
    """
    from newsletter.pipeline.demo import run_demo  # noqa: PLC0415 - keeps --help quick

    call: Call = context.obj
    # A home that only the environment names is a real one, and not meant.
    folder = (home or (call.home if call.named else None) or Path(_DEMO_FOLDER)).expanduser().absolute()
    _refuse_real_home(folder)
    with App(folder, {}) as app:
        app.make_home()
        _write_demo_settings(folder / CONFIG_NAME)
    with App(folder, {}) as app:
        shown = run_demo(
            app.store,
            press=app.press,
            ranker=app.fitter,
            departure=app.departure,
            mailer=app.mailers(),
            settings=app.config.deliver,
            defaults=app.defaults(confirmed=True),
            shaping=app.shaping,
            html=folder / "html",
            clock=call.now,
        )
    _tell_demo(shown, folder, outbox=app.config.path(app.config.deliver.folder.path))


def doctor(context: typer.Context) -> None:
    """Check that everything it needs works.

    Settings, database, sources, templates, mailer, clock and time zone, and what the DNS says about the sender: a line
    each, and what to do next. A hint is something to think about; what fails makes it exit with 1.
    """
    from newsletter.cli.checks import Verdict, all_checks  # noqa: PLC0415 - keeps --help quick
    from newsletter.cli.checks_domain import domain_checks  # noqa: PLC0415 - same

    failed = 0
    with existing(context) as app:
        for check in chain(all_checks(app, now=context.obj.now()), domain_checks(app)):
            failed += check.verdict is Verdict.BAD
            say(f"{check.verdict:4}  {check.subject}: {check.finding}")
    if failed:
        raise typer.Exit(1)


_DEMO_MARK = "# Made by `newsletter demo`"


def _refuse_real_home(folder: Path) -> None:
    settings = folder / CONFIG_NAME
    ours = settings.is_file() and settings.read_text("utf-8", errors="replace").startswith(_DEMO_MARK)
    if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty and no demo; choose another folder with: newsletter demo --home DIR")


def _write_demo_settings(path: Path) -> None:
    write_new(f'{_DEMO_MARK}; delete the folder when you have seen enough.\n\n[deliver]\nmailer = "folder"\n', path)


def _tell_demo(shown: Shown, folder: Path, *, outbox: Path) -> None:
    say(f"Collected {shown.papers} sample papers listed on {shown.days} days into {folder / 'newsletter.db'}")
    say(
        f"Ranked them for {shown.readers} sample readers with different topics: {shown.issues} issues drafted, approved"
    )
    say(f"Sent {shown.sent} mails ({shown.total} in all, each exactly once) as .eml files into {outbox}")
    say(f"Open the same digests in a browser: {shown.first_html}")
