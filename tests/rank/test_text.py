from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from newsletter.model import Paper
from newsletter.rank.terms import Vocabulary, wished_terms
from newsletter.rank.text import TextModel, fit, terms_of
from newsletter.rank.vectors import few, place_of, rows_of

VOCABULARY = Vocabulary()
SUBJECTS = {
    "cache": "cache eviction memory attention decoding latency",
    "robot": "robot arm grasp manipulation policy gripper",
    "protein": "protein folding structure sequence residue enzyme",
    "speech": "speech voice phoneme prosody speaker recognition",
    "weather": "weather forecast storm rainfall pressure humidity",
    "proof": "proof theorem lemma axiom conjecture algebra",
    "jailbreak": "jailbreak attack refusal harm guardrail toxic",
    "translation": "translation dialect bilingual corpus idiom syntax",
}


def corpus(copies: int = 25) -> list[Paper]:
    return [
        Paper(
            id=f"2601.{number:05d}",
            source="test",
            title=f"{subject} study {number}",
            abstract=f"We present results on {words}.",
            listed_on=date(2026, 1, 1) + timedelta(days=number % 20),
        )
        for number, (subject, words) in enumerate(list(SUBJECTS.items()) * copies)
    ]


def wish_terms(model: TextModel, text: str) -> dict[int, float]:
    return few([wished_terms(VOCABULARY.words(text))], [1.0], model.idf)


def wish(model: TextModel, text: str) -> dict[int, float]:
    expanded, nearness = model.expanded(rows_of([wish_terms(model, text)]))
    assert nearness.shape == (1,)
    return dict(zip(expanded.indices.tolist(), expanded.data.tolist(), strict=True))


def test_rare_terms_weigh_more_and_unseen_ones_most() -> None:
    model = fit(VOCABULARY, corpus())
    common, rare, unseen = (model.idf[place_of(term)] for term in ("studi", "robot", "zeppelin"))
    assert common < rare < unseen


def test_a_title_weighs_more_than_an_abstract() -> None:
    model = fit(VOCABULARY, corpus())
    titled = Paper(id="a", source="test", title="robot", abstract="protein")
    rows = model.vectors([terms_of(VOCABULARY, titled)])
    weights = dict(zip(rows.indices.tolist(), rows.data.tolist(), strict=True))
    assert weights[place_of("robot")] > weights[place_of("protein")]


def test_a_wish_takes_along_what_the_corpus_says_with_it() -> None:
    weights = wish(fit(VOCABULARY, corpus()), "robot")
    assert weights[place_of("robot")] > weights[place_of("gripper")] > 0
    assert place_of("enzym") not in weights
    assert place_of("present") not in weights  # every paper says it


def test_the_order_of_the_corpus_does_not_matter() -> None:
    papers = corpus()
    shuffled = [*papers[::-2], *papers[::2]]
    one, other = fit(VOCABULARY, papers), fit(VOCABULARY, iter(shuffled))
    assert np.array_equal(one.idf, other.idf)
    assert wish(one, "cache attention") == wish(other, "cache attention")


def test_an_empty_corpus_is_a_model_too() -> None:
    model = fit(VOCABULARY, [])
    terms = rows_of([wish_terms(model, "robot"), {}])
    expanded, nearness = model.expanded(terms)
    assert (expanded != terms).nnz == 0
    assert nearness.tolist() == [0.0, 0.0]


def test_wishes_are_expanded_as_if_each_were_alone() -> None:
    model = fit(VOCABULARY, corpus())
    texts = ["robot", "", "zeppelin", "cache attention", "the of", "robot grasp cache theorem", "robot"]
    wishes = [wish_terms(model, text) for text in texts]
    together, nearness = model.expanded(rows_of(wishes))
    for row, one in enumerate(wishes):
        alone, near = model.expanded(rows_of([one]))
        assert (alone != together[[row], :]).nnz == 0
        assert near[0] == nearness[row]
    assert nearness[[1, 2, 4]].tolist() == [0.0, 0.0, 0.0]
    assert nearness[0] > nearness[5] > 0


def test_vectors_have_length_one_or_nothing() -> None:
    rows = fit(VOCABULARY, corpus()).vectors([["robot", "arm", "arm"], []])
    assert np.allclose(np.sqrt(rows.multiply(rows).sum(axis=1)).ravel(), [1, 0])


def test_a_paper_that_is_judged_does_not_speak_for_itself() -> None:
    model = fit(
        VOCABULARY, [*corpus(), Paper(id="odd", source="test", title="robot zeppelin", abstract="airship hull")]
    )
    wishes = rows_of([few([wished_terms(VOCABULARY.words("robot zeppelin"))], [1.0], model.idf)])
    with_it, _ = model.expanded(wishes)
    without_it, _ = model.expanded(wishes, without=["odd", "unknown"])
    assert with_it.nnz > 0
    assert (with_it != without_it).nnz > 0
    everybody = [paper.id for paper in corpus()]
    assert (model.expanded(wishes, without=[*everybody, "odd"])[0] != with_it).nnz == 0
