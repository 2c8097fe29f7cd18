"""The endpoint's items: every recorded shape is read whole, one broken item never costs the others."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collect.wire import read_items
from newsletter.errors import BadAnswerError

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.model import Paper

DAY = date(2026, 7, 14)
WHERE = "hub.test/api/daily_papers (2026-07-14)"


def item(**paper: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the endpoint
    """Return an item with the newest fields; `paper` replaces some of its paper's."""
    return {
        "paper": {
            "id": "2607.10383",
            "title": "A Title",
            "summary": "An abstract.",
            "authors": [{"name": "Ada One"}, {"name": "Ben Two", "hidden": False}],
            "publishedAt": "2026-07-12T00:00:00.000Z",
            "submittedOnDailyAt": "2026-07-14T03:00:00.000Z",
            "upvotes": 3,
        }
        | paper,
        "numComments": 2,
        "publishedAt": "2020-01-01T00:00:00.000Z",
        "thumbnail": "https://cdn.test/t.png",
    }


def read(*items: object) -> list[Paper]:
    papers, rejected = read_items(list(items), where=WHERE, listed_on=DAY)
    assert rejected == []
    return papers


def reason_of(broken: object) -> str:
    """Return why an item is left out, having shown that its neighbours are kept."""
    papers, rejected = read_items([item(id="1"), broken, item(id="2")], where=WHERE, listed_on=DAY)
    assert [paper.id for paper in papers] == ["huggingface:1", "huggingface:2"]
    assert [one.where for one in rejected] == [f"{WHERE}, item 2"]
    assert "\n" not in rejected[0].reason
    return rejected[0].reason


@pytest.mark.parametrize("folder", ["daily_papers", "daily_papers_variants", "daily_papers_series"])
def test_every_recorded_shape_is_read_without_a_lost_item(shared_data: Path, folder: str) -> None:
    files = sorted((shared_data / folder).glob("*.json"))
    assert files
    for path in files:
        items = json.loads(path.read_bytes())
        day = date.fromisoformat(path.name[:10])

        papers, rejected = read_items(items, where=path.name, listed_on=day)

        assert rejected == []
        assert len(papers) == len(items)
        for paper in papers:
            assert paper.has_own_id
            assert paper.listed_on == day
            assert paper.published is not None
            assert paper.published <= day
            assert paper.author_count == len(paper.authors) + (paper.id in {"2606.12575", "2511.07397"})
            assert paper.title
            assert "\n" not in paper.title
            assert paper.abstract
            assert paper.upvotes is not None
            assert paper.comments is not None
            assert paper.links.page == f"https://huggingface.co/papers/{paper.id}"
            assert paper.links.pdf == f"https://arxiv.org/pdf/{paper.id}"


def test_the_newest_fields_are_read_where_they_are(shared_data: Path) -> None:
    items = json.loads((shared_data / "daily_papers" / "2026-07-14.json").read_bytes())
    papers, _ = read_items(items, where="x", listed_on=None)

    for given_item, paper in zip(items, papers, strict=True):
        wire = given_item["paper"]
        assert bool(paper.summary) == bool(wire.get("ai_summary"))
        assert bool(paper.keywords) == bool(wire.get("ai_keywords"))
        assert bool(paper.organisation) == bool(wire.get("organization"))
        assert paper.links.code == wire.get("githubRepo", "")
        assert paper.links.stars == wire.get("githubStars")
        assert paper.links.project == wire.get("projectPage", "")


def test_an_item_becomes_a_paper() -> None:
    fields = {
        "title": "A\n  Title",
        "ai_summary": " Short. ",
        "ai_keywords": ["agents", "", "agents", "memory"],
        "organization": {"name": "lab", "fullname": "The Lab"},
        "githubRepo": "https://github.com/lab/x",
        "githubStars": 12,
        "projectPage": "https://lab.test/x",
    }
    [paper] = read(item(**fields))

    assert (paper.title, paper.raw_title) == ("A Title", "A\n  Title")
    assert (paper.source, paper.published, paper.listed_on) == ("huggingface", date(2026, 7, 12), DAY)
    assert (paper.authors, paper.author_count) == (("Ada One", "Ben Two"), 2)
    assert (paper.upvotes, paper.comments) == (3, 2)
    assert (paper.summary, paper.keywords, paper.organisation) == ("Short.", ("agents", "memory"), "The Lab")
    assert (paper.links.code, paper.links.stars, paper.links.project) == (
        "https://github.com/lab/x",
        12,
        "https://lab.test/x",
    )
    assert paper.thumbnail == "https://cdn.test/t.png"


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-07-13T23:59:59.999Z", date(2026, 7, 13)),
        ("2026-07-14T00:30:00+02:00", date(2026, 7, 13)),
        ("2026-07-14T00:30:00", DAY),
        (None, DAY),
    ],
)
def test_the_day_of_the_list_is_the_utc_day_of_submission(moment: str | None, day: date) -> None:
    [paper] = read(item(submittedOnDailyAt=moment))

    assert paper.listed_on == day


def test_a_hidden_author_counts_but_is_not_named() -> None:
    [paper] = read(item(authors=[{"name": "Ada One", "hidden": True}, {"name": "Ben Two"}, {"name": " "}]))

    assert (paper.authors, paper.author_count) == (("Ben Two",), 2)


def test_an_id_that_is_not_arxivs_is_kept_under_the_source() -> None:
    [paper] = read(item(id="some-report_1.0"))

    assert paper.id == "huggingface:some-report_1.0"
    assert (paper.links.page, paper.links.pdf) == ("https://huggingface.co/papers/some-report_1.0", "")


