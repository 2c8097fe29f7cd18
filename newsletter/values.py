"""What a setting's value may be: addresses, URLs, time zones and lines, each checked and said what is wrong with it.

The types are annotations for pydantic, whose errors become our own sentences here (`told`). Nothing here knows a
setting's name or reads a file but the system's time zones.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, AnyHttpUrl, Field, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

# An address that a relay inside the operator's own network takes, which no rule of the public Internet knows:
# root@localhost, digest@intranet, digest@mail.local (letters of RFC 5322's dot-atom, labels of RFC 1123).
_IN_THE_HOUSE = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?",
    re.ASCII | re.IGNORECASE,
)
_WHOLE_URL = re.compile(r"https?://[^\s/?#\\][^\s\\]*", re.IGNORECASE)
_NOT_IN_LINKS = re.compile(r"""["'<>`{}|^]""")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
SELECTOR_PATTERN = rf"^{_LABEL}(\.{_LABEL})*$"  # RFC 6376, section 3.1: one label or more
_DNS_NAME = re.compile(rf"(?=.{{4,253}}\Z){_LABEL}(\.{_LABEL})+")
_PORTS = range(1, 65536)
_HOUR = 3600
_NO_HEADER = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's controls, halves of a surrogate pair, line and paragraph ends
# what turns the direction of all text after it (UAX 9); marks and joiners, which names in some scripts need, may stay
_DIRECTION = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_NO_URL = "must be a whole address such as https://host/path, without spaces"
_SHOWN = 60  # characters of a wrong value
# What is asked for, by pydantic's name of the mistake (https://docs.pydantic.dev/latest/errors/validation_errors/).
_ASKED = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list in square brackets",
    "mapping_type": "must be a section of its own",
    "dict_type": "must be a section of its own",
    "model_type": "must be a section of its own",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} characters",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "missing": "is missing",
    "extra_forbidden": "is no name that can stand here",
}
_OTHER = "must be something else"


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all IANA time zones, read once: the files of the system are many."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    return name


def _http_url(url: str) -> str:
    try:
        TypeAdapter(AnyHttpUrl).validate_python(url)
    except ValidationError:
        raise ValueError(_NO_URL) from None
    if not _WHOLE_URL.fullmatch(url):  # pydantic takes, and mends for itself, more than a client does
        raise ValueError(_NO_URL)
    return url.rstrip("/")


def _one_line(text: str) -> str:
    if any(unicodedata.category(c) in _NO_HEADER or unicodedata.bidirectional(c) in _DIRECTION for c in text):
        raise ValueError("must hold no control character")
    return text


def _mail_address(text: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - keeps --help quick

    if not _IN_THE_HOUSE.fullmatch(text):
        try:
            validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            raise ValueError(f"must be an e-mail address ({str(error).rstrip('.')})") from None
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
    if parts.scheme.lower() != "https" and not is_this_machine(parts.hostname or ""):
        raise ValueError("must begin with https://; plain http is for this machine alone")
    return _for_links(url).rstrip("/")


def _for_links(url: str) -> str:
    if not url.isascii() or _NOT_IN_LINKS.search(url):
        raise ValueError("must be written as a link is: ASCII, a host as xn--..., other characters as %41")
    return url


def _dns_name(name: str) -> str:
    if not _DNS_NAME.fullmatch(name):
        raise ValueError("must be a domain as the DNS writes it, such as group.example: lower case, ASCII (xn--...)")
    return name


def _name_server_or_nothing(text: str) -> str:
    if text:
        name_server(text)
    return text


def name_server(text: str) -> tuple[str, int]:
    """Return the address and port (53 where none is named) of `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`.

    Raises:
        ValueError: it is none of these.
    """
    with_port = re.fullmatch(r"(?:\[(.+)\]|([^:]+)):(\d{1,5})", text)
    host, port = (with_port[1] or with_port[2], int(with_port[3])) if with_port else (text, 53)
    try:
        address = str(ip_address(host))
    except ValueError:
        address = ""
    if not address or port not in _PORTS:
        raise ValueError("must be an IP address, with or without a port, such as 192.0.2.1 or 192.0.2.1:5353")
    return address, port


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("must be an IP address or network such as 127.0.0.1 or 10.0.0.0/8") from None


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine by its name: a loopback address, or localhost (RFC 6761, section 6.3)."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def written_as(pattern: str, description: str) -> AfterValidator:
    """Return the check that a text is written as a regular expression has it, whole; `description` says it in words."""
    form = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(f"must be {description}")
        return text

    return AfterValidator(check)


def told(error: ValidationError) -> tuple[str, str]:
    """Return the dotted name of the first wrong value, and what is asked for and stands there, in our own words."""
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    context: Mapping[str, Any] = problem.get("ctx", {})
    asked = str(context["error"]) if "error" in context else _ASKED.get(problem["type"], _OTHER).format(**context)
    held = _shown(problem["input"]) if asked.startswith("must") else ""
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return place, f"{asked}{held}{more}"


def _shown(value: object) -> str:
    """Say what stands there; nothing of an address with `://`, which may hold a password."""
    if isinstance(value, bool):
        return f", and is {str(value).lower()}"
    if isinstance(value, dict | list):
        return f", and is {'a section' if isinstance(value, dict) else 'a list'}"
    if isinstance(value, str) and "://" in value:
        return ""
    written = repr(value) if isinstance(value, str) else str(value)
    return f", and is {written if len(written) <= _SHOWN else written[:_SHOWN] + '…'}"


_Item = TypeVar("_Item")

Several = Annotated[tuple[_Item, ...], Field(strict=False)]  # TOML has lists, and no tuples
Zone = Annotated[str, AfterValidator(_known_zone)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Line = Annotated[str, AfterValidator(_one_line)]
DnsName = Annotated[str, AfterValidator(_dns_name)]
NameServerOrNothing = Annotated[str, AfterValidator(_name_server_or_nothing)]
Network = Annotated[str, AfterValidator(_network)]
Address = Annotated[str, AfterValidator(_mail_address)]
AddressOrNothing = Annotated[str, AfterValidator(_mail_address_or_nothing)]
HttpsUrlOrNothing = Annotated[str, Field(max_length=1000), AfterValidator(_https_url_or_nothing)]
WebUrlOrNothing = Annotated[str, Field(max_length=200), AfterValidator(_web_url_or_nothing)]
Seconds = Annotated[float, Field(gt=0, le=_HOUR)]
