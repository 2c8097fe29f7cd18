"""All that is held of a person: handed over whole, or gone without a trace while issues keep their totals."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from newsletter.errors import UsageError
from newsletter.life import Leaving
from newsletter.links import Purpose, Verdict
from newsletter.model import Bounce, BounceKind, DeliveryState, Issue, Paper, RankedPaper, SubscriberStatus
from newsletter.pipeline.subscribing.choosing import pause, resume
from newsletter.pipeline.subscribing.holding import export, forget
from newsletter.pipeline.subscribing.judging import judge
from newsletter.pipeline.subscribing.leaving import unsubscribe
from newsletter.pipeline.subscribing.moving import request_address
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.store import open_store
from newsletter.store.ledger import Outcome
from newsletter.store.schema import metadata
from tests.subscribing.conftest import front_on

if TYPE_CHECKING:
    from newsletter.config import Config
    from newsletter.render.letters import LetterRenderer
    from tests.subscribing.conftest import Front

ADA, BOB, NEW = "ada.lovelace@x.example", "bob@x.example", "augusta@y.example"
INTEREST = "quite unusual robot memory"
PAPERS = tuple(Paper(id=f"2607.0000{n}", source="huggingface", title=f"Paper {n}") for n in range(3))


def selection(*numbers: int, reason: str = "42 upvotes") -> tuple[RankedPaper, ...]:
    return tuple(RankedPaper(paper=PAPERS[n], score=1.0, reasons=(reason,)) for n in numbers)


def lived(front: Front) -> int:
    """Let ada leave a trace wherever somebody can, in the middle of an issue; return her number."""
    store = front.store
    store.papers.add(PAPERS, taken_at=front.now)
    who, bob = front.confirmed(ADA, interests=INTEREST).id, front.confirmed(BOB).id
    for period, state in (("2026-07-13", DeliveryState.ACCEPTED), ("2026-07-14", DeliveryState.QUEUED)):
        store.issues.create(Issue(period=period, papers=PAPERS), now=front.now)
        issue = store.issues.approve(period, "hash", now=front.now)
        chosen = [(who, selection(0, reason=f"matches: {INTEREST}"), 2), (bob, selection(1), 2)]
        store.deliveries.freeze(issue.id, chosen, content_hash="hash", now=front.now)
        if state is DeliveryState.ACCEPTED:
            _hand_over(front, issue)
    feedback = front.desk.signer.token(Purpose.FEEDBACK, who, period="2026-07-14")
    reader = reader_of(front.desk, Purpose.FEEDBACK, feedback, now=front.now)
    judge(front.desk, reader, Verdict.MORE, "2607.00001", now=front.now)
    judge(front.desk, reader, Verdict.SAVE, "2607.00002", now=front.now)
    pause(front.desk, who, date(2026, 8, 1), now=front.now)
    told = Bounce(subscriber_id=who, kind=BounceKind.SOFT, mail="m1", at=front.now, status="4.2.2", diagnostic="full")
    store.bounces.record(told, decide=lambda *_: None, seal=front.desk.suppressions.hashed)
    request_address(front.desk, who, NEW, now=front.now)
    return who


def _hand_over(front: Front, issue: Issue) -> None:
    chunk = front.store.chunks.claim(issue.id, owner="a", now=front.now, lease=timedelta(minutes=5))
    assert chunk
    with front.store.ledger() as ledger:
        for due in chunk.due:
            assert ledger.attempt(chunk, due, now=front.now)
            told = Outcome(delivery_id=due.id, state=DeliveryState.ACCEPTED, reply=f"250 for {due.subscriber.address}")
            ledger.settle(chunk, [told], now=front.now)
    front.store.chunks.release(chunk, now=front.now)


def everything(front: Front) -> str:
    """Return every cell of every table as one text."""
    with front.store._database.reading() as connection:
        rows = [str(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(rows)


def test_an_export_holds_everything(front: Front) -> None:
    who = lived(front)
    front.sign_up(ADA)
    held = export(front.desk, who)
    assert json.loads(json.dumps(held)) == held
    assert (held["address"], held["status"], held["interests"]) == (ADA, "confirmed", [INTEREST])
    assert (held["liked"], list(held["saved"])) == (["2607.00001"], ["2607.00002"])
    assert (held["paused_until"], held["weekday"], held["suppressed"]) == ("2026-08-01", "monday", False)
    told = [one["what"] for one in held["history"]]
    assert told[:2] == ["signed up", "letter sent"]
    assert {"confirmed", "paper judged", "paused", "change of address asked for"} <= set(told)
    assert [(one["period"], one["state"]) for one in held["issues"]] == [
        ("2026-07-13", "accepted"),
        ("2026-07-14", "queued"),
    ]
    assert [(one["kind"], one["status"]) for one in held["bounces"]] == [("soft", "4.2.2")]
    assert held["requests"] == [{"at": front.now.isoformat(), "what": "address", "address": NEW}]
    assert [(one["letter"], one["address"]) for one in held["letters_waiting"]] == [("preferences", ADA)]


def test_an_export_tells_of_a_return_that_is_not_confirmed(front: Front) -> None:
    who = front.confirmed(ADA).id
    unsubscribe(front.desk, who, how=Leaving.PAGE, now=front.now)
    front.sign_up(ADA, interests=INTEREST)
    (asked,) = export(front.desk, who)["requests"]
    assert (asked["what"], asked["wishes"]["interests"]) == ("return", [INTEREST])


def test_nobody_is_exported_who_is_not_there(front: Front) -> None:
    with pytest.raises(UsageError, match="not there any more"):
        export(front.desk, 12345)


def test_who_is_forgotten_leaves_no_trace_and_the_totals_stay(front: Front) -> None:
    who = lived(front)
    before = {period: _totals(front, period) for period in ("2026-07-13", "2026-07-14")}
    held = everything(front)
    assert all(trace in held for trace in (ADA, NEW, INTEREST))
    forget(front.desk, ADA, now=front.now)
    held = everything(front)
    for trace in (ADA, "lovelace", NEW, "augusta", INTEREST):
        assert trace not in held
    assert front.store.subscribers.get(who) is None
    assert front.store.deliveries.history(who) == []
    assert _totals(front, "2026-07-13") == before["2026-07-13"] == {DeliveryState.ACCEPTED: 2}
    assert _totals(front, "2026-07-14") == {DeliveryState.QUEUED: 1, DeliveryState.SKIPPED: 1}
    assert front.store.subscribers.find(BOB)


def test_an_issue_comes_to_its_end_without_who_was_forgotten_in_its_middle(front: Front) -> None:
    lived(front)
    issue = front.store.issues.get("2026-07-14")
    assert issue
    forget(front.desk, ADA, now=front.now)
    _hand_over(front, issue)
    assert front.store.deliveries.close(issue.id, now=front.now)
    assert list(dict(front.store.deliveries.addressed(issue.id))) == [BOB]
    assert front.store.deliveries.already_sent(0, ["2607.00000", "2607.00001"]) == {
        front.person(BOB).id: frozenset({"2607.00001"})
    }


def test_a_mail_under_way_to_who_is_forgotten_is_settled_and_never_tried_again(front: Front) -> None:
    lived(front)
    issue = front.store.issues.get("2026-07-14")
    assert issue
    lease = timedelta(minutes=5)
    front.desk.store.subscribers.set_status(BOB, SubscriberStatus.UNSUBSCRIBED, now=front.now)
    resume(front.desk, front.person(ADA).id, now=front.now)
    chunk = front.store.chunks.claim(issue.id, owner="dead", now=front.now, lease=lease)
    assert chunk
    with front.store.ledger() as ledger:
        assert ledger.attempt(chunk, chunk.due[0], now=front.now)
    forget(front.desk, ADA, now=front.now)
    front.now += lease
    assert front.store.chunks.claim(issue.id, owner="next", now=front.now, lease=lease, resend=True) is None
    assert _totals(front, "2026-07-14") == {DeliveryState.SKIPPED: 2}
    assert front.store.chunks.unfinished(issue.id) == 0


def _totals(front: Front, period: str) -> dict[DeliveryState, int]:
    issue = front.store.issues.get(period)
    assert issue
    return front.store.deliveries.totals(issue.id)


def test_a_choice_that_others_share_stays(front: Front) -> None:
    store = front.store
    store.papers.add(PAPERS, taken_at=front.now)
    who, bob = front.confirmed(ADA).id, front.confirmed(BOB).id
    store.issues.create(Issue(period="2026-07-14", papers=PAPERS), now=front.now)
    issue = store.issues.approve("2026-07-14", "hash", now=front.now)
    store.deliveries.freeze(issue.id, [(n, selection(0, 1), 1) for n in (who, bob)], content_hash="hash", now=front.now)
    newest = store.deliveries.newest_digest()
    forget(front.desk, ADA, now=front.now)
    delivery = store.deliveries.of(issue.id, bob)
    assert delivery
    assert delivery.digest_id
    assert len(store.deliveries.selection(delivery.digest_id, issue)[0]) == 2
    assert store.deliveries.newest_digest() == newest


def test_the_address_stays_suppressed_and_a_click_lifts_that(front: Front) -> None:
    front.confirmed(ADA)
    forget(front.desk, ADA, now=front.now)
    assert front.desk.suppressions.holds([ADA]) == {ADA}
    with pytest.raises(UsageError):
        forget(front.desk, ADA, now=front.now)
    front.confirmed(ADA)
    assert front.status(ADA) is SubscriberStatus.CONFIRMED
    assert front.desk.suppressions.holds([ADA]) == set()


def test_no_byte_of_the_address_is_left_in_the_file(
    sqlite_template: Path, tmp_path: Path, config: Config, renderer: LetterRenderer
) -> None:
    path = Path(shutil.copy(sqlite_template, tmp_path))
    with open_store(f"sqlite:///{path}") as store:
        front = front_on(store, config, renderer)
        lived(front)
        forget(front.desk, ADA, now=front.now)
    connection = sqlite3.connect(path)
    connection.execute("VACUUM")
    connection.close()
    left = path.read_bytes()
    for trace in (ADA, "lovelace", NEW, INTEREST):
        assert trace.encode() not in left
    assert BOB.encode() in left


def test_what_is_exported_does_not_tell_whether_a_wanted_address_is_known(front: Front) -> None:
    front.confirmed("cyd@reader.example")
    told = []
    for mover, wanted in (("dan@x.example", "cyd@reader.example"), ("bob@x.example", "nobody@reader.example")):
        person = front.confirmed(mover)
        request_address(front.desk, person.id, wanted, now=front.now)
        for _ in range(2):
            held = export(front.desk, person.id)
            told.append(repr({**held, "address": ""}).replace(wanted, "(wanted)"))
            front.mails()
    assert told[:2] == told[2:]