def test_the_version_is_no_part_of_an_id() -> None:
    assert read(item(id="2607.10383v3"))[0].id == "2607.10383"


def test_title_and_abstract_may_stand_outside_the_paper() -> None:
    outside = item(title=None, summary=None) | {"title": "Outer", "summary": "Outer text."}

    [paper] = read(outside)

    assert (paper.title, paper.abstract) == ("Outer", "Outer text.")


def test_the_least_item_is_enough() -> None:
    [paper] = read({"paper": {"id": "2607.10383", "title": "T"}})

    assert (paper.upvotes, paper.comments, paper.published, paper.listed_on) == (None, None, None, DAY)


@pytest.mark.parametrize(
    "broken",
    [
        {"ai_keywords": "not a list"},
        {"ai_summary": 7},
        {"organization": "lab"},
        {"organization": {"name": None}},
        {"githubRepo": 5},
        {"githubRepo": "javascript:alert(1)"},
        {"githubStars": -1},
        {"githubStars": "many"},
        {"projectPage": "javascript:alert(1)"},
        {"projectPage": "https://user:pw@host.test/"},
        {"projectPage": ["https://host.test/"]},
    ],
)
def test_a_broken_adornment_costs_only_itself(broken: dict[str, Any]) -> None:
    [paper] = read(item(**broken))

    assert (paper.keywords, paper.summary, paper.organisation) == ((), "", "")
    assert (paper.links.code, paper.links.stars, paper.links.project) == ("", None, "")


def test_a_script_is_plain_text_and_a_bad_thumbnail_is_none() -> None:
    [paper] = read(item(title="<script>alert(1)</script>") | {"thumbnail": "data:image/png;base64,AA"})

    assert paper.title == "<script>alert(1)</script>"  # the renderer escapes; nothing is lost here
    assert paper.thumbnail == ""


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"id": None}, "paper.id: "),
        ({"id": ""}, "paper.id: "),
        ({"id": "../../etc/passwd"}, "paper.id: it is no arXiv id and no plain key"),
        ({"id": '"><script>'}, "paper.id: it is no arXiv id"),
        ({"id": "2607.1０383"}, "paper.id: it is no arXiv id"),  # a full-width digit
        ({"title": " \n\u202e\x00 "}, "title: it is empty"),
        ({"title": None}, "title: it is empty"),
        ({"title": "x" * 10_000_000}, "paper.title: String should have at most 5000 characters"),
        ({"title": "half a pair \ud835"}, "paper.title: "),
        ({"summary": 7}, "paper.summary: "),
        ({"authors": "Ada"}, "paper.authors: "),
        ({"authors": [{"name": None}]}, "paper.authors.0.name: "),
        ({"upvotes": -1}, "paper.upvotes: Input should be greater than or equal to 0"),
        ({"upvotes": 10**12}, "paper.upvotes: "),
        ({"upvotes": "9"}, "paper.upvotes: "),
        ({"upvotes": True}, "paper.upvotes: "),
        ({"upvotes": float("nan")}, "paper.upvotes: "),
        ({"publishedAt": "yesterday"}, "paper.publishedAt: "),
        ({"publishedAt": "0001-01-01T00:00:00Z"}, "paper.publishedAt: no plausible date"),
        ({"submittedOnDailyAt": "9999-12-31T23:59:59-12:00"}, "paper.submittedOnDailyAt: no plausible date"),
    ],
)
def test_a_broken_item_is_left_out_and_reported(broken: dict[str, Any], reason: str) -> None:
    assert reason_of(item(**broken)).startswith(reason)


@pytest.mark.parametrize("broken", [None, "text", 7, [], {}, {"paper": None}, {"paper": []}, {"error": "x"}])
def test_what_is_no_item_is_left_out_and_reported(broken: object) -> None:
    assert reason_of(broken)


def test_negative_comments_are_reported() -> None:
    assert reason_of(item() | {"numComments": -4}).startswith("numComments: ")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"error": "Invalid\n date"}, "holds an error instead of papers: 'Invalid date'"),
        ({}, "holds an object where a list of papers was expected"),
        ("text", "holds a text where"),
        (None, "holds null where"),
        (7, "holds a single value where"),
        ([1, "x", None], r"not one of 3 items can be read \("),
        ([{"paper": {"id": "2607.10383"}}], r"not one of 1 items can be read \(title: it is empty\)"),
    ],
)
def test_an_answer_without_one_paper_is_a_bad_answer(answer: object, reason: str) -> None:
    with pytest.raises(BadAnswerError, match=reason):
        read_items(answer, where=WHERE, listed_on=DAY)


def test_an_empty_list_is_an_answer() -> None:
    assert read_items([], where=WHERE, listed_on=DAY) == ([], [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*item(), *item()["paper"], "name"]), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.lists(JSON, max_size=4))
def test_nothing_a_server_says_breaks_it(items: list[object]) -> None:
    papers, rejected = read_items([item(), *items], where=WHERE, listed_on=DAY)

    assert len(papers) + len(rejected) == len(items) + 1
    assert not any("\n" in one.reason for one in rejected)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(sorted(item()["paper"])), JSON))
def test_no_field_of_a_paper_breaks_it(broken: dict[str, Any]) -> None:
    papers, rejected = read_items([item(), item(**broken)], where=WHERE, listed_on=DAY)

    assert len(papers) + len(rejected) == 2
