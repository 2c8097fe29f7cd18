"""Each rule that needs no browser, broken on purpose: it must turn red, and say where and what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.render.checklist import RULES, check
from newsletter.render.checklist.evidence import Complaint, Evidence, Given, Mail
from newsletter.render.checklist.rule import State
from newsletter.render.checklist.validity import PASSED_OVER
from tests.render.mails import usual
from tests.render.test_checklist import MEASURED

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.render.checklist.rule import Outcome

Break = tuple[str, str, "Callable[[Mail], Mail]"]


def html(change: Callable[[str], str]) -> Callable[[Mail], Mail]:
    def changed(mail: Mail) -> Mail:
        assert isinstance(mail.html, str)
        after = change(mail.html)
        assert after != mail.html
        return replace(mail, html=after)

    return changed


def swap(old: str, new: str, count: int = -1) -> Callable[[Mail], Mail]:
    return html(lambda before: before.replace(old, new, count))


def body(extra: str) -> Callable[[Mail], Mail]:
    return swap("</body>", extra + "</body>")


def text(change: Callable[[str], str]) -> Callable[[Mail], Mail]:
    def changed(mail: Mail) -> Mail:
        assert isinstance(mail.text, str)
        after = change(mail.text)
        assert after != mail.text
        return replace(mail, text=after)

    return changed


def raw(pattern: bytes, new: bytes) -> Callable[[Mail], Mail]:
    def changed(mail: Mail) -> Mail:
        assert isinstance(mail.raw, bytes)
        after = re.sub(pattern, lambda _: new, mail.raw, count=1, flags=re.MULTILINE)
        assert after != mail.raw
        return replace(mail, raw=after)

    return changed


def header(name: str, value: str | None) -> Callable[[Mail], Mail]:
    new = b"" if value is None else f"{name}: {value}\r\n".encode()
    return raw(rb"^%s:.*\r\n(?:[ \t].*\r\n)*" % name.encode(), new)


def two_papers_swapped(before: str) -> str:
    one, other = "Paper number 0: a title of some", "Paper number 1: a title of some"
    return before.replace(one, "#").replace(other, one).replace("#", other)


COMMENT = "<!--[if mso]>"
BREAKS: list[Break] = [
    ("lang", "none", swap(' lang="en"', "")),
    ("lang", "no language", swap('lang="en"', 'lang="e"')),
    ("title", "empty", html(lambda h: re.sub("<title>.*?</title>", "<title> </title>", h))),
    ("title", "two", swap("</title>", "</title><title>x</title>")),
    ("headings", "two h1", swap("</h1>", "</h1><h1>Again</h1>")),
    ("headings", "no h1", html(lambda h: re.sub(r"<(/?)h1\b", r"<\1h2", h))),
    ("headings", "a level left out", html(lambda h: re.sub(r"<(/?)h2\b", r"<\1h4", h))),
    ("headings", "an empty one", body("<h2>&nbsp;</h2>")),
    ("alt", "none", body('<img src="https://digest.example/logo.png">')),
    ("tables", "no role", swap(' role="presentation"', "", 1)),
    ("tables", "no role for Outlook", html(lambda h: re.sub(r'(<!--\[if mso\]><table) role="presentation"', r"\1", h))),
    ("preheader", "none", html(lambda h: re.sub(r"<div[^>]*preheader.*?</div>", "", h, flags=re.DOTALL))),
    ("preheader", "seen", swap("display:none", "display:block", 1)),
    ("active", "script", body("<script>x()</script>")),
    ("active", "form", body("<form></form>")),
    ("active", "refresh", swap("</head>", '<meta http-equiv="Refresh" content="0;url=https://x.example"></head>')),
    ("active", "handler", body('<p onclick="x()">x</p>')),
    ("links", "relative", body('<a href="/papers">Papers</a>')),
    ("links", "anchor", body('<a href="#top">Top</a>')),
    ("links", "script", body('<a href="javascript:x()">Run</a>')),
    ("links", "empty", body('<a href="">Nowhere</a>')),
    ("links", "none", body("<a>Nowhere</a>")),
    ("links", "no text", body('<a href="https://x.example"> <img src="x" alt=""></a>')),
    ("images", "foreign", body('<img src="https://elsewhere.example/x.png" alt="">')),
    ("images", "background", body('<table role="presentation" background="https://x.example/x.png"></table>')),
    ("images", "style", body('<p style="background: url(https://x.example/x.png)">x</p>')),
    ("images", "style sheet", swap("</head>", '<style>@import "https://x.example/x.css";</style></head>')),
    ("images", "srcset", body('<img alt="" srcset="https://x.example/x.png 2x">')),
    ("images", "for Outlook", body('<!--[if mso]><v:fill src="https://x.example/x.png" /><![endif]-->')),
    ("tracking", "one pixel", body('<img src="https://digest.example/logo.png" width="1" height="1" alt="">')),
    ("tracking", "styled", body('<img src="https://digest.example/logo.png" style="height:0px" alt="">')),
    ("tracking", "hidden", body('<img src="https://digest.example/logo.png" style="display: none" alt="">')),
    ("leftovers", "name", body("<p>{{ card.title }}</p>")),
    ("leftovers", "block", body("<p>{% endif %}</p>")),
    ("leftovers", "half", body("<p>{{ card.</p>")),
    ("leftovers", "compile step", body("<p>tplmark00012e</p>")),
    ("leftovers", "none", body("<p>None upvotes</p>")),
    ("leftovers", "undefined", body('<p title="undefined">x</p>')),
    ("leftovers", "comment", body("<!-- {{ x }} -->")),
    ("leftovers", "text", text(lambda t: t + "\nNone\n")),
    ("leftovers", "subject", lambda mail: replace(mail, subject="{{ subject }}")),
    ("outlook", "no end", html(lambda h: h.replace("<![endif]-->", "-->", 1))),
    ("outlook", "a blank", swap(COMMENT, "<!-- [if mso]>", 1)),
    ("outlook", "unbalanced", html(lambda h: re.sub(r"<!--\[if mso\]></td>.*?-->", "", h))),
    ("outlook", "closes too much", body(COMMENT + "</div><![endif]-->")),
    ("outlook", "changed", swap('width="640" align', 'width="641" align')),
    ("outlook", "lost", html(lambda h: re.sub(r"<!--\[if mso\]><style>.*?-->", "", h))),
    ("outlook", "shown for ever", body("<!--[if !mso]><!--><p>x</p>")),
    ("outlook", "shown twice", body("<!--[if !mso]><!--><p>x</p><!--<![endif]--><!--<![endif]-->")),
    ("html-size", "too long", body("<p>" + "x" * 90_000 + "</p>")),
    ("style-size", "too long", swap("</head>", "<style>" + "p { margin: 0 } " * 1_000 + "</style></head>")),
    ("empty-subject", "empty", lambda mail: replace(mail, subject="")),
    ("empty-subject", "invisible", lambda mail: replace(mail, subject=" \u200b\xa0\u034f ")),
    ("text-papers", "one is missing", text(lambda t: t.replace("Paper number 4", "Paper number 44"))),
    ("text-papers", "another order", text(two_papers_swapped)),
    ("text-links", "one is missing", text(lambda t: t.replace("https://code.example/00003", "code"))),
    (
        "text-links",
        "one is longer",
        text(lambda t: t.replace("https://code.example/00003", "https://code.example/000033")),
    ),
    ("text-links", "one is another's end", text(lambda t: t.replace("https://code", "x:https://code"))),
    ("text-columns", "too long", text(lambda t: t + "some words " * 8 + "\n")),
    ("parts", "HTML first", raw(rb"^Content-Type: text/plain", b"Content-Type: text/html")),
    ("parts", "mixed", raw(rb"multipart/alternative", b"multipart/mixed")),
    ("parts", "Latin-1", raw(rb'charset="?utf-8"?', b"charset=iso-8859-1")),
    ("parts", "no end", raw(rb"--\r\n\Z", b"")),
    ("lines", "too long", raw(rb"^Precedence", b"X-Long: " + b"x" * 999 + b"\r\nPrecedence")),
    ("lines", "lone LF", raw(rb"\r\nPrecedence", b"\nPrecedence")),
    ("lines", "lone CR", raw(rb"\Z", b"x\ry")),
    *(
        ("headers", name, header(name, None))
        for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
    ),
    ("headers", "twice", raw(rb"^To:", b"To: x@reader.example\r\nTo:")),
    ("clean-headers", "control", header("Subject", "Papers\x07")),
    ("clean-headers", "lone LF", header("Subject", "Papers\nBcc: x@reader.example")),
    ("clean-headers", "UTF-8", header("Subject", "Pâpers")),
    ("clean-headers", "malformed", header("From", "Digest <digest@")),
    ("header-values", "no zone", header("Date", "Tue, 14 Jul 2026 06:00:00")),
    ("header-values", "no date", header("Date", "today")),
    ("header-values", "no id", header("Message-ID", "2026-07-14")),
    ("header-values", "no list", header("List-Id", "Daily Digest")),
    ("unsubscribe", "no list", header("List-Id", None)),
    ("unsubscribe", "none", header("List-Unsubscribe", None)),
    ("unsubscribe", "http", header("List-Unsubscribe", "<http://digest.example/u/1>")),
    ("unsubscribe", "no click", header("List-Unsubscribe-Post", None)),
    ("unsubscribe", "another click", header("List-Unsubscribe-Post", "yes")),
    ("unsubscribe", "no page", header("List-Unsubscribe", "<mailto:u@newsletter.example>")),
]


def outcome_of(rule: str, mail: Mail, given: Given) -> Outcome:
    return next(one for one in check(Evidence(mail, given)) if one.rule == rule)


@pytest.mark.parametrize(("rule", "how", "change"), BREAKS, ids=[f"{rule}: {how}" for rule, how, _ in BREAKS])
def test_a_broken_mail_turns_its_rule_red(rule: str, how: str, change: Callable[[Mail], Mail]) -> None:
    one = usual()
    assert outcome_of(rule, one.mail, one.given).state is State.OK, how
    outcome = outcome_of(rule, change(one.mail), one.given)
    assert outcome.state is State.FAILED
    assert all(finding.where and finding.what for finding in outcome.findings)


def test_every_rule_is_broken_here_or_in_the_browser() -> None:
    assert {rule.name for rule in RULES} == {rule for rule, _, _ in BREAKS} | MEASURED | {"subject"}


def test_a_long_subject_is_a_hint_and_no_failure() -> None:
    one = usual()
    outcome = outcome_of("subject", replace(one.mail, subject="A subject " * 12), one.given)
    assert outcome.state is State.HINT
    assert "120 characters" in outcome.findings[0].what


def test_a_message_that_mail_needs_is_passed_over_and_any_other_is_not() -> None:
    one = usual()
    needed = tuple(Complaint(line=1, message=message) for message in PASSED_OVER)
    evidence = Evidence(one.mail, one.given, complaints=needed)
    assert next(found for found in check(evidence) if found.rule == "valid-html").state is State.OK
    other = Complaint(line=7, message="The “align” attribute on the “hr” element is obsolete. Use CSS instead.")
    outcome = next(
        found for found in check(replace(evidence, complaints=(*needed, other))) if found.rule == "valid-html"
    )
    assert [(found.where, found.what) for found in outcome.findings] == [("line 7", other.message)]


KEPT: list[Break] = [
    ("tables", "a table of data", body("<table><tr><th>a</th></tr><tr><td>b</td></tr></table>")),
    ("outlook", "two shown to others", body("<!--[if !mso]><!--><p>x</p><!--<![endif]-->" * 2)),
    ("outlook", "a usual comment", body("<!-- if only -->")),
    ("links", "a picture that says it", body('<a href="https://x.example"><img src="x" alt="A cat"></a>')),
    ("tracking", "a small icon", body('<img src="https://digest.example/logo.png" width="16" height="16" alt="">')),
    ("leftovers", "words like it", body("<p>Nonetheless undefinedness } {</p>")),
    (
        "text-columns",
        "a long word",
        text(lambda t: t + "x" * 300 + "\n    Page: https://x.example/" + "y" * 200 + "\n"),
    ),
]


@pytest.mark.parametrize(("rule", "how", "change"), KEPT, ids=[f"{rule}: {how}" for rule, how, _ in KEPT])
def test_what_is_right_stays_green(rule: str, how: str, change: Callable[[Mail], Mail]) -> None:
    one = usual()
    given = replace(one.given, conditionals=None)
    assert outcome_of(rule, change(one.mail), given).state is State.OK, how


def test_where_the_texts_are_not_known_a_lone_none_counts_in_short_texts_only() -> None:
    one = usual()
    running = body("<p>None of the models that were tried comes near to what a person does in a minute.</p>")
    assert outcome_of("leftovers", running(one.mail), Given()).state is State.OK
    assert outcome_of("leftovers", running(one.mail), one.given).state is State.FAILED
    assert outcome_of("leftovers", body("<p>None votes</p>")(one.mail), Given()).state is State.FAILED


def test_pictures_over_https_may_be_loaded_where_it_is_not_known_which() -> None:
    one = usual()
    anyhow = replace(one.given, images=None)
    picture = '<img alt="" src="{}://elsewhere.example/x.png">'
    assert outcome_of("images", body(picture.format("https"))(one.mail), anyhow).state is State.OK
    assert outcome_of("images", body(picture.format("http"))(one.mail), anyhow).state is State.FAILED
