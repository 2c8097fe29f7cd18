"""Commands about the keys of the JSON API: add, list, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.access import Scope
from newsletter.cli.home import existing
from newsletter.cli.output import counted, note, say, say_json, say_table

if TYPE_CHECKING:
    from newsletter.access import ApiKey

app = typer.Typer(help="Manage the keys of the JSON API.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Who uses the key.")]


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help=f"What it may do; may be repeated: {', '.join(Scope)}."),
    ] = None,
) -> None:
    """Make a key and print it.

    It is shown this once: only a digest of it is kept.
    """
    from newsletter.pipeline.api_keys import new_key, scopes_from  # noqa: PLC0415 - keeps --help quick

    scopes = scopes_from(scope or [])
    with existing(context) as program:
        key = new_key(program.store, name, scopes, now=context.obj.now())
    say(key)
    note("keep it well: it cannot be shown again; revoke it with: newsletter keys revoke NAME")


@app.command("list")
def list_keys(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the keys, also those that were revoked."""
    with existing(context) as program:
        found = program.store.api_keys.all()
    if as_json:
        say_json([_as_json(one) for one in found])
        return
    rows = [(one.name, _state(one), ", ".join(sorted(one.scopes))) for one in found]
    say_table(("name", "state", "scopes"), rows)
    note(counted(len(found), "key"))


@app.command("revoke")
def revoke(context: typer.Context, name: Name) -> None:
    """Let a key be of no use from now on."""
    from newsletter.pipeline.api_keys import revoke_key  # noqa: PLC0415 - keeps --help quick

    with existing(context) as program:
        revoke_key(program.store, name, now=context.obj.now())
    say(f"key {name} revoked")


def _state(one: ApiKey) -> str:
    if one.revoked_at:
        return f"revoked {one.revoked_at:%Y-%m-%d}"
    return f"used {one.used_at:%Y-%m-%d}" if one.used_at else "never used"


def _as_json(one: ApiKey) -> dict[str, Any]:
    return {
        "name": one.name,
        "scopes": sorted(one.scopes),
        "created_at": one.created_at,
        "used_at": one.used_at,
        "revoked_at": one.revoked_at,
    }
