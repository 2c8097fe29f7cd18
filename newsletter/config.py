"""The operator's settings: `default.toml`, then the home's `newsletter.toml`, then a few environment variables.

Everything is checked here, once, and frozen; no default stands in code. This module reads files and the given
environment only: it opens no database, no connection and makes no folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from newsletter.errors import ConfigError
from newsletter.model import Cadence, Topic
from newsletter.resources import resource
from newsletter.values import (
    Address,
    AddressOrNothing,
    HttpsUrlOrNothing,
    HttpUrl,
    Line,
    Seconds,
    Several,
    WebUrlOrNothing,
    Zone,
    told,
    written_as,
)

CONFIG_NAME = "newsletter.toml"
DATABASE_NAME = "newsletter.db"
TOPICS_NAME = "topics.toml"
ALIASES_NAME = "aliases.toml"
BUILT_IN_SOURCES = ("huggingface", "arxiv")
_SECRET_BYTES = 4096  # more than any token or password
_HOUR = 3600
_WEEK = 7 * 24 * _HOUR
# What of one mail may last `timeout_seconds`, each step for itself: RSET on the old connection, connecting, greeting,
# EHLO before and after STARTTLS, STARTTLS, its handshake, three answers of a login, MAIL, RCPT, DATA and the text.
_SMTP_STEPS = 14


def _own_name(name: str) -> str:
    if name in BUILT_IN_SOURCES:
        raise ValueError("must have another name: a source of its own is called so")
    return name


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Site(_Section):
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


class StoreSettings(_Section):
    """Where everything is kept; an empty url means SQLite in the home folder."""

    url: str


class HuggingFaceSettings(_Section):
    """The Daily Papers endpoint."""

    endpoint: HttpUrl
    token_file: str
    page_size: Annotated[int, Field(ge=1, le=100)]
    token: Annotated[str, Field(repr=False)] = ""


class ArxivSettings(_Section):
    """The arXiv query API."""

    categories: Several[Annotated[str, written_as(r"[a-z-]+(\.[A-Za-z-]+)?", "an arXiv category such as cs.CL")]]
    queries: Several[str]
    pause_seconds: Annotated[float, Field(ge=0, le=_HOUR)]
    max_results: Annotated[int, Field(ge=1, le=30_000)]  # the API's own limit


class CollectSettings(_Section):
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


class RankSettings(_Section):
    """How topic match and votes are weighed, and the embedding model that has a say in the match, if any."""

    topic_weight: Annotated[float, Field(ge=0, le=1000)]
    votes_weight: Annotated[float, Field(ge=0, le=1000)]
    floor: Annotated[float, Field(ge=0, le=1)]
    embeddings: Line
    embeddings_weight: Annotated[float, Field(ge=0, le=1)]


class SubscriberSettings(_Section):
    """What a new subscriber gets where nothing else is said."""

    cadence: Annotated[Cadence, Field(strict=False)]
    hour: Annotated[int, Field(ge=0, le=23)]
    timezone: Zone
    size: Annotated[int, Field(ge=1, le=100)]


class FolderSettings(_Section):
    """The folder mailer; a relative path lies below the home folder."""

    path: Annotated[str, Field(min_length=1)]


class SmtpSettings(_Section):
    """The SMTP relay."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Literal["none", "starttls", "implicit"]
    username: str
    password_file: str
    timeout_seconds: Seconds
    acceptance_seconds: Seconds


class DeliverSettings(_Section):
    """How mails leave."""

    mailer: Literal["folder", "smtp"]
    uncertain: Literal["hold", "resend"]
    retry_minutes: Several[Annotated[float, Field(gt=0, le=_WEEK / 60)]]
    lease_seconds: Annotated[int, Field(ge=1, le=_WEEK)]
    folder: FolderSettings
    smtp: SmtpSettings

    @model_validator(mode="after")
    def _lease_outlives_a_mail(self) -> Self:
        longest = self.smtp.acceptance_seconds + _SMTP_STEPS * self.smtp.timeout_seconds
        if self.mailer == "smtp" and self.lease_seconds <= longest:
            raise ValueError(
                f"lease_seconds is {self.lease_seconds}, but one mail may take {longest:.0f} seconds: smtp."
                f"acceptance_seconds and {_SMTP_STEPS} steps of smtp.timeout_seconds; make lease_seconds longer"
            )
        return self


class _TopicTable(_Section):
    """One table of topics.toml; see `newsletter.model.Topic`."""

    title: Annotated[Line, Field(min_length=1)]
    description: str = ""
    phrases: Several[str] = ()
    negative: Several[str] = ()


