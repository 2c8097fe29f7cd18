"""`newsletter serve`: the web pages."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.home import Call, existing
from newsletter.cli.output import note


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen at.", show_default="[web] host")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen at.", show_default="[web] port")
    ] = None,
) -> None:
    """Serve the web pages until Ctrl-C or SIGTERM.

    Each request is one line on standard error, which names nothing of a reader's.
    """
    from newsletter.values import is_this_machine  # noqa: PLC0415 - keeps --help quick
    from newsletter.web.running import listen, run_server  # noqa: PLC0415 - same

    call: Call = context.obj
    with existing(context) as app:
        settings = app.config.web
        with listen(host or settings.host, port or settings.port) as listening:
            if not app.config.site.web_url and not is_this_machine(host or settings.host):
                note("others can reach this, but site.web_url is empty: links would not work, and forms be refused")
            note(f"serving {app.config.site.web_url or listening.url} at {listening.url}; stop with Ctrl-C")
            run_server(app, listening, clock=call.now)
