"""Subscribers as CSV: every good row is read, every broken one is named, and an export reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import load_config
from newsletter.errors import UsageError
from newsletter.model import Cadence, Profile, Subscriber, SubscriberStatus
from newsletter.pipeline.audience import Defaults, normal_address, read_csv, write_csv
from newsletter.values import time_zones

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.settings import SubscriberSettings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SubscriberSettings:
    home: Path = tmp_path_factory.mktemp("home")
    return load_config(home, {}).subscribers


@pytest.fixture(scope="module")
def defaults(settings: SubscriberSettings) -> Defaults:
    return Defaults(settings=settings, status=SubscriberStatus.PENDING, topics=("agents", "robotics"))


def test_a_row_says_what_it_wants_and_the_defaults_say_the_rest(defaults: Defaults) -> None:
    sheet = read_csv(
        "Address,Topics,Interests,Cadence,Time Zone\r\n"
        "ada@example.org,agents;robotics,kv cache; long context ,weekly,Europe/Berlin\r\n"
        "bob@example.org,,,,\r\n",
        where="people.csv",
        defaults=defaults,
    )
    ada, bob = sheet.subscribers
    assert ada.profile == Profile(topics=("agents", "robotics"), interests=("kv cache", "long context"))
    assert (ada.cadence, ada.timezone, ada.status) == (Cadence.WEEKLY, "Europe/Berlin", SubscriberStatus.PENDING)
    assert (bob.cadence, bob.timezone, bob.hour, bob.size) == (Cadence.DAILY, "UTC", 7, 10)
    assert sheet.problems == ()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("nobody,agents", "no e-mail address"),
        (",agents", "no e-mail address"),
        ("a@example.org,agents,extra", "3 cells where the header has 2"),
        ("a@example.org,bees", "unknown topic 'bees'"),
        ('"a\nBcc: x@example.org",agents', "no e-mail address"),
        ("a@example.org\x00,agents", "no e-mail address"),
    ],
)
def test_a_broken_row_is_named_by_line_and_the_rest_is_kept(defaults: Defaults, row: str, named: str) -> None:
    text = f"address,topics\nfirst@example.org,agents\n{row}\nlast@example.org,robotics\n"
    sheet = read_csv(text, where="people.csv", defaults=defaults)
    assert [one.address for one in sheet.subscribers] == ["first@example.org", "last@example.org"]
    (problem,) = sheet.problems
    assert problem.startswith("people.csv, line")
    assert named in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("columns", "cells", "named"),
    [
        ("address,cadence", "a@example.org,hourly", "unknown cadence 'hourly'"),
        ("address,time zone", "a@example.org,Mars/Base", "unknown time zone 'Mars/Base'"),
        ("address,hour", "a@example.org,24", "hour '24'"),
        ("address,size", "a@example.org,0", "size '0'"),
        ("address,size", "a@example.org,1e3", "size '1e3'"),
        ("address,interests", f"a@example.org,{'x' * 10_001}", "10001 characters of interests"),
        ("address,interests", "a@example.org,kv\x1b[31m cache", "control character"),
        ("address,interests", "a@example.org,bees; kv\u2028cache", "'kv\\u2028cache' holds a control character"),
        ("address,interests", 'a@example.org,"kv\ncache"', "control character"),
        ("address,status", "a@example.org,friend", "unknown status 'friend'"),
        ("address,liked", "a@example.org,1706.03762;2005.14165", "'1706.03762;2005.14165' is no paper's id; part"),
        ("address,liked", "a@example.org,blog:1 bees", "'bees' is no paper's id"),
        ("address,liked,disliked", "a@example.org,1706.03762,arXiv:1706.03762v2", "both liked and disliked"),
        ("address,liked", f"a@example.org,{' '.join(f'x:{n}' for n in range(5_001))}", "5,000 are the most"),
    ],
)
def test_a_wrong_value_is_named(defaults: Defaults, columns: str, cells: str, named: str) -> None:
    sheet = read_csv(f"{columns}\n{cells}\n", where="people.csv", defaults=defaults)
    assert not sheet.subscribers
    assert named in sheet.problems[0]


@pytest.mark.parametrize("given", list(SubscriberStatus))
@pytest.mark.parametrize("agreed", [SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED])
def test_a_file_says_who_left_and_never_who_agreed(
    settings: SubscriberSettings, given: SubscriberStatus, agreed: SubscriberStatus
) -> None:
    reader = Defaults(settings=settings, status=agreed, topics=())
    text = write_csv([Subscriber(address="ada@example.org", status=given)])
    (one,) = read_csv(text, where="export.csv", defaults=reader).subscribers
    assert one.status is (agreed if given in {SubscriberStatus.PENDING, SubscriberStatus.CONFIRMED} else given)


def test_the_time_zones_of_the_system_are_read_once_for_all_rows(defaults: Defaults) -> None:
    time_zones.cache_clear()
    rows = "".join(f"r{number}@example.org,Europe/Berlin\n" for number in range(50))
    with patch("newsletter.values.available_timezones", return_value={"Europe/Berlin"}) as read:
        sheet = read_csv(f"address,time zone\n{rows}", where="people.csv", defaults=defaults)
    time_zones.cache_clear()
    assert len(sheet.subscribers) == 50
    assert read.call_count == 1


def test_the_same_address_twice_counts_once_whatever_its_case(defaults: Defaults) -> None:
    text = "address,topics\nAda@example.org,agents\nada@EXAMPLE.org,robotics\n"
    sheet = read_csv(text, where="people.csv", defaults=defaults)
    assert [one.profile.topics for one in sheet.subscribers] == [("agents",)]
    assert "line 3" in sheet.problems[0]
    assert "twice" in sheet.problems[0]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "'address' among them"),
        ("ada@example.org\n", "'address' among them"),
        ("address,colour\na@example.org,red\n", "unknown column 'colour'"),
        ("address,address\na@example.org,b@example.org\n", "twice"),
        ("address,topics\n", "no row"),
        ("address\n\n\n", "no row"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(defaults: Defaults, text: str, named: str) -> None:
    with pytest.raises(UsageError, match=r"people\.csv") as caught:
        read_csv(text, where="people.csv", defaults=defaults)
    assert named in str(caught.value)


def test_a_quote_that_never_closes_is_a_problem_not_a_crash(defaults: Defaults) -> None:
    text = 'address,topics\na@example.org,agents\n"b@example.org,agents\nc@example.org,agents\n'
    sheet = read_csv(text, where="p.csv", defaults=defaults)
    assert [one.address for one in sheet.subscribers] == ["a@example.org"]
    assert "lines 3 to 4 (an open quote?)" in sheet.problems[0]


def test_an_endless_cell_is_refused_in_one_line(defaults: Defaults) -> None:
    with pytest.raises(UsageError, match="not readable as CSV"):
        read_csv(f"address,interests\na@example.org,{'x' * 200_000}\n", where="p.csv", defaults=defaults)


def test_no_cell_of_an_export_is_a_spreadsheet_formula() -> None:
    one = Subscriber(address="=1+1@example.org", profile=Profile(interests=("-crypto", "@home")))
    text = write_csv([one])
    assert "'=1+1@example.org" in text
    assert "'-crypto" in text


interests = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30)


@given(st.lists(interests, max_size=4))
def test_what_is_exported_reads_back(settings: SubscriberSettings, wishes: list[str]) -> None:
    kept = tuple(dict.fromkeys(part.strip() for wish in wishes for part in wish.split(";") if part.strip()))
    one = Subscriber(address="ada@example.org", profile=Profile(interests=kept))
    reader = Defaults(settings=settings, status=SubscriberStatus.PENDING, topics=())
    sheet = read_csv(write_csv([one]), where="export.csv", defaults=reader)
    assert sheet.subscribers[0].profile.interests == kept


ids = st.one_of(
    st.from_regex(r"[0-9]{4}\.[0-9]{5}", fullmatch=True), st.from_regex(r"blog:[!-~]{1,40}", fullmatch=True)
)


@given(st.lists(ids, unique=True, max_size=6), st.integers(0, 6))
def test_liked_and_disliked_papers_read_back(settings: SubscriberSettings, papers: list[str], liked: int) -> None:
    one = Subscriber(
        address="ada@example.org", profile=Profile(liked=tuple(papers[:liked]), disliked=tuple(papers[liked:]))
    )
    reader = Defaults(settings=settings, status=SubscriberStatus.PENDING, topics=())
    sheet = read_csv(write_csv([one]), where="export.csv", defaults=reader)
    assert sheet.problems == ()
    assert sheet.subscribers[0].profile == one.profile


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        (" Ada@Example.ORG ", "Ada@example.org"),
        ("ada+papers@example.org", "ada+papers@example.org"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
    ],
)
def test_addresses_have_one_form(given: str, normal: str) -> None:
    assert normal_address(given) == normal


def test_an_address_that_reads_as_an_encoded_word_is_refused() -> None:
    for text in ("=?utf-8?q?ada?=@example.org", "a=?b@example.org"):
        with pytest.raises(UsageError, match="cannot be mailed to"):
            normal_address(text)
    assert normal_address("a=b?c@example.org") == "a=b?c@example.org"


@pytest.mark.parametrize("text", ["", "@", "a@b@c", "a b@example.org", "a@[127.0.0.1]", "a@example.org\r\nBcc: b@c.d"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no e-mail address"):
        normal_address(text)
