"""`newsletter check`: an issue's mails or a file, what is broken and what was skipped, and the exit code."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.render.checklist import RULES
from newsletter.render.checklist.evidence import Missing
from tests.conftest import ROOT, require
from tests.tools import TOOLS

if TYPE_CHECKING:
    from tests.command import Newsletter

TOOLLESS = {"contrast", "dark-contrast", "dark", "forced-dark", "no-styles", "overflow", "axe", "valid-html"}


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a browser and without Java, so that a test of the command itself is quick."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def drafted(newsletter: Newsletter) -> Newsletter:
    newsletter.well("subscribers", "add", "ada@example.org", "--interest", "kv cache", "--confirmed")
    newsletter.well("subscribers", "add", "bob@example.org", "--interest", "protein folding", "--confirmed")
    newsletter.well("subscribers", "add", "cyd@example.org", "--interest", "kv cache", "--confirmed")
    newsletter.well("subscribers", "add", "dan@example.org")
    newsletter.well("draft", "2026-07-14")
    return newsletter


@pytest.mark.usefixtures("no_tools")
def test_an_issue_is_checked_as_its_readers_get_it(drafted: Newsletter) -> None:
    found = drafted.well("check", "2026-07-14", "--json").json
    assert found["mails"] == ["public edition", "ada@example.org", "bob@example.org"]
    assert [rule["rule"] for rule in found["rules"]] == [rule.name for rule in RULES]
    assert {rule["rule"]: rule["state"] for rule in found["rules"]} == {
        rule.name: "skipped" if rule.name in TOOLLESS else "ok" for rule in RULES
    }
    headers = next(rule for rule in found["rules"] if rule["rule"] == "headers")
    assert list(headers["skipped"]) == ["public edition"]
    assert found["mails"] == drafted.well("check", "2026-07-14", "--json", "--readers", "0").json["mails"]


@pytest.mark.usefixtures("no_tools")
def test_what_is_skipped_is_told_with_its_reason(drafted: Newsletter) -> None:
    lines = drafted.well("check", "2026-07-14").out.splitlines()
    assert lines[0] == "3 mails checked: public edition, ada@example.org, bob@example.org"
    for rule, tool in (("contrast", "no Chromium"), ("axe", "no Chromium"), ("valid-html", "no vnu-jar")):
        (line,) = (line for line in lines if line.startswith(f"{rule} "))
        assert line.split()[1] == "skipped"
        assert tool in line
    assert any(line.split()[:2] == ["lang", "ok"] for line in lines)


@pytest.mark.usefixtures("no_tools")
def test_a_broken_template_fails_the_check_and_each_place_is_told(drafted: Newsletter, home: Path) -> None:
    own = home / "templates" / "email" / "digest" / "body.html"
    own.parent.mkdir(parents=True)
    shipped = (ROOT / "templates" / "email" / "digest" / "body.html").read_text("utf-8")
    own.write_text(shipped.replace("<h1", "<h2").replace("</h1>", "</h2>"), "utf-8")
    ran = drafted("check", "2026-07-14")
    assert ran.code == 1
    told = [line for line in ran.out.splitlines() if line.startswith("headings: ")]
    assert len(told) == 6
    assert told[-1].endswith("more; see them with --json")
    assert "headings: ada@example.org: the body: has 0 <h1>; a mail has exactly one" in ran.out
    ran = drafted("check", "2026-07-14", "--json")
    assert ran.code == 1
    (broken,) = (rule for rule in ran.json["rules"] if rule["state"] == "failed")
    assert broken["rule"] == "headings"
    assert {found["mail"] for found in broken["findings"]} == {"public edition", "ada@example.org", "bob@example.org"}


@pytest.mark.usefixtures("no_tools")
def test_a_mail_without_a_subject_fails_the_check(drafted: Newsletter, home: Path, tmp_path: Path) -> None:
    mail = tmp_path / "ada.eml"
    drafted.well("preview", "2026-07-14", "--for", "ada@example.org", "--format", "eml", "-o", str(mail))
    mail.write_bytes(
        re.sub(rb"^Subject: .*\r\n(?:[ \t].*\r\n)*", b"Subject: \r\n", mail.read_bytes(), flags=re.MULTILINE)
    )
    ran = drafted("check", str(mail))
    assert ran.code == 1
    assert "empty-subject: ada.eml: the subject: is empty" in ran.out
    own = home / "templates" / "email" / "digest" / "subject.txt"
    own.parent.mkdir(parents=True)
    for text, told in (("\n", "prints nothing; "), ("{% if test %}{{ subject }}{% endif %}", "prints nothing for ")):
        own.write_text(text, "utf-8")
        for command in (("check", "2026-07-14"), ("preview", "2026-07-14"), ("approve", "2026-07-14")):
            assert f"template email/digest/subject.txt: {told}" in drafted.refused(*command)


@pytest.mark.usefixtures("no_tools")
def test_a_conditional_comment_is_compared_with_the_operators_own_template(drafted: Newsletter, home: Path) -> None:
    own = home / "templates" / "email" / "_base.html"
    own.parent.mkdir(parents=True)
    shipped = (ROOT / "templates" / "email" / "_base.html").read_text("utf-8")
    own.write_text(shipped.replace("Segoe UI", "Tahoma"), "utf-8")
    outlook = next(r for r in drafted.well("check", "2026-07-14", "--json").json["rules"] if r["rule"] == "outlook")
    assert outlook["state"] == "ok"


@pytest.mark.usefixtures("no_tools")
def test_a_sent_issue_is_checked_as_it_was_frozen(drafted: Newsletter) -> None:
    drafted.well("approve", "2026-07-14")
    drafted.well("send", "2026-07-14")
    found = drafted.well("check", "2026-07-14", "--json").json
    assert found["mails"] == ["public edition", "ada@example.org", "bob@example.org"]


@pytest.mark.usefixtures("no_tools")
def test_a_file_needs_no_home(newsletter: Newsletter, home: Path, tmp_path: Path) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    mail, page = tmp_path / "ada.eml", tmp_path / "ada.html"
    newsletter.well("preview", "2026-07-14", "--for", "ada@example.org", "--format", "eml", "-o", str(mail))
    newsletter.well("preview", "2026-07-14", "--for", "ada@example.org", "-o", str(page))
    elsewhere = type(newsletter)(home.with_name("elsewhere"))
    states = {rule["rule"]: rule["state"] for rule in elsewhere.well("check", str(mail), "--json").json["rules"]}
    assert states == {rule.name: "skipped" if rule.name in TOOLLESS else "ok" for rule in RULES}
    states = {rule["rule"]: rule["state"] for rule in elsewhere.well("check", str(page), "--json").json["rules"]}
    assert states["lang"] == "ok"
    assert states["headers"] == "skipped"
    assert not elsewhere.home.exists()
    page.write_text(page.read_text("utf-8").replace('<html lang="en"', "<html"), "utf-8")
    ran = elsewhere("check", str(page))
    assert ran.code == 1
    assert "lang: ada.html: line 2, <html>: has no language" in ran.out


@pytest.mark.usefixtures("no_tools")
def test_what_cannot_be_checked_is_refused_in_one_line(newsletter: Newsletter, tmp_path: Path) -> None:
    assert "ends in .eml or .html" in newsletter.refused("check", "2026-7-14")
    assert "cannot be read" in newsletter.refused("check", str(tmp_path / "none.eml"))
    assert "draft it with" in newsletter.refused("check", "2026-07-14")
    latin = tmp_path / "latin.html"
    latin.write_bytes("<p>é".encode("latin-1"))
    assert "save it as UTF-8" in newsletter.refused("check", str(latin))
    assert "no newsletter in" in type(newsletter)(tmp_path / "elsewhere").refused("check", "2026-07-14")


@pytest.mark.usefixtures("no_tools")
def test_any_bytes_that_call_themselves_a_mail_are_judged(newsletter: Newsletter, tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    for content in (b"", b"\0\xff", b"Subject: =?utf-8?q?=FF?=\nFrom: <x@\n\nText", b"Content-Type: text/html;\n\n<p>"):
        mail.write_bytes(content)
        ran = newsletter("check", str(mail))
        assert ran.code == 1
        assert ran.out.startswith("1 mail checked: mail.eml\n")
        assert ran.err == ""


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode", "no-such", "rot13", "utf-7"])
def test_a_part_in_any_charset_is_judged(newsletter: Newsletter, tmp_path: Path, charset: str) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(f"Content-Type: text/html; charset={charset}\n\n<p>".encode() + b"\xc3\xa9.." + b"x" * 80)
    ran = newsletter("check", str(mail))
    assert (ran.code, ran.err) == (1, "")
    assert f"is in {charset}; it must be UTF-8" in ran.out


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize("depth", [60, 2_000])
def test_parts_inside_parts_without_an_end_are_refused(newsletter: Newsletter, tmp_path: Path, depth: int) -> None:
    mail = tmp_path / "deep.eml"
    parts = (f'Content-Type: multipart/mixed; boundary="b{number}"\n\n--b{number}\n' for number in range(depth))
    mail.write_text("".join(parts) + "Content-Type: text/html\n\n<p>x", "ascii")
    assert "parts inside parts, more than 50 deep" in newsletter.refused("check", str(mail))


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n"])
def test_an_empty_page_is_judged_as_a_page(newsletter: Newsletter, tmp_path: Path, content: bytes) -> None:
    page = tmp_path / "page.HTML"
    page.write_bytes(content)
    states = {rule["rule"]: rule["state"] for rule in newsletter("check", str(page), "--json").json["rules"]}
    assert (states["title"], states["headers"], states["parts"]) == ("failed", "skipped", "skipped")


def test_a_page_too_large_to_show_is_still_told_its_size(newsletter: Newsletter, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html><title>x</title>" + "<p>words</p>" * 20_000, "ascii")
    ran = newsletter("check", str(page), "--json")
    rules = {rule["rule"]: rule for rule in ran.json["rules"]}
    assert (ran.code, rules["html-size"]["state"]) == (1, "failed")
    for name in TOOLLESS:
        assert rules[name]["state"] == "skipped"
        assert rules[name]["skipped"]["page.html"].startswith("too large to show")


@pytest.mark.browser
@pytest.mark.validator
def test_with_every_tool_nothing_is_skipped(drafted: Newsletter, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, tool in (("Chromium", TOOLS.chromium), ("axe-core", TOOLS.axe), ("vnu-jar", TOOLS.validator)):
        if isinstance(tool, Missing):
            require(name, tool.reason)
    if isinstance(TOOLS.java, Missing):
        require("Java", TOOLS.java.reason)
    folders = {
        str(tool.parents[depth]) for tool, depth in ((TOOLS.axe, 1), (TOOLS.validator, 3)) if isinstance(tool, Path)
    }
    monkeypatch.setenv("NODE_PATH", os.pathsep.join(folders))
    found = drafted.well("check", "2026-07-14", "--json", "--readers", "1").json
    assert {rule["state"] for rule in found["rules"]} == {"ok"}
