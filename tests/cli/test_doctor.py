"""What `doctor` says of templates, of the embedding model and of web pages, and that it always says all of it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from newsletter.render.standing import StandingRenderer
from tests.command import Newsletter
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LAST = "time zone"  # of its lines


@pytest.fixture
def made(home: Path) -> Newsletter:
    """A home without a source, since a test has no network."""
    home.mkdir()
    (home / "newsletter.toml").write_text("[collect]\nsources = []\n")
    command = Newsletter(home)
    command("subscribers", "add", "ada@example.org")
    return command


def lines(command: Newsletter) -> dict[str, list[str]]:
    """Return what doctor says, by subject."""
    ran = command("doctor")
    assert ran.err == ""
    found: dict[str, list[str]] = {}
    for line in ran.out.splitlines():
        verdict, subject, finding = line[:4], *line[6:].split(": ", 1)
        found.setdefault(subject, []).append(f"{verdict.strip()}: {finding}")
    return found


def own(home: Path, name: str, text: str | None = None) -> None:
    """Write a template of the home's own: the shipped one of this name, unless another text is given."""
    path = home / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((ROOT / "templates" / name).read_text("utf-8") if text is None else text, "utf-8")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("email/digest/body.html", "", "template email/digest/body.html: is empty"),
        ("email/digest/body.html", "\n", "template email/digest/body.html: is empty"),
        ("email/digest/body.html", "<!DOCTYPE html>", "template email/digest/body.html: has no <html>"),
        (
            "email/digest/body.html",
            "<!DOCTYPE html><html><head></head></html>",
            "template email/digest/body.html: has no <body>",
        ),
        ("email/_base.html", "", "template email/_base.html: is empty"),
        ("email/digest/subject.txt", "", "template email/digest/subject.txt: prints nothing"),
        ("email/digest/body.txt", "{# later #}\n", "template email/digest/body.txt: prints nothing"),
        ("email/welcome/body.html", "", "template email/welcome/body.html: is empty"),
        ("email/goodbye/subject.txt", "\n", "template email/goodbye/subject.txt: prints nothing"),
    ],
)
def test_an_empty_template_is_named_and_the_other_lines_follow(
    made: Newsletter, home: Path, name: str, text: str, told: str
) -> None:
    own(home, name, text)
    found = lines(made)
    (templates,) = found["templates"]
    assert templates.startswith(f"FAIL: {told}")
    assert {"settings", "database", "mailer", "clock", LAST} <= found.keys()


def test_a_mistake_of_the_program_itself_hides_no_other_line(made: Newsletter, monkeypatch: pytest.MonkeyPatch) -> None:
    def current(_: object) -> None:
        raise LookupError("gone")

    monkeypatch.setattr(StandingRenderer, "current", current)
    found = lines(made)
    assert found["templates"] == [
        "FAIL: unexpected LookupError: gone; run again with NEWSLETTER_DEBUG=1 and report what it shows"
    ]
    assert LAST in found
    monkeypatch.setenv("NEWSLETTER_DEBUG", "1")
    with pytest.raises(LookupError):
        made("doctor")


def test_templates_that_nothing_reads_are_named(made: Newsletter, home: Path) -> None:
    own(home, "email/digest/body.html")
    assert len(lines(made)["templates"]) == 1
    for name in ("digest/body.html", "email/digets/body.html", "email/digest/subject.text", "notes.md", ".git/x"):
        own(home, name, "x")
    good, unread = lines(made)["templates"]
    assert good.startswith("ok: those of the home")
    assert unread.startswith(
        "hint: nothing reads digest/body.html (meant as email/digest/body.html?), email/digest/subject.text (meant as"
        " email/digest/subject.txt?), email/digets/body.html (meant as email/digest/body.html?), notes.md in "
    )
    assert str(home / "templates") in unread
    assert ".git" not in unread
    for number in range(9):
        own(home, f"old/{number}.bak", "x")
    assert "and 8 more in" in lines(made)["templates"][1]


def test_a_part_that_only_the_own_templates_take_in_is_read(made: Newsletter, home: Path) -> None:
    own(home, "email/welcome/body.txt", '{% include "shared/hello.txt" %}')
    own(home, "shared/hello.txt", "Hello")
    assert len(lines(made)["templates"]) == 1


def test_a_hint_is_no_failure(made: Newsletter, home: Path) -> None:
    own(home, "notes.md", "x")
    before = [line for subject, found in lines(made).items() for line in found if line.startswith("FAIL")]
    assert before == ["FAIL: none; name at least one under [collect] sources"]


def test_a_model_is_looked_at_where_one_is_set(made: Newsletter, home: Path) -> None:
    assert "embeddings" not in lines(made)
    (home / "newsletter.toml").write_text('[collect]\nsources = []\n[rank]\nembeddings = "of-nobody/none"\n')
    found = lines(made)
    (model,) = found["embeddings"]
    assert model.startswith("FAIL: [rank] embeddings: 'of-nobody/none' ")
    if find_spec("sentence_transformers") is None:
        assert "pip install 'newsletter[embeddings]'" in model
    else:
        assert "hf download of-nobody/none" in model
    assert LAST in found


def test_links_to_pages_that_nobody_serves_are_told(made: Newsletter, home: Path) -> None:
    assert "web pages" not in lines(made)
    (home / "newsletter.toml").write_text('[collect]\nsources = []\n[site]\nweb_url = "https://digest.example"\n')
    if find_spec("newsletter.web") is None:
        (told,) = lines(made)["web pages"]
        assert told.startswith("hint: mails lead to https://digest.example to ")
        assert "this version serves no pages" in told
        assert "leave web_url under [site] empty" in told
    else:
        assert "web pages" not in lines(made)
