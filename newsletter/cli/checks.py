"""What `doctor` looks at: settings, secret, database, sources, mailer, clock and time zone. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.cli.output import counted
from newsletter.config import CONFIG_NAME
from newsletter.errors import NewsletterError
from newsletter.store import check_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from newsletter.app import App


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at: whether it is good, and one line on what was found or what to do."""

    subject: str
    good: bool
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
        yield Check(subject="sources", good=False, finding="none; name at least one under [collect] sources")
    yield _checked("templates", lambda: _templates(app))
    yield _checked("mailer", lambda: app.mailer().check())
    if database.good:  # else there is none to ask, and opening it would make one
        yield _checked("clock", lambda: _clock(app, now=now))
    yield _time_zone(app, now=now)


def _checked(subject: str, look: Callable[[], str]) -> Check:
    try:
        return Check(subject=subject, good=True, finding=look())
    except NewsletterError as error:
        return Check(subject=subject, good=False, finding=str(error))


def _settings(app: App) -> str:
    own = app.config.home / CONFIG_NAME
    where = str(own) if own.is_file() else f"defaults only; make {own} with: newsletter init"
    example = " (still the example's addresses: put your own there)" if _is_example(app) else ""
    return f"{where}, {counted(len(app.config.topics), 'topic')}, sender {app.config.site.from_address}{example}"


def _templates(app: App) -> str:
    own = "those of the home before the shipped ones" if app.template_folders else "the shipped ones"
    detour = app.templates.current().detour
    slow = f"; each mail is rendered whole, which takes longer, since {detour}" if detour else ""
    return f"{own}; they compile and render{slow}"


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
    return Check(subject="time zone", good=True, finding=finding)
