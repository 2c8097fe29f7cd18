"""What the fast path keeps is one issue's alone, and no mail goes out with a link of nobody's."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import TemplateError
from newsletter.links import LinkSigner, MailLinks, mail_links
from newsletter.model import Profile
from newsletter.render.budget import MAX_STEPS, Spending, spending
from newsletter.render.digest import DigestRenderer
from newsletter.render.drafts import Kept, Sizes
from newsletter.render.fast import FastPath
from newsletter.render.reads import UnforeseenError
from newsletter.render.stand_ins import StandIns
from newsletter.resources import resource
from tests.render.digests import NOTE, SITE, digest_of, made_up_papers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.model import Digest

WEB = SITE.model_copy(update={"web_url": "https://digest.example"})
SIGNER = LinkSigner([b"0123456789abcdef0123456789abcdef"])
PERIODS = ("2026-07-14", "2026-07-15")
TEXT = "email/digest/body.txt"


def links_of(number: int, period: str = PERIODS[0]) -> MailLinks:
    return mail_links(SIGNER, WEB.web_url, number, period=period)


def read_by(digest: Digest, number: int) -> Digest:
    return replace(digest, subscriber=replace(digest.subscriber, id=number, address=f"r{number}@reader.example"))


def check(renderer: DigestRenderer, digest: Digest, number: int, *, quick: bool) -> None:
    one, period = read_by(digest, number), digest.issue.period
    made = renderer.pieces(one, links=links_of(number, period), nobody=links_of(0, period))
    assert (len(made.html) > 1) is quick
    assert made.whole() == renderer.render(one, links=links_of(number, period))


def test_issues_in_turn_keep_their_own() -> None:
    renderer = DigestRenderer(WEB)
    papers = made_up_papers(3)
    days = [f"2026-07-{day}" for day in range(10, 16)]
    issues = [digest_of(papers, period=day, note=f"Of {day}") for day in days]
    for number, place in enumerate([0, 0, 0, 1, 1, 0, 1, 0, 2, 3, 4, 5, 0, 0, 5, 5, 1], 1):
        check(renderer, issues[place], number, quick=True)


def test_an_issue_begun_in_the_midst_of_another_leaves_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """At every step of one mail a mail of the other issue is made, as another thread might."""
    renderer = DigestRenderer(WEB)
    one, other = (digest_of(made_up_papers(3), period=period, note=f"Of {period}") for period in PERIODS)
    expected = [
        renderer.render(read_by(digest, number), links=links_of(number, digest.issue.period))
        for number, digest in ((7, one), (8, other))
    ]
    within: list[str] = []

    def between(name: str) -> None:
        plain = getattr(FastPath, name)

        def interrupted(self: FastPath, *args: object) -> object:
            if not within:
                within.append(name)
                links, nobody = links_of(8, PERIODS[1]), links_of(0, PERIODS[1])
                assert renderer.pieces(read_by(other, 8), links=links, nobody=nobody).whole() == expected[1]
                within.pop()
            return plain(self, *args)

        monkeypatch.setattr(FastPath, name, interrupted)

    for name in ("_kept", "_pieces", "_draft", "_made"):
        between(name)
    for _ in range(3):
        made = renderer.pieces(read_by(one, 7), links=links_of(7), nobody=links_of(0))
        assert len(made.html) > 1
        assert made.whole() == expected[0]


def test_a_piece_that_hides_a_link_of_nobodys_is_never_sent() -> None:
    nobody = links_of(0)
    sizes = Sizes(StandIns(nobody))
    assert sizes.of(["see ", nobody.view, " é"]) == len(nobody.view) + 7
    with pytest.raises(UnforeseenError, match="not cut out"):
        sizes.of([f"see {nobody.view}"])


@pytest.mark.parametrize("hidden", ["{}", "see {} there", "[this]({})", "h\u202ettps{}", "&#104;ttps{}"])
@pytest.mark.parametrize("kind", ["view", "unsubscribe", "feedback"])
def test_a_link_copied_from_a_test_mail_stays_what_it_is(hidden: str, kind: str) -> None:
    link = getattr(links_of(0), kind)
    text = hidden.format(link.removeprefix("https") if "ttps" in hidden else link)
    digest = digest_of(made_up_papers(2), note=NOTE)
    renderer = DigestRenderer(WEB)
    paper = replace(digest.papers[0].paper, title=text)
    reasoned = replace(digest.papers[0], reasons=(text,))
    reader = replace(digest.subscriber, profile=Profile(interests=(text,)))
    shown_as_it_is = "&#" in text
    for number, changed in enumerate(
        [
            replace(digest, issue=replace(digest.issue, subject=text)),
            replace(digest, papers=(replace(digest.papers[0], paper=paper), *digest.papers[1:])),
            replace(digest, papers=(reasoned, *digest.papers[1:])),
        ],
        1,
    ):
        check(renderer, changed, number, quick=shown_as_it_is)
    for number in (4, 5):
        check(renderer, replace(digest, issue=replace(digest.issue, note=text)), number, quick=False)
        one = replace(digest, subscriber=reader)
        made = renderer.pieces(read_by(one, number), links=links_of(number), nobody=links_of(0)).whole()
        assert made == renderer.render(read_by(one, number), links=links_of(number))
    check(renderer, digest, 6, quick=True)


def test_a_template_with_a_link_of_nobodys_is_filled_in_whole(tmp_path: Path) -> None:
    shipped = resource("templates", *TEXT.split("/")).read_text("utf-8")
    (tmp_path / TEXT).parent.mkdir(parents=True)
    (tmp_path / TEXT).write_text(f"{links_of(0).view}\n{shipped}", "utf-8")
    renderer = DigestRenderer(WEB, template_folders=[tmp_path])
    for number in (1, 2):
        check(renderer, digest_of(made_up_papers(2)), number, quick=False)


def test_parts_of_a_mail_have_one_budget_and_a_large_one_is_never_kept(tmp_path: Path) -> None:
    loop = "{% for i in range(60000) %}{% endfor %}"
    shipped = resource("templates", *TEXT.split("/")).read_text("utf-8")
    (tmp_path / TEXT).parent.mkdir(parents=True)
    (tmp_path / TEXT).write_text(f"{loop}{{{{ reason }}}}\n{shipped}", "utf-8")
    renderer = DigestRenderer(WEB, template_folders=[tmp_path])
    for number in (1, 2, 3):
        check(renderer, digest_of(made_up_papers(2)), number, quick=False)


def spent_by(make: Callable[[], object]) -> Spending:
    with spending() as spent:
        make()
    return spent


@pytest.mark.parametrize("matched", [0, 3, 6])
def test_a_mail_of_kept_parts_spends_what_the_reference_spends(matched: int) -> None:
    renderer, digest = DigestRenderer(WEB), digest_of(made_up_papers(6), matched=matched, note=NOTE, left_out=1)
    for number in range(1, 60):
        one, links = read_by(digest, number), links_of(number)
        quick = spent_by(partial(renderer.pieces, one, links=links, nobody=links_of(0)))
        assert quick == spent_by(partial(renderer.render, one, links=links))
        assert quick.steps > 10
        check(renderer, digest, number, quick=True)


@pytest.mark.parametrize(("turns", "refused"), [(900, False), (995, True)])
def test_cards_that_together_spend_too_much_are_refused_in_every_mail(
    tmp_path: Path, turns: int, refused: bool
) -> None:
    shipped = resource("templates", "email", "digest", "_card.html").read_text("utf-8")
    card = tmp_path / "email" / "digest" / "_card.html"
    card.parent.mkdir(parents=True)
    own = f"{{% for i in range({turns}) %}}{{% endfor %}}{{{{ card.number }}}}"
    card.write_text(shipped.replace("{{ card.number }}", own, 1), "utf-8")
    renderer, digest = DigestRenderer(WEB, template_folders=[tmp_path]), digest_of(made_up_papers(40), matched=40)
    digest = replace(digest, papers=digest.papers + digest_of(made_up_papers(100), matched=100).papers[40:])
    assert renderer.detour == ""
    for number in range(1, 4):
        if not refused:
            check(renderer, digest, number, quick=True)
            continue
        for make in (partial(renderer.pieces, nobody=links_of(0)), renderer.render):
            with pytest.raises(TemplateError, match="it takes more than 100,000 turns"):
                make(read_by(digest, number), links=links_of(number))


def test_a_mistake_of_our_own_is_never_taken_for_one_of_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer, digest = DigestRenderer(WEB), read_by(digest_of(made_up_papers(2)), 1)
    monkeypatch.setattr(Kept, "text", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        renderer.pieces(digest, links=links_of(1), nobody=links_of(0))


@pytest.mark.parametrize("number", [10, 100])
def test_the_shipped_templates_stay_far_from_the_bounds(number: int) -> None:
    renderer = DigestRenderer(WEB)
    papers = [replace(paper, title="W é " * 80, abstract="long words " * 300) for paper in made_up_papers(number)]
    digest = digest_of(papers, matched=number // 2, note=NOTE * 20, left_out=3)
    with spending() as spent:
        renderer.render(digest, links=links_of(1))  # all layouts that it takes, and the text
    assert 0 < spent.steps < MAX_STEPS // 2
    check(renderer, digest, 2, quick=True)
