"""How long a server asks us to wait, read from its answer's headers. Pure: no clock, no network.

Two conventions are honoured: `Retry-After` (RFC 9110, section 10.2.3), and the `RateLimit` field of the IETF draft
draft-ietf-httpapi-ratelimit-headers as huggingface.co sends it (`RateLimit: "api";r=0;t=55`: r calls remain, t
seconds until the window starts again), https://huggingface.co/docs/hub/rate-limits. `RateLimit-Policy` (`q` calls in
`w` seconds) stands in for a missing `t`.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_ITEM = re.compile(r'(?:"[^"]*"|[^,"])+')
_NAME = re.compile(r'\s*("[^"]*"|[^;]*)')
_NUMBER = re.compile(r';\s*([a-z])\s*=\s*"?(\d{1,9})(?!\d)')


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a refusing answer asks to wait, or None when it names none.

    `Retry-After` goes before `RateLimit`, as the draft wants. A date is measured against the answer's own `Date`, so
    neither our clock nor its error matters. `headers` must not mind the case of names.
    """
    after = _retry_after(headers.get("Retry-After", ""), headers.get("Date", ""))
    return after if after is not None else spent_for(headers)


def spent_for(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a spent quota (`r=0`) is good again, or None when no quota is spent."""
    windows = {name: numbers.get("w") for name, numbers in _items(headers.get("RateLimit-Policy", ""))}
    resets = [
        numbers.get("t", windows.get(name))
        for name, numbers in _items(headers.get("RateLimit", ""))
        if numbers.get("r") == 0
    ]
    return max((float(reset) for reset in resets if reset is not None), default=None)


def _items(field: str) -> list[tuple[str, dict[str, int]]]:
    """Split a structured-field list into (name, its one-letter number parameters); what is malformed has none."""
    parsed = []
    for item in _ITEM.findall(field):
        name = _NAME.match(item)
        rest = item[name.end() :] if name else ""
        parsed.append(
            (name.group(1).strip() if name else "", {key: int(value) for key, value in _NUMBER.findall(rest)})
        )
    return parsed


def _retry_after(value: str, date: str) -> float | None:
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])  # nine digits are 31 years: longer than anyone waits
    until, sent = _http_date(value), _http_date(date)
    return max(0.0, (until - sent).total_seconds()) if until and sent else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
