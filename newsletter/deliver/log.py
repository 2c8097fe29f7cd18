"""The mailer that only says what would leave: a line for each mail, with its Message-ID and size and no address.

For trying out a whole send, load included, without a relay and without files. What it takes counts as accepted.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from newsletter.deliver.base import at_once, idle
from newsletter.errors import MailerStoppedError
from newsletter.model import DeliveryState, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TextIO

    from newsletter.model import Message


class LogMailer:
    """A `Mailer` that writes one line a mail to `out`, by default standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open between two mails."""

    def deliver(
        self,
        message: Message,
        *,
        leave: Callable[[], bool] = at_once,
        following: Message | None = None,
        meanwhile: Callable[[], None] = idle,
    ) -> Receipt | None:
        """Say that a mail would leave, if it may.

        Raises:
            MailerStoppedError: the line cannot be written.
        """
        if not leave():
            return None
        out = self._out or sys.stderr
        name = ascii(message.message_id)[1:-1]  # one line, whatever it holds
        try:
            out.write(f"mail {name} of {len(message.content):,} bytes would leave\n")
            out.flush()
        except OSError as error:
            raise MailerStoppedError(
                f"the log cannot be written: {error.strerror}; make room or set deliver.mailer to another"
            ) from None
        return Receipt(state=DeliveryState.ACCEPTED, reply="logged, not sent")

    def check(self) -> str:
        """Return one line for `doctor`."""
        return "mails are logged and go nowhere; set deliver.mailer to send them"
