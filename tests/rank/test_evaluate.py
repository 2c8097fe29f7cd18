from __future__ import annotations

from datetime import date, timedelta

from newsletter.model import Paper
from newsletter.rank.evaluate import figures, measured
from newsletter.rank.ranker import Ranker
from newsletter.rank.replay import ReadingList, Replay, replay

START = date(2026, 1, 1)
RANKER = Ranker([], topic_weight=1.0, votes_weight=0.1, floor=0.2)


def made() -> Replay:
    """Sixty days of five papers each; the reader keeps every cheese paper, for which nobody votes."""
    things = ("cheese", "bread", "wine", "olives", "honey")
    papers = [
        Paper(
            id=f"{number:02}-{thing}",
            source="t",
            title=f"On {thing} number {number}",
            abstract=f"A study of {thing} with {things[(number + place) % 5]} aside.",
            listed_on=START + timedelta(days=number),
            upvotes=place,
        )
        for number in range(60)
        for place, thing in enumerate(things)
    ]
    added = {one.id: one.listed_on for one in papers if one.id.endswith("cheese") and one.listed_on}
    return replay(papers, ReadingList(name="cheese", added=added))


def test_every_order_is_measured_over_the_same_days() -> None:
    split = made()
    results = measured(split, RANKER, ("cheese",), seed=0)
    assert list(results) == ["random", "votes only", "topic only", "blended", "words only", "tf-idf + svm"]
    assert {len(one.ndcg) for one in results.values()} == {len(split.days)} == {24}
    assert figures([results["votes only"]], seed=0).auc.mean == 0.0
    for name in ("topic only", "blended", "words only", "tf-idf + svm"):
        assert figures([results[name]], seed=0).ndcg.mean > 0.95, name
    assert 0.3 < figures([results["random"]], seed=0).ndcg.mean < 0.8


def test_an_equal_seed_gives_equal_figures() -> None:
    split = made()
    assert measured(split, RANKER, (), seed=1) == measured(split, RANKER, (), seed=1)
    assert measured(split, RANKER, (), seed=1)["random"] != measured(split, RANKER, (), seed=2)["random"]


def test_without_words_or_likes_their_orders_are_left_out() -> None:
    split = made()
    assert "words only" not in measured(split, RANKER, (), seed=0)
    none_liked = Replay(name="cheese", cut=split.cut, corpus=split.corpus, liked=(), days=split.days)
    assert "tf-idf + svm" not in measured(none_liked, RANKER, ("cheese",), seed=0)


def test_papers_that_the_words_mute_come_last() -> None:
    muting = measured(made(), RANKER, ("bread -cheese",), seed=0)["words only"]
    assert set(muting.auc) == {0.0}
