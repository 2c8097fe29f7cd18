"""What was asked of the DNS, what it answered, and what is found in that; all of it values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_SHOWN = 80  # characters of a foreign record in a line for a person


class Question(NamedTuple):
    """One question: a domain name without a dot at its end, and a kind of record (`TXT`, `MX`, `A`, `AAAA`)."""

    name: str
    kind: str = "TXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The records of a name, none where there are none; `problem` says in a few words why it could not be asked."""

    records: tuple[str, ...] = ()
    problem: str = ""


Records = Mapping[Question, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """A key that mails are signed with; `record` is the TXT value that belongs to it."""

    domain: str
    selector: str
    record: str

    @property
    def name(self) -> str:
        """Where its record stands."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What of our own mails the DNS is held against; domains in ASCII and lower case.

    `from_domain` is the one readers see, `return_domain` that of the return path, to which bounces go. `one_click` says
    whether mails carry an https link for one-click unsubscribing.
    """

    from_domain: str
    return_domain: str
    keys: tuple[OwnKey, ...]
    one_click: bool


class Standing(StrEnum):
    """How a finding is meant: in order, advice, to be mended, or not known."""

    GOOD = "good"
    HINT = "hint"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: how it stands, and one line on what was found and what to do."""

    subject: str
    standing: Standing
    text: str


def answer_to(records: Records, name: str, kind: str = "TXT") -> Answer:
    """Return the answer to a question; one that was never put was not answered."""
    return records.get(Question(name, kind), Answer(problem="it was not asked"))


def tags_of(record: str) -> Mapping[str, str]:
    """Return a record's `name=value` tags (RFC 6376, section 3.2): names in lower case, values without outer spaces.

    Of a name that stands twice the first holds.
    """
    found: dict[str, str] = {}
    for tag in record.split(";"):
        name, equals, value = tag.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def shown(record: str) -> str:
    """Return a record's beginning, for a line to a person."""
    return record if len(record) <= _SHOWN else record[:_SHOWN] + "..."


def could_not(subject: str, name: str, problem: str) -> Finding:
    """Return the finding that something could not be checked."""
    return Finding(subject=subject, standing=Standing.UNKNOWN, text=f"{name} could not be checked: {problem}")
