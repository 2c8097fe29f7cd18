"""What `doctor` says of bounces: where they come to, and whether the inbox can be read. It marks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsletter.app import App


def inbox_finding(app: App) -> str:
    """Return one line on the inbox and the return path.

    Raises:
        NewsletterError: the inbox cannot be opened; the message says what to check.
    """
    settings = app.config.bounces
    if settings.inbox == "none":
        to = settings.return_path or app.config.site.from_address
        return f"they come to {to}, and nothing reads them there; set [bounces] inbox, or: newsletter bounces FILE"
    found = app.inbox().check()
    if settings.return_path:
        return found
    return f"{found}; only complaints and unsubscribe mails are understood until [bounces] return_path is set"
