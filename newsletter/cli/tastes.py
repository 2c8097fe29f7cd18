"""Commands about what subscribers like: like, dislike, unlike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.home import existing
from newsletter.cli.output import counted, note, say
from newsletter.cli.subscribers import Address, known_as, nobody
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.app import App
    from newsletter.collect.reference import Reference
    from newsletter.model import Profile, Subscriber
    from newsletter.pipeline.tastes import Matched, Taste

_TOLD = 20  # of the entries that mean no paper, so many are named
_SHOWN = 100  # characters of an argument that is refused
_WHAT = "An arXiv id, a paper's URL, or a file: BibTeX, a reading list (JSON), one id or URL a line."
What = Annotated[list[str], typer.Argument(metavar="WHAT", help=_WHAT)]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("like")(like)
    app.command("dislike")(dislike)
    app.command("unlike")(unlike)


def like(context: typer.Context, address: Address, what: What) -> None:
    """Note papers that a subscriber likes: what resembles them stands higher.

    A file's entries are found by arXiv id, else by title among the stored papers; those that are neither are named and
    left out. An id that is not stored yet counts once it is collected. What was disliked before is liked from now on.
    """
    from newsletter.pipeline.tastes import Taste  # noqa: PLC0415 - keeps --help quick

    _judge(context, address, what, Taste.LIKED)


def dislike(context: typer.Context, address: Address, what: What) -> None:
    """Note papers that a subscriber does not like: what resembles them stands lower.

    They are named as `like` says. What was liked before is disliked from now on.
    """
    from newsletter.pipeline.tastes import Taste  # noqa: PLC0415 - keeps --help quick

    _judge(context, address, what, Taste.DISLIKED)


def unlike(
    context: typer.Context,
    address: Address,
    what: Annotated[list[str] | None, typer.Argument(metavar="WHAT", help=_WHAT)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Take everything back.")] = False,
) -> None:
    """Take back what a subscriber liked or disliked, named as `like` says."""
    from newsletter.pipeline.tastes import without_taste  # noqa: PLC0415 - keeps --help quick

    if everything == bool(what):
        raise UsageError("name the papers to take back, or --all for every one")
    references = _references(what or ())
    with existing(context) as app:
        held = known_as(app.store, address).profile
        if everything:
            _, after = _change(context, app, address, lambda profile: replace(profile, liked=(), disliked=()))
            say(f"everything taken back; {_standing(after)}")
            return
        papers = frozenset(_matched(app, references, held=(*held.liked, *held.disliked)).ids)
        before, after = _change(context, app, address, lambda profile: without_taste(profile, papers))
    number = _number(before.profile) - _number(after.profile)
    rest = len(papers) - number
    neither = f", {rest} neither liked nor disliked before" if rest else ""
    say(f"{counted(number, 'paper')} taken back{neither}; {_standing(after)}")


def _judge(context: typer.Context, address: str, what: Sequence[str], taste: Taste) -> None:
    from newsletter.pipeline.tastes import with_taste  # noqa: PLC0415 - keeps --help quick

    references = _references(what)
    with existing(context) as app:
        known_as(app.store, address)
        found = _matched(app, references)
        _, after = _change(context, app, address, lambda profile: with_taste(profile, taste, found.ids))
    say(
        f"{counted(len(found.ids), 'paper')}: {found.stored} stored, {len(found.waiting)} not collected yet; "
        f"{_standing(after)}"
    )


def _references(what: Sequence[str]) -> list[Reference]:
    """Return what the arguments name: each an id, a URL, or a file with many.

    Raises:
        UsageError: one that is none of these.
        CollectError: a file that cannot be read.
    """
    from newsletter.collect.reference import named_id, references  # noqa: PLC0415 - keeps --help quick
    from newsletter.collect.reference_file import read_references  # noqa: PLC0415 - same

    named: list[Reference] = []
    for text in what:
        if named_id(text):
            named += references(text)
        elif _is_there(text):
            named += read_references(Path(text))
        elif ":" in text:
            named += references(text)
        else:
            raise UsageError(f"{text[:_SHOWN]!r} is no arXiv id, no paper's URL or id, and no file that is there")
    return named


def _is_there(path: str) -> bool:
    try:
        return bool(path) and Path(path).exists()
    except OSError:  # too long for a name, or in a folder that is closed to us
        return False


def _matched(app: App, references: Sequence[Reference], *, held: Sequence[str] = ()) -> Matched:
    from newsletter.pipeline.tastes import match  # noqa: PLC0415 - keeps --help quick

    found = match(app.store, references, held=held)
    if not found.ids:
        more = f" (and {len(found.problems) - 1} more)" if len(found.problems) > 1 else ""
        raise UsageError(f"no paper is meant: {found.problems[0]}{more}")
    for problem in found.problems[:_TOLD]:
        note(f"left out: {problem}")
    if len(found.problems) > _TOLD:
        note(f"left out: {len(found.problems) - _TOLD} more")
    return found


def _change(
    context: typer.Context, app: App, address: str, decide: Callable[[Profile], Profile]
) -> tuple[Subscriber, Subscriber]:
    """Return the subscriber as it was, each paper under its present id, and as it is now."""
    from newsletter.pipeline.tastes import settled  # noqa: PLC0415 - keeps --help quick

    former = app.store.lookup.former()
    seen: list[Subscriber] = []

    def changed(known: Subscriber) -> Subscriber:
        seen.append(replace(known, profile=settled(known.profile, former)))
        return replace(known, profile=decide(seen[-1].profile))

    after = app.store.subscribers.change(address, changed, now=context.obj.now())
    if after is None:
        raise nobody(address)
    return seen[-1], after


def _number(profile: Profile) -> int:
    return len(profile.liked) + len(profile.disliked)


def _standing(one: Subscriber) -> str:
    return f"{one.address} has {len(one.profile.liked)} liked and {len(one.profile.disliked)} disliked"
