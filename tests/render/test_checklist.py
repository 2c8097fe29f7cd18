"""The check-list on whole mails: what is sent keeps every rule that needs no browser, whatever came in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.render.checklist import RULES, check
from newsletter.render.checklist.evidence import Evidence, Given, Mail, Missing, mail_from_html
from newsletter.render.checklist.rule import State
from tests.render.mails import made_up, recorded, usual

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.pipeline.checking import Checked
    from newsletter.render.checklist.rule import Outcome

MEASURED = {"contrast", "dark-contrast", "dark", "forced-dark", "no-styles", "overflow", "axe", "valid-html"}


def broken(checked: Checked) -> list[Outcome]:
    return [one for one in check(Evidence(checked.mail, checked.given)) if one.state not in {State.OK, State.SKIPPED}]


def test_names_of_rules_are_their_own() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", made_up())
def test_mails_keep_every_rule(name: str) -> None:
    assert broken(made_up()[name]) == []


@pytest.mark.shared_data
def test_mails_of_every_recorded_date_and_week_keep_every_rule(shared_data: Path) -> None:
    mails = recorded(shared_data)
    assert len(mails) == 36
    assert {name: found for name, one in mails.items() if (found := broken(one))} == {}


def test_only_what_needs_a_tool_is_skipped_for_a_subscribers_mail() -> None:
    one = usual()
    skipped = {outcome.rule for outcome in check(Evidence(one.mail, one.given)) if outcome.state is State.SKIPPED}
    assert skipped == MEASURED


def test_a_rule_whose_part_is_missing_is_skipped_and_says_why() -> None:
    html = usual().mail.html
    assert isinstance(html, str)
    outcomes = {one.rule: one for one in check(Evidence(mail_from_html(html, name="a.html")))}
    assert outcomes["lang"].state is State.OK
    for name in ("subject", "text-papers", "headers", "unsubscribe", "contrast", "valid-html"):
        assert outcomes[name].state is State.SKIPPED
        assert outcomes[name].why


def test_of_a_mail_without_html_the_rules_on_html_are_skipped_and_its_parts_are_broken() -> None:
    none = Missing(reason="no HTML part")
    mail = Mail(name="x", raw=b"Subject: x\r\n\r\nText\r\n", subject="x", html=none, text="Text\n")
    outcomes = {one.rule: one for one in check(Evidence(mail, Given()))}
    assert outcomes["lang"].why == "no HTML part"
    assert outcomes["parts"].state is State.FAILED
    assert outcomes["leftovers"].state is State.OK


@pytest.mark.parametrize(
    "html", ["", "   ", "<", "\0", "<!-- -->", "plain words", '<?xml version="1.0"?><html></html>']
)
def test_what_is_no_document_is_judged_all_the_same(html: str) -> None:
    outcomes = {one.rule: one.state for one in check(Evidence(mail_from_html(html, name="x")))}
    assert outcomes["lang"] is State.FAILED
    assert outcomes["headings"] is State.FAILED


def test_a_monstrous_document_is_judged_to_its_end() -> None:
    html = "<p>" + "x" * 100_000 + "{{ " * 10_000 + "url(" * 10_000 + "<!--[if " * 5_000 + "None " * 10_000 + "</p>"
    outcomes = {one.rule: one for one in check(Evidence(mail_from_html(html, name="x")))}
    assert outcomes["html-size"].state is State.FAILED
    assert len(outcomes["leftovers"].findings) == 10_000
