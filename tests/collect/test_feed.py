"""Feeds from a server on loopback: Atom, RSS, arXiv's announcements, and what is no feed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.collect.base import Validators
from newsletter.collect.feed import Feed
from newsletter.collect.feed_entry import html_text
from newsletter.errors import BadAnswerError, SourceRefusedError, SourceUnreachableError
from tests.replay import Reply

if TYPE_CHECKING:
    from newsletter.collect.base import Batch
    from newsletter.collect.http import HttpClient
    from newsletter.model import Paper
    from tests.replay import Replay

DAY = date(2026, 7, 14)
NOW = datetime(2026, 7, 15, 8, 0, tzinfo=UTC)

ANNOUNCEMENTS = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <id>http://rss.arxiv.org/atom/cs.AI</id>
  <title>cs.AI updates on arXiv.org</title>
  <updated>2026-07-14T04:00:00+00:00</updated>
  <entry>
    <id>oai:arXiv.org:2607.10383v1</id>
    <title>A made-up paper on &lt;think&gt; tokens</title>
    <updated>2026-07-14T04:00:00+00:00</updated>
    <link href="https://arxiv.org/abs/2607.10383" rel="alternate" type="text/html"/>
    <summary>arXiv:2607.10383v1 Announce Type: new
Abstract: Our own words: if a&lt;b and c&gt;d, it takes $O(n^2)$ steps.</summary>
    <category term="cs.AI"/>
    <published>2026-07-14T00:00:00-04:00</published>
    <arxiv:announce_type>new</arxiv:announce_type>
    <dc:creator>Ann Author, Bo Writer</dc:creator>
  </entry>
</feed>
"""

RSS = """<?xml version="1.0"?>
<rss version="2.0"><channel><title>A blog</title><link>https://blog.example/</link>
<item><title>One &amp;amp; two</title><link>https://blog.example/1</link><guid>blog-1</guid>
<pubDate>Mon, 13 Jul 2026 23:30:00 -0100</pubDate><author>Ann Author</author><category>agents</category>
<description>&lt;p&gt;First &lt;b&gt;bold&lt;/b&gt;&lt;/p&gt;
&lt;p&gt;second &amp;amp; H&lt;sub&gt;2&lt;/sub&gt;O&lt;/p&gt;
&lt;script&gt;alert(1)&lt;/script&gt;</description></item>
<item><title>Older</title><link>https://blog.example/0</link><pubDate>Wed, 01 Jul 2026 00:00:00 GMT</pubDate></item>
</channel></rss>
"""


def atom(*entries: str) -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>{"".join(entries)}</feed>'


def entry(inner: str = "", *, title: str = "<title>A title</title>", day: str = "2026-07-14T01:00:00Z") -> str:
    published = f"<published>{day}</published>" if day else ""
    return f"<entry><id>tag:a</id>{title}{published}{inner}</entry>"


def read(server: Replay, client: HttpClient, body: str | bytes, **headers: str) -> Batch:
    content = body.encode() if isinstance(body, str) else body
    server.order(Reply(body=content, headers={name.replace("_", "-"): value for name, value in headers.items()}))
    return feed(server, client).on(DAY, now=NOW)


def feed(server: Replay, client: HttpClient) -> Feed:
    return Feed("blog", f"{server.url}/feed.xml?token=secret", client)


def only(batch: Batch) -> Paper:
    (paper,) = batch.papers
    return paper


def test_arxivs_announcements(server: Replay, client: HttpClient) -> None:
    paper = only(read(server, client, ANNOUNCEMENTS))

    assert (paper.id, paper.source) == ("2607.10383", "blog")
    assert paper.title == "A made-up paper on <think> tokens"
    assert paper.abstract == "Our own words: if a<b and c>d, it takes O(n²) steps."
    assert paper.authors == ("Ann Author", "Bo Writer")
    assert (paper.listed_on, paper.published) == (DAY, None)
    assert paper.links.page == "https://arxiv.org/abs/2607.10383"
    assert paper.links.pdf == "https://arxiv.org/pdf/2607.10383"
    assert paper.keywords == ()
    assert "Announce Type" in paper.raw_abstract


def test_arxivs_announcements_as_rss(server: Replay, client: HttpClient) -> None:
    item = (
        "<item><title>A title</title><link>https://arxiv.org/abs/2607.10383</link><guid>oai:arXiv.org:2607.10383v2</guid>"
        "<description>arXiv:2607.10383v2 Announce Type: replace-cross \nAbstract: If a&lt;b and c&gt;d.</description>"
        "<pubDate>Tue, 14 Jul 2026 00:00:00 -0400</pubDate></item>"
    )
    paper = only(read(server, client, f'<rss version="2.0"><channel><title>x</title>{item}</channel></rss>'))

    assert (paper.id, paper.abstract, paper.listed_on) == ("2607.10383", "If a<b and c>d.", DAY)


