"""What a server answers is kept without the address that it was about."""

from __future__ import annotations

import pytest

from newsletter.deliver.replies import nameless


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("ada@reader.example", "ada@reader.example"),
        ("Ada.L+x@reader.example", "ada.l+X@READER.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@bücher.example", "ADA@Bücher.example"),
    ],
)
def test_no_spelling_of_the_address_is_kept(address: str, named: str) -> None:
    reply = f"550 5.1.1 <{named}>: no mailbox of {named} here"
    assert nameless(reply, address) == "550 5.1.1 <(the reader)>: no mailbox of (the reader) here"


def test_what_is_no_address_is_taken_out_as_it_is_written() -> None:
    assert nameless("a mail address cannot be used: é@", "é@") == "a mail address cannot be used: (the reader)"


def test_a_reply_that_names_nobody_stays_as_it_is() -> None:
    assert nameless("451 4.7.1 greylisted, ada", "ada@reader.example") == "451 4.7.1 greylisted, ada"
