"""Whole mails: what the press sends says what the reference says, and is what a preview shows."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from newsletter.deliver.identity import message_id_for
from newsletter.deliver.message import build_message
from newsletter.links import LinkSigner
from newsletter.pipeline.digests import Press
from newsletter.render.digest import DigestRenderer
from tests.render.digests import HOSTILE_TEXTS, NOTE, SITE, digest_of, hostile_paper, made_up_papers, recorded_papers
from tests.render.dom import nodes

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.model import Digest, Message
    from newsletter.settings import Site

KEY = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 7, 14, 7, 30, tzinfo=UTC)
WEB = SITE.model_copy(update={"web_url": "https://digest.example", "feedback_id": "digest", "reply_to": "e@x.example"})


def press_of(site: Site) -> Press:
    return Press(renderer=DigestRenderer(site), site=site, key=KEY, signer=LinkSigner([KEY]))


@pytest.fixture(scope="module", params=[SITE, WEB], ids=["by mail", "with web pages"])
def press(request: pytest.FixtureRequest) -> Press:
    return press_of(request.param)


def reference(press: Press, digest: Digest) -> Message:
    """Build a mail as the standard library does, from templates filled in whole."""
    links = press._links(digest, test=False)
    assert links is not None
    return build_message(
        press.renderer.render(digest, links=links),
        site=press.site,
        recipient=digest.subscriber.address,
        issue_period=digest.issue.period,
        message_id=message_id_for(
            KEY,
            issue_period=digest.issue.period,
            subscriber_id=digest.subscriber.id,
            domain=press.site.from_address.rpartition("@")[2],
        ),
        date=NOW,
        unsubscribe=press._mailto(links),
        unsubscribe_page=links.unsubscribe if press.site.web_url else "",
    )


def texts(message: Message) -> tuple[str, str]:
    plain, html = email.message_from_bytes(message.content, policy=default).iter_parts()
    return plain.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def check_same(press: Press, digest: Digest) -> None:
    for number in (1, 2, 3):
        subscriber = replace(digest.subscriber, id=number, address=f"reader{number}@mail.example")
        own = replace(digest, subscriber=subscriber)
        sent, built = press.message(own, now=NOW), reference(press, own)
        mails = [email.message_from_bytes(one.content, policy=default) for one in (sent, built)]
        assert mails[0].items() == mails[1].items()
        assert texts(sent) == texts(built)
        assert nodes(texts(sent)[1]) == nodes(texts(built)[1])
        assert (texts(sent)[0], texts(sent)[1].rstrip("\n")) == (
            press.rendered(own).text,
            press.rendered(own).html.rstrip("\n"),
        )
        assert (sent.message_id, sent.sender, sent.recipient) == (built.message_id, built.sender, built.recipient)


def test_what_is_sent_is_what_the_reference_builds_on_every_recorded_date(shared_data: Path, press: Press) -> None:
    assert press.renderer.detour == ""
    dates = sorted(path.stem for path in (shared_data / "daily_papers").glob("*.json"))
    assert len(dates) == 30
    for number, date in enumerate(dates):
        papers = recorded_papers(shared_data, date)[:10]
        digest = digest_of(papers, matched=number % 11, period=date, left_out=number, note=NOTE * (number % 2))
        check_same(press, replace(digest, issue=replace(digest.issue, subject="")))


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if "\ud800" not in text])
def test_what_is_sent_is_what_the_reference_builds_of_hostile_texts(press: Press, text: str) -> None:
    digest = digest_of([hostile_paper(text), *made_up_papers(1)], note=text)
    check_same(press, replace(digest, issue=replace(digest.issue, subject="")))


def test_the_same_mail_is_the_same_bytes_whoever_was_before(press: Press) -> None:
    digest = digest_of(made_up_papers(5))
    first = replace(digest, subscriber=replace(digest.subscriber, id=9))
    before = press.message(first, now=NOW)
    check_same(press, digest_of(made_up_papers(7)))
    assert press.message(first, now=NOW) == before
    assert press_of(press.site).message(first, now=NOW).message_id == before.message_id


def test_a_mail_is_the_same_bytes_however_many_got_the_same_papers(press: Press) -> None:
    digest = digest_of(made_up_papers(5), note=NOTE)
    subscribers = [replace(digest.subscriber, id=number, address=f"r{number}@mail.example") for number in range(1, 70)]
    mails = [press.message(replace(digest, subscriber=subscriber), now=NOW) for subscriber in subscribers]
    for number in (1, 2, 3, 49, 50, 69):  # where what is kept changes, and others
        one = replace(digest, subscriber=subscribers[number - 1])
        assert press_of(press.site).message(one, now=NOW) == mails[number - 1]


def test_the_public_edition_and_a_test_go_the_same_way(press: Press) -> None:
    digest = digest_of(made_up_papers(3))
    own = replace(digest, subscriber=replace(digest.subscriber, id=4))
    for one, test in ((digest, False), (own, True)):
        sent = press.message(one, now=NOW, test=test)
        assert texts(sent)[1].rstrip("\n") == press.rendered(one, test=test).html.rstrip("\n")
        assert b"List-Unsubscribe" not in sent.content.partition(b"\r\n\r\n")[0]
