"""Headers of any mail are read as far as they go, whatever the standard library's parser makes of them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.render.checklist.evidence import parsed_header

NAMES = ["From", "To", "Cc", "Reply-To", "Sender", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
NAMES += ["Content-Disposition", "Content-Transfer-Encoding", "List-Id", "List-Unsubscribe"]
WHOLE = [
    "Digest <digest@a.example>",
    '"A, B" <a@b.c>, (x) c@[127.0.0.1]',
    "=?utf-8?q?a=20b?= <a@b.c>",
    "g: a@b.c, d@e.f;",
    "Tue, 14 Jul 2026 06:00:00 +0000",
    "<@a,@b:c@d>",
    "1.0",
    "text/html; charset=utf-8; name*0*=us-ascii'en'x%20; name*1=y",
    "attachment; filename*=utf-8''%e2%82%ac",
]
PIECES = st.sampled_from([*"()<>@,;:\\\"[].?=*%'/ \t_-0aé²٣\x00", "=?", "?=", "\r\n ", *WHOLE])
CUTS = st.tuples(st.sampled_from(WHOLE), st.integers(0, 60)).map(lambda cut: cut[0][: cut[1]])
VALUES = st.one_of(CUTS, st.lists(st.one_of(PIECES, CUTS), max_size=6).map("".join), st.text(max_size=20))

# One for each error that the parser raises, in one Python or another.
FALLS = [
    ("From", "<"),  # IndexError
    ("To", '"'),  # IndexError
    ("Sender", "a@["),  # AttributeError
    ("To", " .>"),  # TypeError
    ("Message-ID", "<a@["),  # UnboundLocalError
    ("MIME-Version", "²"),  # ValueError
    ("Content-Type", "a/b; x*" + "9" * 5_000 + "=1"),  # ValueError
    ("Content-Type", "a/b; n*=undefined''%41"),  # ValueError
    ("From", "(" * 2_000),  # RecursionError
    ("From", "\n"),  # ValueError
]


@pytest.mark.parametrize(("name", "value"), FALLS, ids=[f"{name} {value[:9]!r}" for name, value in FALLS])
def test_a_header_that_the_parser_falls_over_stays_as_it_is(name: str, value: str) -> None:
    read = parsed_header(name, value)
    assert str(read) == value or hasattr(read, "defects")


@settings(deadline=None, max_examples=1_000)
@given(st.sampled_from(NAMES), VALUES)
@example("Content-Disposition", ";_٣*")
@example("To", ":;]")
@example("Cc", "<@a ,(Z@b:c@d")
def test_no_header_stops_the_check(name: str, value: str) -> None:
    read = parsed_header(name, value)
    assert isinstance(read, str), "a header's parsed form is a text, too"
    assert hasattr(read, "defects") or read == value
