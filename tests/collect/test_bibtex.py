"""BibTeX as arXiv, DBLP, Google Scholar, ADS, Zotero and people write it."""

from __future__ import annotations

import pytest

from newsletter.collect.bibtex import is_bibtex, read_bibtex
from newsletter.errors import BadAnswerError
from newsletter.model import title_key

WHERE = "refs.bib"


def only(text: str) -> tuple[str, str]:
    (one,) = read_bibtex(text, where=WHERE)
    return one.id, one.title


@pytest.mark.parametrize(
    "fields",
    [
        "eprint={1706.03762}, archivePrefix={arXiv}, primaryClass={cs.CL}",
        'eprint = "1706.03762v5", eprinttype = "arxiv", eprintclass = "cs.CL"',
        "EPRINT = 1706.03762",
        "eprint = {{arXiv:1706.03762}}",
        "eprint = {https://arxiv.org/abs/1706.03762}",
        "arxivId = {1706.03762}",
        "doi = {10.48550/ARXIV.1706.03762}",
        "doi = {https://doi.org/10.48550/arXiv.1706.03762}",
        "url = {http://arxiv.org/abs/1706.03762v1}",
        "url = {https://huggingface.co/papers/1706.03762}",
        "journal = {CoRR}, volume = {abs/1706.03762}",
        "journal = {CoRR, abs/1706.03762}",
        "journal = {arXiv preprint arXiv:1706.03762}",
        "journal = {arXiv e-prints}, pages = {arXiv:1706.03762}",
        "number = {arXiv:1706.03762}, publisher = {arXiv}",
        "note = {arXiv:1706.03762 [cs]}",
        r"howpublished = {\url{https://arxiv.org/abs/1706.03762}}",
        "eprint = {12345678}, eprinttype = {pubmed}, url = {https://arxiv.org/abs/1706.03762}",
    ],
)
def test_an_arxiv_id_is_found_wherever_it_is_usually_put(fields: str) -> None:
    found = only(f"@article{{vaswani2017, title = {{Attention Is All You Need}}, {fields}\n}}")
    assert found == ("1706.03762", "Attention Is All You Need")


@pytest.mark.parametrize(
    "fields",
    [
        "eprint = {1706.03762}, archivePrefix = {jstor}",
        "doi = {10.1145/3292500.3330701}",
        "pages = {1706.03762}",
        "note = {Extends arXiv:1706.03762}",
        "abstract = {arXiv:1706.03762}",
        "year = 2017",
    ],
)
def test_what_is_no_arxiv_id_of_this_entry_is_not_taken_for_one(fields: str) -> None:
    assert only(f"@article{{k, title = {{Attention Is All You Need}}, {fields}}}")[0] == ""


def test_an_archive_that_is_named_apart_belongs_to_the_id() -> None:
    assert only("@article{k, eprint = {9901001}, archivePrefix = {hep-th}}")[0] == "hep-th/9901001"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "{{BERT}: Pre-training of Deep Bidirectional Transformers}",
            "BERT: Pre-training of Deep Bidirectional Transformers",
        ),
        ("{{Language Models are Few-Shot Learners}}", "Language Models are Few-Shot Learners"),
        ("{Large {LLM}s and {V}ideo}", "Large LLMs and Video"),
        ('"Deep {Q}-Learning"', "Deep Q-Learning"),
        ("{A} and {B}", "A and B"),
        (r"{Schr{\"o}dinger Bridges \& more}", "Schrödinger Bridges & more"),
        ("{Two\n   lines}", "Two lines"),
        (r"{$\alpha$-divergence}", "α-divergence"),
    ],
)
def test_a_title_is_compared_as_it_is_read(written: str, meant: str) -> None:
    assert title_key(only(f"@misc{{k, title = {written}}}")[1]) == title_key(meant)


def test_a_whole_bibliography_is_read_in_its_order() -> None:
    text = """% Encoding: UTF-8
A note between the entries, to someone@example.org
@string{corr = "CoRR"}
@preamble{"\\newcommand{\\x}{}"}
@Article(first, title = {First}, journal = corr, month = jan)
@comment{jabref-meta: databaseType:bibtex;}
@misc{twice, title = {Second}}
@misc{twice, title = {Third}}
@misc{field, title = {Fourth}, url = {a}, url = {b}}
@misc{twice, title = {Fifth}, url = {a}, url = {b}}
@misc{bare}
"""
    found = read_bibtex(text, where=WHERE)
    assert [one.title for one in found] == ["First", "Second", "Third", "Fourth", "Fifth", ""]
    assert found[1].name == "refs.bib, line 7: Second"
    assert found[-1].name == "refs.bib, line 11: bare"
    assert is_bibtex(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@misc{good, title={x}}\n\n@misc{open, title={y}", "line 3: broken BibTeX: Unexpectedly reached end of file"),
        ("@misc{a, title={x}\n@misc{b, title={y}}", "line 1: broken BibTeX: Unexpected block start"),
        ("@misc{a\n title={x}}\n@misc{b title={x}}", "line 1: broken BibTeX: .*, and 1 more"),
        ("@misc{a, title={x}, oops}", "broken BibTeX: Expected a `=`"),
        ("@misc{a,}\n" * 20_001, "more than 20,000 BibTeX entries"),
    ],
)
def test_broken_bibtex_is_refused_whole_in_one_line(text: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadAnswerError, match=said) as caught:
        read_bibtex(text, where=WHERE)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_other_text_is_no_bibtex() -> None:
    assert not is_bibtex("1706.03762\nsomeone@example.org {\nwrite to me @home")
    assert read_bibtex("nothing here", where=WHERE) == ()
