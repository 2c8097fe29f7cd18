from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.model import Paper, RankedPaper
from newsletter.rank.select import EDITORS_PICK, select


def entry(key: str, *, score: float = 0.0, upvotes: int | None = 0, matched: bool = False) -> RankedPaper:
    paper = Paper(id=key, source="test", title=key, upvotes=upvotes)
    return RankedPaper(paper=paper, score=score, matched=matched, reasons=("matches: x",) if matched else ())


RANKED = [
    entry("a", score=0.9, upvotes=1, matched=True),
    entry("b", score=0.5, upvotes=90, matched=True),
    entry("c", score=0.1, upvotes=3),
    entry("d", score=0.0, upvotes=40),
    entry("e", score=0.0, upvotes=None),
]


def ids(chosen: tuple[RankedPaper, ...]) -> list[str]:
    return [one.paper.id for one in chosen]


def test_matched_by_score_then_the_most_upvoted_of_the_rest() -> None:
    chosen, left_out = select(RANKED, size=4)
    assert ids(chosen) == ["a", "b", "d", "c"]
    assert [one.matched for one in chosen] == [True, True, False, False]
    assert left_out == 1


def test_the_popular_ones_say_that_votes_brought_them() -> None:
    chosen, _ = select(RANKED, size=5)
    assert [one.reasons for one in chosen[2:]] == [("40 upvotes",), ("3 upvotes",), ()]


def test_pins_come_first_in_their_order_with_the_editors_name_on_them() -> None:
    chosen, left_out = select(RANKED, size=3, pins=("d", "missing", "b", "d"))
    assert ids(chosen) == ["d", "b", "a"]
    assert chosen[0].reasons == (EDITORS_PICK,)
    assert chosen[1].reasons == (EDITORS_PICK, "matches: x")
    assert left_out == 2


def test_hidden_and_sent_papers_never_come_not_even_pinned() -> None:
    chosen, left_out = select(RANKED, size=9, pins=("a", "c"), hides={"a"}, already_sent={"c", "d"})
    assert ids(chosen) == ["b", "e"]
    assert left_out == 0


def test_no_room_and_no_candidates() -> None:
    assert select(RANKED, size=0) == ((), 5)
    assert select(RANKED, size=-3) == ((), 5)
    assert select([], size=5, pins=("a",)) == ((), 0)


entries = st.lists(
    st.builds(
        entry,
        st.sampled_from("abcdefgh"),
        score=st.floats(0, 2),
        upvotes=st.none() | st.integers(0, 9),
        matched=st.booleans(),
    ),
    unique_by=lambda one: one.paper.id,
)
some_ids = st.lists(st.sampled_from("abcdefgh"))


@given(ranked=entries, size=st.integers(0, 9), pins=some_ids, hides=st.sets(st.sampled_from("abcd")), data=st.data())
def test_whatever_the_order_of_the_input(
    ranked: list[RankedPaper], size: int, pins: list[str], hides: set[str], data: st.DataObject
) -> None:
    chosen, left_out = select(ranked, size=size, pins=pins, hides=hides)
    shuffled = data.draw(st.permutations(ranked))
    assert select(shuffled, size=size, pins=pins, hides=hides) == (chosen, left_out)
    assert len(chosen) <= size
    assert len(chosen) + left_out == sum(one.paper.id not in hides for one in ranked)
    assert not set(ids(chosen)) & hides
