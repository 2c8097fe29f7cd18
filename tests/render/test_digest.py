"""The finished mail as a reader gets it: what stands where, in HTML and in plain text."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import RenderError, TemplateError
from newsletter.links import MailLinks
from newsletter.model import Cadence, Digest, Links, Paper, Topic
from newsletter.render.clean import one_line
from newsletter.render.digest import DigestRenderer
from newsletter.render.layout import LAYOUTS, MAX_BYTES, Layout, first_fitting, utf8_bytes
from newsletter.render.words import cut
from newsletter.resources import resource
from tests.render.digests import (
    DATES,
    HOSTILE_TEXTS,
    LINKS,
    NOTE,
    SITE,
    UNSUBSCRIBE,
    digest_of,
    hostile_paper,
    made_up_papers,
    recorded_papers,
    without_wishes,
)
from tests.render.dom import nodes, texts, tree

if TYPE_CHECKING:
    from pathlib import Path

TITLES = ".title, .ltitle"


def rendered_titles(renderer: DigestRenderer, digest: Digest) -> list[str]:
    return texts(renderer.render(digest, links=LINKS).html, TITLES)


def test_matched_papers_come_first_and_numbers_run_through(renderer: DigestRenderer) -> None:
    papers = made_up_papers(6)
    html = renderer.render(digest_of(papers, matched=4, left_out=14), links=LINKS).html
    assert texts(html, "h2") == ["For you", "Popular today"]
    assert texts(html, ".num, .lnum") == ["1", "2", "3", "4", "5", "6"]
    assert texts(html, ".card .title") == [paper.title for paper in papers[:4]]
    assert texts(html, ".line .ltitle") == [paper.title for paper in papers[4:]]
    assert texts(html, ".more") == ["14 more papers were listed that day."]


@pytest.mark.parametrize(
    ("period", "popular", "date", "left"),
    [
        ("2026-07-14", "Popular today", "Daily issue · Tuesday, 14 July 2026", "1 more paper was listed that day."),
        ("2026-W29", "Popular this week", "Weekly issue · 13–19 July 2026", "1 more paper was listed that week."),
        ("2026-07", "Popular this month", "Monthly issue · July 2026", "1 more paper was listed that month."),
    ],
)
def test_headings_fit_the_period(renderer: DigestRenderer, period: str, popular: str, date: str, left: str) -> None:
    digest = digest_of(made_up_papers(2), matched=1, period=period, left_out=1)
    made = renderer.render(digest, links=LINKS)
    assert texts(made.html, "h2") == ["For you", popular]
    assert texts(made.html, ".date") == [date]
    assert texts(made.html, ".more") == [left]
    assert popular.upper() in made.text
    assert date in made.text
    assert left in made.text


def test_a_reader_without_wishes_gets_one_list_of_cards(renderer: DigestRenderer) -> None:
    digest = without_wishes(digest_of(made_up_papers(3)))
    html = renderer.render(digest, links=LINKS).html
    assert texts(html, "h2") == ["Top papers"]
    assert len(texts(html, ".card")) == 3
    assert not texts(html, ".wishes")


def test_wishes_that_matched_nothing_are_owned_up_to(renderer: DigestRenderer) -> None:
    html = renderer.render(digest_of(made_up_papers(3), matched=0), links=LINKS).html
    assert texts(html, "h2") == ["Popular today"]
    assert texts(html, ".lead")[0].startswith("Nothing new today matched what you follow")
    assert len(texts(html, ".card")) == 3


def test_an_empty_digest_says_so(renderer: DigestRenderer) -> None:
    made = renderer.render(digest_of([]), links=LINKS)
    assert texts(made.html, ".lead") == ["No papers were listed that day."]
    assert "No papers were listed that day." in made.text


def test_a_card_tells_what_is_known_and_nothing_else(renderer: DigestRenderer) -> None:
    full = Paper(
        id="2607.00001",
        source="x",
        title="A title",
        summary="One sentence.",
        abstract="Not this.",
        authors=("Ada", "Ben", "Cyd", "Dan"),
        author_count=16,
        organisation="Lab",
        upvotes=1234,
        comments=1,
        links=Links(
            page="https://a.example/1", pdf="https://a.example/2", code="https://a.example/3", stars=1234, project="x:y"
        ),
    )
    bare = Paper(id="x:1", source="x", title="Bare", author_count=3, upvotes=0)
    html = renderer.render(digest_of([full, bare]), links=LINKS).html
    first, second = tree(html).cssselect(".card")
    assert [part.text_content() for part in first.cssselect(".by, .teaser, .reason")] == [
        "Ada, Ben, Cyd and 13 more\xa0· Lab",
        "One sentence.",
        "Matches: agents, memory",
    ]
    facts = " ".join(first.cssselect(".meta")[0].text_content().split())
    assert facts == "Matches: agents, memory 1,234 upvotes · 1 comment"
    assert " ".join(first.cssselect(".acts")[0].text_content().split()) == "Page PDF Code ★ 1.2k"
    assert [link.get("href") for link in first.cssselect("a")] == [f"https://a.example/{n}" for n in (1, 1, 2, 3)]
    assert " ".join(second.text_content().split()) == "Bare 3 authors Matches: agents, memory"
    assert not second.cssselect("a")


def test_the_footer_says_why_and_how_to_leave(renderer: DigestRenderer) -> None:
    digest = digest_of(made_up_papers(1))
    weekly = replace(digest, subscriber=replace(digest.subscriber, cadence=Cadence.WEEKLY))
    made = renderer.render(weekly, links=LINKS)
    for text in (" ".join(texts(made.html, ".foot")), " ".join(made.text.split())):
        assert "You get Daily Digest every week because ada@reader.example subscribed to it." in text
        assert "1 Example Street, Exampletown" in text
    assert [link.get("href") for link in tree(made.html).cssselect(".foot a")] == [UNSUBSCRIBE]
    assert UNSUBSCRIBE in made.text
    nowhere = DigestRenderer(SITE.model_copy(update={"postal_address": ""}))
    assert len(texts(nowhere.render(weekly, links=LINKS).html, ".foot p")) == 2


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "mailto:", "/unsubscribe"])
def test_no_mail_is_made_without_a_way_to_leave(renderer: DigestRenderer, url: str) -> None:
    with pytest.raises(RenderError, match="2026-07-14: no mail without a way to unsubscribe"):
        renderer.render(digest_of(made_up_papers(1)), links=MailLinks(unsubscribe=url))


@pytest.mark.parametrize("date", DATES)
def test_the_markup_is_what_mail_clients_and_screen_readers_need(
    renderer: DigestRenderer, shared_data: Path, date: str
) -> None:
    papers = recorded_papers(shared_data, date)
    digest = digest_of(papers, matched=len(papers) // 2, period=date, note=NOTE, left_out=2)
    document = renderer.render(digest, links=LINKS).html
    root = tree(document)
    assert document.startswith("<!DOCTYPE html>")
    assert root.get("lang") == "en"
    assert len(root.cssselect("h1")) == 1
    levels = [int(node[0][1]) for node in nodes(document) if node[0] in {"h1", "h2", "h3", "h4"}]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(table.get("role") == "presentation" for table in root.cssselect("table"))
    assert not root.cssselect("img, script, link, form")
    for link in root.cssselect("a"):
        assert link.get("href").startswith(("https://", "http://", "mailto:"))
        assert link.text_content().strip()
    assert not any(left in document for left in ("tplmark", "{{", "{%", "data-premailer", "fragment"))
    assert len("".join(style.text for style in root.cssselect("style")).encode()) < 16_000
    assert texts(document, "title") == [f"Papers of {date}"]
    assert texts(document, ".preheader")[0].startswith(f"{len(papers) // 2} papers for you: ")


@pytest.mark.parametrize("date", DATES)
def test_the_text_part_holds_the_same_papers_in_the_same_order(
    renderer: DigestRenderer, shared_data: Path, date: str
) -> None:
    papers = recorded_papers(shared_data, date)
    made = renderer.render(digest_of(papers, matched=len(papers) // 2, note=NOTE), links=LINKS)
    assert texts(made.html, TITLES) == [one_line(paper.title) for paper in papers]
    folded = " ".join(made.text.split())
    places = [folded.index(f"{number}. {one_line(paper.title)}") for number, paper in enumerate(papers, 1)]
    assert places == sorted(places)
    for paper in papers:
        assert paper.links.page in made.text
        assert paper.links.pdf in made.text
    assert all(len(line) <= 72 or " " not in line.strip().partition(": ")[2] for line in made.text.splitlines())
    assert "ask the same question" in made.text
    assert "<" not in made.text
    assert "\r" not in made.text
    assert not any(line != line.rstrip() for line in made.text.splitlines())


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts_are_shown_and_change_no_element(renderer: DigestRenderer, text: str) -> None:
    tame, hostile = hostile_paper("Tame"), hostile_paper(text)
    expected = renderer.render(digest_of([tame] * 4, matched=2), links=LINKS).html
    skeleton = [node[0] for node in nodes(expected)]
    digest = digest_of([hostile] * 4, matched=2)
    digest = replace(digest, issue=replace(digest.issue, subject=text))
    made = renderer.render(digest, links=LINKS)
    assert [node[0] for node in nodes(made.html)] == skeleton
    assert texts(made.html, TITLES) == [cut(one_line(text), 300)] * 4
    assert made.subject == cut(one_line(text), 200)
    assert "\n" not in made.subject
    made.html.encode()
    made.text.encode()
    assert "\x00" not in made.html + made.text + made.subject
    assert "javascript:" not in made.html + made.text
    assert cut(one_line(text), 300).split()[0] in made.text


@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1, max_size=60))
def test_any_title_is_shown_as_itself_or_as_untitled(renderer: DigestRenderer, text: str) -> None:
    expected = one_line(text) or "Untitled"
    assert rendered_titles(renderer, digest_of([hostile_paper(text)])) == [expected]


@pytest.mark.parametrize("number", [1, 2, 10, 40, 100])
def test_any_number_of_papers_fits(renderer: DigestRenderer, number: int) -> None:
    papers = made_up_papers(number)
    for matched in (number, number // 2, 0):
        made = renderer.render(digest_of(papers, matched=matched, note=NOTE), links=LINKS)
        assert len(made.html.encode()) <= MAX_BYTES
        assert texts(made.html, TITLES) == [paper.title for paper in papers]


def test_a_hundred_real_papers_fit_and_all_are_shown(renderer: DigestRenderer, shared_data: Path) -> None:
    days = [path.stem for path in sorted((shared_data / "daily_papers").glob("*.json"))]
    papers = recorded_papers(shared_data, *days)[:100]
    made = renderer.render(digest_of(papers, period="2026-07"), links=LINKS)
    assert len(made.html.encode()) <= MAX_BYTES
    assert texts(made.html, TITLES) == [one_line(paper.title) for paper in papers]
    assert texts(made.html, ".card")
    assert not texts(made.html, ".more")


def test_ten_papers_are_shown_in_full(renderer: DigestRenderer, shared_data: Path) -> None:
    papers = recorded_papers(shared_data, "2026-07-14")[:10]
    made = renderer.render(digest_of(papers), links=LINKS)
    assert len(made.html.encode()) < 30_000
    assert max(len(teaser) for teaser in texts(made.html, ".teaser")) > 140


@pytest.mark.parametrize("text", ["&" * 2_000, "\U0001f600" * 2_000, '"' * 10_000_000])
def test_what_cannot_fit_is_counted_among_what_was_left_out(renderer: DigestRenderer, text: str) -> None:
    papers = [replace(hostile_paper(text), links=Links(page="https://a.example/?" + "&" * 100))] * 100
    made = renderer.render(digest_of(papers, left_out=5), links=LINKS)
    shown = len(texts(made.html, TITLES))
    assert len(made.html.encode()) <= MAX_BYTES
    assert texts(made.html, ".more") == ([f"{105 - shown} more papers were listed that day."])
    assert f"{shown}. " in made.text
    assert f"{shown + 1}. " not in made.text


def test_abstracts_shorten_before_cards_become_lines_before_papers_go() -> None:
    teasers = [layout.teaser for layout in LAYOUTS if layout.cards == LAYOUTS[0].cards]
    assert teasers == sorted(teasers, reverse=True)
    assert len(teasers) > 1
    assert [layout.cards for layout in LAYOUTS] == sorted((layout.cards for layout in LAYOUTS), reverse=True)
    assert all(layout.cards == 0 for layout in LAYOUTS if layout.papers < LAYOUTS[0].papers)


def test_the_first_layout_that_fits_is_taken() -> None:
    tried: list[Layout] = []

    def make(layout: Layout) -> str:
        tried.append(layout)
        return "é" * (layout.teaser * 300)

    assert first_fitting(make, utf8_bytes) == (LAYOUTS[1], "é" * 42_000)
    assert tried == list(LAYOUTS[:2])
    assert first_fitting(lambda _: "x" * (MAX_BYTES + 1), utf8_bytes) is None


def test_topics_are_shown_by_their_titles() -> None:
    renderer = DigestRenderer(SITE, topics=[Topic(name="kv-cache", title="KV cache")])
    html = renderer.render(digest_of(made_up_papers(1)), links=LINKS).html
    assert texts(html, ".wishes") == ["You follow agents · KV cache · robot memory"]


def test_the_version_follows_templates_and_site(tmp_path: Path) -> None:
    version = DigestRenderer(SITE).version
    assert version == DigestRenderer(SITE).version
    assert version != DigestRenderer(SITE.model_copy(update={"accent": "#aa0000"})).version
    own = tmp_path / "email" / "digest" / "subject.txt"
    own.parent.mkdir(parents=True)
    own.write_text("News: {{ subject }}\nsecond line", "utf-8")
    renderer = DigestRenderer(SITE, template_folders=[tmp_path])
    assert version != renderer.version
    made = renderer.render(digest_of(made_up_papers(1)), links=LINKS)
    assert made.subject == "News: Papers of 2026-07-14 second line"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("body.html", "{{ note }}", "", r"body\.html: it must hold {{ note }} once, and holds it 0 times"),
        ("body.html", "{{ note }}", "\n{{ nte }}", r"body\.html, line 25: unknown name 'nte'"),
        ("body.html", "{{ note }}", "{{ note }", r"body\.html, line 24: .*unexpected '}'"),
        ("_card.html", "</h3>", "", r"_card\.html, line \d+: unbalanced </td>: <h3> of line 7 is still open"),
        ("body.txt", "{{ left_out | wrap }}", "{{ left }}", r"body\.txt, line \d+: unknown name 'left'"),
        ("body.txt", "{{ site.name | wrap }}", "{{ site.name | wrapp }}", r"body\.txt, line 5: .*No filter"),
        ("subject.txt", "{{ subject }}", "{% if %}", r"subject\.txt, line 1: .*Expected an expression"),
    ],
)
def test_an_operators_mistake_is_told_at_once(tmp_path: Path, name: str, old: str, new: str, message: str) -> None:
    _own_template(tmp_path, name, old, new)
    with pytest.raises(TemplateError, match=rf"^template email/digest/{message}") as caught:
        DigestRenderer(SITE, template_folders=[tmp_path])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "_card.html",
            "{{ card.teaser }}",
            "{{ card.nothing }}",
            r"_card\.html, line 12: .*has no attribute 'nothing'",
        ),
        ("_card.html", "{{ card.teaser }}", "{{ card.__class__ }}", r"_card\.html, line 12: .*access to attribute"),
        ("body.html", "{{ date }}", "{{ 1 / 0 }}", r"body\.html, line \d+: .*division by zero"),
        ("body.txt", "{{ site.name | wrap }}", "{{ site.x }}", r"body\.txt, line 5: .*has no attribute 'x'"),
        ("subject.txt", "{{ subject }}", "{{ subject + 1 }}", r"subject\.txt, line 1: "),
    ],
)
def test_a_mistake_that_only_data_shows_names_its_line(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    _own_template(tmp_path, name, old, new)
    renderer = DigestRenderer(SITE, template_folders=[tmp_path])
    with pytest.raises(TemplateError, match=rf"^template email/digest/{message}") as caught:
        renderer.render(digest_of(made_up_papers(1)), links=LINKS)
    assert "\n" not in str(caught.value)


def test_a_template_in_another_encoding_is_named(tmp_path: Path) -> None:
    own = tmp_path / "email" / "digest" / "body.txt"
    own.parent.mkdir(parents=True)
    own.write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(TemplateError, match=r"^template email/digest/body\.txt: is not UTF-8"):
        DigestRenderer(SITE, template_folders=[tmp_path])


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ("[light", "is not valid TOML"),
        ("[light]\npage = 3", "light.page must be text"),
        ('[light]\npage = "red"', "light.page must be a colour"),
        ('[light]\npage = "#ffffff; x"', "light.page must be text without"),
        ('page = "#ffffff"', "page must stand in a table"),
    ],
)
def test_broken_tokens_are_refused(tmp_path: Path, tokens: str, message: str) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "tokens.toml").write_text(tokens, "utf-8")
    with pytest.raises(TemplateError, match=r"^template email/tokens\.toml: ") as caught:
        DigestRenderer(SITE, template_folders=[tmp_path])
    assert message in str(caught.value)


def _own_template(folder: Path, name: str, old: str, new: str) -> None:
    source = resource("templates", "email", "digest", name).read_text("utf-8")
    assert old in source
    own = folder / "email" / "digest" / name
    own.parent.mkdir(parents=True)
    own.write_text(source.replace(old, new, 1), "utf-8")


def test_without_an_editors_subject_each_readers_names_their_own_first_paper(renderer: DigestRenderer) -> None:
    digest = digest_of(made_up_papers(3))
    automatic = replace(digest, issue=replace(digest.issue, subject=""), left_out=4)
    made = renderer.render(automatic, links=LINKS)
    assert made.subject == f"{cut(digest.papers[0].paper.title, 60)} + 2 more · 14 Jul"
    assert renderer.render(replace(automatic, papers=()), links=LINKS).subject == "No papers · 14 Jul"
    blank = replace(automatic, issue=replace(digest.issue, subject=" \u2028\n"))
    assert renderer.render(blank, links=LINKS).subject == made.subject
    one = replace(automatic, papers=automatic.papers[:1])
    assert renderer.render(one, links=LINKS).subject == f"{cut(digest.papers[0].paper.title, 60)} · 14 Jul"


def test_the_public_edition_says_so_and_offers_no_way_to_end_what_nobody_began(renderer: DigestRenderer) -> None:
    made = renderer.render(digest_of(made_up_papers(2)), links=None)
    for part in (made.html, made.text):
        assert "public edition" in " ".join(part.split())
        assert "nsubscribe" not in part
