"""An approved issue with six readers, a mailer that does as it is told, and a send of the one by the other."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self

from newsletter.app import App
from newsletter.deliver.base import at_once, idle
from newsletter.model import (
    DeliveryState,
    Paper,
    Profile,
    Receipt,
    Subscriber,
    SubscriberStatus,
)
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.handover import Handover
from newsletter.pipeline.sending import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from newsletter.model import Issue, Message

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)
PERIOD = "2026-07-14"
READERS = 6


class Killed(BaseException):
    """Stands for the process dying: no `except Exception` may catch it."""


@dataclass
class FakeMailer:
    """Keeps what it was given; `plot` says what happens at each mail: a state to answer, or an exception to raise."""

    plot: dict[int, DeliveryState | BaseException] = field(default_factory=dict)
    got: list[Message] = field(default_factory=list)
    calls: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        if not leave():
            return None
        self.calls += 1
        fate = self.plot.get(self.calls, DeliveryState.ACCEPTED)
        if isinstance(fate, BaseException):
            raise fate
        if fate is DeliveryState.ACCEPTED:
            self.got.append(message)
        return Receipt(state=fate, reply=f"reply {self.calls}")

    def check(self) -> str:
        return "fake"


@contextmanager
def approved(home: Path) -> Iterator[App]:
    """Make a home with an approved issue and six readers."""
    with App(home, {}) as app:
        papers = [
            Paper(id=f"2607.0000{n}", source="huggingface", title=f"Paper {n}", listed_on=date(2026, 7, 14), upvotes=n)
            for n in range(1, 6)
        ]
        app.store.papers.add(papers, taken_at=NOW)
        readers = [
            Subscriber(
                address=f"reader{n}@example.org",
                status=SubscriberStatus.CONFIRMED,
                profile=Profile(interests=(f"paper {n % 3}",)),
            )
            for n in range(READERS)
        ]
        app.store.subscribers.add(readers, now=NOW)
        draft(app.store, PERIOD, now=NOW)
        approve(app.store, PERIOD, shaping=app.shaping, now=NOW)
        yield app


def issue(app: App) -> Issue:
    found = app.store.issues.get(PERIOD)
    assert found is not None
    return found


def handover_of(app: App, mailer: FakeMailer, *, at: datetime = NOW, owner: str = "one") -> Handover:
    return Handover(
        store=app.store,
        issue=issue(app),
        press=app.press,
        departure=app.departure,
        mailer=lambda: mailer,
        settings=app.config.deliver,
        owner=owner,
        clock=lambda: at,
        chance=lambda: 0.5,
    )


def send(app: App, mailer: FakeMailer, *, at: datetime = NOW, owner: str = "one") -> dict[DeliveryState, int]:
    freeze(app.store, issue(app), app.ranker, app.press, shaping=app.shaping, now=at)
    for _ in handover_of(app, mailer, at=at, owner=owner).run():
        pass
    return {state: count for state, count in finish(app.store, issue(app), now=at).items() if count}
