"""Every error this program raises on purpose, in one tree.

A message names its subject (the file, the date, the address, the period) and says what to do next. The command
line prints it in one line. Nothing here formats, logs or exits.
"""


class NewsletterError(Exception):
    """Anything that stops a command; its text is one line made for the person who ran it."""


class ConfigError(NewsletterError):
    """A config file, option or home folder that cannot be used."""


class UsageError(NewsletterError):
    """A call that makes no sense: a bad date, an unknown period, topic or address."""


class ResourceError(NewsletterError):
    """A template or config file that should ship with the program is not there."""


class CollectError(NewsletterError):
    """A source or file that could not be collected; nothing of it was kept."""


class SourceUnreachableError(CollectError):
    """The source did not answer, or answered only with errors, after all retries."""


class SourceRefusedError(CollectError):
    """The source answered that it will not serve this request (400, 401, 403, 404)."""


class BadAnswerError(CollectError):
    """An answer or a file that is not what it should be: not JSON, not a feed, not a Daily Papers page."""


class LinkError(NewsletterError):
    """A signed link that cannot be made, or that is not whole, not ours or too old."""


class ReaderGoneError(LinkError):
    """A link that is ours and whole, of a subscriber of whom nothing is kept any more."""


class StoreError(NewsletterError):
    """The database could not be opened, migrated or written."""


class RenderError(NewsletterError):
    """A mail that could not be rendered."""


class TemplateError(RenderError):
    """A template that is wrong; the message names the template and the line."""


class DeliveryError(NewsletterError):
    """A mail that could not be handed over."""


class MailerStoppedError(DeliveryError):
    """The mailer cannot work at all (unreachable, wrong login, TLS failure): the whole send stops."""


class InboxError(DeliveryError):
    """The inbox that bounces come to could not be read or changed."""


class RelayGoneError(MailerStoppedError):
    """A relay cannot be reached or turns everybody away for now; another one, or the same later, may take mails."""


class BusyError(NewsletterError):
    """Too much of one kind is asked for at once; the same works again in a moment."""


class IssueStateError(NewsletterError):
    """An issue that is not in the state the command needs (not drafted, not approved, edited since)."""
