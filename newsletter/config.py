"""The operator's settings: `default.toml`, then the home's `newsletter.toml`, then a few environment variables.

Everything is checked here, once, and frozen; no default stands in code. This module reads files and the given
environment only: it opens no database, no connection and makes no folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import (
    Field,
    TypeAdapter,
    ValidationError,
)

from newsletter.errors import ConfigError
from newsletter.model import Topic
from newsletter.resources import resource
from newsletter.settings import (
    BounceSettings,
    CollectSettings,
    DeliverSettings,
    RankSettings,
    Section,
    SignupSettings,
    Site,
    StoreSettings,
    SubscriberSettings,
    WebSettings,
)
from newsletter.values import (
    Line,
    Several,
    told,
)

CONFIG_NAME = "newsletter.toml"
DATABASE_NAME = "newsletter.db"
TOPICS_NAME = "topics.toml"
ALIASES_NAME = "aliases.toml"
_SECRET_BYTES = 4096  # more than any token or password


class _TopicTable(Section):
    """One table of topics.toml; see `newsletter.model.Topic`."""

    title: Annotated[Line, Field(min_length=1)]
    description: str = ""
    phrases: Several[str] = ()
    negative: Several[str] = ()


class Config(Section):
    """The whole, checked and frozen. `home` is the absolute home folder."""

    home: Path
    site: Site
    store: StoreSettings
    collect: CollectSettings
    rank: RankSettings
    subscribers: SubscriberSettings
    signup: SignupSettings
    deliver: DeliverSettings
    bounces: BounceSettings
    web: WebSettings
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
    _complete_relays(settings)
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


def _complete_relays(settings: dict[str, Any]) -> None:
    """Give every relay of a list what `[deliver.smtp]` says and it does not; wrong types are left to the validation."""
    deliver = settings.get("deliver")
    if not isinstance(deliver, dict) or not isinstance(deliver.get("relays"), list):
        return
    common = deliver.get("smtp")
    if isinstance(common, dict):
        deliver["relays"] = [common | one if isinstance(one, dict) else one for one in deliver["relays"]]


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
