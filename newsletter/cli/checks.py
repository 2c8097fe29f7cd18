"""What `doctor` looks at: settings, database, sources, templates, mailer, clock and time zone. It changes nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.cli.inbox_check import inbox_finding
from newsletter.cli.output import counted
from newsletter.config import CONFIG_NAME
from newsletter.errors import NewsletterError
from newsletter.store import check_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from pathlib import Path

    from newsletter.app import App

_SHOWN = 5  # templates that nothing reads
_ALIKE = 0.8  # of two paths, from 0 to 1: one wrong or missing folder


class Verdict(StrEnum):
    """How a check went: good, good with something to think about, or not."""

    GOOD = "ok"
    HINT = "hint"
    BAD = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at: how it went, and one line on what was found or what to do."""

    subject: str
    verdict: Verdict
    finding: str


def all_checks(app: App, *, now: datetime) -> Iterator[Check]:
    """Yield every check in turn; one that fails does not hold up the next."""
    yield _checked("settings", lambda: _settings(app))
    database = _checked("database", lambda: _database(app))
    yield database
    names = tuple(dict.fromkeys(app.config.collect.sources))
    for name in names:
        yield _checked(f"source {name}", partial(_source, app, name))
    if not names:
        yield Check(subject="sources", verdict=Verdict.BAD, finding="none; name at least one under [collect] sources")
    if app.config.rank.embeddings:
        yield _checked("embeddings", lambda: _embeddings(app))
    templates = _checked("templates", lambda: _templates(app))
    yield templates
    if templates.verdict is Verdict.GOOD:  # else nobody knows what they would have read
        yield from _unread_templates(app)
    yield _checked("mailer", lambda: app.mailers()().check())
    yield _checked("bounces", lambda: inbox_finding(app))
    yield from _web_pages(app)
    if database.verdict is Verdict.GOOD:  # else there is none to ask, and opening it would make one
        yield _checked("clock", lambda: _clock(app, now=now))
    yield _time_zone(app, now=now)


def _checked(subject: str, look: Callable[[], str]) -> Check:
    try:
        return Check(subject=subject, verdict=Verdict.GOOD, finding=look())
    except NewsletterError as error:
        return Check(subject=subject, verdict=Verdict.BAD, finding=str(error))
    except Exception as error:  # who asks what is wrong is to see all of it, our own mistakes as well
        if os.environ.get("NEWSLETTER_DEBUG"):
            raise
        finding = (
            f"unexpected {type(error).__name__}: {error}; run again with NEWSLETTER_DEBUG=1 and report what it shows"
        )
        return Check(subject=subject, verdict=Verdict.BAD, finding=finding)


def _settings(app: App) -> str:
    own = app.config.home / CONFIG_NAME
    where = str(own) if own.is_file() else f"defaults only; make {own} with: newsletter init"
    example = " (still the example's addresses: put your own there)" if _is_example(app) else ""
    return f"{where}, {counted(len(app.config.topics), 'topic')}, sender {app.config.site.from_address}{example}"


def _templates(app: App) -> str:
    own = "those of the home before the shipped ones" if app.template_folders else "the shipped ones"
    app.letter_templates.current()
    detour = app.templates.current().detour
    slow = f"; each mail is rendered whole, which takes longer, since {detour}" if detour else ""
    return f"{own}; digests and letters compile and render{slow}"


def _unread_templates(app: App) -> Iterator[Check]:
    """A template at a wrong path is passed over without a word wherever mails are made."""
    read = app.templates.files | app.letter_templates.files
    for folder in app.template_folders:
        if lost := _unread_in(folder, read):
            shown = ", ".join(_with_guess(name, read) for name in lost[:_SHOWN])
            more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            finding = f"nothing reads {shown}{more} in {folder}; yours must stand at the path of the one it replaces"
            yield Check(subject="templates", verdict=Verdict.HINT, finding=finding)


def _unread_in(folder: Path, read: AbstractSet[str]) -> list[str]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [name for name in names if name not in read and not any(part.startswith(".") for part in name.split("/"))]


def _with_guess(name: str, read: AbstractSet[str]) -> str:
    meant = get_close_matches(name, sorted(read), n=1, cutoff=_ALIKE)
    return f"{name} (meant as {meant[0]}?)" if meant else name


def _embeddings(app: App) -> str:
    """Load the model as the ranking would."""
    from newsletter.pipeline.embedding import find_model  # noqa: PLC0415 - only where a model is set

    find_model(app.config.rank.embeddings, app.config.home).load()
    return f"the model {app.config.rank.embeddings} loads"


def _web_pages(app: App) -> Iterator[Check]:
    url = app.config.site.web_url
    if url and find_spec("newsletter.web") is None:
        finding = (
            f"mails lead to {url} to confirm, unsubscribe, set preferences, rate papers and read past issues, but this"
            " version serves no pages, so those links open nothing; leave web_url under [site] empty, and mails do"
            " without them"
        )
        yield Check(subject="web pages", verdict=Verdict.HINT, finding=finding)


def _is_example(app: App) -> bool:
    return app.config.site.from_address.endswith("newsletter.example")


def _source(app: App, name: str) -> str:
    return app.sources([name])[0].check()


def _database(app: App) -> str:
    return check_store(app.config.database_url)


def _clock(app: App, *, now: datetime) -> str:
    """The store knows when it was last written: a clock behind that has gone back.

    Raises:
        NewsletterError: the clock has gone back.
    """
    recent = app.store.papers.collections(now.date() - timedelta(days=30), now.date() + timedelta(days=30))
    last = max((one.collected_at for one in recent if one.collected_at), default=now)
    if last > now:
        raise NewsletterError(
            f"it is {now:%Y-%m-%d %H:%M} UTC, but papers were collected at {last:%Y-%m-%d %H:%M}; set it"
        )
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _time_zone(app: App, *, now: datetime) -> Check:
    name = app.config.subscribers.timezone
    local = now.astimezone(ZoneInfo(name))
    finding = f"new subscribers are in {name}, where it is {local:%Y-%m-%d %H:%M}; another: [subscribers] timezone"
    return Check(subject="time zone", verdict=Verdict.GOOD, finding=finding)
