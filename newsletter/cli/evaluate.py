"""The command evaluate: the ranking measured on reading lists, for operators who tune weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.files import read_text
from newsletter.cli.home import opened
from newsletter.cli.output import counted, note, progressing, say, say_json, say_table
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.rank.evaluate import Figures, Measured
    from newsletter.rank.metrics import Estimate
    from newsletter.rank.replay import ReadingList, Replay

_MEANING = (
    "random: by chance. votes only: the most upvoted first. topic only: likeness to the list, and words of --interest.",
    "blended: both, by your weights, as digests are. words only: --interest and votes, without the list.",
    "tf-idf + svm: a plain classifier, to compare with.",
    "nDCG: 1 where the list's papers of a day stand first, less the lower they stand. AUC: how often one stands",
    "above another paper; 0.5 is chance. recall@5: the share of them among the first five. Each is the mean over all",
    "days, and in brackets the range that it lies in with 95 % confidence.",
)
_SEED = 0  # of all chance, so that two runs say the same


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("evaluate")(evaluate)


def evaluate(
    context: typer.Context,
    papers: Annotated[Path, typer.Argument(metavar="PAPERS", help="Papers with listing days, as import reads them.")],
    lists: Annotated[list[Path], typer.Argument(metavar="INTERESTS...", help="Reading lists (JSON).")],
    interest: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=WORDS", help="What the reader of a list would write; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the ranking on real reading lists.

    Each list ({"name", "entries": [{"id", "added"}]}) is cut after 60 % of its entries. What was listed and added
    before the cut is learned from; then the papers of each later day are ranked, and those that were added to the
    list from that day on should stand first. The weights are those of your settings. Votes count as the file has them.
    """
    from newsletter.collect.files import read_file  # noqa: PLC0415 - keeps --help quick
    from newsletter.rank.evaluate import measured  # noqa: PLC0415 - same
    from newsletter.rank.replay import replay  # noqa: PLC0415 - same

    readers = _reading_lists(lists)
    words = _words(interest or (), readers)
    batch = read_file(papers, now=context.obj.now())
    for one in batch.rejected:
        note(f"left out: {one.where}: {one.reason}")
    replays = [replay(batch.papers, reader) for reader in readers]
    with opened(context) as app:
        steps = progressing(replays, total=len(replays), what="replaying")
        results = [measured(one, app.ranker, words.get(one.name, ()), seed=_SEED) for one in steps]
    _tell(replays, results, as_json=as_json)


def _reading_lists(paths: Sequence[Path]) -> list[ReadingList]:
    from newsletter.collect.reading_list import read_reading_list  # noqa: PLC0415 - keeps --help quick
    from newsletter.rank.replay import ReadingList  # noqa: PLC0415 - same

    read = [read_reading_list(read_text(path), where=str(path)) for path in paths]
    names = [name for name, _ in read]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two lists are named {twice[0]}; give each a name of its own")
    return [ReadingList(name=name, added=added) for name, added in read]


def _words(given: Sequence[str], readers: Sequence[ReadingList]) -> Mapping[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = {}
    names = [reader.name for reader in readers]
    for text in given:
        name, _, wish = text.partition("=")
        if name not in names or not wish.strip():
            raise UsageError(f"--interest {text!r} is not NAME=WORDS with a list's name: {', '.join(names)}")
        words[name] = (*words.get(name, ()), wish)
    return words


def _tell(replays: Sequence[Replay], results: Sequence[Mapping[str, Measured]], *, as_json: bool) -> None:
    from newsletter.rank.evaluate import figures  # noqa: PLC0415 - keeps --help quick

    tables = [{name: figures([one], seed=_SEED) for name, one in result.items()} for result in results]
    shared = [name for name in results[0] if all(name in result for result in results)]
    mean = {name: figures([result[name] for result in results], seed=_SEED) for name in shared}
    if as_json:
        lists = [_list_json(one, table) for one, table in zip(replays, tables, strict=True)]
        say_json({"seed": _SEED, "lists": lists, "mean": _table_json(mean)})
        return
    for one, table in zip(replays, tables, strict=True):
        known = f"{counted(len(one.corpus), 'paper')} and {len(one.liked)} liked before {one.cut}"
        _tell_table(f"{one.name}: {known}, {counted(len(one.days), 'day')} from then on", table)
    if len(replays) > 1:
        _tell_table(f"mean of the {len(replays)} lists", mean)
    for line in _MEANING:
        say(line)


def _tell_table(head: str, table: Mapping[str, Figures]) -> None:
    say(head)
    rows = ((name, _shown(one.ndcg), _shown(one.auc), _shown(one.recall_at_5)) for name, one in table.items())
    say_table(("order", "nDCG (95 %)", "AUC (95 %)", "recall@5 (95 %)"), rows)
    say()


def _shown(one: Estimate) -> str:
    return f"{one.mean:.3f} ({one.low:.3f} to {one.high:.3f})"


def _list_json(one: Replay, table: Mapping[str, Figures]) -> dict[str, Any]:
    known = {"papers": len(one.corpus), "liked": len(one.liked), "days": len(one.days)}
    return {"name": one.name, "cut": one.cut, **known, "orders": _table_json(table)}


def _table_json(table: Mapping[str, Figures]) -> dict[str, Any]:
    return {
        name: {"ndcg": _json(one.ndcg), "auc": _json(one.auc), "recall_at_5": _json(one.recall_at_5)}
        for name, one in table.items()
    }


def _json(one: Estimate) -> dict[str, float]:
    return {"mean": round(one.mean, 4), "low": round(one.low, 4), "high": round(one.high, 4)}
