"""What a subscriber does for themselves: choose, pause, move, judge papers, leave and come back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import LinkError, UsageError
from newsletter.life import Happening, Leaving
from newsletter.links import Purpose, Verdict
from newsletter.model import Cadence, Issue, Paper, SubscriberStatus, SuppressionReason
from newsletter.pipeline.subscribing.choosing import change, pause, resume, revoke_links
from newsletter.pipeline.subscribing.judging import TakenBack, judge, take_back
from newsletter.pipeline.subscribing.leaving import undo_unsubscribe, unsubscribe
from newsletter.pipeline.subscribing.moving import confirm_address, request_address
from newsletter.pipeline.subscribing.readers import reader_of
from newsletter.pipeline.subscribing.signing_up import SignUp
from tests.subscribing.conftest import text_of, token_in

if TYPE_CHECKING:
    from newsletter.pipeline.subscribing.readers import Reader
    from tests.subscribing.conftest import Front

ADA, NEW = "ada@x.example", "new@x.example"
PAPERS = [Paper(id=f"2607.0000{n}", source="huggingface", title=f"Paper {n}") for n in (1, 2)]


def preferences(front: Front, address: str = ADA) -> str:
    """Ask for the preferences letter, as anybody may, and return its token."""
    front.sign_up(address, client="203.0.113.9")
    return token_in(front.mail(), "preferences")


def feedback(front: Front, period: str = "") -> Reader:
    one = front.person(ADA)
    token = front.desk.signer.token(Purpose.FEEDBACK, one.id, period=period, epoch=one.link_epoch)
    return reader_of(front.desk, Purpose.FEEDBACK, token, now=front.now)


def test_everything_that_was_wished_can_be_changed(front: Front) -> None:
    who = front.confirmed(ADA, interests="robot memory", authors="Ada Lovelace").id
    wishes = {
        "topics": "agents",
        "interests": "speech; vision",
        "muted": "survey",
        "authors": "",
        "organisations": "Example Lab",
        "cadence": "weekly",
        "weekday": "sunday",
        "hour": "18",
        "time zone": "Asia/Tokyo",
        "size": "25",
    }
    changed = change(front.desk, who, wishes, now=front.now)
    assert changed == front.person(ADA)
    profile = changed.profile
    assert (profile.topics, profile.interests, profile.muted) == (("agents",), ("speech", "vision"), ("survey",))
    assert (profile.authors, profile.organisations) == ((), ("Example Lab",))
    assert (changed.cadence, changed.weekday, changed.hour) == (Cadence.WEEKLY, 6, 18)
    assert (changed.timezone, changed.size) == ("Asia/Tokyo", 25)
    event = front.store.history.of(who)[-1]
    assert event.kind is Happening.PREFERENCES_CHANGED
    assert event.detail["what"].startswith("topics, interests, authors")
    assert "speech" not in str(event.detail)


def test_fewer_mails_is_a_change_of_one_thing(front: Front) -> None:
    before = front.confirmed(ADA, interests="robot memory")
    assert change(front.desk, before.id, {"cadence": "monthly"}, now=front.now) == replace(
        before, cadence=Cadence.MONTHLY
    )


def test_a_wish_that_cannot_be_changes_nothing(front: Front) -> None:
    before = front.confirmed(ADA)
    for wishes in ({"cadence": "hourly"}, {"weekday": "8"}, {"topics": "nothing known"}, {"time zone": "Mars/Base"}):
        with pytest.raises(UsageError):
            change(front.desk, before.id, {"size": "3", **wishes}, now=front.now)
    assert front.person(ADA) == before


def test_a_pause_ends_on_a_day_to_come_and_can_be_ended_before(front: Front) -> None:
    who = front.confirmed(ADA).id
    today = front.now.date()
    for until in (today, today - timedelta(days=1), today + timedelta(days=367)):
        with pytest.raises(UsageError):
            pause(front.desk, who, until, now=front.now)
    assert pause(front.desk, who, date(2026, 8, 1), now=front.now).paused_until == date(2026, 8, 1)
    assert resume(front.desk, who, now=front.now).paused_until is None
    resume(front.desk, who, now=front.now)
    assert front.happened(ADA)[-2:] == [Happening.PAUSED, Happening.RESUMED]


def test_revoked_links_end_and_a_letter_brings_new_ones(front: Front) -> None:
    who = front.confirmed(ADA).id
    old = preferences(front)
    leave = front.desk.signer.token(Purpose.UNSUBSCRIBE, who)
    assert reader_of(front.desk, Purpose.PREFERENCES, old, now=front.now).id == who
    revoke_links(front.desk, who, now=front.now)
    new = token_in(front.mail(), "preferences")
    assert len(old) == len(new)
    with pytest.raises(LinkError, match="good no longer"):
        reader_of(front.desk, Purpose.PREFERENCES, old, now=front.now)
    assert reader_of(front.desk, Purpose.PREFERENCES, new, now=front.now).id == who
    assert reader_of(front.desk, Purpose.UNSUBSCRIBE, leave, now=front.now).id == who


def test_a_token_with_one_byte_changed_opens_nothing(front: Front) -> None:
    front.confirmed(ADA)
    front.confirmed("bob@x.example")
    token = preferences(front)
    said = set()
    for place in range(len(token)):
        other = token[:place] + ("B" if token[place] == "A" else "A") + token[place + 1 :]
        with pytest.raises(LinkError) as caught:
            reader_of(front.desk, Purpose.PREFERENCES, other, now=front.now)
        said.add(str(caught.value))
    assert len(said) == 1


def test_an_address_moves_by_a_click_in_the_new_inbox(front: Front) -> None:
    before = front.confirmed(ADA, interests="robot memory")
    old_token = preferences(front)
    request_address(front.desk, before.id, f" {NEW} ", now=front.now)
    assert front.person(ADA) == before
    mail = front.mail()
    assert mail["To"] == NEW
    assert "List-Unsubscribe" not in mail
    token = token_in(mail, "address")
    moved = confirm_address(front.desk, token, now=front.now)
    assert moved == replace(before, address=NEW, link_epoch=1)
    assert front.store.subscribers.find(ADA) is None
    notice = front.mail()
    assert (notice["To"], notice["Subject"]) == (ADA, "Your address for Daily Digest was changed")
    assert NEW not in notice.as_string()
    with pytest.raises(LinkError):
        reader_of(front.desk, Purpose.PREFERENCES, old_token, now=front.now)
    with pytest.raises(LinkError):
        confirm_address(front.desk, token, now=front.now)


def test_a_later_request_voids_the_one_before(front: Front) -> None:
    who = front.confirmed(ADA).id
    request_address(front.desk, who, NEW, now=front.now)
    first = token_in(front.mail(), "address")
    request_address(front.desk, who, "newer@x.example", now=front.now)
    second = token_in(front.mail(), "address")
    with pytest.raises(LinkError, match="good no longer"):
        confirm_address(front.desk, first, now=front.now)
    front.later(days=8)
    with pytest.raises(LinkError, match="older than 7 days"):
        confirm_address(front.desk, second, now=front.now)


def test_whether_a_new_address_is_known_is_not_told(front: Front) -> None:
    who = front.confirmed(ADA).id
    front.confirmed("taken@x.example")
    front.desk.suppressions.add("failing@x.example", reason=SuppressionReason.BOUNCED, now=front.now)
    told = [request_address(front.desk, who, one, now=front.now) for one in ("taken@x.example", "failing@x.example")]
    assert front.mails() == []
    assert told == [front.person(ADA)] * 2
    with pytest.raises(UsageError, match="your address already"):
        request_address(front.desk, who, "ADA@x.example", now=front.now)


def test_an_address_that_became_a_subscribers_meanwhile_is_not_taken(front: Front) -> None:
    who = front.confirmed(ADA).id
    request_address(front.desk, who, NEW, now=front.now)
    token = token_in(front.mail(), "address")
    front.confirmed(NEW)
    with pytest.raises(LinkError, match="subscribed already"):
        confirm_address(front.desk, token, now=front.now)
    assert front.person(ADA).id == who


def test_two_who_take_one_address_at_once_do_not_both_get_it(front: Front) -> None:
    people = [front.confirmed(f"r{n}@x.example").id for n in range(3)]
    tokens = []
    for who in people:
        request_address(front.desk, who, NEW, now=front.now)
        tokens.append(token_in(front.mail(), "address"))

    def click(token: str) -> bool:
        try:
            return confirm_address(front.desk, token, now=front.now).address == NEW
        except LinkError:
            return False

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(click, tokens)) == [False, False, True]
    assert front.store.subscribers.count() == 3


def test_an_address_that_waits_or_left_is_taken_over_by_its_owner(front: Front) -> None:
    who = front.confirmed(ADA).id
    front.sign_up(NEW)
    front.mails()
    request_address(front.desk, who, NEW, now=front.now)
    confirm_address(front.desk, token_in(front.mail(), "address"), now=front.now)
    assert front.person(NEW).id == who
    assert front.store.subscribers.count() == 1


@pytest.mark.parametrize("how", list(Leaving))
def test_who_leaves_gets_no_more_and_is_told_once(front: Front, how: Leaving) -> None:
    who = front.confirmed(ADA).id
    assert unsubscribe(front.desk, who, how=how, now=front.now).status is SubscriberStatus.UNSUBSCRIBED
    unsubscribe(front.desk, who, how=how, now=front.now)
    subjects = [mail["Subject"] for mail in front.mails()]
    assert subjects == ([] if how is Leaving.OPERATOR else ["You have left Daily Digest"])
    left = [one for one in front.store.history.of(who) if one.kind is Happening.UNSUBSCRIBED]
    assert [one.detail for one in left] == [{"how": how, "was": "confirmed"}]


def test_nobody_gets_two_goodbyes_within_a_day(front: Front) -> None:
    who = front.confirmed(ADA).id
    for _ in range(3):
        unsubscribe(front.desk, who, how=Leaving.ONE_CLICK, now=front.now)
        front.mails()
        undo_unsubscribe(front.desk, who, now=front.now)
    subjects = [message.content.count(b"You have left") for message in front.mailer.got]
    assert sum(map(bool, subjects)) == 1


def test_a_click_can_be_undone_for_a_day(front: Front) -> None:
    before = front.confirmed(ADA, interests="robot memory")
    unsubscribe(front.desk, before.id, how=Leaving.ONE_CLICK, now=front.now)
    assert undo_unsubscribe(front.desk, before.id, now=front.now) == before
    assert front.mails() == [], "the goodbye that waited is not sent"
    assert undo_unsubscribe(front.desk, before.id, now=front.now) == before
    unsubscribe(front.desk, before.id, how=Leaving.PAGE, now=front.now)
    front.later(hours=25)
    with pytest.raises(UsageError, match="24 hours"):
        undo_unsubscribe(front.desk, before.id, now=front.now)


def test_what_others_ended_is_not_undone_with_an_old_link(front: Front) -> None:
    who = front.confirmed(ADA).id
    unsubscribe(front.desk, who, how=Leaving.OPERATOR, now=front.now)
    with pytest.raises(UsageError):
        undo_unsubscribe(front.desk, who, now=front.now)
    bob = front.confirmed("bob@x.example").id
    unsubscribe(front.desk, bob, how=Leaving.PAGE, now=front.now)
    front.desk.suppressions.add("bob@x.example", reason=SuppressionReason.COMPLAINED, now=front.now)
    with pytest.raises(UsageError):
        undo_unsubscribe(front.desk, bob, now=front.now)


def test_who_was_pending_is_not_subscribed_by_leaving_and_undoing(front: Front) -> None:
    front.sign_up(ADA)
    who = front.person(ADA).id
    unsubscribe(front.desk, who, how=Leaving.PAGE, now=front.now)
    assert front.mails() == []
    with pytest.raises(UsageError):
        undo_unsubscribe(front.desk, who, now=front.now)


def test_a_paper_is_liked_disliked_saved_and_taken_back(front: Front) -> None:
    front.store.papers.add(PAPERS, taken_at=front.now)
    who = front.confirmed(ADA).id
    assert judge(front.desk, feedback(front), Verdict.MORE, "2607.00001", now=front.now).title == "Paper 1"
    judge(front.desk, feedback(front), Verdict.LESS, "2607.00002", now=front.now)
    judge(front.desk, feedback(front), Verdict.LESS, "2607.00001", now=front.now)
    assert front.person(ADA).profile.disliked == ("2607.00002", "2607.00001")
    assert front.person(ADA).profile.liked == ()
    take_back(front.desk, who, TakenBack.TASTE, "2607.00001", now=front.now)
    assert front.person(ADA).profile.disliked == ("2607.00002",)
    for _ in range(2):
        judge(front.desk, feedback(front), Verdict.SAVE, "2607.00001", now=front.now)
    assert front.store.saved.of(who) == {"2607.00001": front.now}
    take_back(front.desk, who, TakenBack.SAVED, "2607.00001", now=front.now)
    assert front.store.saved.of(who) == {}


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("paper", ["2607.99999", "", "' OR 1=1", "../../etc", "x" * 10_000])
def test_a_paper_that_is_not_here_is_not_judged(front: Front, verdict: Verdict, paper: str) -> None:
    before = front.confirmed(ADA)
    with pytest.raises(UsageError, match="no such paper"):
        judge(front.desk, feedback(front, "2026-07-14"), verdict, paper, now=front.now)
    assert front.person(ADA) == before


def test_saved_papers_survive_that_two_are_one(front: Front) -> None:
    twin = Paper(id="lab:1", source="lab", title="One title of two")
    other = Paper(id="lab:2", source="lab", title="Another one")
    front.store.papers.add([twin, other], taken_at=front.now)
    front.store.issues.create(Issue(period="2026-07-14", papers=(twin,)), now=front.now)
    who = front.confirmed(ADA).id
    judge(front.desk, feedback(front, "2026-07-14"), Verdict.SAVE, "lab:1", now=front.now)
    front.store.papers.add([replace(twin, id="2607.00009", source="huggingface")], taken_at=front.now)
    judge(front.desk, feedback(front, "2026-07-14"), Verdict.SAVE, "lab:1", now=front.now)
    assert list(front.store.saved.of(who)) == ["2607.00009"]


def test_the_same_is_told_of_somebody_forgotten_as_of_a_wrong_link(front: Front) -> None:
    front.confirmed(ADA)
    token = preferences(front)
    front.store.forgetting.forget(ADA, seal=front.desk.suppressions.hashed, now=front.now)
    with pytest.raises(LinkError) as gone:
        reader_of(front.desk, Purpose.PREFERENCES, token, now=front.now)
    with pytest.raises(LinkError) as wrong:
        reader_of(front.desk, Purpose.PREFERENCES, token[:-1] + "_", now=front.now)
    assert str(gone.value) == str(wrong.value)
    assert front.sign_up(ADA) is SignUp.LOOK
    assert "preferences" not in text_of(front.mail())
