"""One paper as people name it: every usual form of an arXiv id, ids of stored papers, titles."""

from __future__ import annotations

import pytest

from newsletter.collect.reference import mentioned_id, named_id, reference, references


@pytest.mark.parametrize(
    "text",
    [
        "1706.03762",
        "1706.03762v7",
        " arXiv:1706.03762 ",
        "ARXIV: 1706.03762v2 [cs.CL]",
        "https://arxiv.org/abs/1706.03762",
        "http://www.arxiv.org/pdf/1706.03762v5.pdf",
        "https://arxiv.org/html/1706.03762v7#S1",
        "arxiv.org/abs/1706.03762?context=cs",
        "https://export.arxiv.org/abs/1706.03762/",
        "https://ar5iv.labs.arxiv.org/html/1706.03762",
        "https://www.alphaxiv.org/abs/1706.03762",
        "https://huggingface.co/papers/1706.03762",
        "https://hf.co/papers/1706.03762#community",
        "10.48550/arXiv.1706.03762",
        "doi:10.48550/ARXIV.1706.03762",
        "https://doi.org/10.48550/arxiv.1706.03762",
        "1706.03762 the one on transformers",
        "1706.03762, 2017",
    ],
)
def test_every_usual_form_names_the_same_paper(text: str) -> None:
    assert named_id(text) == "1706.03762"
    assert reference(text).id == "1706.03762"
    assert reference(text).title == ""


@pytest.mark.parametrize("text", ["hep-th/9901001", "arXiv:hep-th/9901001v3", "https://arxiv.org/abs/hep-th/9901001"])
def test_ids_from_before_2007_are_known(text: str) -> None:
    assert named_id(text) == "hep-th/9901001"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arXiv:",
        "https://arxiv.org/list/cs.CL/new",
        "https://notarxiv.org/abs/1706.03762",
        "https://lab.example/papers/1706.03762",
        "https://example.org/?u=https://arxiv.org/abs/1706.03762",
        "10.1145/1706.03762",
        "papers/1706.03762",
        "١٧٠٦.٠٣٧٦٢",
        "9" * 1_000_000,
    ],
)
def test_what_names_no_paper_of_arxiv_names_none(text: str) -> None:
    assert named_id(text) is None


def test_a_bare_number_is_an_id_only_where_one_is_expected() -> None:
    assert mentioned_id("1706.03762") is None
    assert mentioned_id("arXiv:1706.03762") == "1706.03762"


def test_other_words_are_a_title_and_one_word_may_be_an_id_of_the_store() -> None:
    title = reference("Attention  Is All\tYou Need", where="list.txt, line 3")
    assert (title.id, title.title) == ("", "Attention Is All You Need")
    assert title.name == "list.txt, line 3: Attention Is All You Need"
    stored = reference("blog:0123abcd")
    assert (stored.id, stored.title, stored.name) == ("blog:0123abcd", "blog:0123abcd", "blog:0123abcd")


@pytest.mark.parametrize(
    "parted", ["1706.03762 2005.14165", "1706.03762, arXiv:2005.14165v1", "1706.03762;2005.14165;"]
)
def test_several_ids_on_a_line_are_several_papers(parted: str) -> None:
    assert [one.id for one in references(parted)] == ["1706.03762", "2005.14165"]


def test_a_note_behind_an_id_is_no_other_paper() -> None:
    assert [one.id for one in references("1706.03762 and its 2 sequels")] == ["1706.03762"]
    assert [one.title for one in references("Cats, dogs; and bees")] == ["Cats, dogs; and bees"]


def test_a_name_for_messages_is_short_and_steers_no_terminal() -> None:
    shown = reference("\x1b[31m" + "word " * 100).name
    assert len(shown) == 80
    assert shown.isprintable()
