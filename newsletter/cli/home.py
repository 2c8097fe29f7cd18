"""Which home a command works on, and what time it is: the two things every command asks first."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter import __version__
from newsletter.app import App
from newsletter.cli.output import note, say
from newsletter.config import CONFIG_NAME, DATABASE_NAME
from newsletter.errors import StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(kw_only=True)
class Call:
    """One run of the command line. `home` is None until `--home` or NEWSLETTER_HOME was read."""

    home: Path | None = None
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

    One that was made here and into which nothing came is taken away again: a command that failed changes nothing.
    """
    if app.exists:
        yield
        return
    home = app.config.home
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    app.make_home()
    try:
        yield
    finally:
        if _holds_something(app):
            note(f"made a new newsletter in {home}")
        else:
            _take_away(app, missing)


def _holds_something(app: App) -> bool:
    if (app.config.home / CONFIG_NAME).exists():
        return True  # an `init` came in the meantime
    if not (app.config.home / DATABASE_NAME).exists():
        return False
    try:
        store = app.store
        return bool(store.papers.count() or store.subscribers.count() or store.papers.collections(date.min, date.max))
    except StoreError:
        return True  # what cannot be read is not thrown away


def _take_away(app: App, folders: list[Path]) -> None:
    database = app.config.home / DATABASE_NAME
    if database.exists():
        app.store.close()
    with suppress(OSError):  # then something is left, which the next command finds and uses
        for ending in ("", "-wal", "-shm"):
            database.with_name(database.name + ending).unlink(missing_ok=True)
        for folder in folders:
            folder.rmdir()  # never one that holds anything
