"""The settings, section by section: which there are, of what type, and what each takes.

Only shapes and checks: `config` reads them from files. No default stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from newsletter.model import Cadence
from newsletter.values import (
    SELECTOR_PATTERN,
    Address,
    AddressOrNothing,
    DnsName,
    HttpsUrlOrNothing,
    HttpUrl,
    Line,
    NameServerOrNothing,
    Network,
    Seconds,
    Several,
    WebUrlOrNothing,
    Zone,
    written_as,
)

BUILT_IN_SOURCES = ("huggingface", "arxiv")
_HOUR = 3600
_WEEK = 7 * 24 * _HOUR
# What of one mail may last `timeout_seconds`, each step for itself: RSET, MAIL, RCPT and DATA on a connection that then
# breaks off, connecting anew, greeting, EHLO before and after STARTTLS, STARTTLS, its handshake, three answers of a
# login, MAIL, RCPT, DATA, the text, the next mail's commands behind it, and QUIT.
_SMTP_STEPS = 19
# A local part has 64 octets (RFC 5321, section 4.5.3.1.1); the signature of a return path takes up to 44 of them.
_RETURN_PATH_LETTERS = 20


def _own_name(name: str) -> str:
    if name in BUILT_IN_SOURCES:
        raise ValueError("must have another name: a source of its own is called so")
    return name


def _short_local_part(address: str) -> str:
    local = address.rpartition("@")[0]
    if not address.isascii() or len(local) > _RETURN_PATH_LETTERS:
        raise ValueError(
            f"must be ASCII, with at most {_RETURN_PATH_LETTERS} letters before the @: a signature follows"
        )
    return address


class Section(BaseModel):
    """What all have in common: frozen, of exact types, without names that no setting has."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Site(Section):
    """Who the newsletter is: names, addresses and the one colour of its own (`#rrggbb`).

    `web_url` is the base of the web pages, without a slash at its end; "" while there are none. An empty `from_name`
    becomes the `name`.
    """

    name: Annotated[Line, Field(min_length=1, max_length=80)]
    tagline: Line
    accent: Annotated[str, written_as(r"#[0-9a-fA-F]{6}", "a colour such as #0b6e5f")]
    logo: HttpsUrlOrNothing
    logo_alt: Annotated[Line, Field(max_length=80)]
    thumbnails: bool
    web_url: WebUrlOrNothing
    from_name: Line
    from_address: Address
    reply_to: AddressOrNothing
    unsubscribe_address: Address
    postal_address: Line
    list_id: Annotated[str, written_as(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "a name such as digest.group.example")]
    feedback_id: Annotated[str, written_as(r"([\w-]{5,15})?", "5 to 15 letters, digits, - and _, or empty")]

    @field_validator("from_name")
    @classmethod
    def _is_the_sites(cls, from_name: str, info: ValidationInfo) -> str:
        return from_name or str(info.data.get("name", ""))


class StoreSettings(Section):
    """Where everything is kept; an empty url means SQLite in the home folder."""

    url: str


class HuggingFaceSettings(Section):
    """The Daily Papers endpoint."""

    endpoint: HttpUrl
    token_file: str
    page_size: Annotated[int, Field(ge=1, le=100)]
    token: Annotated[str, Field(repr=False)] = ""


class ArxivSettings(Section):
    """The arXiv query API."""

    categories: Several[Annotated[str, written_as(r"[a-z-]+(\.[A-Za-z-]+)?", "an arXiv category such as cs.CL")]]
    queries: Several[str]
    pause_seconds: Annotated[float, Field(ge=0, le=_HOUR)]
    max_results: Annotated[int, Field(ge=1, le=30_000)]  # the API's own limit


class CollectSettings(Section):
    """Sources, and how patiently they are asked. Times in seconds, sizes in bytes."""

    sources: Several[str]
    timeout_seconds: Seconds
    attempts: Annotated[int, Field(ge=1, le=100)]
    max_wait_seconds: Annotated[float, Field(ge=0, le=_HOUR)]
    max_answer_bytes: Annotated[int, Field(gt=0, le=2**31)]
    huggingface: HuggingFaceSettings
    arxiv: ArxivSettings
    feeds: Mapping[
        Annotated[
            str,
            written_as(r"[a-z0-9][a-z0-9_-]*", "a name in lower-case letters, digits, - and _"),
            AfterValidator(_own_name),
        ],
        HttpUrl,
    ]

    @model_validator(mode="after")
    def _sources_are_known(self) -> Self:
        known = (*BUILT_IN_SOURCES, *self.feeds)
        if unknown := [name for name in self.sources if name not in known]:
            raise ValueError(f"sources names {unknown[0]!r}, which is none; known are: {', '.join(known)}")
        return self


class RankSettings(Section):
    """How topic match and votes are weighed, and the embedding model that has a say in the match, if any."""

    topic_weight: Annotated[float, Field(ge=0, le=1000)]
    votes_weight: Annotated[float, Field(ge=0, le=1000)]
    floor: Annotated[float, Field(ge=0, le=1)]
    embeddings: Line
    embeddings_weight: Annotated[float, Field(ge=0, le=1)]


class SubscriberSettings(Section):
    """What a new subscriber gets where nothing else is said."""

    cadence: Annotated[Cadence, Field(strict=False)]
    hour: Annotated[int, Field(ge=0, le=23)]
    timezone: Zone
    size: Annotated[int, Field(ge=1, le=100)]


