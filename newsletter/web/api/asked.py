"""What the API takes: pages, days and what somebody wants, each checked. Nothing is read that is not named here.

Wishes become cells of the CSV's columns, so that they are held to the very rules that a file and the page are.
"""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from newsletter.errors import UsageError
from newsletter.model import Cadence
from newsletter.period import parse_day

MOST_ROWS = 10_000
_MOST_PAGES = 10_000
_LARGEST_ID = 2**53 - 1  # what every JSON reader keeps exactly (RFC 8259, section 6)
_LONGEST_ADDRESS = 254  # RFC 5321, section 4.5.3.1.3, less the brackets


def _day(given: object) -> date:
    try:
        return parse_day(given if isinstance(given, str) else "")
    except UsageError as error:
        raise ValueError(str(error)) from None


def _ip_address(given: str) -> str:
    try:
        return str(ip_address(given))
    except ValueError:
        raise ValueError("must be an IP address") from None


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
IpAddress = Annotated[
    str,
    AfterValidator(_ip_address),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]}),
]
Id = Annotated[int, Path(ge=1, le=_LARGEST_ID)]
After = Annotated[int, Query(ge=0, le=_LARGEST_ID, description="The last id of the page before; 0 for the first page.")]
Number = Annotated[int, Query(ge=1, le=_MOST_PAGES, description="The number of the page.")]
Size = Annotated[int, Query(ge=1, le=100, description="How many on a page.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many at most.")]
TopicName = Annotated[str, Query(max_length=100, description="The name of a topic of this site.")]
Value = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern="^[^;]+$")]
Values = Annotated[list[Value], Field(max_length=200)]
Address = Annotated[str, Field(max_length=_LONGEST_ADDRESS, json_schema_extra={"format": "email"})]


class Wishes(BaseModel):
    """What somebody wants. What is not named takes the default, or stays as it is where they are known."""

    model_config = ConfigDict(extra="forbid", strict=True)

    topics: Values | None = Field(default=None, description="Names of topics of this site.")
    interests: Values | None = Field(default=None, description="Free text, each up to 300 characters without `;`.")
    authors: Values | None = Field(default=None, description="Followed, by name.")
    organisations: Values | None = Field(default=None, description="Followed, by name.")
    muted: Values | None = Field(default=None, description="Words that keep a paper out.")
    cadence: Annotated[Cadence, Field(strict=False)] | None = None
    weekday: str | None = Field(
        default=None,
        pattern="^(monday|tuesday|wednesday|thursday|friday|saturday|sunday)$",
        description="For weekly readers.",
    )
    hour: int | None = Field(default=None, ge=0, le=23, description="Of the reader's own clock.")
    time_zone: str | None = Field(default=None, max_length=100, description="An IANA name such as Europe/Berlin.")
    size: int | None = Field(default=None, ge=1, le=100, description="Papers in a digest.")

    def cells(self) -> dict[str, str]:
        """Return what is named as cells by the names of the CSV's columns, several values in one parted by `;`."""
        named = self.model_dump(include=set(Wishes.model_fields), exclude_none=True)
        return {name.replace("_", " "): _cell(value) for name, value in named.items()}


class NewSubscriber(Wishes):
    """Somebody who signs up."""

    address: Address
    client: IpAddress | None = Field(
        default=None,
        description="The person's own IP address, where a form of yours was filled in: sign-ups are limited by it. "
        "Without it they are by the address that the request comes from.",
    )


class Row(Wishes):
    """A row of an import."""

    address: Address


class Batch(BaseModel):
    """People who agreed to be mailed, and how and when they did; both are kept in the history of each."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(
        min_length=1, max_length=500, pattern=r"^\S", description="How they agreed, in one printable line."
    )
    agreed_on: Day = Field(description="The day on which they did; none to come.")
    rows: list[Any] = Field(
        min_length=1,
        max_length=MOST_ROWS,
        description="Each an object with `address` and, if wanted, the wishes of `NewSubscriber`. A row that is wrong "
        "is left out and named in the answer.",
    )


class Change(Wishes):
    """What shall be different. The address cannot be changed here: its owner confirms that from the new one."""

    paused_until: Day | None = Field(
        default=None, description="No mail before this day of their own zone, at most a year away; null ends a pause."
    )


class Wanted(BaseModel):
    """Whom to look up."""

    model_config = ConfigDict(extra="forbid", strict=True)

    address: Address


def _cell(value: object) -> str:
    return ";".join(value) if isinstance(value, list) else str(value)
