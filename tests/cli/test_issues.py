"""From a draft to the mail: preview, approval, send, retry."""

from __future__ import annotations

import email
import email.policy
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command import Newsletter

from tests.cli.sample import PAPERS
from tests.command import CONSENT


def test_an_issue_goes_from_draft_to_every_reader_once(newsletter: Newsletter, home: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("address,interests\nada@example.org,kv cache\nbob@example.org,robot arms\n", encoding="utf-8")
    newsletter.well("subscribers", "import", str(people), *CONSENT)
    newsletter.well("subscribers", "add", "waiting@example.org")
    assert "2 papers" in newsletter.well("draft", "2026-07-14").out
    assert "not approved" in newsletter.refused("send", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    assert "2 mails with 2 different" in newsletter.well("send", "2026-07-14", "--dry-run").out
    assert not (home / "outbox").exists()
    preview = newsletter.well("preview", "2026-07-14", "--for", "ada@example.org", "--format", "eml").out
    assert "2 accepted" in newsletter.well("send", "2026-07-14").out
    mails = sorted((home / "outbox").glob("**/*.eml"))
    assert len(mails) == 2
    parsed = {}
    for mail in mails:
        message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
        assert not message.defects
        parsed[message["To"]] = message
    ada, bob = parsed["ada@example.org"], parsed["bob@example.org"]
    body = ada.get_body(("html",))
    assert body is not None
    cards = body.get_content().partition("<h1")[2]
    assert cards.index("Pruning the key-value") < cards.index("A robot that folds")
    assert bob["List-Unsubscribe"] != ada["List-Unsubscribe"]
    shown = email.message_from_string(preview, policy=email.policy.default)
    assert shown["Message-ID"] == ada["Message-ID"]
    shown_body = shown.get_body(("html",))
    assert shown_body is not None
    assert shown_body.get_content() == body.get_content()
    assert "already sent" in newsletter.well("send", "2026-07-14").out
    assert sorted((home / "outbox").glob("**/*.eml")) == mails
    (listed,) = newsletter.well("issues", "--json").json
    assert (listed["period"], listed["state"], listed["deliveries"]) == ("2026-07-14", "sent", {"accepted": 2})


def test_nobody_gets_a_paper_twice(newsletter: Newsletter, home: Path) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed", "--cadence", "weekly")
    newsletter.well("subscribers", "add", "bob@example.org", "--confirmed")
    for period in ("2026-07-13", "2026-W29"):
        newsletter.well("draft", period)
        newsletter.well("approve", period)
        newsletter.well("send", period)
    assert len(list((home / "outbox").glob("**/*.eml"))) == 2
    newsletter.well("subscribers", "add", "cy@example.org", "--confirmed")
    again = [{**PAPERS[2], "listed_on": "2026-07-14"}]
    copy = home / "again.jsonl"
    copy.write_text("\n".join(json.dumps(paper) for paper in again))
    newsletter.well("import", str(copy))
    newsletter.well("draft", "2026-07-14")
    for reader, shown in (("bob@example.org", False), ("cy@example.org", True)):
        text = newsletter.well("preview", "2026-07-14", "--for", reader, "--format", "text").out
        assert ("Video from sketches" in text) is shown


def test_an_approval_is_void_once_the_content_changed(newsletter: Newsletter, home: Path) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    (home / "newsletter.toml").write_text('[site]\nname = "Another name"\n')
    assert "approve it again" in newsletter.refused("send", "2026-07-14")
    newsletter.well("approve", "2026-07-14")
    more = home / "more.jsonl"
    more.write_text(json.dumps({**PAPERS[0], "id": "2607.00009", "title": "One more"}))
    newsletter.well("import", str(more))
    assert "approval is void" in newsletter.well("draft", "2026-07-14").err
    assert "not approved" in newsletter.refused("send", "2026-07-14")


def test_a_preview_says_who_would_not_get_it_and_what_the_public_edition_is(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--cadence", "weekly", "--confirmed")
    newsletter.well("subscribers", "add", "bob@example.org")
    newsletter.well("draft", "2026-07-14")
    assert "reads weekly issues" in newsletter.well("preview", "2026-07-14", "--for", "ada@example.org").err
    assert "is pending" in newsletter.well("preview", "2026-07-14", "--for", "bob@example.org").err
    public = newsletter.well("preview", "2026-07-14", "--format", "text")
    assert "public edition" in " ".join(public.out.split())
    assert public.err == ""


def test_failed_mails_wait_again_on_request(newsletter: Newsletter) -> None:
    newsletter.well("subscribers", "add", "ada@example.org", "--confirmed")
    newsletter.well("draft", "2026-07-14")
    assert "nothing of it was sent" in newsletter.refused("retry", "2026-07-14", "--failed")
    newsletter.well("approve", "2026-07-14")
    newsletter.well("send", "2026-07-14")
    assert "no mail that is failed" in newsletter.well("retry", "2026-07-14", "--failed").out
    assert "one of --failed and --uncertain" in newsletter.refused("retry", "2026-07-14")
