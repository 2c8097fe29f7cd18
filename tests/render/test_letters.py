"""The mails about a subscription: each leads where it should and promises nothing that is not there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import RenderError, TemplateError
from newsletter.links import MailLinks, archive_page, subscribe_page
from newsletter.model import Cadence, Letter, Profile, Subscriber, Topic
from newsletter.render.letters import CONFIRMING, LetterRenderer
from newsletter.resources import resource
from tests.render.digests import HOSTILE_TEXTS, LINKS, SITE, UNSUBSCRIBE, WEB
from tests.render.dom import nodes, texts, tree

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.model import Rendered

READER = Subscriber(
    id=7,
    address="ada@reader.example",
    profile=Profile(topics=("kv-cache",), interests=("robot memory",)),
    cadence=Cadence.WEEKDAYS,
    size=12,
)
CONFIRM = MailLinks(confirm=f"{WEB}/confirm/token")
OWN = MailLinks(unsubscribe=f"{WEB}/unsubscribe/token", preferences=f"{WEB}/preferences/token")
LETTERS = [(letter, CONFIRM if letter in CONFIRMING else OWN) for letter in Letter]


@pytest.fixture(scope="module")
def letters() -> LetterRenderer:
    topics = [Topic(name="kv-cache", title="KV cache")]
    return LetterRenderer(SITE.model_copy(update={"web_url": WEB}), topics=topics)


@pytest.fixture(scope="module")
def without_pages() -> LetterRenderer:
    return LetterRenderer(SITE)


def links_of(made: Rendered) -> list[str]:
    return [link.get("href") for link in tree(made.html).cssselect("a")]


@pytest.mark.parametrize(
    ("letter", "subject", "leads_to"),
    [
        (Letter.CONFIRM, "Confirm your subscription to Daily Digest", CONFIRM.confirm),
        (Letter.WELCOME, "Welcome to Daily Digest", OWN.preferences),
        (Letter.PREFERENCES, "Your preferences for Daily Digest", OWN.preferences),
        (Letter.GOODBYE, "You have left Daily Digest", subscribe_page(WEB)),
        (Letter.ADDRESS, "Confirm your new address for Daily Digest", CONFIRM.confirm),
    ],
)
def test_each_letter_has_one_button_and_its_link_stands_in_the_text(
    letters: LetterRenderer, letter: Letter, subject: str, leads_to: str
) -> None:
    made = letters.render(letter, READER, links=dict(LETTERS)[letter])
    assert made.subject == subject
    assert [link.get("href") for link in tree(made.html).cssselect(".act a")] == [leads_to]
    assert f"\n{leads_to}\n" in made.text
    assert all(link in made.text for link in links_of(made))


@pytest.mark.parametrize(("letter", "links"), LETTERS)
def test_the_markup_is_what_mail_clients_and_screen_readers_need(
    letters: LetterRenderer, letter: Letter, links: MailLinks
) -> None:
    made = letters.render(letter, READER, links=links)
    root = tree(made.html)
    assert made.html.startswith("<!DOCTYPE html>")
    assert len(root.cssselect("h1")) == 1
    levels = [int(node[0][1]) for node in nodes(made.html) if node[0] in {"h1", "h2", "h3"}]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(table.get("role") == "presentation" for table in root.cssselect("table"))
    assert texts(made.html, "title") == [made.subject]
    assert len(texts(made.html, ".preheader")[0].strip("\u200c\u034f\xa0 ")) > 20
    assert not any(left in made.html for left in ("tplmark", "{{", "{%", "data-premailer"))
    assert all(len(line) <= 72 or "://" in line for line in made.text.splitlines())
    assert READER.address in made.text
    assert "1 Example Street, Exampletown" in texts(made.html, ".foot")[0]


@pytest.mark.parametrize(("letter", "links"), LETTERS)
def test_only_who_is_subscribed_is_told_how_to_leave(letters: LetterRenderer, letter: Letter, links: MailLinks) -> None:
    made = letters.render(letter, READER, links=links)
    subscribed = letter in {Letter.WELCOME, Letter.PREFERENCES}
    assert (OWN.unsubscribe in links_of(made)) is subscribed
    assert ("Unsubscribe: " in made.text) is subscribed
    assert (archive_page(WEB) in links_of(made)) is subscribed


def test_the_notice_to_a_former_address_leads_nowhere(letters: LetterRenderer) -> None:
    made = letters.render(Letter.ADDRESS_CHANGED, READER, links=OWN)
    assert made.subject == "Your address for Daily Digest was changed"
    assert links_of(made) == []
    assert "answer this mail" in made.text


def test_a_reader_finds_their_own_wishes_again(letters: LetterRenderer) -> None:
    for letter in (Letter.CONFIRM, Letter.WELCOME):
        made = letters.render(letter, READER, links=dict(LETTERS)[letter])
        for part in (" ".join(texts(made.html, ".letter")), " ".join(made.text.split())):
            assert "KV cache · robot memory" in part
            assert "every weekday" in part
    nothing = letters.render(Letter.WELCOME, Subscriber(address="bob@reader.example"), links=OWN)
    assert "You follow nothing in particular yet" in " ".join(nothing.text.split())
    assert "You follow nothing in particular yet" in texts(nothing.html, ".letter")[0]


def test_the_time_to_confirm_is_told(letters: LetterRenderer) -> None:
    for letter in CONFIRMING:
        made = letters.render(letter, READER, links=CONFIRM)
        assert "works for 7 days" in made.text
        assert "works for 7 days" in texts(made.html, ".letter")[0]


@pytest.mark.parametrize("letter", [Letter.CONFIRM, Letter.PREFERENCES, Letter.ADDRESS])
def test_a_letter_that_leads_to_a_page_is_refused_where_there_is_none(
    without_pages: LetterRenderer, letter: Letter
) -> None:
    with pytest.raises(RenderError, match=f"a {letter} letter leads to a web page; set web_url"):
        without_pages.render(letter, READER, links=LINKS)


@pytest.mark.parametrize("letter", [Letter.WELCOME, Letter.GOODBYE, Letter.ADDRESS_CHANGED])
def test_the_others_do_without_web_pages(without_pages: LetterRenderer, letter: Letter) -> None:
    made = without_pages.render(letter, READER, links=LINKS)
    assert not tree(made.html).cssselect(".act")
    assert "https://" not in "".join(links_of(made)) + made.text
    assert (UNSUBSCRIBE in made.text) is (letter is Letter.WELCOME)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_wishes_change_no_element(letters: LetterRenderer, text: str) -> None:
    def skeleton(wish: str) -> list[str]:
        reader = Subscriber(address="ada@reader.example", profile=Profile(interests=(wish,)))
        made = letters.render(Letter.CONFIRM, reader, links=CONFIRM)
        made.text.encode()
        return [node[0] for node in nodes(made.html)]

    assert skeleton(text) == skeleton("tame")


@pytest.mark.parametrize("letter", list(Letter))
def test_an_operators_mistake_is_told_at_once(tmp_path: Path, letter: Letter) -> None:
    source = resource("templates", "email", letter, "body.html").read_text("utf-8")
    own = tmp_path / "email" / letter / "body.html"
    own.parent.mkdir(parents=True)
    own.write_text(source.replace("{% block letter %}", "{% block letter %}{{ nobody }}"), "utf-8")
    with pytest.raises(TemplateError, match=rf"^template email/{letter}/body\.html, line \d+: unknown name 'nobody'"):
        LetterRenderer(SITE, template_folders=[tmp_path])