class SignupSettings(Section):
    """How much strangers may ask for: letters to an address in a day, sign-ups in an hour from a network and in all."""

    address_day: Annotated[int, Field(ge=1, le=1000)]
    network_hour: Annotated[int, Field(ge=1, le=1_000_000)]
    total_hour: Annotated[int, Field(ge=1, le=1_000_000)]


class FolderSettings(Section):
    """The folder mailer; a relative path lies below the home folder."""

    path: Annotated[str, Field(min_length=1)]


class SmtpSettings(Section):
    """An SMTP relay: where it is, how to log in, and how many seconds it may take for a step and for a whole mail.

    `weight` is its share of the connections; after `per_connection` mails it is connected anew (0: never).
    """

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Literal["none", "starttls", "implicit"]
    username: str
    password_file: str
    timeout_seconds: Seconds
    acceptance_seconds: Seconds
    weight: Annotated[float, Field(gt=0, le=1000)]
    per_connection: Annotated[int, Field(ge=0, le=1_000_000)]


class DkimSettings(Section):
    """One key that mails are signed with (RFC 6376); its public half is published at SELECTOR._domainkey.DOMAIN."""

    domain: DnsName
    selector: Annotated[str, Field(max_length=63, pattern=SELECTOR_PATTERN)]
    key_file: Annotated[str, Field(min_length=1)]


class DeliverSettings(Section):
    """How mails leave: by what, over how many connections, how fast, and how patiently.

    `relays` are what takes the place of `smtp` where there are several; each holds all of a relay's settings.
    """

    mailer: Literal["folder", "maildir", "log", "smtp"]
    uncertain: Literal["hold", "resend"]
    connections: Annotated[int, Field(ge=1, le=64)]
    processes: Annotated[int, Field(ge=0, le=64)]
    per_second: Annotated[float, Field(ge=0, le=100_000)]
    per_domain_second: Annotated[float, Field(ge=0, le=100_000)]
    retry_minutes: Annotated[float, Field(ge=0.1, le=_WEEK / 60)]
    retry_longest_minutes: Annotated[float, Field(gt=0, le=_WEEK / 60)]
    retry_hours: Annotated[float, Field(ge=0, le=4 * _WEEK / _HOUR)]
    patience_seconds: Annotated[float, Field(ge=0, le=_HOUR)]
    lease_seconds: Annotated[int, Field(ge=1, le=_WEEK)]
    dkim: Several[DkimSettings]
    dns_server: NameServerOrNothing
    folder: FolderSettings
    maildir: FolderSettings
    smtp: SmtpSettings
    relays: Several[SmtpSettings]

    @model_validator(mode="after")
    def _one_key_at_a_name(self) -> Self:
        names = [(one.domain, one.selector) for one in self.dkim]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"dkim names the selector {twice[0][1]} of {twice[0][0]} twice; keep one of them")
        return self

    @model_validator(mode="after")
    def _lease_outlives_a_mail(self) -> Self:
        longest = max(one.acceptance_seconds + _SMTP_STEPS * one.timeout_seconds for one in (self.smtp, *self.relays))
        if self.mailer == "smtp" and self.lease_seconds <= 2 * longest:  # a mail is settled with the next one's attempt
            raise ValueError(
                f"lease_seconds is {self.lease_seconds}, but one mail may take {longest:.0f} seconds: smtp."
                f"acceptance_seconds and {_SMTP_STEPS} steps of smtp.timeout_seconds; make lease_seconds longer than "
                "two of them"
            )
        return self


class MailServerSettings(Section):
    """A server that holds the inbox, asked by POP3."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Literal["none", "starttls", "implicit"]
    username: Line
    password_file: str
    timeout_seconds: Seconds


class ImapSettings(MailServerSettings):
    """A server that holds the inbox, asked by IMAP."""

    folder: Annotated[str, Field(pattern=r"^[ !#-\[\]-~]{1,200}$")]  # what IMAP may quote as it is


class MaildirSettings(Section):
    """The inbox as a maildir; a relative path lies below the home folder."""

    path: Annotated[str, Field(min_length=1)]


class BounceSettings(Section):
    """Where bounces come to, and when they end the mail to an address. Days may be broken."""

    return_path: Annotated[AddressOrNothing, AfterValidator(_short_local_part)]
    delimiter: Annotated[str, Field(pattern=r"^[+=_-]$")]
    inbox: Literal["none", "imap", "pop3", "maildir"]
    handled: Literal["delete", "keep"]
    junk: Literal["delete", "keep"]
    hard_issues: Annotated[int, Field(ge=1, le=100)]
    hard_days: Annotated[float, Field(gt=0, le=3660)]
    soft_points: Annotated[float, Field(gt=0, le=1000)]
    soft_days: Annotated[float, Field(ge=0, le=3660)]
    half_life_days: Annotated[float, Field(gt=0, le=3660)]
    imap: ImapSettings
    pop3: MailServerSettings
    maildir: MaildirSettings


class WebSettings(Section):
    """Where the web server listens, which proxies it believes, and how large a request's body may be, in bytes.

    `max_import_bytes` is for an import by the JSON API alone.
    """

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    trusted_proxies: Several[Network]
    max_body_bytes: Annotated[int, Field(ge=1024, le=2**30)]
    max_import_bytes: Annotated[int, Field(ge=1024, le=2**30)]
