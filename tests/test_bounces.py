"""From the inbox to the store: who is given up, what is marked, and what bad input cannot do."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.app import App
from newsletter.deliver.inbox import Item, MaildirInbox
from newsletter.deliver.return_path import return_path
from newsletter.errors import InboxError, StoreError
from newsletter.links import Purpose
from newsletter.model import Issue, Paper, Subscriber, SubscriberStatus, SuppressionReason
from newsletter.pipeline.bounces import Tally, take_in
from tests.deliver import bounce_mails
from tests.deliver.bounce_mails import plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 7, 15, 6, 0, tzinfo=UTC)
SETTINGS = """
[bounces]
return_path = "bounces@newsletter.example"
inbox = "maildir"
"""


@dataclass
class Home:
    """A home with four readers, two issues and a maildir, and a clock that the test sets."""

    app: App
    readers: tuple[Subscriber, ...]
    issues: tuple[Issue, ...]
    now: datetime = NOW
    put: int = field(default=0)

    @property
    def maildir(self) -> Path:
        return self.app.config.home / "bounces"

    def to(self, reader: int = 0, issue: int = 0) -> str:
        settings = self.app.config.bounces
        return return_path(settings, self.app.key, self.issues[issue].id, self.readers[reader].id)

    def receive(self, *mails: bytes) -> Tally:
        for mail in mails:
            self.put += 1
            (self.maildir / "new" / f"{self.put:06}").write_bytes(mail)
        return self.read()

    def read(self) -> Tally:
        with self.app.inbox() as inbox:
            return take_in(inbox.items(), inbox, self.app.bounce_ledger(lambda: self.now))

    def status(self, reader: int = 0) -> str:
        found = self.app.store.subscribers.get(self.readers[reader].id)
        assert found
        return found.status

    def waiting(self) -> list[str]:
        return sorted(path.name for folder in ("new", "cur") for path in (self.maildir / folder).iterdir())


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from _home(tmp_path, SETTINGS)


def _home(folder: Path, settings: str) -> Iterator[Home]:
    (folder / "newsletter.toml").write_text(settings)
    for name in ("new", "cur", "tmp"):
        (folder / "bounces" / name).mkdir(parents=True)
    paper = Paper(id="2607.00001", source="huggingface", title="One", listed_on=date(2026, 7, 14))
    with App(folder, {}) as app:
        app.store.papers.add([paper], taken_at=NOW)
        people = [Subscriber(address=f"r{n}@x.example", status=SubscriberStatus.CONFIRMED) for n in range(4)]
        readers = app.store.subscribers.add(people, now=NOW).added
        issues = [app.store.issues.create(Issue(period=f"2026-07-{day}", papers=(paper,)), now=NOW) for day in (13, 14)]
        yield Home(app, readers, tuple(issues))


def test_an_address_that_is_not_there_is_given_up_after_two_issues(home: Home) -> None:
    assert home.receive(bounce_mails.postfix_unknown(home.to())) == Tally(mails={"hard": 1}, ended=0)
    assert home.status() == "confirmed"
    assert home.receive(bounce_mails.qmail(home.to(issue=1))) == Tally(mails={"hard": 1}, ended=1)
    assert home.status() == "bounced"
    assert home.app.suppressions.holds(["R0@X.example", "r1@x.example"]) == {"R0@X.example"}
    assert home.status(1) == "confirmed"
    assert home.waiting() == []


def test_two_reports_on_one_mail_are_one_bounce(home: Home) -> None:
    home.receive(bounce_mails.postfix_unknown(home.to()), bounce_mails.sendmail_unknown(home.to()))
    assert home.status() == "confirmed"


def test_the_same_mail_read_again_counts_once(home: Home) -> None:
    mail = bounce_mails.postfix_unknown(home.to())
    home.receive(mail)
    assert home.receive(mail, mail.replace(b"\n", b"\r\n")) == Tally(mails={"repeated": 2}, ended=0)


def test_a_complaint_ends_the_mail_at_once_and_for_good(home: Home) -> None:
    token = home.app.signer.token(Purpose.UNSUBSCRIBE, home.readers[2].id)
    arf = (
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n--b\n'
        b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--b\nContent-Type: message/rfc822\n\n"
        b"List-Unsubscribe: <mailto:u@x.example?subject=unsubscribe%20" + token.encode() + b">\n\nx\n--b--\n"
    )
    assert home.receive(arf) == Tally(mails={"complaint": 1}, ended=1)
    assert home.status(2) == "complained"
    assert [one.reason for one in home.app.suppressions.all()] == [SuppressionReason.COMPLAINED]


def test_a_wish_to_leave_is_obeyed_once_and_suppresses_nobody(home: Home) -> None:
    token = home.app.signer.token(Purpose.UNSUBSCRIBE, home.readers[3].id)
    mail = plain("unsubscribe@newsletter.example", "", subject=f"unsubscribe {token}", sender="r3@x.example")
    assert home.receive(mail) == Tally(mails={"unsubscribe": 1}, ended=1)
    assert home.status(3) == "unsubscribed"
    assert list(home.app.suppressions.all()) == []
    home.app.store.subscribers.set_status("r3@x.example", SubscriberStatus.CONFIRMED, now=NOW)
    home.receive(mail, bounce_mails.postfix_full(home.to(3)))
    assert home.status(3) == "confirmed", "the old mail is known, and a bounce is no wish to leave"


def test_a_mailbox_that_is_full_for_a_week_is_not_given_up(home: Home) -> None:
    for day in range(8):
        home.now = NOW + timedelta(days=day)
        home.receive(bounce_mails.postfix_full(home.to(issue=day % 2)))
    assert home.status() == "confirmed"


def test_a_refusal_for_policy_never_ends_a_readers_mail(home: Home) -> None:
    for day in range(60):
        home.now = NOW + timedelta(days=day)
        home.receive(bounce_mails.gmail_blocked(home.to(issue=day % 2)).replace(b"gsmtp", b"%d" % day))
    assert home.status() == "confirmed"


@pytest.mark.parametrize("make", [bounce_mails.postfix_unknown, bounce_mails.qmail, bounce_mails.gmail_unknown])
def test_forged_bounces_change_nothing(home: Home, make: object) -> None:
    assert callable(make)
    good = home.to()
    forged = [
        good.replace(f".{home.readers[0].id}.", f".{home.readers[1].id}."),
        "r0@x.example",
        "bounces@newsletter.example",
    ]
    assert home.receive(*[make(to) for to in forged for _ in range(5)]) == Tally(mails={"junk": 15}, ended=0)
    assert [home.status(n) for n in range(4)] == ["confirmed"] * 4
    assert len(home.waiting()) == 15


def test_a_bounce_of_a_reader_who_is_gone_changes_nothing(home: Home) -> None:
    settings, key = home.app.config.bounces, home.app.key
    assert home.receive(bounce_mails.qmail(return_path(settings, key, 1, 10**9))).mails == {"nobody": 1}


@pytest.mark.parametrize(
    ("handled", "junk"), [("delete", "delete"), ("keep", "keep"), ("delete", "keep"), ("keep", "delete")]
)
def test_what_is_deleted_is_the_settings_word_but_a_persons_wish_stays(tmp_path: Path, handled: str, junk: str) -> None:
    for home in _home(tmp_path, f'{SETTINGS}handled = "{handled}"\njunk = "{junk}"\n'):
        wish = plain("unsubscribe@newsletter.example", "please", subject="unsubscribe")
        home.receive(bounce_mails.qmail(home.to()), b"Subject: junk\n\n", wish, b"\0" * 9)
        kept = {"000001"} if handled == "keep" else set()
        kept |= {"000002", "000004"} if junk == "keep" else set()
        assert home.waiting() == sorted(f"{name}:2,S" for name in {"000003", *kept})
        assert home.read() == Tally(mails={}, ended=0)


def test_nothing_is_marked_before_it_is_recorded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise StoreError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(home.app.store.bounces, "record", refuse)
        with pytest.raises(StoreError):
            home.receive(bounce_mails.qmail(home.to()))
    assert home.waiting() == ["000001"]
    assert home.read().mails == {"hard": 1}


def test_an_inbox_that_breaks_off_leaves_what_was_recorded_known(home: Home) -> None:
    mails = [bounce_mails.qmail(home.to(reader)) for reader in range(3)]

    class Breaking(MaildirInbox):
        def items(self) -> Iterator[Item]:
            yield from (Item(key=str(number), head=mail) for number, mail in enumerate(mails))
            raise InboxError("it broke off")

        def settle(self, fates: object) -> None:
            raise AssertionError(fates)

    inbox = Breaking(home.maildir)
    with pytest.raises(InboxError, match="broke off"):
        take_in(inbox.items(), inbox, home.app.bounce_ledger(lambda: NOW))
    assert home.receive(*mails).mails == {"repeated": 3}


def test_ten_thousand_junk_mails_take_bounded_memory_and_hide_no_bounce(home: Home) -> None:
    junk = b"From: a@spam.example\nTo: digest@newsletter.example\nSubject: Undelivered\n\n" + b"Buy this now.\n" * 500
    for number in range(10_000):
        (home.maildir / "new" / f"junk{number:05}").write_bytes(b"X-Number: %d\n" % number + junk)
    mails = [bounce_mails.qmail(home.to(issue=issue)) for issue in range(2)]
    tracemalloc.start()
    tally = home.receive(*mails)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tally == Tally(mails={"junk": 10_000, "hard": 2}, ended=1)
    assert home.status() == "bounced"
    assert peak < 20_000_000
    assert home.read().read == 0


def test_a_bounce_of_fifty_megabytes_is_one_like_any_other(home: Home) -> None:
    mail = bounce_mails.postfix_unknown(home.to()).removesuffix(b"--=_report--\n")
    large = mail + b"A line of the mail that came back.\n" * 1_500_000
    assert len(large) > 50_000_000
    tracemalloc.start()
    tally = home.receive(large)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tally.mails == {"hard": 1}
    assert peak < 20_000_000