class Config(_Section):
    """The whole, checked and frozen. `home` is the absolute home folder."""

    home: Path
    site: Site
    store: StoreSettings
    collect: CollectSettings
    rank: RankSettings
    subscribers: SubscriberSettings
    deliver: DeliverSettings
    topics: tuple[Topic, ...]
    aliases: Mapping[str, tuple[str, ...]]

    @property
    def database_url(self) -> str:
        """The store's URL: the operator's own, or SQLite in the home folder."""
        return self.store.url or f"sqlite:///{quote((self.home / DATABASE_NAME).as_posix())}"

    def path(self, name: str) -> Path:
        """Return `name` as a path; a relative one lies below the home folder."""
        return self.home / Path(name).expanduser()


def load_config(home: Path, environ: Mapping[str, str]) -> Config:
    """Read, join and check the settings of one home folder.

    Raises:
        ConfigError: a file that is no TOML, an unknown or wrong setting; the message names the file and the setting.
    """
    home = _named_in_unicode(home.expanduser().absolute())
    path = home / CONFIG_NAME
    defaults, own = _read(resource("config", "default.toml")), _read(path) if path.is_file() else {}
    if unknown := _unknown(own, defaults):
        raise ConfigError(f"{path}: {unknown}")
    settings = _merge(defaults, own)
    from_environment = _apply_environment(settings, environ)
    settings |= {"home": home, "topics": _read_topics(home), "aliases": _read_aliases(home)}
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        place, problem = told(error)
        where = f"the environment variable {from_environment[place]}" if place in from_environment else str(path)
        raise ConfigError(f"{where}: {place}: {problem}") from None


def read_secret(path: Path) -> str:
    """Return the one line that a secret's file holds: a password, a token.

    Raises:
        ConfigError: it cannot be read, or holds nothing or more than one line; the message names the file only.
    """
    try:
        with path.open("rb") as file:
            held = file.read(_SECRET_BYTES + 1)
        text = held.decode("utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; it must hold the secret in one line") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text; it must hold the secret in one line") from None
    if not text:
        raise ConfigError(f"{path} is empty; it must hold the secret in one line")
    if len(held) > _SECRET_BYTES or not text.isprintable():
        raise ConfigError(f"{path} holds more than one line of text; it must hold the secret alone")
    return text


def _named_in_unicode(home: Path) -> Path:
    try:
        str(home).encode()
    except UnicodeEncodeError:  # bytes of another encoding: no database URL can name them
        raise ConfigError(f"{str(home)!a} is not named in UTF-8; rename the folder or choose another") from None
    return home


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _unknown(own: Mapping[str, Any], defaults: Mapping[str, Any], heading: str = "") -> str:
    """Name the first name of `own` that no setting has, and the nearest that one has; "" where all are known.

    Under a heading without any default, as that of feeds, names are the operator's.
    """
    for name, value in own.items():
        if name not in defaults:
            near = get_close_matches(name, defaults, n=1)
            return f"{heading}{name}: there is no such setting" + (f"; is {heading}{near[0]} meant?" if near else "")
        inner = defaults[name] if isinstance(value, dict) and isinstance(defaults[name], dict) else {}
        if inner and (problem := _unknown(value, inner, f"{heading}{name}.")):
            return problem
    return ""


def _apply_environment(settings: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put in what the environment says; return which variable each such setting comes from, by its dotted name."""
    collect = settings["collect"]
    huggingface = collect.get("huggingface") if isinstance(collect, dict) else None
    if not isinstance(huggingface, dict):
        return {}  # a wrong type; the validation names it
    variables = {"endpoint": "HF_ENDPOINT", "token": "HF_TOKEN"}
    given = {name: variable for name, variable in variables.items() if environ.get(variable)}
    huggingface |= {name: environ[variable] for name, variable in given.items()}
    return {f"collect.huggingface.{name}": variable for name, variable in given.items()}


def _read_topics(home: Path) -> tuple[Topic, ...]:
    own = home / TOPICS_NAME
    path = own if own.is_file() else resource("config", TOPICS_NAME)
    try:
        checked = TypeAdapter(dict[str, _TopicTable]).validate_python(_read(path))
    except ValidationError as error:
        raise ConfigError(f"{path}: {': '.join(told(error))}") from None
    return tuple(Topic(name=name, **topic.model_dump()) for name, topic in checked.items())


def _read_aliases(home: Path) -> dict[str, tuple[str, ...]]:
    own = home / ALIASES_NAME
    path = own if own.is_file() else resource("config", ALIASES_NAME)
    try:
        return TypeAdapter(dict[str, tuple[str, ...]]).validate_python(_read(path))
    except ValidationError as error:
        raise ConfigError(f"{path}: {': '.join(told(error))}") from None
