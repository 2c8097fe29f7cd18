"""Whose request it is, by tables."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from newsletter.settings import WebSettings
from newsletter.web.client import client_address, client_of, same_origin

PROXIES = ["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("198.51.100.7", [], [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], PROXIES, "198.51.100.7"),  # no proxy of ours says so
        ("10.0.0.1", ["203.0.113.9"], [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], PROXIES, "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.66, 203.0.113.9"], PROXIES, "203.0.113.9"),  # the left one is the client's own word
        ("10.0.0.1", ["192.0.2.66, 203.0.113.9, 10.9.9.9"], PROXIES, "203.0.113.9"),
        ("10.0.0.1", ["192.0.2.66", "203.0.113.9,10.9.9.9"], PROXIES, "203.0.113.9"),
        ("127.0.0.1", ["10.1.1.1, 10.2.2.2"], PROXIES, "10.1.1.1"),  # a client inside
        ("10.0.0.1", ["203.0.113.9, unknown"], PROXIES, "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:4711"], PROXIES, "203.0.113.9"),
        ("10.0.0.1", ["[2001:db9::7]:4711"], PROXIES, "2001:db9::7"),
        ("10.0.0.1", ["2001:db9::7"], PROXIES, "2001:db9::7"),
        ("2001:db8::1", ["2001:db8::2, 203.0.113.9"], PROXIES, "203.0.113.9"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], PROXIES, "203.0.113.9"),
        ("10.0.0.1", [""], PROXIES, "10.0.0.1"),
        ("10.0.0.1", ["<script>"], PROXIES, "10.0.0.1"),
        ("", ["203.0.113.9"], PROXIES, ""),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_no_trusted_proxy(
    peer: str, forwarded: list[str], trusted: list[str], expected: str
) -> None:
    assert client_address(peer, forwarded, trusted) == expected


def test_a_request_names_its_hops() -> None:
    headers = [(b"x-forwarded-for", b"192.0.2.66"), (b"x-forwarded-for", b"203.0.113.9")]
    request = Request({"type": "http", "client": ("10.0.0.1", 4711), "headers": headers})
    web = WebSettings(host="::", port=80, trusted_proxies=("10.0.0.0/8",), max_body_bytes=1024, max_import_bytes=1024)
    assert client_of(request, web) == "203.0.113.9"
    assert client_of(Request({"type": "http", "client": None, "headers": headers}), web) == ""


BASE = "https://digest.example/news"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, True),  # no browser
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),  # what a page under no-referrer makes of Origin
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site", "origin": "https://digest.example"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://digest.example"}, False),
        ({"origin": "https://digest.example"}, True),
        ({"origin": "HTTPS://Digest.Example"}, True),
        ({"origin": "http://digest.example"}, False),
        ({"origin": "https://digest.example:8443"}, False),
        ({"origin": "https://digest.example.evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "https://[bad"}, False),
    ],
)
def test_a_form_comes_from_a_page_of_ours_or_from_none(headers: dict[str, str], expected: bool) -> None:
    assert same_origin(headers, BASE) is expected