def test_every_entry_of_a_feed_on_its_own_utc_day(server: Replay, client: HttpClient) -> None:
    batch = read(server, client, RSS, ETag='"v1"', Last_Modified="Tue, 14 Jul 2026 00:00:00 GMT")
    first, older = batch.papers

    assert (batch.entries, batch.source, batch.taken_at, batch.notes, batch.rejected) == (2, "blog", NOW, (), ())
    assert (first.title, first.abstract) == ("One & two", "First bold second & H2O")
    assert (first.listed_on, first.published) == (DAY, DAY)  # 23:30 an hour west of Greenwich
    assert (first.authors, first.keywords, first.links.page) == (("Ann Author",), ("agents",), "https://blog.example/1")
    assert (older.listed_on, older.upvotes, older.comments) == (date(2026, 7, 1), None, None)
    assert batch.reaches_back_to == date(2026, 7, 1)
    assert batch.validators == Validators(etag='"v1"', last_modified="Tue, 14 Jul 2026 00:00:00 GMT")


def test_ids_are_the_feeds_own_and_stay(server: Replay, client: HttpClient) -> None:
    one = [paper.id for paper in read(server, client, RSS).papers]
    two = [paper.id for paper in read(server, client, RSS.replace("Older", "Changed title")).papers]

    assert one == two
    assert len(set(one)) == 2
    assert all(identity.startswith("blog:") for identity in one)


def test_a_conditional_get(server: Replay, client: HttpClient) -> None:
    known = Validators(etag='"v1"', last_modified="Tue, 14 Jul 2026 00:00:00 GMT")
    server.order(Reply(status=304))
    batch = feed(server, client).on(DAY, now=NOW, validators=known)
    (asked,) = server.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}

    assert (batch.unchanged, batch.papers, batch.entries, batch.validators) == (True, (), 0, known)
    assert headers["if-none-match"] == known.etag
    assert headers["if-modified-since"] == known.last_modified


def test_an_empty_feed_is_an_empty_list(server: Replay, client: HttpClient) -> None:
    batch = read(server, client, atom())

    assert (batch.papers, batch.entries, batch.reaches_back_to, batch.unchanged) == ((), 0, None, False)
    assert batch.validators is None


@pytest.mark.parametrize("title", ["", "<title/>", "<title> &#x200b; </title>", "<title>—</title>"])
def test_an_entry_without_a_title_is_rejected(server: Replay, client: HttpClient, title: str) -> None:
    batch = read(server, client, atom(entry(title=title), entry()))

    assert only(batch).title == "A title"
    assert batch.entries == 2
    assert batch.rejected[0].reason == "an entry without a title"
    assert "/feed.xml, entry 1" in batch.rejected[0].where
    assert "secret" not in batch.rejected[0].where


@pytest.mark.parametrize("day", ["", "not a date", "2026-13-45T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_an_entry_without_a_day_that_can_be(server: Replay, client: HttpClient, day: str) -> None:
    batch = read(server, client, atom(entry(day=day)))

    assert (only(batch).listed_on, only(batch).published) == (None, None)
    assert batch.notes == ("blog: entries without a day, or with one to come: 1; they were kept without one",)
    assert batch.reaches_back_to == NOW.date()


def test_the_last_change_dates_an_entry_without_a_publication(server: Replay, client: HttpClient) -> None:
    batch = read(server, client, atom(entry("<updated>2026-07-12T23:59:59-01:00</updated>", day="")))

    assert only(batch).listed_on == date(2026, 7, 13)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "https://a@evil.example/", "/relative"])
def test_unsafe_links_are_dropped(server: Replay, client: HttpClient, link: str) -> None:
    assert only(read(server, client, atom(entry(f'<link href="{link}"/>')))).links.page == ""


def test_markup_becomes_text(server: Replay, client: HttpClient) -> None:
    inner = '<summary type="html">&lt;img src=x onerror=alert(1)&gt;Safe&lt;br/&gt;text &lt;think&gt;</summary>'
    title = '<title type="html">A &lt;i&gt;title&lt;/i&gt; &amp;amp; more</title>'
    paper = only(read(server, client, atom(entry(inner, title=title))))

    assert (paper.title, paper.abstract) == ("A title & more", "Safe text <think>")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no feed",
        "<!doctype html><html><head><title>x</title></head><body><p>Sign in</p></body></html>",
        '{"version": "https://jsonfeed.org/version/1.1", "items": []}',
        '<?xml version="1.0"?><other><entry><title>x</title></entry></other>',
        b"\x00\xff" * 100,
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_no_feed(server: Replay, client: HttpClient, body: str | bytes) -> None:
    with pytest.raises(BadAnswerError, match=r"127\.0\.0\.1/feed\.xml \(blog\) is no RSS or Atom feed") as caught:
        read(server, client, body)
    assert "secret" not in str(caught.value)


