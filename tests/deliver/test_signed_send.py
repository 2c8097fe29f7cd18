"""A whole send through a real Postfix: what arrives is signed, tells whose mail it is, and is what was previewed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dkim

from newsletter.app import App
from newsletter.deliver.dkim_key import new_key, record_name, record_of, write_key
from newsletter.deliver.return_path import whose
from newsletter.model import DeliveryState, Paper, Subscriber, SubscriberStatus
from newsletter.pipeline.digests import digest_for
from newsletter.pipeline.drafting import approve, draft
from newsletter.pipeline.freezing import freeze
from newsletter.pipeline.handover import Handover
from newsletter.pipeline.owner import new_owner
from newsletter.pipeline.sending import finish

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.model import Issue
    from tests.deliver.postfix import Postfix

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)
PERIOD, DOMAIN, READERS = "2026-07-14", "newsletter.example", 12
SELECTORS = {"first": "rsa", "second": "ed25519"}


def made(home: Path, postfix: Postfix) -> dict[str, str]:
    """Make a home that signs with two keys, and return what the DNS would hold."""
    records = {}
    tables = ""
    for selector, kind in SELECTORS.items():
        key = new_key("rsa" if kind == "rsa" else "ed25519")
        write_key(key, home / f"{selector}.pem")
        records[f"{record_name(selector, DOMAIN)}."] = record_of(key)
        tables += f'[[deliver.dkim]]\ndomain = "{DOMAIN}"\nselector = "{selector}"\nkey_file = "{selector}.pem"\n'
    (home / "newsletter.toml").write_text(
        '[deliver]\nmailer = "smtp"\n[deliver.smtp]\nhost = "127.0.0.1"\ntls = "none"\n'
        f'port = {postfix.port}\n[bounces]\nreturn_path = "bounces@{DOMAIN}"\n{tables}'
    )
    return records


def sent(app: App) -> Issue:
    """Send an issue to every reader, and return it."""
    papers = [
        Paper(id=f"2607.{n:05}", source="huggingface", title=f"Paper {n}: Übersicht", listed_on=date(2026, 7, 14))
        for n in range(5)
    ]
    app.store.papers.add(papers, taken_at=NOW)
    people = [Subscriber(address=f"reader{n}@example.org", status=SubscriberStatus.CONFIRMED) for n in range(READERS)]
    app.store.subscribers.add(people, now=NOW)
    draft(app.store, PERIOD, now=NOW)
    issue = approve(app.store, PERIOD, shaping=app.shaping, now=NOW)
    freeze(app.store, issue, app.ranker, app.press, shaping=app.shaping, now=NOW)
    handover = Handover(
        store=app.store,
        issue=issue,
        press=app.press,
        departure=app.departure,
        mailer=app.mailers(),
        settings=app.config.deliver,
        owner=new_owner(),
        clock=lambda: NOW,
    )
    *_, became = handover.run()
    assert became == {DeliveryState.ACCEPTED: READERS}
    assert finish(app.store, issue, now=NOW) == {DeliveryState.ACCEPTED: READERS}
    return issue


def test_what_postfix_delivers_is_signed_and_what_was_previewed(postfix: Postfix, tmp_path: Path) -> None:
    records = made(tmp_path, postfix)
    with App(tmp_path, {}) as app:
        issue = sent(app)
        delivered = postfix.delivered()
        assert sorted(delivered) == sorted(f"reader{n}" for n in range(READERS))
        for reader in app.store.subscribers.all():
            (mail,) = delivered[reader.address.partition("@")[0]]
            trace, _, rest = mail.partition(b"DKIM-Signature:")
            for number in range(len(SELECTORS)):
                checked = dkim.DKIM(mail).verify(
                    idx=number, dnsfunc=lambda name, timeout=5: records[name.decode()].encode()
                )
                assert checked
            path = trace.splitlines()[0].decode()
            mailing = whose(app.config.bounces, [app.key], [path])
            assert mailing
            assert (mailing.issue_id, mailing.subscriber_id) == (issue.id, reader.id)
            preview = app.press.message(digest_for(app.store, issue, reader, app.ranker), now=NOW).content
            assert rest.endswith(preview), "but for what stands before it, the mail is what a preview shows"
            assert not rest.removesuffix(preview).count(b"\r\n\r\n")
