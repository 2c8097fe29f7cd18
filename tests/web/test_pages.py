"""What each page shows, read as a browser would read it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from lxml import html

from tests.web.home import DRAFT, FORMER, HIDDEN, HOSTILE, NAMED, ODD, OLD_STYLE, SENDING, SENT

if TYPE_CHECKING:
    import httpx

GROWN = "2607.09003"


def page(web: httpx.Client, path: str) -> html.HtmlElement:
    answer = web.get(path)
    assert answer.status_code == 200, path
    return html.fromstring(answer.text)


def titles(document: html.HtmlElement) -> list[str]:
    return [one.text_content() for one in document.cssselect(".papers .title")]


def links(document: html.HtmlElement, css: str) -> list[str]:
    return [one.get("href") for one in document.cssselect(css)]


def test_the_front_page_leads_to_the_newest_issue_and_to_the_sign_up(web: httpx.Client) -> None:
    front = page(web, "/")
    assert links(front, ".hero .button") == ["/subscribe"]
    assert "/issues/2026-07-14" in links(front, ".lead a")
    assert titles(front)[0] == "Strings of old"
    assert "/topics/agents" in links(front, ".chips a")


def test_the_archive_lists_each_kind_of_issue_by_itself(web: httpx.Client) -> None:
    assert links(page(web, "/issues"), ".archive a") == [
        "/issues/2026-07-14",
        "/issues/2026-07-13",
        "/issues/2026-07-10",
    ]
    assert links(page(web, "/issues?by=week"), ".archive a") == ["/issues/2026-W29"]
    assert links(page(web, "/issues?by=month"), ".archive a") == ["/issues/2026-07"]


@pytest.mark.parametrize("period", [*SENT, SENDING])
def test_a_published_issue_has_its_page(web: httpx.Client, period: str) -> None:
    assert web.get(f"/issues/{period}").status_code == 200


@pytest.mark.parametrize("period", [DRAFT, "2026-07-01", "2026-7-1", "x", "2026-02-30", "9999-12-31", "0000-00-00"])
def test_a_draft_and_what_is_no_issue_have_none(web: httpx.Client, period: str) -> None:
    assert web.get(f"/issues/{period}").status_code == 404


def test_an_edition_shows_the_pinned_first_then_by_votes_and_nothing_hidden(web: httpx.Client) -> None:
    edition = page(web, "/issues/2026-07-14")
    shown = titles(edition)
    assert shown[0] == "Strings of old"
    assert "Hidden by the editor" not in edition.text_content()
    votes = [int(one.text_content().split()[0]) for one in edition.cssselect(".papers .facts") if "upvote" in one.text]
    assert votes == sorted(votes, reverse=True)
    assert links(edition, ".steps .earlier") == ["/issues/2026-07-13"]
    assert edition.cssselect("h1")[0].text_content() == "Tuesday, 14 July 2026"


def test_the_editors_note_is_clean(web: httpx.Client) -> None:
    note = page(web, "/issues/2026-07-14").cssselect(".note")[0]
    assert note.cssselect("strong")[0].text == "memory"
    assert not note.cssselect("script, a")


def test_lists_of_a_day_a_week_and_a_month_lead_to_each_other(web: httpx.Client) -> None:
    day = page(web, "/days/2026-07-14")
    assert links(day, ".kinds a") == ["/days/2026-07-14", "/weeks/2026-W29", "/months/2026-07"]
    assert links(day, ".steps a") == ["/days/2026-07-13"]
    assert page(web, "/papers").cssselect("h1")[0].text_content() == "Tuesday, 14 July 2026"
    assert titles(page(web, "/papers")) == titles(day)
    assert page(web, "/months/2026-07").cssselect("h1")[0].text_content() == "July 2026"


def test_a_day_between_others_without_papers_says_so(web: httpx.Client) -> None:
    assert "not collected" in page(web, "/days/2026-07-12").text_content()
    assert web.get("/days/2026-07-20").status_code == 404


def test_a_long_list_is_paged(web: httpx.Client) -> None:
    month = page(web, "/months/2026-07")
    second = page(web, "/months/2026-07?page=2")
    assert len(titles(month)) == 50
    assert links(month, ".steps a[rel=next]") == ["/months/2026-07?page=2"]
    assert links(second, ".steps a[rel=prev]") == ["/months/2026-07?page=1"]
    assert not set(titles(month)) & set(titles(second))
    assert second.cssselect(".num")[0].text == "51"
    assert web.get("/months/2026-07?page=3").status_code == 404


def test_a_paper_has_all_that_is_known_of_it(web: httpx.Client) -> None:
    paper = page(web, f"/papers/{GROWN}")
    assert "and 624 more" in paper.cssselect(".authors")[0].text_content()
    assert "quokka" in paper.cssselect(".abstract")[0].text_content()
    assert "/issues/2026-07-14" in links(paper, "a")
    assert "/days/2026-07-14" in links(paper, ".date a")
    drawn = paper.cssselect("svg polyline")[0].get("points").split()
    assert len(drawn) == len(paper.cssselect("tbody tr")) == 4
    assert paper.cssselect("svg")[0].get("aria-label") == "From 2 upvotes on 16 Jul to 41 on 17 Jul"


def test_a_paper_counted_once_has_no_drawing(web: httpx.Client) -> None:
    assert not page(web, f"/papers/{NAMED}").cssselect("svg")


def test_a_hidden_paper_is_in_no_issue(web: httpx.Client) -> None:
    assert not [one for one in links(page(web, f"/papers/{HIDDEN}"), "main a") if one.startswith("/issues/")]


def test_ids_of_every_kind_lead_to_their_paper(web: httpx.Client) -> None:
    assert page(web, f"/papers/{OLD_STYLE}").cssselect("h1")[0].text_content() == "Strings of old"
    odd = next(one for one in links(page(web, "/days/2026-07-14"), ".title a") if "journal.example" in one)
    assert odd == f"/papers/{quote(ODD, safe='')}"
    assert page(web, odd).cssselect("h1")[0].text_content() == "An odd id"
    assert "javascript:" not in web.get(odd).text


def test_an_id_of_before_leads_to_the_one_of_now(web: httpx.Client) -> None:
    answer = web.get(f"/papers/{quote(FORMER, safe='')}")
    assert (answer.status_code, answer.headers["location"]) == (301, f"/papers/{NAMED}")


@pytest.mark.parametrize("paper_id", HOSTILE)
def test_a_hostile_title_is_text_everywhere(web: httpx.Client, paper_id: str) -> None:
    shown = page(web, f"/papers/{paper_id}")
    expected = HOSTILE[paper_id].replace("\u202e", "").replace("\x00", "")
    assert shown.cssselect("h1")[0].text_content() == " ".join(expected.split())
    for path in (
        f"/papers/{paper_id}",
        "/days/2026-07-14",
        f"/search?q={quote(HOSTILE[paper_id])}",
        "/issues/2026-07-14",
    ):
        document = page(web, path)
        assert not document.cssselect("script, [onerror], [style], style")


def test_a_topic_shows_its_best_and_leads_to_the_sign_up(web: httpx.Client) -> None:
    topic = page(web, "/topics/agents")
    assert links(topic, ".button") == ["/subscribe?topic=agents"]
    assert "ABot-AgentOS" in " ".join(titles(topic))
    assert len(topic.cssselect("section")) == 2


def test_a_search_marks_what_it_found_and_can_be_subscribed_to(web: httpx.Client) -> None:
    found = page(web, "/search?q=quokka+%26+co&from=2026-07-14&until=&topic=")
    assert [one.text for one in found.cssselect("mark")] == ["quokka"]
    assert links(found, ".pitch a") == ["/subscribe?interest=quokka+%26+co"]
    assert found.cssselect("#q")[0].get("value") == "quokka & co"
    assert found.cssselect("#found")[0].text_content() == "One paper"
    assert found.cssselect("#from")[0].get("value") == "2026-07-14"


def test_a_search_is_narrowed_by_day_and_topic(web: httpx.Client) -> None:
    assert titles(page(web, "/search?q=quokka&until=2026-07-13")) == []
    narrowed = page(web, "/search?q=agent&topic=agents")
    assert titles(narrowed)
    assert narrowed.cssselect("option[selected]")[0].get("value") == "agents"


def test_a_long_search_is_paged_with_what_was_asked_for(web: httpx.Client) -> None:
    first = page(web, "/search?q=model&from=2026-07-01")
    (following,) = links(first, ".steps a[rel=next]")
    assert following == "/search?q=model&from=2026-07-01&page=2"
    assert page(web, following).cssselect(".num")[0].text == "21"


def test_a_search_for_nothing_shows_the_form(web: httpx.Client) -> None:
    assert page(web, "/search?q=").cssselect("form")
    assert "No paper" in page(web, "/search?q=zzyzx").text_content()
