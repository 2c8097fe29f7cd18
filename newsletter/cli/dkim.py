"""DKIM keys on the command line: make one, and show what of the keys in use belongs into the DNS."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from newsletter.cli.home import Call, existing
from newsletter.cli.output import note, say, say_json
from newsletter.config import CONFIG_NAME
from newsletter.errors import UsageError
from newsletter.settings import DkimSettings

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.app import App

app = typer.Typer(help="The keys that sign mails (DKIM).", no_args_is_help=True, rich_markup_mode=None)

_FOLDER = "dkim"


class KeyKind(StrEnum):
    """The kinds of keys that DKIM knows."""

    RSA = "rsa"
    ED25519 = "ed25519"


@app.command("new")
def new(
    context: typer.Context,
    selector: Annotated[
        str, typer.Option(help="Name of the key in the DNS.", show_default="digest and the month, as digest202607")
    ] = "",
    kind: Annotated[
        KeyKind, typer.Option("--type", help="rsa: every receiver checks it; ed25519: a second one beside it.")
    ] = KeyKind.RSA,
    domain: Annotated[str, typer.Option(help="Domain that signs.", show_default="the one of [site] from_address")] = "",
) -> None:
    """Make a key, and print its DNS record and its settings.

    The key lies in the home, readable by its owner only. Nothing is signed with it before the settings name it, and an
    older key stays as it is: first publish the record, then put in the settings, at last remove the old ones.
    """
    from newsletter.deliver.dkim_key import kind_of, new_key, write_key  # noqa: PLC0415 - keeps --help quick

    call: Call = context.obj
    with existing(context) as home:
        one = _checked(domain=domain or _from_domain(home), selector=selector or _selector(kind, now=call.now()))
        key = new_key("ed25519" if kind is KeyKind.ED25519 else "rsa")
        write_key(key, home.config.path(one.key_file))
        say(f"made {home.config.path(one.key_file)} ({kind_of(key)}), for its owner's eyes only")
        say()
        _tell(one, home)
        say()
        say(f"When the record can be seen, put this into {home.config.home / CONFIG_NAME}:")
        say()
        for line in _settings(one):
            say(line)
        note("then see whether all fits with: newsletter doctor")


@app.command("show")
def show(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the DNS records of the keys in use."""
    with existing(context) as home:
        keys = home.config.deliver.dkim
        if as_json:
            say_json([_as_json(one, home) for one in keys])
            return
        if not keys:
            say("the settings name no key; make one with: newsletter dkim new")
        for number, one in enumerate(keys):
            if number:
                say()
            _tell(one, home)


def _checked(*, domain: str, selector: str) -> DkimSettings:
    """Return the settings of a new key.

    Raises:
        UsageError: the DNS knows no such domain or selector.
    """
    values = {"domain": domain, "selector": selector, "key_file": f"{_FOLDER}/{selector}.pem"}
    try:
        return TypeAdapter(DkimSettings).validate_python(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][-1])
        raise UsageError(
            f"--{name} {values[name]!r} cannot stand in the DNS; write it with lower case letters, digits, - and dots"
        ) from None


def _from_domain(home: App) -> str:
    from newsletter.deliver.identity import mail_address  # noqa: PLC0415 - email-validator is slow to import

    return mail_address(home.config.site.from_address).rpartition("@")[2].lower()


def _selector(kind: KeyKind, *, now: datetime) -> str:
    """Return a name that tells the month, so that the next key gets another, and that an RSA key does not have."""
    return f"digest{now:%Y%m}{'-ed25519' if kind is KeyKind.ED25519 else ''}"


def _tell(one: DkimSettings, home: App) -> None:
    from newsletter.deliver.dkim_key import (  # noqa: PLC0415 - keeps --help quick
        read_key,
        record_name,
        record_of,
        strings_of,
    )

    record = record_of(read_key(home.config.path(one.key_file)))
    say("DNS record of type TXT, to be published:")
    say(f"  name:   {record_name(one.selector, one.domain)}")
    say("  value:  " + " ".join(f'"{string}"' for string in strings_of(record)))


def _settings(one: DkimSettings) -> tuple[str, ...]:
    return (
        "[[deliver.dkim]]",
        f'domain = "{one.domain}"',
        f'selector = "{one.selector}"',
        f'key_file = "{one.key_file}"',
    )


def _as_json(one: DkimSettings, home: App) -> dict[str, object]:
    from newsletter.deliver.dkim_key import (  # noqa: PLC0415 - keeps --help quick
        kind_of,
        read_key,
        record_name,
        record_of,
        strings_of,
    )

    key = read_key(home.config.path(one.key_file))
    record = record_of(key)
    return {
        "name": record_name(one.selector, one.domain),
        "type": "TXT",
        "value": record,
        "strings": list(strings_of(record)),
        "key": kind_of(key),
        "key_file": one.key_file,
    }
