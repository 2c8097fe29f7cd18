"""Asking the DNS, with patience that ends: the one place here with a network and a clock. It judges nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import dns.exception
import dns.resolver

from newsletter.deliver.published.records import Answer
from newsletter.values import name_server

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from dns.rdata import Rdata

    from newsletter.deliver.published.records import Question, Records

PATIENCE = 10.0  # seconds for all questions together
_EACH = 4.0  # seconds for one, tries included
_LATE = "the DNS did not answer in time"
_TRY = 1.5  # seconds for one datagram: they get lost


def look_up(
    wanted: Callable[[Records], Collection[Question]], *, server: str = "", patience: float = PATIENCE
) -> Records:
    """Ask what is wanted, and again what the answers make wanted, within `patience` seconds; nothing is raised.

    `server` is an IP address, with or without a port; "" means the system's name servers.
    """
    ends = time.monotonic() + patience
    known: dict[Question, Answer] = {}
    try:
        resolver = _resolver(server)
    except (dns.exception.DNSException, OSError):
        return {question: Answer(problem="this machine names no DNS server") for question in wanted(known)}
    while new := [question for question in wanted(known) if question not in known]:
        for question in new:
            known[question] = _ask(resolver, question, seconds=min(_EACH, ends - time.monotonic()))
    return known


def _resolver(server: str) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not server)
    resolver.timeout = _TRY
    if server:
        address, resolver.port = name_server(server)
        resolver.nameservers = [address]
    return resolver


def _ask(resolver: dns.resolver.Resolver, question: Question, *, seconds: float) -> Answer:
    if seconds <= 0:
        return Answer(problem=_LATE)
    try:
        found = resolver.resolve(f"{question.name}.", question.kind, lifetime=seconds, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Answer()
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        return Answer(problem=_why(error))
    return Answer(records=tuple(_text(record) for record in found))


def _why(error: Exception) -> str:
    match error:
        case dns.exception.Timeout():
            return _LATE
        case dns.resolver.NoNameservers():
            return "the DNS server refused the question or failed"
        case OSError(strerror=str(reason)):
            return reason
        case _:
            return f"it cannot be asked ({type(error).__name__})"


def _text(record: Rdata) -> str:
    """Return a record as text; the strings of a TXT record belong together without a space (RFC 7208, section 3.3)."""
    strings = getattr(record, "strings", None)
    return str(record) if strings is None else b"".join(strings).decode("utf-8", "replace")
