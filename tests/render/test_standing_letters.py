"""The last good letters stay in use, by the same rules as digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.errors import TemplateError
from newsletter.links import MailLinks
from newsletter.model import Letter
from newsletter.render.letters import LEADING_TO_A_PAGE
from newsletter.render.standing import StandingLetters, StandingRenderer
from newsletter.resources import resource
from tests.render.digests import SITE, WEB, digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.render.letters import LetterRenderer

READER = digest_of([]).subscriber
LINKS = MailLinks(confirm=f"{WEB}/confirm/x", preferences=f"{WEB}/preferences/x", unsubscribe=f"{WEB}/unsubscribe/x")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = resource("templates", *name.split("/")).read_text("utf-8")
    assert old in text
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")


def text(renderer: LetterRenderer, letter: Letter) -> str:
    return renderer.render(letter, READER, links=LINKS).text


@pytest.mark.parametrize("letter", list(Letter))
@pytest.mark.parametrize("mistake", ["{{ nobody }}", "{% if %}", "{{ 1 // 0 }}", "{{ site.__class__ }}"])
def test_a_mistake_leaves_the_last_good_letters_and_is_told(tmp_path: Path, letter: Letter, mistake: str) -> None:
    name = f"email/{letter}/body.txt"
    letters = StandingLetters(SITE, template_folders=[tmp_path])
    first = letters.current()
    assert letters.current() is first

    edit(tmp_path, name, "{{ site.name | wrap }}", "From {{ site.name | wrap }}")
    second = letters.current()
    assert second is not first
    assert text(second, letter).startswith("From Daily Digest")

    edit(tmp_path, name, "{{ site.name | wrap }}", mistake)
    assert letters.current() is second
    assert letters.fault.startswith(f"template {name}, line 1: ")
    assert text(letters.current(), letter).startswith("From Daily Digest")
    with pytest.raises(TemplateError, match=rf"^template {name}, line 1: "):
        StandingLetters(SITE, template_folders=[tmp_path])

    (tmp_path / name).unlink()
    assert text(letters.current(), letter).startswith("Daily Digest")
    assert letters.fault == ""


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("email/welcome/body.txt", "{% if wishes %}", "{% if wishes %}{{ 1 // 0 }}"),
        ("email/welcome/body.txt", "{% else %}", "{% else %}{{ 1 // 0 }}"),
        ("email/welcome/body.html", "{% if preferences %}", "{% if not preferences %}{{ 1 // 0 }}{% else %}"),
        ("email/goodbye/subject.txt", "You have left {{ site.name }}", "{{ wishes[9] }}"),
    ],
)
def test_a_mistake_that_one_kind_of_reader_alone_would_meet_is_found(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    letters = StandingLetters(SITE, template_folders=[tmp_path])
    good = letters.current()
    edit(tmp_path, name, old, new)
    assert letters.current() is good
    assert letters.fault.startswith(f"template {name}, line ")


def test_the_letters_of_a_home_are_the_newest_that_work(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text("")
    own = tmp_path / "templates"
    edit(own, "email/welcome/subject.txt", "Welcome", "Hello, and welcome")
    with App(tmp_path, {}) as app:

        def subject() -> str:
            return app.letters.renderer.render(Letter.WELCOME, READER, links=LINKS).subject

        assert subject().startswith("Hello, and welcome to ")
        edit(own, "email/welcome/subject.txt", "Welcome", "{{ nobody }}")
        assert subject().startswith("Hello, and welcome to ")
        assert app.letter_templates.fault.startswith(
            "template email/welcome/subject.txt, line 1: unknown name 'nobody'"
        )
        edit(own, "email/welcome/subject.txt", "Welcome", "Hi, and welcome")
        assert subject().startswith("Hi, and welcome to ")


@pytest.mark.parametrize(
    ("body", "old", "new"),
    [
        ("digest/body.txt", "{% if test %}", "{% if test %}{{ 1 // 0 }}"),
        ("_footer.txt", "{{ reason", "{{ 1 // 0 if not unsubscribe else reason"),
    ],
)
def test_an_editors_test_and_the_public_edition_are_tried_too(tmp_path: Path, body: str, old: str, new: str) -> None:
    digests = StandingRenderer(SITE, template_folders=[tmp_path])
    good = digests.current()
    edit(tmp_path, f"email/{body}", old, new)
    assert digests.current() is good
    assert digests.fault.startswith(f"template email/{body}, line ")


def test_what_needs_a_page_is_what_is_refused_without_one(tmp_path: Path) -> None:
    del tmp_path
    assert {Letter.CONFIRM, Letter.PREFERENCES, Letter.ADDRESS} == LEADING_TO_A_PAGE
