"""Commands about papers: collect, import, papers, search, rank, topics."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.home import Call, existing, made, opened
from newsletter.cli.output import counted, note, progressing, say, say_json, say_table
from newsletter.errors import UsageError
from newsletter.model import DayState
from newsletter.period import days_between, parse_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from newsletter.app import App
    from newsletter.collect.base import Rejected, Source
    from newsletter.model import Paper, Profile, RankedPaper
    from newsletter.pipeline.collecting import Collected, Imported

Day = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="One UTC day.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_SATURDAY = 5


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("collect")(collect)
    app.command("import")(import_files)
    app.command("papers")(papers)
    app.command("search")(search)
    app.command("rank")(rank)
    app.command("topics")(topics)


def collect(
    context: typer.Context,
    day: Day = None,
    since: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="First UTC day of a range.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Last UTC day of a range.", show_default="today")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="huggingface, arxiv or a feed of your settings; may be repeated."),
    ] = None,
) -> None:
    """Collect what sources listed for some days.

    With neither --date nor --since: yesterday and today. Collecting a day again only renews its votes.
    """
    from newsletter.pipeline.collecting import check_days  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.collecting import collect as run  # noqa: PLC0415 - same

    now = context.obj.now()
    days = _days(day, since, until, now=now)
    check_days(days, now=now)
    outcomes = []
    with opened(context) as app:
        sources = _sources(app, source)
        with made(app):
            steps = run(app.store, sources, days, now=now)
            for outcome in progressing(steps, total=len(sources) * len(days), what="collecting"):
                _tell_collected(outcome)
                outcomes.append(outcome)
    _sum_up(outcomes)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def import_files(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Saved pages, JSON answers or JSON lines.")],
    year: Annotated[
        int | None,
        typer.Option(metavar="YYYY", help="Year of the dates that a saved page shows without one.", min=1990, max=9998),
    ] = None,
    captured: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DDTHH:MM", help="When the votes were counted (UTC).", show_default="now"),
    ] = None,
) -> None:
    """Import papers from files.

    A file is a saved Daily Papers page (text), an answer of its endpoint (JSON), or has one paper a line (JSON
    lines, also .gz). What cannot be read is named; what can is kept.
    """
    from newsletter.pipeline.collecting import import_files as run  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.collecting import readable  # noqa: PLC0415 - same

    now = context.obj.now()
    at = _instant(captured, now=now) if captured else None
    outcomes = []
    with opened(context) as app:
        if not app.exists:
            readable(files, now=now, year=year)
        with made(app):
            steps = run(app.store, files, now=now, year=year, captured=at)
            for outcome in progressing(steps, total=len(files), what="importing"):
                _tell_imported(outcome)
                outcomes.append(outcome)
        say(_import_sum(outcomes, stored=app.store.papers.count()))
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def papers(context: typer.Context, day: Day = None, as_json: AsJson = False) -> None:
    """List the stored papers, all or of one day."""
    with existing(context) as app:
        found = _papers_of(app, parse_day(day)) if day else list(app.store.papers.all())
    _tell_papers(found, as_json=as_json)


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="Words to find in titles, abstracts, authors and keywords.")],
    limit: Annotated[int, typer.Option(metavar="N", help="How many at most.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Search all stored papers, best match first."""
    if not query.strip():
        raise UsageError("there is nothing to search for; write a word or more")
    with existing(context) as app:
        found = app.store.papers.search(query, limit=limit)
    _tell_papers(found, as_json=as_json)


