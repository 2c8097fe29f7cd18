"""What servers say about waiting, read without a clock."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collect.ratelimit import asked_wait, spent_for

SENT = "Tue, 14 Jul 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": " 120 "}, 120.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9" * 5000}, 999_999_999.0),
        ({"Retry-After": "Tue, 14 Jul 2026 08:02:00 GMT", "Date": SENT}, 120.0),
        ({"Retry-After": "Tue, 14 Jul 2026 07:00:00 GMT", "Date": SENT}, 0.0),
        ({"Retry-After": "Tue, 14 Jul 2026 08:02:00 GMT"}, None),
        ({"Retry-After": "Tue, 14 Jul 2026 08:02:00 GMT", "Date": "today"}, None),
        ({"RateLimit": '"api";r=0;t=55'}, 55.0),
        ({"RateLimit": '"api";r=3;t=55'}, None),
        ({"Retry-After": "7", "RateLimit": '"api";r=0;t=55'}, 7.0),
    ],
)
def test_the_wait_of_a_refusal(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait({"Date": "", **headers}) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"api";r=0;t=55'}, 55.0),
        ({"RateLimit": '"api"; r=0; t=55'}, 55.0),
        ({"RateLimit": "api;t=12;r=0"}, 12.0),
        ({"RateLimit": '"pages";r=0;t=10, "api";r=0;t=55, "resolvers";r=9;t=200'}, 55.0),
        ({"RateLimit": '"a,b;r=0;t=9";r=1;t=5'}, None),
        ({"RateLimit": '"api";r=0', "RateLimit-Policy": '"fixed window";"api";q=500;w=300, "api";q=500;w=60'}, 60.0),
        ({"RateLimit": '"api";r=0'}, None),
        ({"RateLimit": '"api";r=;t='}, None),
        ({"RateLimit": "limit=100, remaining=0, reset=5"}, None),
        ({}, None),
    ],
)
def test_a_spent_quota(headers: dict[str, str], seconds: float | None) -> None:
    assert spent_for(headers) == seconds


def test_the_case_of_names_does_not_matter() -> None:
    assert asked_wait(httpx.Headers({"ratelimit": '"api";r=0;t=55'})) == 55.0


@given(st.text(), st.text(), st.text(), st.text())
def test_no_header_breaks_it(after: str, sent: str, limit: str, policy: str) -> None:
    headers = {"Retry-After": after, "Date": sent, "RateLimit": limit, "RateLimit-Policy": policy}

    wait = asked_wait(headers)

    assert wait is None or wait >= 0
