"""Handing mails over as a send does, and asking whether they may leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from newsletter.deliver.base import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.deliver.base import Mailer
    from newsletter.model import DeliveryState, Message, Receipt


@dataclass
class Leave:
    """Whether a mail may leave: it says `answer`, or raises it, and calls `look` whenever it is asked."""

    answer: bool | BaseException = True
    look: Callable[[], object] = at_once
    seen: list[object] = field(default_factory=list)

    def __call__(self) -> bool:
        self.seen.append(self.look())
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def receipt_for(mailer: Mailer, message: Message, *, following: Message | None = None) -> Receipt:
    """Hand one mail over that may leave."""
    receipt = mailer.deliver(message, following=following)
    assert receipt is not None
    return receipt


def states(mailer: Mailer, messages: Sequence[Message], *, ahead: bool = False) -> list[DeliveryState]:
    """Hand mails over one after the other, with `ahead` naming each time the one that follows."""
    following = messages[1:] if ahead else ()
    return [receipt_for(mailer, one, following=next_one).state for one, next_one in zip_longest(messages, following)]
