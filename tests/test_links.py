"""Links and tokens: good for one purpose and one reader, for as long as they should be, and for nobody's inventions."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.app import App
from newsletter.errors import ConfigError, LinkError
from newsletter.links import (
    CONFIRM_DAYS,
    DATED,
    REVOCABLE,
    Claim,
    LinkSigner,
    Purpose,
    Verdict,
    address_links,
    archive_page,
    covered_epoch,
    feedback_page,
    issue_page,
    letter_links,
    mail_links,
    subscribe_page,
)
from newsletter.render.clean import safe_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 7, 14, 7, 30, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32
SIGNER = LinkSigner([NEW])
BASE = "https://digest.example/papers"
LASTING = [purpose for purpose in Purpose if purpose not in DATED]
ADDRESS = "new@x.example"
numbers = st.integers(0, 2**48 - 1)


def token_for(purpose: Purpose, signer: LinkSigner = SIGNER, subscriber_id: int = 7, epoch: int = 0) -> str:
    if purpose is Purpose.CONFIRM:
        return signer.confirm_token(subscriber_id, now=NOW, epoch=epoch)
    if purpose is Purpose.ADDRESS:
        return signer.address_token(subscriber_id, address=ADDRESS, now=NOW)
    return signer.token(purpose, subscriber_id, epoch=epoch)


def always(covered: str | None) -> Callable[[int], str | None]:
    return lambda _number: covered


def claim_of(purpose: Purpose, token: str, *, signer: LinkSigner = SIGNER, now: datetime = NOW) -> Claim:
    """Read a token of a reader whose links were never revoked and who awaits the new address."""
    beside = {Purpose.UNSUBSCRIBE: None, Purpose.ADDRESS: always(ADDRESS)}
    return signer.read(purpose, token, now=now, covered=beside.get(purpose, always("")))


def refused(purpose: Purpose, token: str, *, signer: LinkSigner = SIGNER, now: datetime = NOW) -> str:
    with pytest.raises(LinkError) as caught:
        claim_of(purpose, token, signer=signer, now=now)
    assert str(caught.value).isprintable()
    return str(caught.value)


@given(numbers, st.sampled_from(["", "2026-07-14", "2026-W29", "2026-07"]))
def test_a_token_says_what_was_put_into_it(subscriber_id: int, period: str) -> None:
    claim = Claim(subscriber_id=subscriber_id, period=period)
    token = SIGNER.token(Purpose.VIEW, subscriber_id, period=period)
    assert claim_of(Purpose.VIEW, token) == claim
    assert safe_url(f"{BASE}/{token}") == f"{BASE}/{token}"


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_token_opens_the_page_of_its_purpose_and_no_other(purpose: Purpose) -> None:
    token = token_for(purpose)
    assert claim_of(purpose, token).subscriber_id == 7
    for other in set(Purpose) - {purpose}:
        assert "not whole" in refused(other, token)


@given(numbers, numbers)
def test_every_readers_token_has_the_same_length(one: int, other: int) -> None:
    tokens = [SIGNER.token(Purpose.FEEDBACK, number, period="2026-07-14") for number in (one, other)]
    assert len(tokens[0]) == len(tokens[1])
    assert (tokens[0] == tokens[1]) is (one == other)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_changed_token_is_refused(purpose: Purpose) -> None:
    token = token_for(purpose)
    changed = [
        token[:place] + ("B" if token[place] == "A" else "A") + token[place + 1 :] for place in range(len(token))
    ]
    assert len({refused(purpose, other) for other in changed}) == 1
    assert "not whole" in refused(purpose, token[:-3])
    assert "not whole" in refused(purpose, token.rpartition(".")[0])


@pytest.mark.parametrize("signer", [SIGNER, LinkSigner([OLD, NEW]), LinkSigner([NEW, OLD])])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_token_has_one_spelling(purpose: Purpose, signer: LinkSigner) -> None:
    token = token_for(purpose)
    assert claim_of(purpose, token, signer=signer).subscriber_id == 7
    others = [token[:-1] + last for last in string.ascii_letters + string.digits + "-_" if last != token[-1]]
    others += [token + more for more in ("=", "==", "\n", " ", "!", "A")]
    others += [token[:-4] + more + token[-4:] for more in (" ", "!", "\n", "=")]
    for other in others:
        refused(purpose, other, signer=signer)


@given(st.sampled_from(list(Purpose)), st.text(max_size=80))
@example(Purpose.CONFIRM, "..")
@example(Purpose.CONFIRM, "AAAAAAAH.A.A")
@example(Purpose.VIEW, "é.é")
@example(Purpose.VIEW, "\ud800")
@example(Purpose.VIEW, "A" * 100_000)
def test_what_nobody_signed_is_refused_in_one_line(purpose: Purpose, text: str) -> None:
    assert "not whole" in refused(purpose, text)


def test_another_newsletters_key_signs_nothing_here() -> None:
    assert "not whole" in refused(Purpose.UNSUBSCRIBE, token_for(Purpose.UNSUBSCRIBE, LinkSigner([OLD])))


@pytest.mark.parametrize("purpose", list(Purpose))
def test_links_outlive_a_new_key_and_end_with_the_old_one(purpose: Purpose) -> None:
    token = token_for(purpose, LinkSigner([OLD]))
    both = LinkSigner([OLD, NEW])
    assert claim_of(purpose, token, signer=both).subscriber_id == 7
    assert token_for(purpose, both) == token_for(purpose, LinkSigner([NEW])) != token
    assert "not whole" in refused(purpose, token, signer=LinkSigner([NEW]))


def test_a_confirmation_is_good_for_a_week_and_the_others_for_good() -> None:
    token, week = token_for(Purpose.CONFIRM), timedelta(days=CONFIRM_DAYS)
    assert claim_of(Purpose.CONFIRM, token, now=NOW + week).subscriber_id == 7
    assert "older than 7 days" in refused(Purpose.CONFIRM, token, now=NOW + week + timedelta(seconds=1))
    assert "dated in the future" in refused(Purpose.CONFIRM, token, now=NOW - timedelta(seconds=1))
    for purpose in LASTING:
        assert claim_of(purpose, token_for(purpose), now=NOW + timedelta(days=36_500)).subscriber_id == 7


@pytest.mark.parametrize("purpose", sorted(REVOCABLE))
def test_revoked_links_are_refused_and_the_next_ones_are_good(purpose: Purpose) -> None:
    tokens = [token_for(purpose, epoch=epoch) for epoch in range(12)]
    assert len(set(tokens)) == 12
    assert {len(token) for token in tokens} == {len(token_for(purpose))}
    assert tokens[0] == token_for(purpose), "links of before there was a count are good"
    for now_at, expected in enumerate(tokens):
        for token in tokens:
            if token == expected:
                claim = SIGNER.read(purpose, token, now=NOW, covered=always(covered_epoch(now_at)))
                assert claim.subscriber_id == 7
                continue
            with pytest.raises(LinkError, match="good no longer"):
                SIGNER.read(purpose, token, now=NOW, covered=always(covered_epoch(now_at)))


def test_links_to_unsubscribe_are_good_for_ever() -> None:
    assert SIGNER.token(Purpose.UNSUBSCRIBE, 7, epoch=3) == token_for(Purpose.UNSUBSCRIBE)


def test_nobodys_link_reads_as_a_wrong_one_and_is_looked_up_all_the_same() -> None:
    asked: list[int] = []

    def nobody(number: int) -> None:
        asked.append(number)

    token = token_for(Purpose.PREFERENCES)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "Q")
    said = set()
    for one in (token, wrong, "no token"):
        with pytest.raises(LinkError) as caught:
            SIGNER.read(Purpose.PREFERENCES, one, now=NOW, covered=nobody)
        said.add(str(caught.value))
    assert said == {refused(Purpose.PREFERENCES, wrong)}
    assert asked == [7, 7, 0]


def test_what_a_link_covers_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="preferences"):
        SIGNER.read(Purpose.PREFERENCES, token_for(Purpose.PREFERENCES), now=NOW)


def test_a_new_address_is_confirmed_by_its_own_link_and_no_other() -> None:
    url = address_links(SIGNER, BASE, 7, address=ADDRESS, now=NOW).confirm
    assert url.startswith(f"{BASE}/address/")
    token = url.rpartition("/")[2]
    assert claim_of(Purpose.ADDRESS, token).subscriber_id == 7
    for address in ("other@x.example", "", None):
        with pytest.raises(LinkError, match="not whole"):
            SIGNER.read(Purpose.ADDRESS, token, now=NOW, covered=always(address))
    week = timedelta(days=CONFIRM_DAYS)
    assert "older than 7 days" in refused(Purpose.ADDRESS, token, now=NOW + week + timedelta(seconds=1))


@pytest.mark.parametrize("subscriber_id", [-1, 2**48])
def test_a_number_that_no_token_holds_is_refused(subscriber_id: int) -> None:
    with pytest.raises(LinkError, match=f"subscriber {subscriber_id}$"):
        SIGNER.token(Purpose.VIEW, subscriber_id)


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""]])
def test_a_short_key_or_none_is_refused(keys: list[bytes]) -> None:
    with pytest.raises(LinkError, match="16 bytes"):
        LinkSigner(keys)


def test_the_links_of_a_mail_lead_to_one_readers_pages() -> None:
    links = mail_links(SIGNER, BASE, 7, period="2026-W29")
    for url, purpose, period in (
        (links.unsubscribe, Purpose.UNSUBSCRIBE, ""),
        (links.preferences, Purpose.PREFERENCES, ""),
        (links.view, Purpose.VIEW, "2026-W29"),
        (links.feedback, Purpose.FEEDBACK, "2026-W29"),
    ):
        before, _, token = url.rpartition("/")
        assert before == f"{BASE}/{purpose}"
        assert claim_of(purpose, token) == Claim(subscriber_id=7, period=period)
    assert links.confirm == ""


def test_a_letter_to_who_is_pending_leads_to_the_confirmation_and_nowhere_else() -> None:
    pending = letter_links(SIGNER, BASE, 7, now=NOW, pending=True)
    revoked = letter_links(SIGNER, BASE, 7, now=NOW, pending=True, epoch=1)
    assert revoked.confirm.endswith(SIGNER.confirm_token(7, now=NOW, epoch=1))
    assert revoked != pending
    before, _, token = pending.confirm.rpartition("/")
    assert before == f"{BASE}/confirm"
    assert claim_of(Purpose.CONFIRM, token).subscriber_id == 7
    assert (pending.unsubscribe, pending.preferences) == ("", "")
    settled, mail = letter_links(SIGNER, BASE, 7, now=NOW, pending=False), mail_links(SIGNER, BASE, 7, period="2026-07")
    assert (settled.confirm, settled.unsubscribe, settled.preferences) == ("", mail.unsubscribe, mail.preferences)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
@example("hep-th/9901001")
@example("feed:https://lab.example/a?b=1&c=2#d")
@example("../../admin")
def test_a_feedback_link_names_any_paper_in_one_step_of_its_path(paper_id: str) -> None:
    url = feedback_page(f"{BASE}/feedback/token", Verdict.LESS, paper_id)
    assert urlsplit(url).path.count("/") == "/papers/feedback/token/less/x".count("/")
    assert unquote(url.rpartition("/")[2]) == paper_id
    assert safe_url(url) == url


def test_public_pages_are_named_by_what_they_show() -> None:
    assert subscribe_page(BASE) == f"{BASE}/subscribe"
    assert archive_page(BASE) == f"{BASE}/issues"
    assert issue_page(BASE, "2026-07-14") == f"{BASE}/issues/2026-07-14"


def test_the_links_of_a_home_outlive_a_new_key(tmp_path: Path) -> None:
    with App(tmp_path, {}) as app:
        before = app.signer.token(Purpose.UNSUBSCRIBE, 7)
    (tmp_path / "secret.key").rename(tmp_path / "secret.key.old")
    with App(tmp_path, {}) as app:
        after = app.signer.token(Purpose.UNSUBSCRIBE, 7)
        assert before != after == LinkSigner([app.key]).token(Purpose.UNSUBSCRIBE, 7)
        assert {app.signer.read(Purpose.UNSUBSCRIBE, one, now=NOW).subscriber_id for one in (before, after)} == {7}
    (tmp_path / "secret.key.old").write_bytes(b"short")
    with App(tmp_path, {}) as app, pytest.raises(ConfigError, match=r"secret\.key\.old holds 5 bytes"):
        app.signer  # noqa: B018 - it is made when asked for
    (tmp_path / "secret.key.old").unlink()
    with App(tmp_path, {}) as app:
        assert "not whole" in refused(Purpose.UNSUBSCRIBE, before, signer=app.signer)
