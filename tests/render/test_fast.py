"""The fast path gives, letter by letter, what the templates give when they are filled in whole."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.errors import TemplateError
from newsletter.links import LinkSigner, MailLinks, mail_links
from newsletter.model import Cadence, Digest, Profile, Rendered
from newsletter.pieces import Passage, Pieces, flat
from newsletter.render.digest import DigestRenderer
from newsletter.render.drafts import Draft
from newsletter.render.layout import LAYOUTS
from newsletter.render.page import OWN_WORDS, Page, make_page
from newsletter.render.reads import LINKS, Kind, page_scope
from newsletter.resources import resource
from tests.render.digests import (
    HOSTILE_TEXTS,
    NOTE,
    SITE,
    digest_of,
    hostile_paper,
    made_up_papers,
    recorded_papers,
    without_wishes,
)

if TYPE_CHECKING:
    from pathlib import Path

WEB = SITE.model_copy(update={"web_url": "https://digest.example"})
SIGNER = LinkSigner([b"0123456789abcdef0123456789abcdef"])
PERIOD = "2026-07-14"
MORE_HOSTILE = (
    *HOSTILE_TEXTS,
    "x" * 2000,
    "\u200frtl\u202e \u2068x",
    "&zwnj;\u00ad\u200b",
    "https://digest.example/view/AAAAAAAAAAAA",
    "  two  spaces \t tab ",
    "=20=\r\n=3D --=_",
)


def links_of(number: int, period: str = PERIOD) -> MailLinks:
    return mail_links(SIGNER, WEB.web_url, number, period=period)


def reader(digest: Digest, number: int) -> Digest:
    """Return the same digest for another reader, with other wishes and another cadence."""
    subscriber = replace(
        digest.subscriber,
        id=number,
        address=f"reader{number}@reader.example",
        cadence=list(Cadence)[number % len(Cadence)],
        profile=replace(digest.subscriber.profile, interests=(f"wish {number}",))
        if digest.subscriber.profile.topics
        else Profile(),
    )
    return replace(digest, subscriber=subscriber)


def pieces_of(renderer: DigestRenderer, digest: Digest, number: int) -> Pieces:
    period = digest.issue.period
    return renderer.pieces(digest, links=links_of(number, period), nobody=links_of(0, period))


def check_same(renderer: DigestRenderer, digest: Digest, numbers: tuple[int, ...] = (1, 2, 3)) -> None:
    """Several readers, since what the first mail makes the second takes and the third gets settled."""
    for number in numbers:
        own = reader(digest, number)
        made = pieces_of(renderer, own, number)
        assert len(made.html) > 1, "the fast path declined"
        assert made.whole() == renderer.render(own, links=links_of(number, digest.issue.period))


@pytest.fixture(scope="module")
def web() -> DigestRenderer:
    return DigestRenderer(WEB)


def test_all_recorded_dates_are_the_same_by_both_ways(shared_data: Path, web: DigestRenderer) -> None:
    dates = sorted(path.stem for path in (shared_data / "daily_papers").glob("*.json"))
    assert len(dates) == 30
    for number, date in enumerate(dates):
        papers = recorded_papers(shared_data, date)
        digest = digest_of(papers, matched=len(papers) // 2, period=date, left_out=number % 3, note=NOTE * (number % 2))
        check_same(web, digest)
        check_same(web, without_wishes(digest), (4,))
        check_same(web, digest_of(papers[:1], matched=0, period="2026-W29"), (5,))


@pytest.mark.parametrize("number", [0, 1, 10, 40, 100])
def test_any_number_of_papers_gets_the_same_layout_by_both_ways(web: DigestRenderer, number: int) -> None:
    papers = made_up_papers(number)
    check_same(web, digest_of(papers, matched=number // 2, left_out=2))
    check_same(web, digest_of(papers, matched=number, note=NOTE * 10))
    check_same(web, digest_of([replace(paper, title="ж" * 300) for paper in papers]))


def test_senders_that_settle_one_draft_at_once_lose_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settle = Draft.settle

    def twice(draft: Draft) -> None:
        settle(draft)
        settle(draft)

    monkeypatch.setattr(Draft, "settle", twice)
    check_same(DigestRenderer(WEB), digest_of(made_up_papers(3), matched=1))


@pytest.mark.parametrize("text", MORE_HOSTILE)
def test_hostile_texts_are_the_same_by_both_ways(web: DigestRenderer, text: str) -> None:
    digest = digest_of([hostile_paper(text), *made_up_papers(2)], matched=2, note=text)
    digest = replace(digest, issue=replace(digest.issue, subject=""))
    check_same(web, digest)
    own = replace(digest, subscriber=replace(digest.subscriber, address=text, profile=Profile(interests=(text,) * 20)))
    assert pieces_of(web, own, 9).whole() == web.render(own, links=links_of(9))


@settings(deadline=None)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=5), st.integers(0, 3), st.booleans())
@example(["\x00", "\n\n", " ", "\u2028", ""], 2, True)
def test_any_texts_are_the_same_by_both_ways(web: DigestRenderer, texts: list[str], matched: int, full: bool) -> None:
    digest = digest_of([hostile_paper(text) for text in texts], matched=matched, note=texts[0])
    digest = replace(digest, issue=replace(digest.issue, subject="" if full else texts[-1]))
    papers = tuple(replace(ranked, reasons=(texts[0], *ranked.reasons)) for ranked in digest.papers)
    check_same(web, replace(digest, papers=papers))


def test_the_editors_test_is_the_same_by_both_ways(web: DigestRenderer) -> None:
    for number in (1, 2, 3):
        digest = reader(digest_of(made_up_papers(3), note=NOTE), number)
        made = web.pieces(digest, links=links_of(0), nobody=links_of(0), test=True)
        assert len(made.html) > 1
        assert made.whole() == web.render(digest, links=links_of(0), test=True)
        assert f"reader{number}@reader.example" in made.whole().html


def test_without_web_pages_and_without_links_both_ways_are_the_same(renderer: DigestRenderer) -> None:
    digest = digest_of(made_up_papers(3))
    links, nobody = (MailLinks(unsubscribe=f"mailto:leave@x.example?subject=unsubscribe%20{n:032x}") for n in (7, 0))
    made = renderer.pieces(digest, links=links, nobody=nobody)
    public = renderer.pieces(digest, links=None, nobody=nobody)
    assert made.whole() == renderer.render(digest, links=links)
    assert list(made.own) == [nobody.unsubscribe]
    assert public.whole() == renderer.render(digest, links=None)


@pytest.mark.parametrize(
    "odd",
    [
        {"view": "https://digest.example/view/short"},
        {"preferences": ""},
        {"view": "https://other.example." + "x" * 60},
        {"unsubscribe": "mailto:x@digest.example"},
        {"feedback": 'https://digest.example/feedback/"><script>'},
    ],
)
def test_links_of_another_shape_are_filled_in_the_slow_way(web: DigestRenderer, odd: dict[str, str]) -> None:
    links, digest = replace(links_of(3), **odd), digest_of(made_up_papers(2))
    made = web.pieces(digest, links=links, nobody=links_of(0))
    assert len(made.html) == 1
    assert made.whole() == web.render(digest, links=links)


def test_the_second_mail_is_put_together_from_the_pieces_of_the_first(
    web: DigestRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = digest_of(made_up_papers(10))
    first = pieces_of(web, reader(digest, 1), 1)
    monkeypatch.setattr(web, "render", None)
    second = pieces_of(web, reader(digest, 2), 2)
    others = replace(digest, papers=digest.papers[::-1])
    third = pieces_of(web, reader(others, 3), 3)
    shared = {id(piece) for piece in flat(first.html)}
    for mail, share in ((second, 0.95), (third, 0.6)):
        pieces = list(flat(mail.html))
        assert sum(len(piece) for piece in pieces if id(piece) in shared) > share * sum(map(len, pieces))


def test_later_mails_of_the_same_papers_share_passages(web: DigestRenderer) -> None:
    digest = digest_of(made_up_papers(10))
    _, *later = [pieces_of(web, reader(digest, number), number) for number in range(1, 5)]
    for part in ("html", "text"):
        passages = [[one for one in getattr(mail, part) if isinstance(one, Passage)] for mail in later]
        assert passages[0] == passages[1] == passages[2], "the very same objects"
        assert sum(len("".join(one.pieces)) for one in passages[0]) > 0.8 * len(getattr(later[0].whole(), part))


def test_readers_of_the_same_papers_for_other_reasons_or_from_longer_lists_are_told_apart(web: DigestRenderer) -> None:
    digest = digest_of(made_up_papers(3), matched=2, left_out=1)
    for number, (reason, left_out, matched) in enumerate(
        [("a", 1, True), ("b", 1, True), ("b", 2, True), ("b", 2, False)]
    ):
        papers = tuple(replace(one, reasons=(reason,), matched=matched and one.matched) for one in digest.papers)
        check_same(web, replace(digest, papers=papers, left_out=left_out), (number, number + 10))
        check_same(web, replace(digest, papers=papers, issue=replace(digest.issue, subject=reason)), (number,))


def test_what_a_page_says_of_its_reader_alone_is_known(web: DigestRenderer) -> None:
    assert web.detour == ""
    digest = digest_of(made_up_papers(3), left_out=2)
    for test in (False, True):
        pages = [_page(reader(digest, number), links_of(number), test=test) for number in (1, 2)]
        differing = {one.name for one in fields(Page) if getattr(pages[0], one.name) != getattr(pages[1], one.name)}
        assert differing - LINKS - {"sections"} <= OWN_WORDS
        cards = [page.sections[0].cards[0] for page in pages]
        own = {one.name for one in fields(cards[0]) if getattr(cards[0], one.name) != getattr(cards[1], one.name)}
        assert own == {"more_like_this", "less_like_this", "save_for_later"}
    assert {name for name, kind in page_scope().items() if kind is Kind.LINK} == LINKS


def _page(digest: Digest, links: MailLinks, *, test: bool) -> Page:
    return make_page(digest, WEB, links=links, titles={}, layout=LAYOUTS[0], test=test)


# What an operator may write, and where: on a card, in a section, on the page; and whether it can be taken apart.
CARD, SECTION, PAGE = "{{ card.number }}", "{{ section.heading }}", "{{ edition }}"
TEXTS = [
    (CARD, "{{ loop.index }}/{{ loop.length }} {{ loop.first }} {{ card.number }}", True),
    (CARD, "{% if loop.last %}last{% elif card.number == 2 %}two{% else %}{{ loop.revindex0 }}{% endif %}", True),
    (CARD, "{{ card['title'] | upper }} {{ section.heading }} {{ site.name }} {{ wishes | join('; ') }}", True),
    (CARD, "{% for link in card.links %}{{ loop.index }}{{ link.label }}{% endfor %}", True),
    (CARD, "{% with x = card.title %}{{ x }}{{ x | length }}{% endwith %}", True),
    (CARD, "{{ card.why ~ card.number }} {{ section.cards | length }} {{ sections | count }}", True),
    (CARD, "{% if not card.more_like_this or view %}none{% endif %}{{ unsubscribe }}", True),
    (SECTION, "{{ loop.index0 }} {{ loop.last }} {{ section.heading | length }} {{ section.cards | length }}", True),
    (SECTION, "{% if loop.first and wishes %}{{ wishes[0] }} {{ wishes | length }}{% endif %}", True),
    (PAGE, "{{ subject }} {{ preheader }} {{ reason | upper }} {{ date[:3] }} {{ left_out or 'none' }}", True),
    (PAGE, "{% if sections %}{% for s in sections %}{% if s.cards %}x{% endif %}{% endfor %}{% endif %}", True),
    (PAGE, "{% for section in sections %}{% for c in section.cards %}{{ c.title }}{% endfor %}{% endfor %}", True),
    (PAGE, "{{ site }} {{ wishes }} {{ note | length }} {{ range(3) | list }} {{ dict(a=1) }}", True),
    (PAGE, "{% for wish in wishes %}{% set x = wish %}{{ x }}{% endfor %}{% if reason %}{{ reason }}{% endif %}", True),
    (CARD, "{{ card.more_like_this | length }}", False),
    (CARD, "{{ card.less_like_this | upper }}", False),
    (CARD, "{{ card.save_for_later | upper }}", False),
    (CARD, "{{ card }}", False),
    (CARD, "{% set x = card.title %}{{ x }}", False),
    (CARD, "{{ loop.previtem.title }}", False),
    (CARD, "{{ loop.cycle('a', 'b') }}", False),
    (CARD, "{{ card.more_like_this | replace('a', 'b') }}", False),
    (CARD, "{{ card.more_like_this[-1] }}", False),
    (SECTION, "{{ section.cards | map(attribute='title') | join }}", False),
    (SECTION, "{{ section.cards[0].title }}", False),
    (SECTION, "{% for c in section.cards if c.full %}{{ c.title }}{% endfor %}", False),
    (PAGE, "{{ sections }}", False),
    (PAGE, "{{ view | upper }}", False),
    (PAGE, "{% if view == preferences %}x{% endif %}", False),
    (PAGE, "{% with v = view %}{{ v | upper }}{% endwith %}", False),
    (PAGE, "{% set x = edition %}{{ x }}", False),
]


def own_templates(folder: Path, **changes: tuple[str, str]) -> DigestRenderer:
    """Return a renderer with copies of the shipped templates in which one text is another."""
    for name, (old, new) in changes.items():
        path = f"email/digest/{name.replace('__', '.')}"
        text = resource("templates", *path.split("/")).read_text("utf-8")
        assert old in text
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.replace(old, new, 1), "utf-8")
    return DigestRenderer(WEB, template_folders=[folder])


def outcome(renderer: DigestRenderer, digest: Digest, number: int, *, whole: bool) -> Rendered | str:
    try:
        if whole:
            return renderer.render(digest, links=links_of(number))
        return pieces_of(renderer, digest, number).whole()
    except TemplateError as error:
        return str(error)


@pytest.mark.parametrize(("place", "own", "apart"), TEXTS)
def test_an_operators_template_is_taken_apart_rightly_or_not_at_all(
    tmp_path: Path, place: str, own: str, apart: bool
) -> None:
    file = "_card__html" if place == CARD else "body__html"
    renderer = own_templates(tmp_path, **{file: (place, own)})
    assert (renderer.detour == "") is apart, renderer.detour
    digest = digest_of(made_up_papers(6), matched=4, left_out=1, note=NOTE)
    lists = (digest.papers, digest.papers, digest.papers[:1], digest.papers[1:], digest.papers[:1], digest.papers)
    for number, papers in enumerate(lists, 1):
        one = reader(replace(digest, papers=papers), number)
        assert outcome(renderer, one, number, whole=False) == outcome(renderer, one, number, whole=True)


def test_why_a_template_cannot_be_taken_apart_is_told_with_its_place(tmp_path: Path) -> None:
    renderer = own_templates(tmp_path, _card__html=(CARD, "{{ card.more_like_this | length }}"))
    assert renderer.detour == (
        "template email/digest/_card.html, line 2: card.more_like_this, a reader's own link, is used in a way that "
        "depends on more than it shows"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{{ left_out | wrap }}", '{{ ("And: " ~ left_out) | wrap }}   \n\n\n\n  {{ view | wrap(2) }}  '),
        ("{{ card.title |", "{{ loop.index }} {{ card.title |"),
        ("{{ site.name | wrap }}", "  \n{{ site.name | wrap }} \n \t \n"),
        ("{{ section.heading | upper }}", "{{ section.heading | upper }} {{ section.cards | length }}  "),
        ("{{ site.name | wrap }}", "{{ [view] | join }}"),
        ("{{ site.name | wrap }}", "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(view) }}"),
        ("{{ site.name | wrap }}", "{% filter upper %}{{ view }}{% endfilter %}"),
        ("{{ site.name | wrap }}", "{% set x %}{{ view }}{% endset %}{{ x | upper }}"),
    ],
)
def test_an_operators_plain_text_is_the_same_by_both_ways(tmp_path: Path, old: str, new: str) -> None:
    renderer = own_templates(tmp_path, body__txt=(old, new))
    digest = digest_of(made_up_papers(4), matched=2, left_out=3)
    for number in (1, 2, 3):
        one = reader(digest, number)
        assert pieces_of(renderer, one, number).whole() == renderer.render(one, links=links_of(number))


def test_a_template_that_fails_on_the_data_is_told_as_the_reference_tells_it(tmp_path: Path) -> None:
    renderer = own_templates(tmp_path, _card__html=(CARD, "{{ 1 // (card.number - 2) }}"))
    digest = reader(digest_of(made_up_papers(3)), 1)
    assert outcome(renderer, digest, 1, whole=False) == outcome(renderer, digest, 1, whole=True)
    assert "template email/digest/_card.html, line 2" in str(outcome(renderer, digest, 1, whole=False))


@pytest.mark.parametrize("subject", ["{{ wishes | join }}", "{{ reason }}", "{{ view }}"])
def test_a_subject_that_is_each_readers_own_is_made_the_slow_way(tmp_path: Path, subject: str) -> None:
    renderer = own_templates(tmp_path, subject__txt=("{{ subject }}", subject))
    assert "subject" in renderer.detour
    digest = digest_of(made_up_papers(2))
    for number in (1, 2):
        one = reader(digest, number)
        assert pieces_of(renderer, one, number).whole() == renderer.render(one, links=links_of(number))


@pytest.mark.parametrize("name", ["reason", "other"])
def test_what_an_included_part_sets_is_its_own(tmp_path: Path, name: str) -> None:
    (tmp_path / "inc.txt").write_text(f'{{% set {name} = "INC" %}}inc {{{{ {name} }}}}', "utf-8")
    looped = '{% for wish in wishes %}{% include "inc.txt" %}[{{ reason }}]{% endfor %}'
    renderer = own_templates(tmp_path, body__txt=("{{ site.name | wrap }}", looped))
    assert renderer.detour == "template inc.txt, line 1: {% set %} in an included part is not taken apart"
    check_outcomes(renderer, digest_of(made_up_papers(3)))


def check_outcomes(renderer: DigestRenderer, digest: Digest, links: MailLinks | None = None) -> None:
    """By both ways the same, whichever the path took."""
    for number in (1, 2, 3):
        one, own = reader(digest, number), links or links_of(number)
        made = renderer.pieces(one, links=own, nobody=links_of(0)).whole()
        assert made == renderer.render(one, links=own)
