"""Which home a command works on, and what time it is: the two things every command asks first."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter import __version__
from newsletter.app import App
from newsletter.cli.output import note, say
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(kw_only=True)
class Call:
    """One run of the command line. `home` is None until one was named, `named` says that `--home` did it."""

    home: Path | None = None
    named: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def folder(self) -> Path:
        """The home folder: the one named, else the current folder."""
        return (self.home or Path()).expanduser().absolute()

    def now(self) -> datetime:
        """The present instant, aware, UTC: the only clock of the command line."""
        return datetime.now(UTC)


def _print_version(asked: bool) -> None:
    if asked:
        say(f"newsletter {__version__}")
        raise typer.Exit


def root_options(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            help="Home folder: settings, database, outbox.",
            envvar="NEWSLETTER_HOME",
            show_default="current folder",
            metavar="DIR",
        ),
    ] = None,
    version: Annotated[  # its callback has done the work
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    context.obj.home = home
    source = context.get_parameter_source("home")
    context.obj.named = source is not None and source.name == "COMMANDLINE"


@contextmanager
def existing(context: typer.Context) -> Iterator[App]:
    """Open a home that is there.

    Raises:
        UsageError: there is none in the folder.
    """
    call: Call = context.obj
    with App(call.folder, call.environ) as app:
        if not app.exists:
            raise UsageError(
                f"there is no newsletter in {call.folder}; make one with: newsletter init, or name it with --home"
            )
        yield app


@contextmanager
def opened(context: typer.Context) -> Iterator[App]:
    """Open a home that may be missing, and make nothing: for commands that look at their input before `made`."""
    call: Call = context.obj
    with App(call.folder, call.environ) as app:
        yield app


@contextmanager
def made(app: App) -> Iterator[None]:
    """Make the home where it is missing (said in one line): for commands that bring something in.

    What was made stays, also when nothing came in: another command may be filling it already.
    """
    if not app.exists:
        app.make_home()
        note(f"made a new newsletter in {app.config.home}")
    yield
