"""Saved pages: the three recorded ones, and what people and editors do to such files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.saved_page import read_page
from newsletter.errors import BadAnswerError, UsageError
from newsletter.model import Links, title_key

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.collect.base import Batch, Rejected
    from newsletter.model import Paper

NOW = datetime(2026, 7, 18, 12, 0, tzinfo=UTC)
HEADER = ["new", "Get trending papers in your email inbox!", "Daily Papers", "byAK and the research community", "Feb 2"]


def abstract(topic: str) -> str:
    return f"This made-up abstract is about {topic}. " + "It is as long as abstracts are. " * 10


def foot(who: str = "  • 3 authors", day: str = "Sep 30, 2025") -> str:
    return f"{who}\n·\n{day}"


def page(*paragraphs: str, header: tuple[str, ...] = tuple(HEADER)) -> str:
    return "\n\n".join([*header, *paragraphs]) + "\n"


def read(text: str, year: int | None = None) -> Batch:
    return read_page(text, where="page.txt", now=NOW, year=year)


def titles(batch: Batch) -> list[str]:
    return [paper.title for paper in batch.papers]


def only(batch: Batch) -> Paper:
    (paper,) = batch.papers
    return paper


def recorded(shared_data: Path, number: str) -> Batch:
    (path,) = (shared_data / "pages").glob(f"{number}_*.txt")
    return read(path.read_text("utf-8"))


def test_the_recorded_pages(shared_data: Path) -> None:
    batches = [recorded(shared_data, number) for number in ("000", "002", "004")]

    assert [batch.entries for batch in batches] == [58, 86, 67]
    assert [len(batch.papers) for batch in batches] == [58, 86, 67]
    assert not [rejected for batch in batches for rejected in batch.rejected]
    assert len({title_key(paper.title) for batch in batches for paper in batch.papers}) == 174
    assert len({paper.id for batch in batches for paper in batch.papers}) == 174
    assert {paper.listed_on for paper in batches[0].papers} == {date(2026, 2, 2)}
    assert {paper.listed_on for paper in batches[1].papers} == {None}
    assert {paper.listed_on for paper in batches[2].papers} == {date(2026, 4, 17)}
    assert all(len(paper.abstract) > 150 for batch in batches for paper in batch.papers)


def test_authors_organisations_days_and_comments(shared_data: Path) -> None:
    papers = {paper.title: paper for paper in recorded(shared_data, "000").papers}
    small = papers["SmallThinker: A Family of Efficient Large Language Models Natively Trained for Local Deployment"]
    flash = papers["Nemotron-Flash: Towards Latency-Optimal Hybrid Small Language Models"]
    smol = papers["SmolVLM: Redefining small and efficient multimodal models"]
    chip = papers["A system on chip for melanoma detection using FPGA-based SVM classifier"]
    quartet = papers["Quartet: Native FP4 Training Can Be Optimal for Large Language Models"]

    assert (small.author_count, small.published, small.comments) == (14, date(2025, 7, 28), 2)
    assert (flash.author_count, flash.organisation, flash.published) == (0, "NVIDIA", date(2025, 11, 24))
    assert (smol.organisation, smol.comments) == ("Hugging Face", 10)
    assert (chip.published, chip.comments) == (date(2021, 9, 30), 0)
    assert (quartet.author_count, quartet.published, quartet.comments) == (0, None, None)
    assert {paper.upvotes for paper in papers.values()} == {None}
    assert {paper.links for paper in papers.values()} == {Links()}


def test_a_date_without_a_year_is_of_the_sites_current_year(shared_data: Path) -> None:
    papers = {paper.title: paper for paper in recorded(shared_data, "004").papers}
    scaling = papers["Scaling DoRA: High-Rank Adaptation via Factored Norms and Fused Kernels"]
    wan = papers["Wan: Open and Advanced Large-Scale Video Generative Models"]

    assert (scaling.published, scaling.comments) == (date(2026, 3, 23), 2)
    assert (wan.published, wan.author_count) == (date(2025, 3, 26), 62)


def test_a_page_without_any_year_needs_one(shared_data: Path) -> None:
    (path,) = (shared_data / "pages").glob("002_*.txt")
    batch = recorded(shared_data, "002")
    told = read(path.read_text("utf-8"), year=2025)

    (note,) = batch.notes
    assert "page.txt" in note
    assert "pass --year" in note
    assert {(paper.listed_on, paper.comments) for paper in batch.papers} == {(None, None)}
    assert {paper.listed_on for paper in told.papers} == {date(2025, 8, 5)}
    assert not told.notes


def test_a_given_year_wins() -> None:
    batch = read(page("One", abstract("one"), foot(day="Jan 3 4")), year=2024)

    assert only(batch).listed_on == date(2024, 2, 2)
    assert only(batch).published == date(2024, 1, 3)
    assert only(batch).comments == 4


def test_a_year_in_the_header_is_taken() -> None:
    batch = read(page("One", abstract("one"), foot(day="Jan 3"), header=(*HEADER[:4], "Feb 2, 2024")))

    assert only(batch).listed_on == date(2024, 2, 2)
    assert only(batch).published == date(2025, 1, 3)  # without a year: later than 2024


def test_a_paper_is_told_by_its_title_alone() -> None:
    one = only(read(page("A  Title: on x", abstract("one"))))
    other = only(read(page("a title - ON X", abstract("another"), foot())))

    assert one.id == other.id
    assert one.id.startswith("saved_page:")


def test_a_title_twice_on_a_page_is_one_paper() -> None:
    batch = read(
        page("One", abstract("one"), "Two", abstract("two"), foot(), "ONE", abstract("one"), foot(day="May 3, 2025 7"))
    )

    assert batch.entries == 3
    assert titles(batch) == ["One", "Two"]
    assert (batch.papers[0].comments, batch.papers[0].author_count) == (7, 3)


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_line_ends_and_a_byte_order_mark(ends: str) -> None:
    text = page("One", abstract("one"), foot(), "Two", abstract("two"), foot("nvidia NVIDIA"))
    batch = read("\ufeff" + text.replace("\n", ends))

    assert titles(batch) == ["One", "Two"]
    assert [paper.organisation for paper in batch.papers] == ["", "NVIDIA"]
    assert not batch.rejected


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("nvidia NVIDIA", "NVIDIA"),
        ("ReactiveAI Reactive AI", "Reactive AI"),
        ("Zyphra", "Zyphra"),
        ("x <b>Y</b>", "<b>Y</b>"),
    ],
)
def test_organisations(line: str, name: str) -> None:
    assert only(read(page("One", abstract("one"), foot(line)))).organisation == name


@pytest.mark.parametrize("count", ["1 authors", "62 authors", "1,234 authors", "1 author"])
def test_author_counts(count: str) -> None:
    expected = int(count.split(maxsplit=1)[0].replace(",", ""))

    assert only(read(page("One", abstract("one"), foot(f"  • {count}")))).author_count == expected


def test_an_impossible_day_costs_one_entry() -> None:
    for day in ("Feb 30, 2024", "Feb 30", "Feb 29, 2023", "Sep 0, 2025", "Jan 1, 9999", "Jan 1, 0000", "Mai 3, 2025"):
        batch = read(
            page("One", abstract("one"), foot(), "Two", abstract("two"), foot(day=day), "Three", abstract("three"))
        )

        assert titles(batch) == ["One", "Three"]
        assert only_rejected(batch).where == "page.txt, line 19"
        assert {paper.listed_on for paper in batch.papers} == {date(2026, 2, 2)}


def only_rejected(batch: Batch) -> Rejected:
    (rejected,) = batch.rejected
    assert batch.entries == len(batch.papers) + 1
    return rejected


@pytest.mark.parametrize("comments", ["99999999999999999999", "-1", "many", "1e9"])
def test_an_absurd_number_of_comments_costs_one_entry(comments: str) -> None:
    batch = read(page("One", abstract("one"), foot(day=f"Sep 30, 2025 {comments}"), "Two", abstract("two"), foot()))

    assert titles(batch) == ["Two"]
    assert "One" in only_rejected(batch).reason


@pytest.mark.parametrize(
    ("paragraphs", "kept", "line"),
    [
        (["One", foot(), "Two", abstract("two"), foot()], ["Two"], 11),
        (["One", "Two", abstract("two"), foot(), "Three", abstract("three")], ["Two", "Three"], 11),
        (["One", abstract("one"), "Two", foot(), "Three", abstract("three"), foot()], ["One", "Three"], 15),
        (["One", abstract("one"), foot(), abstract("no title"), foot(), "Two", abstract("two")], ["One", "Two"], 19),
        (["One", abstract("one"), foot(), foot(), "Two", abstract("two"), foot()], ["One", "Two"], 19),
        (["One", abstract("one"), foot(), "Two"], ["One"], 19),
        (["—", abstract("one"), foot(), "Two", abstract("two"), foot()], ["Two"], 11),
    ],
)
def test_a_broken_entry_costs_no_other(paragraphs: list[str], kept: list[str], line: int) -> None:
    batch = read(page(*paragraphs))

    assert titles(batch) == kept
    assert only_rejected(batch).where == f"page.txt, line {line}"
    assert all(paper.abstract == abstract(paper.title.lower()).strip() for paper in batch.papers)


def test_an_abstract_that_looks_like_a_title_shifts_nothing() -> None:
    short = "Short and without a full stop"
    one = read(page("One", short, foot(), "Two", abstract("two"), foot()))
    other = read(page("One", short, "Two", abstract("two"), "Three", abstract("three")))

    assert [(paper.title, paper.abstract[:5]) for paper in one.papers] == [("One", "Short"), ("Two", "This ")]
    assert titles(other) == ["One", "Two", "Three"]
    assert not one.rejected + other.rejected


def test_a_second_paragraph_belongs_to_the_abstract() -> None:
    batch = read(
        page("One", abstract("one"), abstract("more"), foot(), "Two", abstract("two"), "Three", abstract("three"))
    )

    assert titles(batch) == ["One", "Two", "Three"]
    assert "about more" in batch.papers[0].abstract
    assert batch.papers[0].author_count == 3
    assert not batch.rejected


def test_lines_of_one_paragraph_are_joined() -> None:
    batch = read(
        page("One\ntitle", abstract("one").replace(". ", ".\n") + "\n" + foot("a Org"), "Two", abstract("two"))
    )

    assert titles(batch) == ["One title", "Two"]
    assert batch.papers[0].abstract == abstract("one").strip()
    assert batch.papers[0].organisation == "Org"


def test_trailing_text_is_no_paper() -> None:
    batch = read(page("One", abstract("one"), foot(), "Previous", "Next"))

    assert titles(batch) == ["One"]
    assert len(batch.rejected) == 2


def test_hostile_text_is_cleaned_and_kept_raw() -> None:
    paper = only(read(page("A <script>x</script>\u202e ti\0tle", "An\u200b abstract of $O(n^2)$.", foot())))

    assert paper.title == "A <script>x</script> title"
    assert paper.abstract == "An abstract of O(n²)."
    assert "$O(n^2)$" in paper.raw_abstract
    assert "\0" not in paper.raw_title


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0" * 100,
        "<!doctype html><html><title>Daily Papers</title></html>",
        '[{"paper": {}}]',
        page("One", abstract("one"), header=("new",)),
        page("One", abstract("one"), header=(*HEADER[:4], "no date")),
        page("One", abstract("one"), header=(*HEADER[:4], "Feb 30")),
        "\n" * 1_000 + page("One", abstract("one")),
    ],
)
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(
        BadAnswerError, match=r"page\.txt is no saved Daily Papers page: expected a line 'Daily Papers'"
    ):
        read(text)


def test_a_page_without_papers_is_refused() -> None:
    with pytest.raises(BadAnswerError, match=r"page\.txt has the header .* but no papers"):
        read(page())


@pytest.mark.parametrize("year", [0, -1, 99999, 1900, 2028])
def test_an_impossible_year_is_refused(year: int) -> None:
    with pytest.raises(UsageError, match=f"--year {year} "):
        read(page("One", abstract("one")), year=year)


def test_a_leap_day_in_a_common_year_has_no_day() -> None:
    batch = read(page("One", abstract("one"), foot(), header=(*HEADER[:4], "Feb 29")))

    assert only(batch).listed_on is None
    assert batch.notes


def test_a_clock_that_runs_behind_makes_no_page_of_the_future() -> None:
    text = page("One", abstract("one"), foot(day="Sep 30, 2026"))
    batch = read(text)

    assert only(batch).listed_on is None
    assert only(batch).published == date(2026, 9, 30)
    assert batch.notes


LINES = st.sampled_from(
    [
        "",
        "",
        "Title",
        abstract("x"),
        "  • 3 authors",
        "·",
        "Sep 30, 2025",
        "Feb 30",
        "nvidia NVIDIA",
        "Short.",
        "Daily Papers",
    ]
)


@given(st.lists(LINES | st.text(max_size=20), max_size=40))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    text = "\n".join([*HEADER, "", *lines])
    try:
        batch = read(text)
    except BadAnswerError:
        return
    assert batch.entries >= len(batch.papers) + len(batch.rejected)
    assert all(paper.title and paper.abstract is not None for paper in batch.papers)


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 7))
def test_one_missing_abstract_costs_one_paper(has_foot: list[bool], broken: int) -> None:
    paragraphs = []
    for number, footed in enumerate(has_foot):
        own = [f"Title {number}", abstract(str(number)), *([foot()] if footed else [])]
        paragraphs += own[:1] + own[2:] if number == broken % len(has_foot) else own
    if len(has_foot) == 1:
        return
    batch = read(page(*paragraphs))

    assert len(batch.papers) == len(has_foot) - 1
    assert all(paper.abstract == abstract(paper.title.split()[1]).strip() for paper in batch.papers)
