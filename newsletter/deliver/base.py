"""What a mailer is: the one seam between a message and whatever carries it away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from newsletter.model import Message, Receipt


def at_once() -> bool:
    """Let a message leave: what a mailer asks where no books are kept."""
    return True


def idle() -> None:
    """Do nothing while a mail is on its way."""


class Mailer(Protocol):
    """Carries messages away; used as a context manager that holds whatever it needs open for a whole send.

    One sender's own, in one thread.
    """

    def __enter__(self) -> Self:
        """Open what the mailer needs.

        Raises:
            MailerStoppedError: it cannot work at all.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        """Hand one message over and return what came back: accepted, deferred, failed or uncertain.

        `leave` is asked once, just before the first byte of the message leaves, and not at all where it is refused
        before. Where it says no, or raises, nothing leaves, and None is returned, or what it raised goes through.
        `following` is the message that the next call will most likely be for: what goes before it may be said already.
        `meanwhile` may be called once while an answer is awaited, so that the time is of use; it raises nothing.

        Raises:
            RelayGoneError: nothing was handed over; the mailer may work again in a while.
            MailerStoppedError: nothing was handed over and no further message can be.
        """

    def check(self) -> str:
        """Return one line for `doctor` without handing anything over.

        Raises:
            MailerStoppedError: it cannot work; the message says what to do.
        """
