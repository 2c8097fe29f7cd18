"""JSON files: the endpoint's saved answers, lines of papers, and what this program prints itself."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.jsonl import read_json, stamped
from newsletter.errors import BadAnswerError
from newsletter.model import Links, Paper

if TYPE_CHECKING:
    from newsletter.collect.base import Batch

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLAIN = {"id": "2405.15738", "date": "2024-05-27", "title": "T", "summary": "Text.", "upvotes": 3, "comments": 0}
ITEM = {"paper": {"id": "2607.10383", "title": "T", "upvotes": 3}, "numComments": 1}
OWN = Paper(
    id="feed:a-key",
    source="feed",
    title="A Title",
    abstract="An abstract.",
    authors=("A", "B"),
    author_count=9,
    organisation="Lab",
    published=date(2026, 7, 10),
    listed_on=date(2026, 7, 14),
    upvotes=3,
    comments=0,
    keywords=("k", "l"),
    summary="Short.",
    links=Links(
        page="https://h.test/a", pdf="https://h.test/a.pdf", code="https://h.test/c", stars=4, project="https://h.test/"
    ),
    thumbnail="https://h.test/t.png",
    raw_title="A Title",
    raw_abstract="An abstract.",
)


def read(text: str, name: str = "papers.jsonl") -> Batch:
    return read_json(text, name=name, where=f"/in/{name}", now=NOW)


def lines(*entries: object) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def printed(paper: Paper) -> dict[str, Any]:
    """Return a paper as the program prints it: dates as texts, no raw twins."""
    whole = asdict(paper) | {"published": str(paper.published), "listed_on": str(paper.listed_on)}
    return {name: value for name, value in whole.items() if not name.startswith("raw_")}


def test_a_plain_line_is_a_paper() -> None:
    batch = read(lines(PLAIN))

    assert (batch.source, batch.entries, batch.taken_at, batch.rejected) == ("jsonl", 1, NOW, ())
    assert batch.papers == (
        Paper(
            id="2405.15738",
            source="jsonl",
            title="T",
            abstract="Text.",
            listed_on=date(2024, 5, 27),
            upvotes=3,
            comments=0,
            links=Links(page="https://arxiv.org/abs/2405.15738", pdf="https://arxiv.org/pdf/2405.15738"),
            raw_title="T",
            raw_abstract="Text.",
        ),
    )


def test_an_item_of_the_endpoint_may_stand_on_a_line() -> None:
    batch = read(lines(ITEM), "2026-07-14.jsonl")

    assert batch.source == "huggingface"
    assert [(paper.id, paper.listed_on, paper.comments) for paper in batch.papers] == [
        ("2607.10383", date(2026, 7, 14), 1)
    ]


@pytest.mark.parametrize("form", ["line", "list", "indented list", "indented object"])
def test_what_the_program_prints_is_read_back(form: str) -> None:
    entry = printed(OWN)
    text = {
        "line": lines(entry),
        "list": json.dumps([entry]),
        "indented list": json.dumps([entry], indent=2),
        "indented object": json.dumps(entry, indent=2),
    }[form]

    batch = read(text)

    assert (batch.source, batch.papers) == ("feed", (OWN,))


def test_the_short_form_of_papers_json_is_read_back() -> None:
    names = ("id", "title", "authors", "organisation", "published", "listed_on", "upvotes", "comments", "source")
    entry = {name: printed(OWN)[name] for name in names}

    [paper] = read(json.dumps([entry])).papers

    assert paper == replace(
        OWN, abstract="", raw_abstract="", author_count=2, keywords=(), summary="", links=Links(), thumbnail=""
    )


def test_nulls_are_read_back() -> None:
    empty = Paper(id="2607.10383", source="huggingface", title="T")
    entry = json.loads(json.dumps(asdict(empty))) | {"authors": None, "keywords": None, "links": None}

    [paper] = read(lines(entry)).papers

    assert (paper.upvotes, paper.listed_on, paper.authors, paper.keywords) == (None, None, (), ())


def test_an_abstract_is_no_summary() -> None:
    plain, both, own = read(
        lines(
            PLAIN,
            PLAIN | {"id": "b", "abstract": "Abstract."},
            PLAIN | {"id": "c", "title": "U", "source": "huggingface"},
        )
    ).papers

    assert (plain.abstract, plain.summary) == ("Text.", "")
    assert (both.abstract, both.summary) == ("Abstract.", "Text.")
    assert (own.abstract, own.summary) == ("", "Text.")


def test_a_list_holds_both_forms_and_names_places_by_number() -> None:
    batch = read(json.dumps([ITEM, PLAIN, {"id": "x"}]), "mixed.json")

    assert (batch.source, batch.entries) == ("jsonl", 3)
    assert [paper.source for paper in batch.papers] == ["huggingface", "jsonl"]
    assert [(one.where, one.reason) for one in batch.rejected] == [("/in/mixed.json, item 3", "title: Field required")]


def test_papers_that_stand_twice_are_merged() -> None:
    batch = read(lines(PLAIN, PLAIN | {"upvotes": 9}, PLAIN | {"date": "2024-05-28"}))

    assert batch.entries == 3
    assert [(paper.listed_on, paper.upvotes) for paper in batch.papers] == [
        (date(2024, 5, 27), 9),
        (date(2024, 5, 28), 3),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": "2405.1',
        "nonsense",
        "[1]",
        "7",
        '{"id": "2405.15738"}',
        '{"id": "a b", "title": "T"}',
        '{"id": "x:<script>", "title": "T"}',
        '{"id": "x:y", "title": "T", "source": "A B"}',
        '{"id": "x:y", "title": "\\u202e"}',
        '{"id": "x:y", "title": "T", "date": "yesterday"}',
        '{"id": "x:y", "title": "T", "date": "0001-01-01"}',
        '{"id": "x:y", "title": "T", "upvotes": -1}',
        '{"paper": 7}',
        "[" * 100_000,
        '{"id": ' + "9" * 5000 + "}",
    ],
)
def test_a_broken_line_is_named_and_the_rest_kept(broken: str) -> None:
    batch = read(lines(PLAIN) + "\n" + broken + "\n" + lines(PLAIN | {"id": "x"}))

    assert [paper.id for paper in batch.papers] == ["2405.15738", "jsonl:x"]
    assert [one.where for one in batch.rejected] == ["/in/papers.jsonl:3"]
    assert batch.rejected[0].reason
    assert batch.entries == 3


def test_a_cut_off_last_line_costs_only_itself() -> None:
    batch = read((lines(PLAIN) + lines(PLAIN | {"id": "x"}))[:-20])

    assert (len(batch.papers), [one.where for one in batch.rejected]) == (1, ["/in/papers.jsonl:2"])


def test_only_a_line_feed_ends_a_line() -> None:
    batch = read(json.dumps(PLAIN | {"title": "a\u2028b\x85c"}, ensure_ascii=False) + "\r\n")

    assert (len(batch.papers), batch.rejected) == (1, ())


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//h.test", "https://u:p@h.test/", 'https://"']
)
def test_no_link_but_plain_http_is_kept(link: str) -> None:
    names = ("page", "pdf", "code", "project")

    [paper] = read(lines(printed(OWN) | {"links": dict.fromkeys(names, link), "thumbnail": link})).papers

    assert (paper.links, paper.thumbnail) == (Links(), "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no papers: it is empty"),
        (" \n\n", "holds no papers: it is empty"),
        ("[]", "holds no papers"),
        ("<!doctype html>\n<p>", "is not JSON: it starts with '<!doctype html> <p>'"),
        ("\x00\x1b[2J", r"is not JSON: it starts with '\\x00\\x1b\[2J'"),
        ('[{"paper": {"id"', "is broken or cut off JSON"),
        ('{"error": "busy"}', "holds no papers; .*: id: Field required"),
        ('{"id":\n"x"', "is broken or cut off JSON"),
        ("7", "holds no papers: it starts with '7'"),
        ("[1, 2]", "holds no papers; /in/papers.jsonl, item 1: "),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_without_one_paper_is_a_bad_answer(text: str, reason: str) -> None:
    with pytest.raises(BadAnswerError, match=reason) as caught:
        read(text)

    assert str(caught.value).startswith("/in/papers.jsonl ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "day", "moment"),
    [
        ("2024-05-27.json", date(2024, 5, 27), None),
        ("2025-01-22T0416Z.json", date(2025, 1, 22), datetime(2025, 1, 22, 4, 16, tzinfo=UTC)),
        ("daily_papers-2024-05-27.jsonl.gz", date(2024, 5, 27), None),
        ("2025-01-22T2560Z.json", None, None),
        ("2024-13-01.json", None, None),
        ("2024-13-01-2024-05-27.json", date(2024, 5, 27), None),
        ("12024-05-271.json", None, None),
        ("papers.json", None, None),
        ("٢٠٢٤-٠٥-٢٧.json", None, None),
    ],
)
def test_the_day_and_the_moment_in_a_name(name: str, day: date | None, moment: datetime | None) -> None:
    assert stamped(name) == (day, moment)


def test_the_moment_in_the_name_dates_the_votes_and_the_day_the_list() -> None:
    batch = read(json.dumps([ITEM]), "2025-01-22T0416Z.json")

    assert batch.taken_at == datetime(2025, 1, 22, 4, 16, tzinfo=UTC)
    assert batch.papers[0].listed_on == date(2025, 1, 22)


def test_votes_are_never_dated_in_the_future() -> None:
    assert read(json.dumps([ITEM]), "2099-01-22T0416Z.json").taken_at == NOW


@given(st.text(), st.sampled_from(["", "[", "{", '{"id": "x", "title": ', '[{"paper": {"id": "x"}}, ']))
def test_no_text_breaks_it(text: str, start: str) -> None:
    whole = (start + text).lstrip().startswith("[")  # read as one JSON list, not line by line
    batch = None if whole else read(start + text + "\n" + lines(PLAIN))

    assert batch is None or batch.papers[-1].id == "2405.15738"
    with pytest.raises(BadAnswerError):
        read(start + text + "\x00")
