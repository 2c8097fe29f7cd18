"""The command line: every command parses, calls and prints; it decides nothing.

Results go to standard output, notes and errors to standard error. Exit codes: 0 done, 2 the command line itself is
wrong (an unknown command or option, something missing, no number where one belongs), 130 interrupted, 1 anything
else, such as a date, period, topic or source that makes no sense; one line says why.
"""

from __future__ import annotations

import os
import sys

import typer

from newsletter.cli import (
    bounces,
    check,
    dkim,
    edit,
    evaluate,
    issues,
    keys,
    letters,
    papers,
    person,
    sending,
    serve,
    setup,
    subscribers,
    tastes,
)
from newsletter.cli.home import Call, root_options
from newsletter.cli.output import complain
from newsletter.errors import NewsletterError

__all__ = ["app", "main", "run"]

_WRONG_CALL = 2

app = typer.Typer(
    name="newsletter",
    help="A newsletter of research papers: collect them, rank them for each reader, approve, and send once.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(root_options)
setup.register(app)
papers.register(app)
issues.register(app)
edit.register(app)
sending.register(app)
check.register(app)
evaluate.register(app)
tastes.register(subscribers.app)
person.register(subscribers.app)
letters.register(app)
app.add_typer(subscribers.app, name="subscribers")
bounces.register(app)
serve.register(app)
app.add_typer(dkim.app, name="dkim")
app.add_typer(keys.app, name="keys")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; a failure is one line, never a traceback.

    NEWSLETTER_DEBUG=1 lets an unexpected error through with its traceback, for a bug report.
    """
    sys.exit(run(arguments))


def run(arguments: list[str] | None) -> int:
    """Run one command and return its exit code; every failure is one line on standard error."""
    try:
        return int(app(args=arguments, prog_name="newsletter", standalone_mode=False, obj=Call()) or 0)
    except NewsletterError as error:
        return complain(str(error), code=1)
    except typer.TyperException as error:
        return _wrong_call(error)
    except (KeyboardInterrupt, typer.Abort):
        return complain("interrupted; what was finished is kept, and the same command goes on from there", code=130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: nothing left to say
        return 1
    except Exception as error:  # the last net: a person gets one line, not a traceback
        if os.environ.get("NEWSLETTER_DEBUG"):
            raise
        text = f"unexpected {type(error).__name__}: {error}; run again with NEWSLETTER_DEBUG=1 and report what it shows"
        return complain(text, code=1)


def _wrong_call(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "newsletter"
    message = error.format_message()
    if "\n" in message:  # a bare `newsletter` or `newsletter subscribers`: the message is its help
        typer.echo(message, err=True)
        return _WRONG_CALL
    return complain(f"{message.rstrip('.')}; see: {command} --help", code=getattr(error, "exit_code", _WRONG_CALL))