def rank(
    context: typer.Context,
    day: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="The UTC day whose papers are ranked.")],
    topic: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A topic by its name; may be repeated.")
    ] = None,
    interest: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="An interest in free words; may be repeated.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--for", metavar="ADDRESS", help="Rank for this subscriber's profile.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rank a day's papers, with the reasons for each.

    By topics and interests, or as they rank for a subscriber; by votes alone where nothing is wished for. What does
    not match stands here by its score, too; a digest fills up with the most upvoted of it.
    """
    call: Call = context.obj
    wanted = parse_day(day)
    with existing(context) as app:
        profile = _profile(app, topic or [], interest or [], address)
        candidates = _papers_of(app, wanted)
        ranker = app.fitter.fit(app.store.papers.corpus(wanted))
        ranked = ranker.rank(candidates, profile, now=call.now())
    _tell_ranked([_judged(one, profile) for one in ranked], as_json=as_json)
    if candidates and not ranked:
        note("every paper is muted")
    elif (profile.topics or profile.interests) and not any(one.matched for one in ranked):
        note("nothing matches what is wished for; a digest shows the most upvoted papers")


def topics(context: typer.Context, as_json: AsJson = False) -> None:
    """List the topics that readers may follow.

    They are those of the home's topics.toml, else those that ship with the program.
    """
    with opened(context) as app:
        found = app.config.topics
    if as_json:
        say_json([{"name": one.name, "title": one.title, "description": one.description} for one in found])
        return
    say_table(("name", "title", "description"), ((one.name, one.title, one.description) for one in found))


def paper_json(paper: Paper) -> dict[str, Any]:
    """Return a paper as `--json` prints it and `import` reads it back; dates are ISO 8601, unknown numbers null."""
    return {
        "id": paper.id,
        "title": paper.title,
        "authors": list(paper.authors),
        "organisation": paper.organisation,
        "published": paper.published.isoformat() if paper.published else None,
        "listed_on": paper.listed_on.isoformat() if paper.listed_on else None,
        "upvotes": paper.upvotes,
        "comments": paper.comments,
        "source": paper.source,
        "author_count": paper.author_count,
        "abstract": paper.abstract,
        "summary": paper.summary,
        "keywords": list(paper.keywords),
        "links": {
            "page": paper.links.page,
            "pdf": paper.links.pdf,
            "code": paper.links.code,
            "stars": paper.links.stars,
            "project": paper.links.project,
        },
    }


def _days(day: str | None, since: str | None, until: str | None, *, now: datetime) -> tuple[date, ...]:
    if day and (since or until):
        raise UsageError("--date names one day, --since and --until a range; give one or the other")
    if until and not since:
        raise UsageError("--until needs --since: the first day of the range")
    if day:
        return (parse_day(day),)
    today = now.date()
    if not since:
        return days_between(date.fromordinal(today.toordinal() - 1), today)
    return days_between(parse_day(since), parse_day(until) if until else today)


def _instant(text: str, *, now: datetime) -> datetime:
    from datetime import UTC, datetime  # noqa: PLC0415 - the names above are for annotations only

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--captured {text!r} is no time; write it as 2026-07-14T07:45") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment > now:
        raise UsageError(f"--captured {text!r} lies in the future")
    return moment.astimezone(UTC)


def _sources(app: App, named: Sequence[str] | None) -> tuple[Source, ...]:
    names = tuple(dict.fromkeys(named or app.config.collect.sources))
    if not names:
        raise UsageError("there is no source; name one with --source, or under [collect] sources in the settings")
    return app.sources(names)


def _profile(app: App, topics: Sequence[str], interests: Sequence[str], address: str | None) -> Profile:
    from newsletter.pipeline.tastes import settled  # noqa: PLC0415 - keeps --help quick
    from newsletter.pipeline.wishes import cell_of, profile_from, remarks_on  # noqa: PLC0415 - same

    if address is None:
        known = [topic.name for topic in app.config.topics]
        profile = profile_from(cell_of(topics), cell_of(interests), topics=known)
        for remark in remarks_on(profile):
            note(remark)
        return profile
    if topics or interests:
        raise UsageError("--for takes the subscriber's own topics; leave --topic and --interest out")
    subscriber = app.store.subscribers.find(address)
    if subscriber is None:
        raise UsageError(f"there is no subscriber {address}; list them with: newsletter subscribers list")
    return settled(subscriber.profile, app.store.lookup.former())


def _papers_of(app: App, day: date) -> list[Paper]:
    found = app.store.papers.on(day, day)
    if not found and app.store.papers.day_state(day) is DayState.NOT_COLLECTED:
        raise UsageError(f"{day} is not collected; collect it with: newsletter collect --date {day}")
    if not found:
        note(f"{day} is empty: no paper was listed")
    return found


def _tell_papers(found: Sequence[Paper], *, as_json: bool) -> None:
    if as_json:
        say_json([paper_json(paper) for paper in found])
        return
    rows = ((_number(one.upvotes), one.listed_on or "-", one.id, one.title) for one in found)
    say_table(("upvotes", "listed on", "id", "title"), rows)
    note(counted(len(found), "paper"))


def _judged(ranked: RankedPaper, profile: Profile) -> RankedPaper:
    """Say of what a reader liked or disliked that a digest leaves it out: it is known to them."""
    paper = ranked.paper.id
    word = "liked" if paper in profile.liked else "disliked" if paper in profile.disliked else ""
    return replace(ranked, reasons=(f"{word} already, so in no digest", *ranked.reasons)) if word else ranked


def _tell_ranked(ranked: Sequence[RankedPaper], *, as_json: bool) -> None:
    if as_json:
        say_json(
            [
                {
                    "id": one.paper.id,
                    "title": one.paper.title,
                    "score": round(one.score, 6),
                    "matched": one.matched,
                    "reasons": one.reasons,
                }
                for one in ranked
            ]
        )
        return
    rows = (
        (f"{one.score:.3f}", "yes" if one.matched else "-", one.paper.id, one.paper.title, "; ".join(one.reasons))
        for one in ranked
    )
    say_table(("score", "match", "id", "title", "why"), rows, wide=(3, 4))


def _tell_collected(outcome: Collected) -> None:
    head = f"{outcome.day} {outcome.source}:"
    _tell_rejected(outcome.rejected)
    for line in outcome.notes:
        note(f"{head} {line}")
    if outcome.error:
        note(f"{head} failed: {outcome.error}")
    elif outcome.state is DayState.COLLECTED:
        added = outcome.added
        news = f" ({added.new} new, {counted(added.votes, 'vote count')})" if added else ""
        say(f"{head} {counted(outcome.listed, 'paper')}{news}")
    elif outcome.state is DayState.EMPTY:
        say(f"{head} empty" + (" (weekend)" if outcome.day.weekday() >= _SATURDAY else ""))
    else:
        say(f"{head} {outcome.state}")


def _tell_imported(outcome: Imported) -> None:
    _tell_rejected(outcome.rejected)
    for line in outcome.notes:
        note(line)
    if outcome.error:
        note(f"failed: {outcome.error}")
    elif outcome.added:
        added = outcome.added
        dated = f"{counted(added.listings, 'new listing')}, {counted(added.votes, 'vote count')}"
        news = f"{added.new} new, {added.updated} updated, {dated}"
        say(f"{outcome.path}: {counted(outcome.entries, 'entry', 'entries')}, {news}")


def _tell_rejected(rejected: Iterable[Rejected]) -> None:
    for one in rejected:
        note(f"left out: {one.where}: {one.reason}")


def _sum_up(outcomes: Sequence[Collected]) -> None:
    full = {one.day for one in outcomes if one.state is DayState.COLLECTED and not one.error}
    empty = {one.day for one in outcomes if one.state is DayState.EMPTY and not one.error} - full
    weekend = sum(day.weekday() >= _SATURDAY for day in empty)
    listed = sum(one.listed for one in outcomes if not one.error)
    new = sum(one.added.new for one in outcomes if one.added)
    failed = sum(1 for one in outcomes if one.error)
    parts = [f"{counted(listed, 'listing')} over {counted(len(full), 'date')}, {counted(new, 'paper')} new"]
    if empty:
        of_them = f"{weekend} of them {'a weekend day' if weekend == 1 else 'weekend days'}"
        parts.append(f"{counted(len(empty), 'date')} empty ({of_them})")
    if failed:
        parts.append(f"{failed} failed")
    say("; ".join(parts))


def _import_sum(outcomes: Sequence[Imported], *, stored: int) -> str:
    new = sum(one.added.new for one in outcomes if one.added)
    dated = sum(one.added.listings for one in outcomes if one.added)
    entries = counted(sum(one.entries for one in outcomes), "entry", "entries")
    return f"{entries} read, {counted(new, 'paper')} new, {counted(dated, 'new listing')}; {stored} stored in all"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
