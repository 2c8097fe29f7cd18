"""The last good templates stay in use, and a renderer keeps what it was made from."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import TemplateError
from newsletter.render import standing
from newsletter.render.digest import DigestRenderer
from newsletter.render.standing import StandingRenderer
from newsletter.resources import resource
from tests.render.digests import LINKS, SITE, digest_of, made_up_papers

if TYPE_CHECKING:
    from pathlib import Path

CARD = "email/digest/_card.html"
DIGEST = digest_of(made_up_papers(2))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = resource("templates", *name.split("/")).read_text("utf-8")
    assert old in text
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")


def html(renderer: DigestRenderer) -> str:
    return renderer.render(DIGEST, links=LINKS).html


def test_a_good_change_is_taken_and_a_mistake_leaves_the_last_good_ones(tmp_path: Path) -> None:
    templates = StandingRenderer(SITE, template_folders=[tmp_path])
    first = templates.current()
    assert templates.current() is first

    edit(tmp_path, CARD, "{{ card.number }}", "No. {{ card.number }}")
    second = templates.current()
    assert second is not first
    assert "No. 1" in html(second)
    assert templates.fault == ""

    edit(tmp_path, CARD, "{{ card.number }}", "No. {{ card.numbr }}")
    assert templates.current() is second
    assert templates.fault.startswith("template email/digest/_card.html, line 2: ")
    assert "No. 1" in html(templates.current())

    edit(tmp_path, CARD, "{{ card.number }}", "No. {{ card.number }}")
    assert templates.current().version == second.version
    assert templates.fault == ""


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (CARD, "<h3", "<h4"),
        (CARD, "{{ card.number }}", "{{ card.number"),
        (CARD, "{{ card.number }}", "{{ number }}"),
        (CARD, '<td class="card">', '<td class="{{ card.why }}">'),
        (CARD, "{{ card.number }}", '<img src="file:///etc/passwd" alt="">'),
        (CARD, "{{ card.number }}", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
        (CARD, "{{ card.number }}", "{{ card.__class__ }}"),
        (CARD, "{{ card.number }}", "{{ 1 // 0 }}"),
        ("email/_inlined.css", "/*", '@import "https://a.example/a.css"; /*'),
        ("email/_footer.txt", "{{ reason", "{{ raison"),
        ("email/digest/body.txt", "{% if note %}", "{% if note %}{{ 1 // 0 }}"),
        ("email/tokens.toml", "[light]", "[light"),
    ],
)
def test_each_kind_of_mistake_is_reported_with_its_line_and_changes_nothing(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    shipped = resource("templates", *name.split("/")).read_text("utf-8")
    line = shipped[: shipped.index(old)].count("\n") + 1
    templates = StandingRenderer(SITE, template_folders=[tmp_path])
    before = html(templates.current())
    edit(tmp_path, name, old, new)

    assert html(templates.current()) == before
    assert templates.fault.startswith(f"template {name}")
    assert f"line {line}" in templates.fault
    assert "\n" not in templates.fault
    with pytest.raises(TemplateError, match=r"^template "):
        StandingRenderer(SITE, template_folders=[tmp_path])


def test_what_is_broken_is_not_compiled_again_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Counted(DigestRenderer):
        def __init__(self, *args: object, **options: object) -> None:
            made.append(1)
            super().__init__(*args, **options)  # type: ignore[arg-type]  # handed on as they are

    monkeypatch.setattr(standing, "DigestRenderer", Counted)
    templates = StandingRenderer(SITE, template_folders=[tmp_path])
    edit(tmp_path, CARD, "<h3", "<h4")
    for _ in range(3):
        templates.current()
    assert len(made) == 2
    assert templates.fault
    (tmp_path / CARD).write_bytes(b"\xff")
    for _ in range(3):
        templates.current()
    assert len(made) == 3
    assert templates.fault == f"template {CARD}: is not UTF-8; save it as UTF-8"
    shutil.rmtree(tmp_path / "email")
    templates.current()
    assert templates.fault == ""


def test_a_renderer_keeps_what_it_was_made_from_to_the_last_mail(tmp_path: Path) -> None:
    edit(tmp_path, "email/_footer.txt", "{{ reason", "Why: {{ reason")
    renderer = DigestRenderer(SITE, template_folders=[tmp_path])
    (tmp_path / "email/_footer.txt").write_text("{{ broken", "utf-8")
    for _ in range(2):
        assert "Why: You get" in renderer.render(DIGEST, links=LINKS).text
        assert "Why: You get" in renderer.pieces(DIGEST, links=LINKS, nobody=LINKS).whole().text
    shutil.rmtree(tmp_path / "email")
    assert "Why: You get" in renderer.render(DIGEST, links=LINKS).text


@pytest.mark.parametrize("name", ["shared/banner.html", "inc.md", "email/digest/extra.html"])
def test_whatever_a_template_takes_in_is_part_of_the_version(tmp_path: Path, name: str) -> None:
    body = "email/digest/body.txt"
    edit(tmp_path, body, "{{ site.name | wrap }}", f'{{% include "{name}" %}}{{{{ site.name | wrap }}}}')
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("OLD\n", "utf-8")
    templates = StandingRenderer(SITE, template_folders=[tmp_path])
    old = templates.current()
    assert old.version == DigestRenderer(SITE, template_folders=[tmp_path]).version
    (tmp_path / name).write_text("NEW\n", "utf-8")
    new = templates.current()
    assert new.version != old.version
    assert new.version == DigestRenderer(SITE, template_folders=[tmp_path]).version
    assert [renderer.render(DIGEST, links=LINKS).text.split()[0] for renderer in (old, new)] == ["OLDDaily", "NEWDaily"]

    (tmp_path / name).unlink()
    assert templates.current() is new
    assert name in templates.fault
    (tmp_path / name).write_text("NEW\n", "utf-8")
    assert templates.current().version == new.version
    assert templates.fault == ""


def test_letters_and_what_editors_drop_do_not_change_the_digests(tmp_path: Path) -> None:
    templates = StandingRenderer(SITE, template_folders=[tmp_path])
    first = templates.current()
    folder = tmp_path / "email" / "digest"
    folder.mkdir(parents=True)
    edit(tmp_path, "email/confirm/body.txt", "", "Another letter. ")
    (folder / ".#body.html").symlink_to("nobody@nowhere.1234")
    (folder / "._body.html").write_bytes(b"\0\xff\xfe")
    assert templates.current() is first
    assert templates.fault == ""
    assert DigestRenderer(SITE, template_folders=[tmp_path]).version == first.version


def test_a_part_that_was_missing_is_taken_once_it_is_there(tmp_path: Path) -> None:
    templates = StandingRenderer(SITE, template_folders=[tmp_path])
    first = templates.current()
    edit(tmp_path, CARD, "{{ card.number }}", '{% include "own.html" %}')
    assert templates.current() is first
    assert "own.html" in templates.fault
    (tmp_path / "own.html").write_text("No. {{ card.number }}", "utf-8")
    assert "No. 1" in html(templates.current())
    assert templates.fault == ""
