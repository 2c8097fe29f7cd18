"""The column types: aware UTC times, texts any database takes, JSON in a text column.

They act at the border, in both directions and on both databases. They know no table and decide nothing else.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

_T = TypeVar("_T")

# PostgreSQL refuses NUL in a text, and no UTF-8 holds half a surrogate pair.
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_UNFIT_JSON = re.compile(r"\\u0000|[\ud800-\udfff]")  # what JSON makes of those
_LARGEST = 2**31 - 1  # PostgreSQL's integer; no count of votes, stars or authors comes near

# SQLite gives row numbers only to a column of exactly this type; PostgreSQL needs more than 32 bits for deliveries.
BigKey = BigInteger().with_variant(Integer(), "sqlite")


def storable(value: _T) -> _T:
    """Return `value` as every database takes it: NUL dropped, half surrogates replaced, absurd numbers capped.

    Texts, numbers, and lists, tuples and dicts of them are gone through; anything else comes back as it is.
    """
    return _storable(value)  # type: ignore[no-any-return]  # the shape is kept, which the types cannot say


def _storable(value: Any) -> Any:  # noqa: ANN401 - whatever a paper or a JSON holds
    match value:
        case str():
            return _fit(value)
        case int() if not isinstance(value, bool):
            return max(-_LARGEST, min(_LARGEST, value))
        case list() | tuple():
            return type(value)(_storable(item) for item in value)
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _fit(text: str) -> str:
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return _UNFIT.sub(lambda match: "" if match.group() == "\x00" else "\ufffd", text)


def _encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept and returned in UTC; a naive one is refused with ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time into what the database keeps: SQLite has no zones and gets UTC's clock."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"the time {value.isoformat()} names no zone; the store takes aware times only")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time in UTC, whatever zone the connection is set to."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class CleanText(TypeDecorator[str]):
    """Text without what PostgreSQL or UTF-8 refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Drop NUL and replace half surrogates."""
        return None if value is None else _fit(value)


class JsonText(TypeDecorator[Any]):
    """Lists and dicts of texts and numbers as compact JSON; non-ASCII letters stay readable."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401 - any JSON
        """Encode the value, fit for storing."""
        if value is None:
            return None
        encoded = _encode(value)
        return _encode(storable(value)) if _UNFIT_JSON.search(encoded) else encoded

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON
        """Decode what was stored."""
        return None if value is None else json.loads(value)