def test_a_cut_off_feed_is_not_taken_for_a_whole_one(server: Replay, client: HttpClient) -> None:
    whole = atom(entry(), entry())
    for end in (len(whole) - 1, len(whole) - 8, len(whole) - 30):
        with pytest.raises(BadAnswerError, match="cut-off"):
            read(server, client, whole[:end])


def test_a_feed_that_is_not_well_formed_is_read_with_a_note(server: Replay, client: HttpClient) -> None:
    batch = read(server, client, atom(entry("<summary>a &nbsp; b & c</summary>")))

    assert only(batch).title == "A title"
    (note,) = batch.notes
    assert note.startswith("blog: the feed is not well-formed (")


@pytest.mark.parametrize(
    "reference", ["&#xD800;", "&#xdfff;", "&#1114112;", "&#99999999999999999999;", "&#xFFFFFFFFFF;"]
)
def test_a_reference_to_no_character_costs_nothing_else(server: Replay, client: HttpClient, reference: str) -> None:
    batch = read(server, client, atom(entry(f"<summary>Before {reference} behind &#xe9;&#233;</summary>"), entry()))

    assert batch.papers[0].abstract == "Before \ufffd behind éé"
    assert batch.entries == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_of_its_own_are_refused(server: Replay, client: HttpClient, encoding: str) -> None:
    levels = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    head = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE feed [<!ENTITY e0 "ha">{levels}]>'
    bomb = head + atom(entry(title="<title>&e9;</title>"))

    with pytest.raises(BadAnswerError, match="declares entities"):
        read(server, client, bomb.encode(encoding))


def test_no_file_and_no_address_is_read_for_a_feed(server: Replay, client: HttpClient) -> None:
    with pytest.raises(BadAnswerError):
        read(server, client, f"{server.url}/other.xml")
    external = f'<!DOCTYPE feed SYSTEM "{server.url}/evil.dtd">{atom(entry())}'

    assert only(read(server, client, external)).title == "A title"
    assert [asked.path for asked in server.asked] == ["/feed.xml", "/feed.xml"]


def test_other_encodings(server: Replay, client: HttpClient) -> None:
    body = '<?xml version="1.0" encoding="ISO-8859-1"?>' + atom(entry(title="<title>Größe</title>"))

    assert only(read(server, client, body.encode("iso-8859-1"))).title == "Größe"


def test_a_huge_title_is_bounded(server: Replay, client: HttpClient) -> None:
    paper = only(read(server, client, atom(entry(title=f"<title>{'word ' * 400_000}</title>"))))

    assert len(paper.title) <= 500
    assert len(paper.raw_title) <= 100_000


def test_errors_of_the_server(server: Replay, client: HttpClient) -> None:
    for status, error in ((404, SourceRefusedError), (500, SourceUnreachableError)):
        server.always(Reply(status=status))
        with pytest.raises(error, match="blog") as caught:
            feed(server, client).on(DAY, now=NOW)
        assert "secret" not in str(caught.value)


def test_check(server: Replay, client: HttpClient) -> None:
    server.order(Reply(body=RSS.encode()), Reply(status=503), Reply(body=b"<html></html>"))

    assert feed(server, client).check() == "feed blog answers at 127.0.0.1/feed.xml with 2 entries"
    with pytest.raises(SourceUnreachableError):
        feed(server, client).check()
    with pytest.raises(BadAnswerError):
        feed(server, client).check()
    assert len(server.asked) == 3


@pytest.mark.parametrize("unit", ["<b>", "<p>", "<!--", "<![", "<", "</", "<a href='", "&", "<svg>", "<think>"])
def test_hostile_markup_is_bounded(unit: str) -> None:
    assert len(html_text(unit * 1_000_000)) <= 2 * 100_000


@given(st.text())
def test_text_without_markup_is_kept(text: str) -> None:
    plain = text.replace("<", "").replace("&", "").replace("\r", "").replace("\0", "")

    assert html_text(plain) == plain


CHUNKS = st.sampled_from(
    [
        b"<entry>",
        b"</entry>",
        b"<title>",
        b"</title>",
        b"<id>",
        b"&",
        b"<",
        b">",
        b"<![CDATA[",
        b"]]>",
        b"\0",
        b"\xff",
        b"<link href='",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(CHUNKS | st.binary(max_size=8), max_size=30).map(b"".join))
def test_any_bytes_are_read_or_refused(server: Replay, client: HttpClient, inner: bytes) -> None:
    body = atom(entry()).encode().replace(b"</entry>", b"</entry>" + inner)
    try:
        batch = read(server, client, body)
    except BadAnswerError:
        return
    assert batch.entries >= len(batch.papers) + len(batch.rejected)
