"""What a setting's value may be: addresses, URLs, time zones and lines, each checked and said what is wrong with it.

The types are annotations for pydantic. Nothing here knows a setting's name or reads a file but the system's time zones.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, AnyHttpUrl, Field, TypeAdapter

# An address that a relay inside the operator's own network takes, which no rule of the public Internet knows:
# root@localhost, digest@intranet, digest@mail.local (letters of RFC 5322's dot-atom, labels of RFC 1123).
_IN_THE_HOUSE = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?",
    re.ASCII | re.IGNORECASE,
)
_WHOLE_URL = re.compile(r"https?://[^\s/?#\\][^\s\\]*", re.IGNORECASE)
_NOT_IN_LINKS = re.compile(r"""["'<>`{}|^]""")
_HOUR = 3600
_NO_HEADER = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's controls, halves of a surrogate pair, line and paragraph ends
# what turns the direction of all text after it (UAX 9); marks and joiners, which names in some scripts need, may stay
_DIRECTION = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all IANA time zones, read once: the files of the system are many."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("not an IANA time zone, for example Europe/Berlin")
    return name


def _http_url(url: str) -> str:
    TypeAdapter(AnyHttpUrl).validate_python(url)
    if not _WHOLE_URL.fullmatch(url):  # pydantic takes, and mends for itself, more than a client does
        raise ValueError("must be a whole address such as https://host/path, without spaces")
    return url.rstrip("/")


def _one_line(text: str) -> str:
    if any(unicodedata.category(c) in _NO_HEADER or unicodedata.bidirectional(c) in _DIRECTION for c in text):
        raise ValueError("must hold no control character")
    return text


def _mail_address(text: str) -> str:
    from email_validator import validate_email  # noqa: PLC0415 - keeps --help quick

    if not _IN_THE_HOUSE.fullmatch(text):
        validate_email(text, check_deliverability=False, test_environment=True)  # its errors are ValueErrors
    return text


def _mail_address_or_nothing(text: str) -> str:
    return _mail_address(text) if text else text


def _https_url_or_nothing(url: str) -> str:
    if not url:
        return url
    if urlsplit(_http_url(url)).scheme.lower() != "https":
        raise ValueError("must begin with https://, since readers' mail programs fetch it")
    return _for_links(url)


def _web_url_or_nothing(url: str) -> str:
    if not url:
        return url
    parts = urlsplit(_http_url(url))
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("must be the bare address of the web pages, such as https://digest.example")
    if parts.scheme.lower() != "https" and not _is_this_machine(parts.hostname or ""):
        raise ValueError("must begin with https://; plain http is for this machine alone")
    return _for_links(url).rstrip("/")


def _for_links(url: str) -> str:
    if not url.isascii() or _NOT_IN_LINKS.search(url):
        raise ValueError("must be written as a link is: ASCII, a host as xn--..., other characters as %41")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


Zone = Annotated[str, AfterValidator(_known_zone)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Line = Annotated[str, AfterValidator(_one_line)]
Address = Annotated[str, AfterValidator(_mail_address)]
AddressOrNothing = Annotated[str, AfterValidator(_mail_address_or_nothing)]
HttpsUrlOrNothing = Annotated[str, Field(max_length=1000), AfterValidator(_https_url_or_nothing)]
WebUrlOrNothing = Annotated[str, Field(max_length=200), AfterValidator(_web_url_or_nothing)]
Seconds = Annotated[float, Field(gt=0, le=_HOUR)]
