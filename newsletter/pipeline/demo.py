"""The road on the sample papers that ship with the program, for three sample readers, into a folder.

The steps are the real ones; only the input is made for it. It needs no network, and running it again sends nothing
twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.life import Happening
from newsletter.model import DeliveryState, IssueState
from newsletter.pipeline.audience import read_csv
from newsletter.pipeline.collecting import import_files
from newsletter.pipeline.consent import ADDED_BY_OPERATOR, consent
from newsletter.pipeline.digests import digest_for
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.handover import Handover
from newsletter.pipeline.owner import new_owner
from newsletter.pipeline.sending import finish
from newsletter.resources import resource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from newsletter.deliver.base import Mailer
    from newsletter.model import Issue, Subscriber
    from newsletter.pipeline.audience import Defaults
    from newsletter.pipeline.departure import Departure
    from newsletter.pipeline.digests import Press
    from newsletter.pipeline.drafting import Shaping
    from newsletter.pipeline.fitting import Fits
    from newsletter.settings import DeliverSettings
    from newsletter.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the demo did: counts, and the page to open first."""

    papers: int
    days: int
    readers: int
    issues: int
    sent: int
    total: int
    first_html: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    store: Store
    press: Press
    departure: Departure
    ranker: Fits
    mailer: Callable[[], Mailer]
    settings: DeliverSettings
    shaping: Shaping
    clock: Callable[[], datetime]


def run_demo(
    store: Store,
    *,
    press: Press,
    departure: Departure,
    ranker: Fits,
    mailer: Callable[[], Mailer],
    settings: DeliverSettings,
    defaults: Defaults,
    shaping: Shaping,
    html: Path,
    clock: Callable[[], datetime],
) -> Shown:
    """Import the samples, then draft, approve and send one issue a day; writes each digest's HTML below `html`."""
    parts = _Parts(
        store=store,
        press=press,
        departure=departure,
        ranker=ranker,
        mailer=mailer,
        settings=settings,
        shaping=shaping,
        clock=clock,
    )
    for outcome in import_files(store, [resource("config", "demo", "papers.jsonl")], now=clock()):
        assert not outcome.error and not outcome.rejected, "the shipped samples are whole"  # noqa: S101,PT018 - a test shows it
    readers = _readers(store, defaults, now=clock())
    days = sorted({paper.listed_on for paper in store.papers.all() if paper.listed_on})
    issues, sent = [], 0
    for day in days:
        issue, count = _issue(parts, day.isoformat())
        issues.append(issue)
        sent += count
    pages = [_page(parts, issue, reader, html) for issue in reversed(issues) for reader in readers]
    totals = [store.deliveries.totals(issue.id).get(DeliveryState.ACCEPTED, 0) for issue in issues]
    return Shown(
        papers=store.papers.count(),
        days=len(days),
        readers=len(readers),
        issues=len(issues),
        sent=sent,
        total=sum(totals),
        first_html=pages[0],
    )


def _readers(store: Store, defaults: Defaults, *, now: datetime) -> Sequence[Subscriber]:
    path = resource("config", "demo", "subscribers.csv")
    sheet = read_csv(path.read_text("utf-8"), where=path.name, defaults=defaults)
    event = consent(Happening.ADDED, confirmed=True, reason=ADDED_BY_OPERATOR, day=now.date().isoformat(), now=now)
    store.subscribers.add(sheet.subscribers, now=now, event=event)
    return list(store.subscribers.all())


def _issue(parts: _Parts, period: str) -> tuple[Issue, int]:
    """Return the sent issue of a day, and how many mails left now (none when it was sent before)."""
    present = parts.store.issues.get(period)
    if present and present.state is IssueState.SENT:
        return present, 0
    if present is None or present.state is IssueState.DRAFT:
        draft(parts.store, period, now=parts.clock())
        approve(parts.store, period, shaping=parts.shaping, now=parts.clock())
    issue = parts.store.issues.get(period)
    assert issue is not None, "it was drafted above"  # noqa: S101 - narrows the type
    freeze(parts.store, issue, parts.ranker, parts.press, shaping=parts.shaping, now=parts.clock())
    handover = Handover(
        store=parts.store,
        issue=issue,
        press=parts.press,
        departure=parts.departure,
        mailer=parts.mailer,
        settings=parts.settings,
        owner=new_owner(),
        clock=parts.clock,
    )
    *_, done = handover.run()
    finish(parts.store, issue, now=parts.clock())
    return issue, done.get(DeliveryState.ACCEPTED, 0)


def _page(parts: _Parts, issue: Issue, reader: Subscriber, html: Path) -> Path:
    path = html / issue.period / f"{reader.address.partition('@')[0]}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = digest_for(parts.store, issue, reader, parts.ranker)
    path.write_text(parts.press.rendered(digest).html, "utf-8")
    return path
