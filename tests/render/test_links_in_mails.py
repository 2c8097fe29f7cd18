"""A digest where there are web pages: every link of the HTML stands in the text, too, and each where it belongs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.links import MailLinks, Verdict, feedback_page, issue_page
from newsletter.render.digest import DigestRenderer
from newsletter.render.layout import MAX_BYTES
from tests.render.digests import (
    LINKS,
    NOTE,
    SITE,
    WEB,
    WEB_LINKS,
    digest_of,
    hostile_paper,
    made_up_papers,
    recorded_papers,
    without_wishes,
)
from tests.render.dom import texts, tree

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.model import Paper

WEB_SITE = SITE.model_copy(update={"web_url": WEB})
URL = re.compile(r"(?:https?://|mailto:)\S+")
PICTURE = "https://pictures.example/1.png"


@pytest.fixture(scope="module")
def web() -> DigestRenderer:
    return DigestRenderer(WEB_SITE)


def hrefs(html: str, css: str = "a") -> list[str]:
    return [link.get("href") for link in tree(html).cssselect(css)]


@pytest.mark.parametrize("links", [LINKS, WEB_LINKS, None])
@pytest.mark.parametrize("matched", [10, 4, 0])
def test_the_text_has_the_links_of_the_html_in_the_same_order(
    web: DigestRenderer, links: MailLinks | None, matched: int
) -> None:
    made = web.render(digest_of(made_up_papers(10), matched=matched, left_out=3), links=links)
    once = list(dict.fromkeys(hrefs(made.html)))
    assert [url for url in dict.fromkeys(URL.findall(made.text)) if url in once] == once


def test_each_full_card_asks_for_more_or_less_of_its_own_kind(web: DigestRenderer) -> None:
    papers = made_up_papers(3)
    made = web.render(digest_of(papers, matched=2), links=WEB_LINKS)
    pages = [feedback_page(WEB_LINKS.feedback, verdict, paper.id) for paper in papers[:2] for verdict in Verdict]
    assert hrefs(made.html, ".vote a") == pages
    assert texts(made.html, ".vote") == ["More like this Less like this Save"] * 2
    assert hrefs(made.html, ".line .vote a") == []


def test_one_token_serves_all_cards_of_a_mail(web: DigestRenderer) -> None:
    made = web.render(digest_of(made_up_papers(10)), links=WEB_LINKS)
    tokens = {url.removeprefix(f"{WEB}/feedback/").split("/")[0] for url in hrefs(made.html, ".vote a")}
    assert tokens == {WEB_LINKS.feedback.removeprefix(f"{WEB}/feedback/")}


def test_the_footer_leads_to_the_readers_own_pages(web: DigestRenderer) -> None:
    made = web.render(digest_of(made_up_papers(1)), links=WEB_LINKS)
    archive = issue_page(WEB, "2026-07-14")
    assert hrefs(made.html, ".foot a") == [WEB_LINKS.preferences, WEB_LINKS.view, archive, WEB_LINKS.unsubscribe]
    assert texts(made.html, ".foot a") == ["Preferences", "View in browser", "Archive", "Unsubscribe"]
    assert "mailto:" not in made.html + made.text


def test_what_was_left_out_is_one_click_away(web: DigestRenderer) -> None:
    made = web.render(digest_of(made_up_papers(2), left_out=14), links=WEB_LINKS)
    assert texts(made.html, ".more") == ["14 more papers were listed that day. See the whole list"]
    assert hrefs(made.html, ".more a") == [issue_page(WEB, "2026-07-14")]
    assert f"14 more papers were listed that day.\n{issue_page(WEB, '2026-07-14')}\n" in made.text


def test_without_web_pages_a_mail_promises_none() -> None:
    made = DigestRenderer(SITE).render(digest_of(made_up_papers(2), left_out=14), links=LINKS)
    assert hrefs(made.html, ".foot a, .more a, .vote a") == [LINKS.unsubscribe]
    assert texts(made.html, ".more") == ["14 more papers were listed that day."]
    assert "Unsubscribe by sending the mail" in " ".join(texts(made.html, ".foot p"))


def test_the_public_edition_has_no_readers_link(web: DigestRenderer) -> None:
    digest = without_wishes(digest_of(made_up_papers(2), left_out=3))
    made = web.render(digest, links=None)
    assert not [url for url in hrefs(made.html) if url.startswith((WEB, "mailto:"))]
    assert WEB not in made.text


@pytest.mark.parametrize("number", [1, 2, 10, 40, 100])
def test_any_number_of_papers_fits_with_all_links(web: DigestRenderer, shared_data: Path, number: int) -> None:
    days = [path.stem for path in sorted((shared_data / "daily_papers").glob("*.json"))]
    papers = [pictured(paper) for paper in recorded_papers(shared_data, *days)[:number]]
    pictures = DigestRenderer(WEB_SITE.model_copy(update={"thumbnails": True}))
    for renderer in (web, pictures):
        made = renderer.render(digest_of(papers, note=NOTE, period="2026-07"), links=WEB_LINKS)
        assert len(made.html.encode()) <= MAX_BYTES
        assert len(texts(made.html, ".title, .ltitle")) == number


def test_an_abridged_mail_says_so_and_leads_to_the_whole(web: DigestRenderer) -> None:
    short, long = (web.render(digest_of(made_up_papers(number)), links=WEB_LINKS) for number in (10, 100))
    assert texts(short.html, ".abridged") == []
    assert texts(long.html, ".abridged")[0].endswith("so that no inbox cuts the mail off. Read it in full")
    assert hrefs(long.html, ".abridged a") == [WEB_LINKS.view]
    assert "in brief" not in long.text, "the text part is never abridged"


def test_a_test_says_so_before_anything_else(web: DigestRenderer) -> None:
    digest = digest_of(made_up_papers(2))
    digest = replace(digest, subscriber=replace(digest.subscriber, id=7))
    made = web.render(digest, links=WEB_LINKS, test=True)
    assert made.subject == "[Test] Papers of 2026-07-14"
    told = "This is a test of issue 2026-07-14 as made for ada@reader.example."
    assert texts(made.html, ".test")[0].startswith(told)
    assert " ".join(made.text.split()).startswith(told)
    real = web.render(digest, links=WEB_LINKS)
    assert texts(real.html, ".test") == []
    assert made.html.partition('<td class="pad masthead"')[2] == real.html.partition('<td class="pad masthead"')[2]


def test_pictures_are_shown_where_they_are_wanted_and_nowhere_else(web: DigestRenderer) -> None:
    digest = digest_of([pictured(paper) for paper in made_up_papers(3)], matched=2)
    shown = DigestRenderer(WEB_SITE.model_copy(update={"thumbnails": True})).render(digest, links=WEB_LINKS)
    pictures = tree(shown.html).cssselect("img")
    assert [(picture.get("src"), picture.get("alt")) for picture in pictures] == [(PICTURE, "")] * 2
    assert not tree(web.render(digest, links=WEB_LINKS).html).cssselect("img")


@pytest.mark.parametrize(
    "url", ["http://pictures.example/1.png", "javascript:alert(1)", "https://x.example/'><script>"]
)
def test_a_picture_that_no_client_should_load_is_left_out(url: str) -> None:
    paper = replace(hostile_paper("Title"), thumbnail=url)
    made = DigestRenderer(SITE.model_copy(update={"thumbnails": True})).render(digest_of([paper]), links=LINKS)
    assert not tree(made.html).cssselect("img, script")


def test_a_logo_stands_above_the_name_and_has_its_words() -> None:
    site = SITE.model_copy(update={"logo": "https://lab.example/logo.png", "logo_alt": 'Lab "&" Co'})
    made = DigestRenderer(site).render(digest_of(made_up_papers(1)), links=LINKS)
    (logo,) = tree(made.html).cssselect(".masthead img")
    assert (logo.get("src"), logo.get("alt"), logo.get("height")) == (site.logo, site.logo_alt, "40")
    assert texts(made.html, "h1") == ["Daily Digest"]


def pictured(paper: Paper) -> Paper:
    return replace(paper, thumbnail=PICTURE)
