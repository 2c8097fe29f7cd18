"""What a mailer is: the one seam between a message and whatever carries it away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from newsletter.model import Message, Receipt


class Mailer(Protocol):
    """Carries messages away; used as a context manager that holds whatever it needs open for a whole send."""

    def __enter__(self) -> Self:
        """Open what the mailer needs.

        Raises:
            MailerStoppedError: it cannot work at all.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""

    def deliver(self, message: Message) -> Receipt:
        """Hand one message over and return what came back: accepted, deferred, failed or uncertain.

        Raises:
            MailerStoppedError: nothing was handed over and no further message can be.
        """

    def check(self) -> str:
        """Return one line for `doctor` without handing anything over.

        Raises:
            MailerStoppedError: it cannot work; the message says what to do.
        """
