"""SPF (RFC 7208): the record of the return path's domain, and those that it includes. Pure.

Whether it lists the address that the relay sends from is not judged: that address is not known here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.deliver.published.records import Finding, Question, Standing, answer_to, could_not

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.deliver.published.records import Records

_VERSION = re.compile(r"v=spf1( |\Z)", re.IGNORECASE)
_REFERS = re.compile(r"[+?~-]?include:(?P<included>\S+)|redirect=(?P<redirected>\S+)", re.IGNORECASE)
_LOOKS_UP = re.compile(r"[+?~-]?(include:|a([:/]|\Z)|mx([:/]|\Z)|ptr(:|\Z)|exists:)|redirect=", re.IGNORECASE)
_MOST_LOOKUPS = 10  # section 4.6.4
_SUBJECT = "SPF"


def spf_questions(domain: str, records: Records) -> Iterator[Question]:
    """Yield the names whose records make up a domain's SPF, as far as those known lead to them."""
    seen: list[str] = []
    waiting = [domain]
    while waiting and len(seen) <= _MOST_LOOKUPS:
        name = waiting.pop(0)
        if name not in seen:
            seen.append(name)
            yield Question(name)
            waiting += _referred(spf_records(records, name))


def spf_records(records: Records, domain: str) -> Sequence[str]:
    """Return the SPF records at a name; more than one is as bad as none."""
    return [record for record in answer_to(records, domain).records if _VERSION.match(record)]


def spf_finding(domain: str, records: Records) -> Finding:
    """Judge the SPF of a return path's domain."""
    answer = answer_to(records, domain)
    if answer.problem:
        return could_not(_SUBJECT, domain, answer.problem)
    found = spf_records(records, domain)
    if not found:
        text = (
            f'{domain} has no SPF record; ask who runs your relay which to publish, such as "v=spf1 include:... -all"'
        )
        return Finding(subject=_SUBJECT, standing=Standing.HINT, text=text)
    if fault := _fault(domain, found, records):
        return Finding(subject=_SUBJECT, standing=Standing.BAD, text=f"{domain} {fault}")
    unknown = [one.name for one in spf_questions(domain, records) if answer_to(records, one.name).problem]
    if unknown:
        return could_not(_SUBJECT, f"{unknown[0]}, which the record of {domain} includes,", "no answer")
    text = f"{domain} has one record; that it lists the address your relay sends from cannot be seen from here"
    return Finding(subject=_SUBJECT, standing=Standing.GOOD, text=text)


def _fault(domain: str, found: Sequence[str], records: Records) -> str:
    """Return what makes receivers take the record for broken or for worthless, or ""."""
    if len(found) > 1:
        return f"has {len(found)} SPF records, so none of them counts; merge them into one"
    if any(term.lower() in ("all", "+all") for term in found[0].split()):
        return "lets everybody send in its name (+all), so its SPF says nothing; end the record with -all or ~all"
    names = [one.name for one in spf_questions(domain, records)]
    lookups = sum(bool(_LOOKS_UP.match(term)) for name in names for term in _terms(spf_records(records, name)))
    if lookups > _MOST_LOOKUPS:
        return f"needs {lookups} DNS look-ups for its SPF record; more than {_MOST_LOOKUPS} make it fail: shorten it"
    for name in names[1:]:
        answer = answer_to(records, name)
        if not answer.problem and len(spf_records(records, name)) != 1:
            return f"includes the SPF record of {name}, which has none or several; take it out"
    return ""


def _terms(found: Sequence[str]) -> Sequence[str]:
    return found[0].split()[1:] if len(found) == 1 else ()


def _referred(found: Sequence[str]) -> Sequence[str]:
    """Return the names whose records a record takes in; those made up for each mail (`%`) cannot be looked up."""
    matches = filter(None, map(_REFERS.fullmatch, _terms(found)))
    names = [(match["included"] or match["redirected"]).rstrip(".").lower() for match in matches]
    return [name for name in names if "%" not in name]
